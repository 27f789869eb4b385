"""The learning rate over a run: points of the simulated curve, and what the curve looks like."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from itertools import pairwise

from trainlint.recipe.rate.shapes import CurveError, Schedule

MAX_POINTS = 2_000
SHOWN_POINTS = 200
_EQUAL = 1e-9


@dataclasses.dataclass(frozen=True, slots=True)
class Curve:
    """Rates at increasing steps of a run; both have the same, positive length."""

    steps: tuple[int, ...]
    rates: tuple[float, ...]

    @property
    def peak(self) -> float:
        """The highest rate."""
        return max(self.rates)

    @property
    def final_ratio(self) -> float | None:
        """The last rate over the peak, None where the peak is not positive."""
        return self.rates[-1] / self.peak if self.peak > 0 else None

    @property
    def warmup(self) -> int | None:
        """The step at which the rate has risen to its peak: 0 if it starts there, None if it falls first."""
        top = self._top()
        rising = all(
            not _below(after, before)
            for before, after in zip(self.rates[:top], self.rates[1 : top + 1], strict=True)
        )
        return self.steps[top] if rising else None

    @property
    def shape(self) -> str:
        """What the rate does from its peak on: flat, decaying or cyclic; `rising` if the run ends there.

        A rate that falls and rises again before it peaks is cyclic too.
        """
        if self.warmup is None:
            return "cyclic"
        top = self._top()
        after = self.rates[top:]
        if len(after) == 1:
            return "rising" if top > 0 else "flat"
        if not any(_below(rate, self.peak) for rate in after):
            return "flat"
        falls = all(not _below(earlier, later) for earlier, later in pairwise(after))
        return "decaying" if falls else "cyclic"

    def shown(self) -> tuple[float, ...]:
        """The rates to draw: all of a short curve, else some two hundred."""
        if len(self.rates) <= SHOWN_POINTS:
            return self.rates
        last = len(self.rates) - 1
        return tuple(self.rates[round(last * i / (SHOWN_POINTS - 1))] for i in range(SHOWN_POINTS))

    def _top(self) -> int:
        peak = self.peak
        return next(i for i, rate in enumerate(self.rates) if not _below(rate, peak))


def simulate(schedule: Schedule, steps: int, first: int = 0) -> Curve:
    """The rates of a run of `steps` steps; `first` is how often the schedule was stepped before it.

    A run of more than 2,000 steps is sampled evenly, and where the schedule turns. Raises CurveError.
    """
    return sampled(lambda step: schedule.at(step + first), steps, (turn - first for turn in schedule.corners))


def sampled(rate: Callable[[int], float], steps: int, corners: Iterable[int] = ()) -> Curve:
    """The curve of a rate that is a function of the step. Raises CurveError where it is no finite number."""
    if steps <= 0:
        raise CurveError("the run has no steps")
    if steps <= MAX_POINTS:
        places: list[int] = list(range(steps))
    else:
        even = {round((steps - 1) * i / (MAX_POINTS // 2 - 1)) for i in range(MAX_POINTS // 2)}
        turns = [turn for turn in dict.fromkeys(corners) if 0 <= turn < steps][: MAX_POINTS // 2]
        places = sorted(even | set(turns))
    try:
        rates = tuple(_finite(rate(place)) for place in places)
    except (ArithmeticError, ValueError, TypeError) as error:
        raise CurveError(f"its formula fails: {error}") from error
    return Curve(tuple(places), rates)


def _finite(rate: object) -> float:
    if isinstance(rate, (int, float)) and math.isfinite(rate):
        return float(rate)
    raise CurveError("the rate is no finite number")


def _below(first: float, second: float) -> bool:
    return first < second - _EQUAL * abs(second)
