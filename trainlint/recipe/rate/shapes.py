"""Schedules as functions of how often they were stepped. The formulas are those PyTorch's schedulers compute.

`build` makes a Schedule from a shape primitive's name, the optimizer's rate and the scheduler's quantities,
keyed by the fields that the knowledge gives its parameters.
"""

from __future__ import annotations

import dataclasses
import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

Quantity = bool | int | float | str | tuple[float, ...] | tuple["Schedule", ...] | Callable[[int], float]
Quantities = Mapping[str, Quantity]
Steps = Callable[[int], float]

MAX_MEMORY = 20_000
"""Most steps of a schedule whose rate follows from the one before."""


class CurveError(Exception):
    """The rate cannot be simulated; the text says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of one optimizer.

    `at(n)` is the rate after n steps. `follow(rate, n)` is the rate after step n if it shares the optimizer
    with others and the rate was `rate` before; step 0 is its construction. None: it cannot share one.
    `resumes` tells whether it starts from the optimizer's own rate when a sequence comes to it; `between` is
    `at` for parts of a step, where it takes them; `end` is the step it is made to end at, `warm` the one its
    warmup is made to end at; `corners` are the steps around which it turns.
    """

    at: Steps
    follow: Callable[[float, int], float] | None = None
    resumes: bool = True
    between: Callable[[float], float] | None = None
    end: float | None = None
    corners: tuple[int, ...] = ()
    warm: float | None = None


def build(shape: str, base: float, quantities: Quantities) -> Schedule:
    """The schedule of a shape primitive that starts from the optimizer's rate `base`.

    Raises CurveError for a shape without a formula, and for quantities that are missing or refused.
    """
    maker = _SHAPES.get(shape)
    if maker is None:
        raise CurveError(f"a {shape or 'custom'} schedule has no formula")
    return maker(base, _Reader(quantities))


class _Reader:
    """Typed access to quantities."""

    def __init__(self, quantities: Quantities) -> None:
        self._quantities = quantities

    def has(self, name: str) -> bool:
        return name in self._quantities

    def number(self, name: str) -> float:
        value = self._quantities.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise CurveError(f"its {name.replace('_', ' ')} is not known")
        return value

    def positive(self, name: str) -> float:
        value = self.number(name)
        if not value > 0:
            raise CurveError(f"its {name.replace('_', ' ')} is {value:g}")
        return value

    def whole(self, name: str) -> int:
        value = self.positive(name)
        if value != int(value):
            raise CurveError(f"its {name.replace('_', ' ')} is {value:g}, not a whole number")
        return int(value)

    def text(self, name: str) -> str:
        value = self._quantities.get(name)
        if not isinstance(value, str):
            raise CurveError(f"its {name.replace('_', ' ')} is not known")
        return value

    def flag(self, name: str) -> bool:
        return self._quantities.get(name) is True

    def numbers(self, name: str) -> list[float]:
        value = self._quantities.get(name)
        if isinstance(value, tuple):
            found = [item for item in value if isinstance(item, (int, float))]
            if len(found) == len(value):
                return found
        raise CurveError(f"its {name.replace('_', ' ')} are not known")

    def schedules(self) -> list[Schedule]:
        value = self._quantities.get("schedulers")
        if isinstance(value, tuple):
            found = [item for item in value if isinstance(item, Schedule)]
            if found and len(found) == len(value):
                return found
        raise CurveError("its schedulers are not known")

    def function(self) -> Steps:
        value = self._quantities.get("function")
        if not callable(value):
            raise CurveError("its function is not known")
        return value


def _scaled(base: float, factor: Steps, turns: Sequence[float] = (), warms: bool = False) -> Schedule:
    """A rate that is `base` times a factor; beside others it scales whatever rate there is.

    `warms`: it rises to the last of its turns.
    """

    def follow(rate: float, step: int) -> float:
        if step == 0:
            return rate * factor(0)
        before = factor(step - 1)
        return rate * factor(step) / before if before else rate

    end = max(turns, default=None)
    warm = end if warms else None
    return Schedule(lambda step: base * factor(step), follow, end=end, corners=_around(*turns), warm=warm)


def _absolute(at: Steps) -> Schedule:
    return Schedule(at, lambda _, step: at(step))


