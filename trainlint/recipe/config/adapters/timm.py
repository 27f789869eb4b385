"""timm: epochs that a cyclic schedule adds to the run. Read in scheduler/scheduler_factory.py, 1.0."""

from __future__ import annotations

from collections.abc import Mapping

from trainlint.recipe.config.adapters.adapted import Adapted
from trainlint.recipe.config.adapters.parts import made, number_of, unread, value_of
from trainlint.recipe.config.fields import Reading
from trainlint.recipe.model import State, Value

_CYCLIC = frozenset({"cosine", "tanh", "poly"})


def timm_facts(reading: Reading, facts: Mapping[str, Value]) -> Adapted:
    """`train.length`, where epochs at the lowest rate, or of a warmup that is not counted, come on top."""
    root = reading.document.root
    epochs, schedule = facts.get("train.epochs"), value_of(reading, root.get("sched")) or "cosine"
    if epochs is None or not isinstance(epochs.value, int | float) or schedule not in _CYCLIC:
        return Adapted()
    cycles = root.get("lr_cycle_limit")
    if cycles is not None and (number_of(reading, cycles) or 1) > 1:
        return Adapted({"train.length": unread(reading, cycles, "the schedule goes round several times")})
    added = {}
    for key, counts in (
        ("cooldown_epochs", True),
        ("warmup_epochs", value_of(reading, root.get("warmup_prefix"))),
    ):
        written = root.get(key)
        length = number_of(reading, written)
        if counts and written is not None and length and length > 0:
            added[key] = (written, length)
    if not added:
        return Adapted()
    total = epochs.value + sum(length for _, length in added.values())
    written = next(iter(added.values()))[0]
    reason = f"epochs and {' and '.join(added)}"
    return Adapted(
        {"train.length": made(reading, total, written, "epochs", state=State.DERIVED, reason=reason)}
    )
