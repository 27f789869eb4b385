"""Schedules as plain functions of the step, which carry their own rate: the formulas of Optax and Keras."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from trainlint.recipe.rate.shapes import CurveError, Quantities, Schedule

PACKAGES = ("optax.", "keras.optimizers.schedules.")

_Make = Callable[["_Given"], Schedule]


def build_function(name: str, shape: str, quantities: Quantities) -> Schedule:
    """The schedule of a shape primitive, by the formula of the package `name` is from; a step is one update
    of the weights.

    Raises CurveError for a shape without a formula, and for quantities that are not known.
    """
    maker = (_KERAS if name.startswith("keras.") else _MAKERS).get(shape)
    if maker is None:
        raise CurveError(f"a {shape or 'custom'} schedule has no formula")
    return maker(_Given(quantities))


class _Given:
    """Typed access to quantities."""

    def __init__(self, quantities: Quantities) -> None:
        self.quantities = quantities

    def has(self, name: str) -> bool:
        return name in self.quantities

    def number(self, name: str, default: float | None = None) -> float:
        value = self.quantities.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise CurveError(f"its {name.replace('_', ' ')} is not known")
        return value

    def positive(self, name: str) -> float:
        value = self.number(name)
        if value <= 0:
            raise CurveError(f"its {name} is {value:g}")
        return value


def _constant(given: _Given) -> Schedule:
    if not given.has("warmup"):
        rate = given.number("initial_lr")
        return Schedule(lambda _: rate)
    start, peak, warmup = given.number("warmup_start"), given.number("max_lr"), given.number("warmup")
    return _line(start, peak, warmup)


def _line(start: float, stop: float, length: float, begin: float = 0.0, power: float = 1.0) -> Schedule:
    """From one rate to another; a length that is not positive leaves the first."""
    if length <= 0:
        return Schedule(lambda _: start)

    def at(step: int) -> float:
        done = min(max(step - max(begin, 0.0), 0.0), length)
        return float((start - stop) * (1 - done / length) ** power + stop)

    end = max(begin, 0.0) + length
    return Schedule(at, end=end, corners=_around(begin, end))


def _linear_between(given: _Given) -> Schedule:
    start, stop = given.number("initial_lr"), given.number("min_lr")
    return _line(start, stop, given.number("length"), given.number("begin", 0))


def _polynomial(given: _Given) -> Schedule:
    start, stop, power = given.number("initial_lr"), given.number("min_lr"), given.number("power")
    return _line(start, stop, given.number("length"), given.number("begin", 0), power)


def _cosine_part(start: float, length: float, lowest: float, power: float) -> Schedule:
    if length <= 0:
        raise CurveError(f"its length is {length:g}")

    def at(step: int) -> float:
        height = 0.5 * (1 + math.cos(math.pi * min(step, length) / length))
        return float(start * ((1 - lowest) * height**power + lowest))

    return Schedule(at, end=length, corners=_around(length))


def _cosine(given: _Given) -> Schedule:
    length, power = given.number("length"), given.number("power", 1.0)
    if not given.has("warmup"):
        return _cosine_part(given.number("initial_lr"), length, given.number("min_ratio", 0.0), power)
    peak, warmup = given.number("max_lr"), given.number("warmup")
    lowest = given.number("min_lr", 0.0) / peak if peak else 0.0
    rise = _line(given.number("warmup_start"), peak, warmup)
    return joined([rise, _cosine_part(peak, length - warmup, lowest, power)], [warmup])


def _exponential(given: _Given) -> Schedule:
    if given.has("warmup"):
        peak, warmup = given.number("max_lr"), given.number("warmup")
        rise = _line(given.number("warmup_start"), peak, warmup)
        return joined([rise, _fall(given, peak)], [warmup])
    return _fall(given, given.number("initial_lr"))


def _fall(given: _Given, start: float) -> Schedule:
    every, factor, begin = given.positive("every"), given.number("factor"), given.number("begin", 0)
    whole, bound = given.quantities.get("staircase") is True, given.quantities.get("min_lr")

    def at(step: int) -> float:
        done = (step - max(begin, 0.0)) / every
        if done <= 0 or factor == 0:
            return start
        rate = start * factor ** (math.floor(done) if whole else done)
        if isinstance(bound, (int, float)):
            return max(rate, bound) if factor < 1 else min(rate, bound)
        return float(rate)

    return Schedule(at)


def _sequential(given: _Given) -> Schedule:
    parts, boundaries = given.quantities.get("schedulers"), given.quantities.get("milestones")
    if not isinstance(parts, tuple) or not isinstance(boundaries, tuple):
        raise CurveError("its parts are not known")
    schedules = [part for part in parts if isinstance(part, Schedule)]
    limits = [limit for limit in boundaries if isinstance(limit, (int, float))]
    if len(schedules) < len(parts) or len(limits) < len(boundaries) or len(limits) + 1 != len(schedules):
        raise CurveError("its parts are not known")
    return joined(schedules, limits)


def joined(schedules: list[Schedule], boundaries: list[float]) -> Schedule:
    """Schedules one after another: each counts from the boundary it starts at."""

    def at(step: int) -> float:
        position = bisect_right(boundaries, step)
        return schedules[position].at(step - int(boundaries[position - 1]) if position else step)

    last = schedules[-1].end
    starts = [0.0, *boundaries]
    turns = [start + turn for start, part in zip(starts, schedules, strict=True) for turn in part.corners]
    end = None if last is None else starts[-1] + last
    return Schedule(at, end=end, corners=_around(*boundaries, *turns))


def _around(*steps: float) -> tuple[int, ...]:
    return tuple(near for step in steps for near in (math.floor(step), math.ceil(step)))


def _keras_cosine(given: _Given) -> Schedule:
    """https://keras.io/api/optimizers/learning_rate_schedules/cosine_decay/: the decay follows the warmup."""
    start, length, lowest = given.number("initial_lr"), given.number("length"), given.number("min_ratio")
    if not given.has("max_lr"):
        return _cosine_part(start, length, lowest, 1.0)
    peak, warmup = given.number("max_lr"), given.number("warmup")
    return joined([_line(start, peak, warmup), _cosine_part(peak, length, lowest, 1.0)], [warmup])