def _step(base: float, given: _Reader) -> Schedule:
    every, factor = given.whole("every"), given.number("factor")
    return _scaled(base, lambda step: factor ** (step // every))


def _multistep(base: float, given: _Reader) -> Schedule:
    milestones = sorted(int(item) for item in given.numbers("milestones") if item == int(item) and item >= 0)
    factor = given.number("factor")
    return _scaled(base, lambda step: factor ** bisect_right(milestones, step), milestones)


def _exponential(base: float, given: _Reader) -> Schedule:
    factor = given.number("factor")
    return _scaled(base, lambda step: factor**step)


def _linear(base: float, given: _Reader) -> Schedule:
    start, end, length = given.number("start_factor"), given.number("end_factor"), given.positive("length")
    if not 0 < start <= 1 or not 0 <= end <= 1:
        raise CurveError("PyTorch refuses its factors")
    return _scaled(
        base, lambda step: start + (end - start) * min(length, step) / length, [length], warms=start < end
    )


def _constant(base: float, given: _Reader) -> Schedule:
    factor, length = given.number("factor"), given.number("length")
    if not 0 < factor <= 1:
        raise CurveError("PyTorch refuses its factor")

    def at(step: int) -> float:
        return factor if step < length or length <= 0 else 1.0

    return _scaled(base, at, [length], warms=factor < 1 and length > 0)


def _polynomial(base: float, given: _Reader) -> Schedule:
    length, power = given.positive("length"), given.number("power")
    return _scaled(base, lambda step: (1.0 - min(length, step) / length) ** power, [length])


def _cosine(base: float, given: _Reader) -> Schedule:
    length, lowest = given.positive("length"), given.number("min_lr")

    def height(step: int) -> float:
        return (1 + math.cos(math.pi * step / length)) / 2

    def follow(rate: float, step: int) -> float:
        if step == 0:
            return rate
        if (step - 1 - length) % (2 * length) == 0:
            return rate + (base - lowest) * (1 - math.cos(math.pi / length)) / 2
        return lowest + (rate - lowest) * height(step) / height(step - 1)

    return Schedule(
        lambda step: lowest + (base - lowest) * height(step), follow, end=length, corners=_around(length)
    )


def _cosine_restarts(base: float, given: _Reader) -> Schedule:
    first, multiple, lowest = given.whole("length"), given.whole("multiple"), given.number("min_lr")

    def at(step: float) -> float:
        length, start = first, 0.0
        if multiple == 1:
            start = step - step % first
        else:
            while step - start >= length:
                start += length
                length *= multiple
        return lowest + (base - lowest) * (1 + math.cos(math.pi * (step - start) / length)) / 2

    return Schedule(at, lambda _, step: at(step), between=at)


def _cyclic(_: float, given: _Reader) -> Schedule:
    low, high, up = given.number("base_lr"), given.number("max_lr"), given.positive("up")
    down = given.positive("down") if given.has("down") else up
    mode, factor, length = given.text("mode"), given.number("factor"), up + down
    if mode not in ("triangular", "triangular2", "exp_range"):
        raise CurveError(f"PyTorch has no mode {mode}")

    def at(step: int) -> float:
        cycle = math.floor(step / length)
        along = step - cycle * length
        height = along / up if along <= up else (length - along) / down
        scale = {"triangular": 1.0, "triangular2": 0.5**cycle, "exp_range": factor**step}[mode]
        return low + (high - low) * height * scale

    return Schedule(at, resumes=False, corners=_around(up))


def _one_cycle(_: float, given: _Reader) -> Schedule:
    total = (
        given.whole("length")
        if given.has("length")
        else given.whole("epochs") * given.whole("steps_per_epoch")
    )
    high, rising = given.number("max_lr"), given.number("warmup_fraction")
    start = high / given.positive("start_divisor")
    lowest = start / given.positive("final_divisor")
    if not 0 <= rising <= 1:
        raise CurveError("PyTorch refuses its pct_start")
    if given.flag("three_phase"):
        phases = [
            (rising * total - 1, start, high),
            (2 * rising * total - 2, high, start),
            (total - 1, start, lowest),
        ]
    else:
        phases = [(rising * total - 1, start, high), (total - 1, high, lowest)]
    between = {"cos": _between_cosine, "linear": _between_linear}.get(given.text("anneal"))
    if between is None:
        raise CurveError("PyTorch refuses its anneal_strategy")

    def at(step: int) -> float:
        step = min(step, total)
        begin = 0.0
        for position, (end, first, last) in enumerate(phases):
            if step <= end or position == len(phases) - 1:
                return between(first, last, (step - begin) / (end - begin))
            begin = end
        raise AssertionError("the last phase takes every step")

    return Schedule(at, resumes=False, end=total, corners=_around(*(end for end, _, _ in phases)))


def _between_cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) / 2 * (1 + math.cos(math.pi * share))


def _between_linear(first: float, last: float, share: float) -> float:
    return first + (last - first) * share


def _swa(base: float, given: _Reader) -> Schedule:
    target, length = given.number("min_lr"), given.number("length")
    linear = given.text("anneal") == "linear"

    def at(step: int) -> float:
        share = min(1.0, step / length) if length > 0 else 1.0
        if not linear:
            share = (1 - math.cos(math.pi * share)) / 2
        return target * share + base * (1 - share)

    return Schedule(at, resumes=False, corners=_around(length))


def _lambda(base: float, given: _Reader) -> Schedule:
    function = given.function()
    return _absolute(lambda step: base * function(step))


def _multiplicative(base: float, given: _Reader) -> Schedule:
    function = given.function()
    return Schedule(
        _remembered(base, lambda rate, step: rate * function(step)),
        lambda rate, step: rate * function(step) if step else rate,
        resumes=False,
    )


def _remembered(first: float, follow: Callable[[float, int], float]) -> Steps:
    """The rate at each step where it follows from the step before."""
    known = [first]

    def at(step: int) -> float:
        if step > MAX_MEMORY:
            raise CurveError("too many steps that follow from one another")
        while len(known) <= step:
            known.append(follow(known[-1], len(known)))
        return known[step]

    return at


def _sequential(_: float, given: _Reader) -> Schedule:
    schedules, milestones = given.schedules(), given.numbers("milestones")
    if len(milestones) != len(schedules) - 1:
        raise CurveError("PyTorch wants one milestone less than schedulers")
    if not all(schedule.resumes for schedule in schedules[1:]):
        raise CurveError("one of its schedulers does not start from the optimizer's rate")

    def at(step: int) -> float:
        position = bisect_right(milestones, step)
        start = int(milestones[position - 1]) if position else 0
        return schedules[position].at(step - start)

    starts = [0, *(int(item) for item in milestones)]
    turns = [start + turn for start, part in zip(starts, schedules, strict=True) for turn in part.corners]
    last = schedules[-1].end
    end = None if last is None else starts[-1] + last
    warm = milestones[0] if schedules[0].warm is not None and milestones else None
    return Schedule(at, resumes=False, end=end, corners=_around(*milestones, *turns), warm=warm)


def chained(base: float, schedules: Sequence[Schedule]) -> Schedule:
    """Schedules that are stepped together and act on one rate in turn. Raises CurveError where one cannot."""
    follows = [schedule.follow for schedule in schedules if schedule.follow is not None]
    if len(follows) < len(schedules):
        raise CurveError("one of the schedulers cannot share its optimizer")

    def follow(rate: float, step: int) -> float:
        for one in follows:
            rate = one(rate, step)
        return rate

    corners = tuple(turn for schedule in schedules for turn in schedule.corners)
    end = max((schedule.end for schedule in schedules if schedule.end is not None), default=None)
    warm = max((schedule.warm for schedule in schedules if schedule.warm is not None), default=None)
    return Schedule(
        _remembered(follow(base, 0), follow), follow, resumes=False, end=end, corners=corners, warm=warm
    )


def _chained(base: float, given: _Reader) -> Schedule:
    return chained(base, given.schedules())


def _around(*steps: float) -> tuple[int, ...]:
    return tuple(near for step in steps for near in (math.floor(step), math.ceil(step)))


_SHAPES: dict[str, Callable[[float, _Reader], Schedule]] = {
    "step": _step, "multistep": _multistep, "exponential": _exponential, "linear": _linear,
    "constant": _constant, "polynomial": _polynomial, "cosine": _cosine, "cosine-restarts": _cosine_restarts,
    "cyclic": _cyclic, "onecycle": _one_cycle, "swa": _swa, "lambda": _lambda,
    "multiplicative": _multiplicative, "sequential": _sequential, "chained": _chained,
}  # fmt: skip
