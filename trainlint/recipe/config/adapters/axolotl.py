"""axolotl: accumulation that follows from `batch_size`. Read in utils/config/__init__.py, 0.19."""

from __future__ import annotations

from collections.abc import Mapping

from trainlint.recipe.config.adapters.adapted import Adapted
from trainlint.recipe.config.adapters.parts import made, number_of
from trainlint.recipe.config.fields import Reading
from trainlint.recipe.model import State, Value


def axolotl_facts(reading: Reading, facts: Mapping[str, Value]) -> Adapted:
    """`batch.grad_accum`, where only the batch of one device's update is written: batch_size over
    micro_batch_size."""
    root = reading.document.root
    written = root.get("batch_size")
    whole, part = number_of(reading, written), facts.get("batch.per_device")
    given = number_of(reading, root.get("gradient_accumulation_steps"))
    if written is None or not whole or given or part is None or not isinstance(part.value, int | float):
        return Adapted()
    reason = "without gradient_accumulation_steps, batch_size over micro_batch_size"
    steps = int(whole // part.value) if part.value > 0 else 0
    return Adapted(
        {"batch.grad_accum": made(reading, steps, written, state=State.DERIVED, reason=reason)}
        if steps
        else {}
    )