def _keras_polynomial(given: _Given) -> Schedule:
    if given.quantities.get("cycle") is not False:
        raise CurveError("it starts again")
    return _polynomial(given)


def _piecewise(given: _Given) -> Schedule:
    boundaries, values = (_numbers(given.quantities.get(name)) for name in ("milestones", "values"))
    if len(values) != len(boundaries) + 1:
        raise CurveError("it has not one rate more than boundaries")
    corners = _around(*(boundary + 1 for boundary in boundaries))
    return Schedule(lambda step: values[bisect_left(boundaries, step)], corners=corners)


def _numbers(value: object) -> list[float]:
    found = [item for item in value if isinstance(item, (int, float))] if isinstance(value, tuple) else []
    if not isinstance(value, tuple) or len(found) < len(value):
        raise CurveError("its boundaries or rates are not known")
    return found


def _inverse_time(given: _Given) -> Schedule:
    start, every, factor = given.number("initial_lr"), given.positive("every"), given.number("factor")
    whole = given.quantities.get("staircase") is True

    def at(step: int) -> float:
        done = step / every
        return start / (1 + factor * (math.floor(done) if whole else done))

    return Schedule(at)


_MAKERS: dict[str, _Make] = {
    "constant": _constant,
    "linear-between": _linear_between,
    "polynomial": _polynomial,
    "cosine": _cosine,
    "exponential": _exponential,
    "sequential": _sequential,
}

_KERAS: dict[str, _Make] = {
    "cosine": _keras_cosine,
    "exponential": _exponential,
    "inverse-time": _inverse_time,
    "piecewise": _piecewise,
    "polynomial": _keras_polynomial,
}
