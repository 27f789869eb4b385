"""Schedules with a linear warmup and lengths in steps, as Hugging Face's libraries make them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from trainlint.recipe.rate.shapes import CurveError, Quantities, Quantity, Schedule

PACKAGES = ("transformers.", "diffusers.")

Steps = Callable[[int], float]


def build_warmed(shape: str, base: float, quantities: Quantities) -> Schedule:
    """The schedule of a shape that follows a linear warmup.

    Raises CurveError for a shape without a formula and for quantities that are not known.
    """
    maker = _FACTORS.get(shape)
    floor = "min_ratio" in quantities or ("min_lr" in quantities and shape != "polynomial")
    if maker is None or floor:
        raise CurveError(f"a {shape} schedule with warmup has no formula")
    warmup = _number(quantities, "warmup", default=0.0)
    factor = maker(_Given(base, warmup, quantities))

    def at(step: int) -> float:
        return base * (step / max(1.0, warmup) if step < warmup else factor(step))

    ends = [warmup, _number(quantities, "length", default=0.0)]
    corners = tuple(near for end in ends for near in (math.floor(end), math.ceil(end)))
    length = quantities.get("length")
    end = length if isinstance(length, (int, float)) else None
    return Schedule(at, lambda _, step: at(step), end=end, corners=corners, warm=warmup or None)


def _number(quantities: Quantities, name: str, default: Quantity | None = None) -> float:
    value = quantities.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise CurveError(f"its {name} is not known")
    return value


@dataclasses.dataclass(frozen=True, slots=True)
class _Given:
    """What the factor of a schedule is made of."""

    base: float
    warmup: float
    quantities: Quantities

    def number(self, name: str, default: Quantity | None = None) -> float:
        return _number(self.quantities, name, default)

    def along(self) -> Steps:
        """How much of the way from the warmup's end to the run's end is done: above 1 after the end."""
        length = self.number("length")
        return lambda step: (step - self.warmup) / max(1.0, length - self.warmup)


def _constant(_: _Given) -> Steps:
    return lambda _step: 1.0


def _linear(given: _Given) -> Steps:
    along = given.along()
    return lambda step: max(0.0, 1.0 - along(step))


def _cosine(given: _Given) -> Steps:
    along, cycles = given.along(), given.number("cycles", default=0.5)
    return lambda step: max(0.0, (1 + math.cos(2 * math.pi * cycles * along(step))) / 2)


def _cosine_restarts(given: _Given) -> Steps:
    along, cycles = given.along(), given.number("cycles", default=1.0)

    def factor(step: int) -> float:
        done = along(step)
        return 0.0 if done >= 1 else max(0.0, (1 + math.cos(math.pi * ((cycles * done) % 1))) / 2)

    return factor


def _polynomial(given: _Given) -> Steps:
    along = given.along()
    lowest = given.number("min_lr", default=1e-7) / given.base
    power = given.number("power", default=1.0)
    return lambda step: lowest + (1 - lowest) * max(0.0, 1 - along(step)) ** power


def _inverse_root(given: _Given) -> Steps:
    scale = given.number("timescale", default=given.warmup or 10_000)
    return lambda step: 1 / math.sqrt((step + scale - given.warmup) / scale)


_FACTORS: dict[str, Callable[[_Given], Steps]] = {
    "constant": _constant,
    "linear-decay": _linear,
    "cosine": _cosine,
    "cosine-restarts": _cosine_restarts,
    "polynomial": _polynomial,
    "inverse-sqrt": _inverse_root,
}
