"""Ultralytics: rate and momentum that `optimizer: auto` ignores. Read in engine/trainer.py, 8.4."""

from __future__ import annotations

from collections.abc import Mapping

from trainlint.recipe.config.adapters.adapted import Adapted
from trainlint.recipe.config.adapters.parts import made, number_of, value_of
from trainlint.recipe.config.fields import Reading
from trainlint.recipe.config.tree import value_node
from trainlint.recipe.model import State, Value

_USUAL = {"lr0": 0.01, "momentum": 0.937}
"""The defaults: args.yaml, as training saves it, holds them all."""


def ultralytics_facts(reading: Reading, _facts: Mapping[str, Value]) -> Adapted:
    """What is written and dropped where the optimizer is chosen by the trainer."""
    root = reading.document.root
    chosen = root.get("optimizer")
    if chosen is not None and value_of(reading, chosen) not in ("auto", None):
        return Adapted()
    for key, usual in _USUAL.items():
        held = value_node(root, [key])
        value = number_of(reading, held.value) if held is not None else None
        if held is None or value is None or value == usual:
            continue
        why = "optimizer: auto" if chosen is not None else "no optimizer is named, which means auto"
        return Adapted(
            {
                "schedule.discarded": made(reading, f"{key}: {held.value.raw}", held.value),
                "schedule.discarded_by": made(reading, why, chosen or held.value, state=State.DERIVED),
                "schedule.instead": made(
                    reading,
                    "the trainer chooses optimizer, rate and momentum",
                    held.value,
                    state=State.DERIVED,
                ),
            }
        )
    return Adapted()
