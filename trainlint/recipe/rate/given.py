"""The rate of a run whose trainer makes the schedule by name: warmup, shape and length are settings."""

from __future__ import annotations

import dataclasses
import math

from trainlint.recipe.rate.curve import Curve, simulate
from trainlint.recipe.rate.shapes import CurveError, Quantity
from trainlint.recipe.rate.warmed import build_warmed

_BATCHES = 100
"""Updates of a stand-in epoch, where the real number is not known."""

_MAX_STAND_IN = 100_000
_TOLERANCE = 0.06
_PROBES = 64


@dataclasses.dataclass(frozen=True, slots=True)
class Warmup:
    """How long the rate rises: so many updates, or a share of the run."""

    steps: int = 0
    share: float = 0.0

    def of(self, total: int) -> int:
        """The updates of the warmup in a run of so many."""
        return self.steps or math.ceil(total * self.share)


def given_curve(shape: str, rate: float, warmup: Warmup, rounds: float, unit: str) -> Curve:
    """The rates of a run of so many epochs or steps.

    Raises CurveError for a shape without a formula, and where the rates hang on the updates of an epoch.
    """
    if unit == "steps":
        return _simulated(shape, rate, warmup, int(rounds))
    if rounds * 2 * _BATCHES > _MAX_STAND_IN or rounds <= 0:
        raise CurveError("the run has too many epochs to follow")
    first, second = (
        _simulated(shape, rate, warmup, math.ceil(rounds * size)) for size in (_BATCHES, 2 * _BATCHES)
    )
    for probe in range(_PROBES):
        one, two = (_at(curve, probe / _PROBES) for curve in (first, second))
        if abs(one - two) > _TOLERANCE * rate:
            raise CurveError("the rate hangs on the number of batches, which is not known")
    return first


def _simulated(shape: str, rate: float, warmup: Warmup, total: int) -> Curve:
    quantities: dict[str, Quantity] = {"warmup": warmup.of(total), "length": total}
    return simulate(build_warmed(shape, rate, quantities), total)


def _at(curve: Curve, share: float) -> float:
    return curve.rates[int(share * len(curve.rates))]
