"""Callees that return a pair: an object, and a number that follows from what they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trainlint.analysis.evaluation.values import Origin, Resolved, unknown
from trainlint.knowledge.base import Entry

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

_CYCLIC = frozenset({"cosine", "tanh", "polynomial"})
"""Shapes of schedules that go round in cycles, whose cooldown comes on top of them."""


def pair_part(evaluator: Evaluator, base: Resolved, position: object) -> Resolved | None:
    """A part of the pair that an object's callee returns; None for callees that return no pair."""
    if base.kind != "object" or position not in (0, 1):
        return None
    entry = evaluator.entry(base.name)
    if entry is None or entry.extra.get("returns") != "pair":
        return None
    if position == 0:
        return base
    return _epochs(evaluator, base, entry) if entry.extra.get("second") == "epochs" else None


def _epochs(evaluator: Evaluator, base: Resolved, entry: Entry) -> Resolved:
    """The epochs of a schedule made by name: its length, with the cooldown where one cycle is all it runs."""
    named, length = (_given(evaluator, base, entry, field) for field in ("name", "length"))
    simple = entry.name.rpartition(".")[2]
    shapes = entry.extra.get("shapes")
    shape = shapes.get(str(named.value), "") if isinstance(shapes, dict) and named.kind == "const" else ""
    if not shape or not length.is_number:
        return unknown(f"the epochs that {simple}(…) gives: {length.name or named.name or 'its schedule'}")
    prefix = _given(evaluator, base, entry, "warmup_before")
    if prefix.value not in (False, None) or prefix.kind != "const":
        return unknown(f"the epochs that {simple}(…) gives: whether its warmup comes before")
    if shape not in _CYCLIC:
        return length
    cycles, cooldown = (_given(evaluator, base, entry, field) for field in ("cycles", "cooldown"))
    if cycles.value != 1 or not cooldown.is_number:
        return unknown(f"the epochs that {simple}(…) gives: its cycles or its cooldown")
    if cooldown.value == 0:
        return length
    return evaluator.operators.arithmetic("+", length, cooldown, Origin(None, "with its cooldown"))


def _given(evaluator: Evaluator, base: Resolved, entry: Entry, field: str) -> Resolved:
    """What a callee is given for a field: as an argument, among its options, or by default."""
    arguments = evaluator.binder.arguments(base)
    parameter = entry.fields.get(field, "")
    given = arguments.get(parameter)
    attributes = entry.extra.get("attributes")
    if given is None and isinstance(attributes, dict) and field in attributes:
        options = arguments.get(entry.fields.get("arguments", ""))
        usual = entry.extra.get("attribute_defaults")
        if (
            options is not None
            and isinstance(usual, dict)
            and evaluator.options.lacks(options, str(attributes[field]))
        ):
            return Resolved("const", value=usual.get(field))  # type: ignore[arg-type]
        given = None if options is None else evaluator.attribute(options, str(attributes[field]))
    if given is not None:
        return given.default()
    default = entry.default(field)
    if not arguments.complete or default is msgspec.UNSET or isinstance(default, list):
        return unknown(f"{parameter or field} is not known")
    return Resolved("const", value=default)
