"""What a framework does besides what its config says: defaults, and effects under conditions."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from trainlint.findings import Span
from trainlint.knowledge.format_model import Absent, Condition, Effect, Scalar
from trainlint.knowledge.versions import is_before
from trainlint.recipe.config.fields import Reading
from trainlint.recipe.config.scalars import typed
from trainlint.recipe.config.tree import find_all, nearest, value_node
from trainlint.recipe.model import Link, State, Value

_NOTHING = (None, "", "none", "null")


def absent_value(reading: Reading, absent: Absent, keys: Sequence[str]) -> Value | None:
    """What a field that is not written has instead; None where the format does not say.

    The span is the nearest thing that is written: the mapping the key would stand in.
    """
    root = reading.document.root
    if not _in_version(reading, absent) or not all(find_all(root, need) for need in absent.needs):
        return None
    span = _span_near(reading, keys[0]) if keys else reading.span(root)
    return Value(
        absent.value, State(absent.state), absent.unit, span, (Link(span, absent.reason),), absent.reason
    )


def _in_version(reading: Reading, absent: Absent) -> bool:
    """Whether the default is that of the version in use, the newest one where that is not known."""
    if not reading.version:
        return not absent.until
    too_old = bool(absent.since) and is_before(reading.version, absent.since)
    return not too_old and (not absent.until or is_before(reading.version, absent.until))


def effect_values(reading: Reading, effects: Sequence[Effect]) -> dict[str, Value]:
    """Recipe path → the value the framework gives it, by the first effect whose conditions hold."""
    values: dict[str, Value] = {}
    for effect in effects:
        if all(_holds(reading, path, condition) for path, condition in effect.when.items()):
            for path, value in _assigned(reading, effect).items():
                values.setdefault(path, value)
    return values


def _assigned(reading: Reading, effect: Effect) -> dict[str, Value]:
    values = {}
    for path, assigned in effect.sets.items():
        place = assigned.source or effect.at or next(iter(effect.when))
        span = _span_near(reading, place)
        value = _scalar(reading, assigned.source) if assigned.source else assigned.value
        chain = (Link(span, effect.reason),)
        state = State(effect.state)
        if path == "warmup.length" and value == 0:
            value, state = None, State.OFF
        values[path] = Value(value, state, assigned.unit, span, chain, effect.reason)
    return values


def _holds(reading: Reading, path: str, condition: Condition) -> bool:
    value = _scalar(reading, path)
    if condition.present is not None and condition.present != (value not in _NOTHING):
        return False
    if condition.const is not None and isinstance(condition.const, bool | int | float | str):
        return value == condition.const
    return _within(value, condition)


def _within(value: Scalar, condition: Condition) -> bool:
    bounds = (
        (condition.maximum, operator.le),
        (condition.minimum, operator.ge),
        (condition.exclusive_minimum, operator.gt),
        (condition.exclusive_maximum, operator.lt),
    )
    asked = [(bound, holds) for bound, holds in bounds if bound is not None]
    if not asked:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return all(holds(value, bound) for bound, holds in asked)


def _scalar(reading: Reading, path: str) -> Scalar:
    found = value_node(reading.document.root, path.split("."))
    if found is None:
        return None
    scalar = typed(found.value, reading.loader)
    return scalar.value if scalar.known else found.value.raw or "set"


def _span_near(reading: Reading, path: str) -> Span:
    found = nearest(reading.document.root, [step for step in path.split(".") if step != "*"])
    if found.value.kind != "scalar" and found.entry is not None:
        return reading.span(found.entry.key)
    line, column = found.value.place[:2]
    return (
        reading.span(found.value) if found.path else Span(reading.document.path, line, column, line, column)
    )
