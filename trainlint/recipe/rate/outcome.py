"""What a simulated run comes to: the parts of its schedule that it reaches, and its rate as it ends."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

from trainlint.recipe.rate.curve import Curve
from trainlint.recipe.rate.shapes import Schedule

SPENT = 1e-6
"""What is left of the peak where a rate counts as spent: no step of that size moves a float32 weight."""

_RESTART = 0.8
_SAME = 0.1
_EQUAL = 1e-9
_POINTS, _INVERSE_FALL = 5, 0.05


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """Where a schedule's warmup and the whole of it end, against the end of the run (1). None: not known."""

    warm: float | None = None
    whole: float | None = None


def parts_of(schedule: Schedule, steps: int) -> Parts:
    """The parts of a schedule that a run steps so many times."""
    if steps <= 0:
        return Parts()
    return Parts(
        None if schedule.warm is None else schedule.warm / steps,
        None if schedule.end is None else schedule.end / steps,
    )


def agreed(first: Parts, second: Parts) -> Parts:
    """The parts that two sizes of an epoch agree on, to within a tenth."""
    return Parts(_common(first.warm, second.warm), _common(first.whole, second.whole))


def _common(first: float | None, second: float | None) -> float | None:
    if first is None or second is None or abs(first - second) > _SAME * second:
        return None
    return second


def spent(curve: Curve) -> float | None:
    """From where on the rate is spent for good, against the end of the run (1); None where it never is."""
    limit = SPENT * curve.peak
    above = [step for step, rate in zip(curve.steps, curve.rates, strict=True) if rate > limit]
    length = curve.steps[-1] + 1
    return (above[-1] + 1) / length if above and above[-1] < curve.steps[-1] else None


def final_rise(curve: Curve) -> float | None:
    """How far the rate has risen again as the run ends, against its peak; None where it restarted at once.

    0 where the run ends with the lowest rate since the peak.
    """
    top = curve.rates.index(curve.peak)
    after = curve.rates[top:]
    lowest = min(after)
    span = curve.peak - lowest
    if span <= _EQUAL * curve.peak:
        return 0.0
    if any(later - earlier >= _RESTART * span for earlier, later in pairwise(after)):
        return None
    valley = len(after) - 1 - after[::-1].index(lowest)
    ends_rising = len(after) > 1 and after[-1] >= after[-2]
    return (after[-1] - lowest) / curve.peak if valley < len(after) - 1 and ends_rising else 0.0


def is_inverse(curve: Curve) -> bool:
    """Whether the rate falls as 1 / (1 + g·n): the same amount is added to its reciprocal at every step."""
    first, last = curve.rates[0], curve.rates[-1]
    if len(curve.rates) < _POINTS or last <= 0 or last >= first * (1 - _INVERSE_FALL):
        return False
    gain = (1 / last - 1 / first) / (curve.steps[-1] - curve.steps[0])
    return all(
        math.isclose(1 / rate, 1 / first + gain * (step - curve.steps[0]), rel_tol=1e-6)
        for step, rate in zip(curve.steps, curve.rates, strict=True)
        if rate > 0
    )


def compounds(rates: Sequence[float]) -> float | None:
    """What the last factor alone would leave of the rate, where factors that count the rounds pile up.

    `rates` are those of each round, each a multiple of the one before. None where the factors are those of
    a decay that is meant to be repeated: one constant, drops at some rounds, a slow start.
    """
    factors = [after / before for before, after in pairwise(rates) if before > 0]
    if len({round(factor, 9) for factor in factors}) < 3 or any(factor > 1 + _EQUAL for factor in factors):
        return None
    if any(later > earlier + _EQUAL for earlier, later in pairwise(factors)):
        return None
    middle = len(factors) // 2
    left = list(accumulate(factors, lambda one, other: one * other))[middle]
    return factors[-1] if factors[middle] <= 0.9 and left <= 0.1 * factors[middle] else None
