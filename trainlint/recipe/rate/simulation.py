"""Simulating the learning rate of one program: once an epoch, or batch by batch over a stand-in epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from trainlint.findings import Span
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.optimizers import Optimizers
from trainlint.recipe.code.placement import EPOCH, Placements
from trainlint.recipe.code.training import Training
from trainlint.recipe.derived import number
from trainlint.recipe.model import Value
from trainlint.recipe.rate.actions import RateActions, level_of
from trainlint.recipe.rate.curve import Curve, simulate
from trainlint.recipe.rate.formulas import Formulas
from trainlint.recipe.rate.functions import PACKAGES
from trainlint.recipe.rate.run import Action, play
from trainlint.recipe.rate.schedulers import Schedulers
from trainlint.recipe.rate.shapes import CurveError, Schedule, chained

_BATCHES = 16
"""Batches of a stand-in epoch, for schedules stepped per batch where the real number is not known."""

_MAX_STAND_IN = 2_400
_TOLERANCE = 0.06


@dataclasses.dataclass(frozen=True, slots=True)
class RunLength:
    """How many rounds the training loop makes, and what a round is."""

    rounds: int
    unit: str


@dataclasses.dataclass(frozen=True, slots=True)
class RateResult:
    """A simulated run.

    `warmup`, in units of `unit`, is None where the rate falls before its peak; `length`, in units of
    `length_unit`, is where the schedule ends, None where it does not say.
    """

    curve: Curve
    span: Span | None
    warmup: float | None
    unit: str
    length: float | None
    length_unit: str


class RateSimulation:
    """Simulates the rate of one program."""

    def __init__(
        self,
        seen: Observations,
        training: Training,
        optimizers: Optimizers,
        base: float | None,
        facts: Mapping[str, Value],
    ) -> None:
        self.seen = seen
        self.optimizers = optimizers
        self.base = base
        self.formulas = Formulas(seen, training)
        self.schedulers = Schedulers(seen, self.formulas, base)
        self.actions = RateActions(seen, Placements(seen, training), self.formulas)
        self.length = run_rounds(facts)

    def result(self) -> RateResult:
        """The simulated run. Raises CurveError."""
        calls = self.schedulers.outermost()
        if calls and self.optimizers.rate_stores:
            raise CurveError("both a scheduler and a rate written by hand")
        span = calls[0].span if calls else next(iter(self.optimizers.rate_stores), None)
        if self.length is None:
            raise CurveError("the length of the run is not known")
        if any(call.name.startswith(PACKAGES) for call in calls):
            return self._of_steps(calls, self.length, span)
        actions = self._actions(calls, 1)[1]
        if not calls and not actions:
            raise CurveError("what changes the rate is off by default, or was not found")
        if level_of(actions) == EPOCH:
            return self._per_round(calls, self.length, span)
        return self._per_batch(calls, self.length, span)

    def _of_steps(self, calls: list[Call], length: RunLength, span: Span | None) -> RateResult:
        """A run whose rate is a function of the number of updates."""
        given = self.seen.argument(self.optimizers.calls[0], "lr")
        if len(calls) != 1 or given is None or given.site != calls[0].site:
            raise CurveError("the schedule is not the optimizer's rate alone")
        if length.unit == "steps":
            schedule = self.schedulers.schedule(calls[0], 1)
            curve = simulate(schedule, length.rounds)
            return RateResult(curve, span, _float(curve.warmup), "steps", schedule.end, "steps")
        batches = _stand_in(length)
        few, many = (self.schedulers.schedule(calls[0], size) for size in (batches, 2 * batches))
        first = simulate(few, length.rounds * batches)
        second = simulate(many, length.rounds * 2 * batches)
        at_epochs = [(few.at(e * batches), many.at(2 * e * batches)) for e in range(length.rounds)]
        return _compared(first, second, at_epochs, (few.end, many.end), batches, span)

    def _actions(self, calls: list[Call], batches: int) -> tuple[list[Schedule], list[Action]]:
        if not calls:
            return [], list(self.actions.written())
        schedules = [self.schedulers.schedule(call, batches) for call in calls]
        return schedules, list(self.actions.stepped(calls, schedules))

    def _per_round(self, calls: list[Call], rounds: RunLength, span: Span | None) -> RateResult:
        schedules, actions = self._actions(calls, 1)
        plain = len(actions) == len(schedules) == 1 and actions[0].is_plain
        if plain:
            curve = simulate(schedules[0], rounds.rounds, first=int(actions[0].placement.ahead))
        else:
            curve = self._played(schedules, actions, rounds.rounds, 1)
        length = schedules[0].end if len(schedules) == 1 else None
        return RateResult(curve, span, _float(curve.warmup), rounds.unit, length, rounds.unit)

    def _per_batch(self, calls: list[Call], length: RunLength, span: Span | None) -> RateResult:
        """A run whose rate changes per batch: what two stand-in sizes of an epoch agree on."""
        if length.unit != "epochs":
            raise CurveError("the number of batches is not known")
        batches = _stand_in(length)
        made = [self._actions(calls, size) for size in (batches, 2 * batches)]
        first, second = (
            self._played(*one, length.rounds, size)
            for one, size in zip(made, (batches, 2 * batches), strict=True)
        )
        at_epochs = [(first.rates[e * batches], second.rates[2 * e * batches]) for e in range(length.rounds)]
        ends = [one[0].end if len(one) == 1 else None for one, _ in made]
        return _compared(first, second, at_epochs, (ends[0], ends[1]), batches, span)

    def _played(self, schedules: list[Schedule], actions: list[Action], rounds: int, batches: int) -> Curve:
        base = self.base
        if len(schedules) == 1:
            base = schedules[0].at(0)
        elif schedules:
            base = chained(float("nan") if base is None else base, schedules).at(0)
        curve = play(actions, list(self.formulas.loops.carried.values()), base, rounds, batches)
        if len(self.formulas.loops.clocks) > 1:
            raise CurveError("the rate is counted by several training loops")
        return curve


def run_rounds(facts: Mapping[str, Value]) -> RunLength | None:
    """How many epochs or steps the facts of a recipe give the run; None where they are not known."""
    for path, unit in (("train.epochs", "epochs"), ("train.steps", "steps")):
        rounds = number(facts.get(path))
        if rounds is not None and rounds == int(rounds) and rounds > 0:
            return RunLength(int(rounds), unit)
    return None


def _stand_in(length: RunLength) -> int:
    """How many batches an epoch is given where that is not known. Raises CurveError."""
    batches = min(_BATCHES, _MAX_STAND_IN // (2 * length.rounds))
    if batches < 2:
        raise CurveError("the run has too many epochs to follow batch by batch")
    return batches


def _compared(
    first: Curve,
    second: Curve,
    at_epochs: list[tuple[float, float]],
    ends: tuple[float | None, float | None],
    batches: int,
    span: Span | None,
) -> RateResult:
    """What runs with two sizes of an epoch agree on. Raises CurveError where the size matters."""
    highest = max(first.peak, second.peak)
    if any(abs(one - two) > _TOLERANCE * highest for one, two in at_epochs):
        raise CurveError("the rate hangs on the number of batches, which is not known")
    warmup, unit = _agreed(_float(first.warmup), _float(second.warmup), batches)
    end, end_unit = _agreed(ends[0], ends[1], batches)
    return RateResult(first, span, warmup, unit, end, end_unit)


def _agreed(first: float | None, second: float | None, batches: int) -> tuple[float | None, str]:
    """A length in steps for two sizes of an epoch, and its unit: the same in both is steps, else epochs."""
    if first is None or second is None or first == second:
        return first, "steps" if first else "epochs"
    return round(second / (2 * batches), 1), "epochs"


def _float(value: int | None) -> float | None:
    return None if value is None else float(value)
