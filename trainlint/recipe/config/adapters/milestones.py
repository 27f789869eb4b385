"""Milestones of a schedule as facts of a scheduler: which the run reaches, which lie beyond its end."""

from __future__ import annotations

from collections.abc import Sequence

from trainlint.recipe.config.adapters.parts import made, number_of
from trainlint.recipe.config.fields import Reading
from trainlint.recipe.model import State, Value
from trainlint.text.document import Node


def numbers_in(reading: Reading, node: Node | None) -> list[float] | None:
    """The numbers of a list; None where it is none, or holds something else."""
    if node is None or node.kind != "sequence" or not node.children:
        return None
    found = [number_of(reading, child) for child in node.children]
    numbers = [number for number in found if number is not None]
    return numbers if len(numbers) == len(found) else None


def milestone_facts(
    reading: Reading, name: str, written: Node | None, run: Value | None, unit: str
) -> dict[str, Value]:
    """`scheduler.*` of a list of milestones; none where it is not known, or counts in another unit than the
    run."""
    milestones = numbers_in(reading, written)
    if written is None or milestones is None or run is None or not run.known or run.unit != unit:
        return {}
    end = run.value
    if not isinstance(end, int | float) or end <= 0:
        return {}
    missed = [each for each in milestones if each >= end]
    facts = {
        "scheduler.name": made(reading, name, written),
        "scheduler.lengths": made(reading, f"milestones {_listed(milestones)}", written),
        "scheduler.drops": _derived(reading, len(milestones) - len(missed), written),
        "scheduler.missed": _derived(reading, len(missed), written),
        "scheduler.shortest_share": _derived(reading, min(milestones) / end, written, "ratio"),
    }
    if missed:
        facts["scheduler.first_missed"] = _derived(reading, min(missed), written, unit)
    return facts


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _derived(reading: Reading, value: float, node: Node, unit: str = "") -> Value:
    return made(reading, value, node, unit, state=State.DERIVED)
