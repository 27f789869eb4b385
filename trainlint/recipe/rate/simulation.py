"""Simulating the learning rate of one program: once an epoch, or batch by batch over a stand-in epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from trainlint.findings import Span
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.optimization.optimizers import Optimizers
from trainlint.recipe.code.placement import BATCH, EPOCH, Placements
from trainlint.recipe.code.training import Training
from trainlint.recipe.derived import number
from trainlint.recipe.model import Value
from trainlint.recipe.rate.actions import RateActions, level_of
from trainlint.recipe.rate.curve import Curve, simulate
from trainlint.recipe.rate.formulas import Formulas
from trainlint.recipe.rate.functions import PACKAGES
from trainlint.recipe.rate.outcome import Parts, agreed, parts_of
from trainlint.recipe.rate.run import Action, Played, play
from trainlint.recipe.rate.schedulers import Schedulers
from trainlint.recipe.rate.shapes import CurveError, Schedule, chained

_BATCHES = 16
"""Batches of a stand-in epoch, for schedules stepped per batch where the real number is not known."""

_MANY_BATCHES = 1_024
"""Batches of a large epoch, at which a schedule must still be what it is at a small one."""

_HUGE_EPOCH = 65_536
"""Batches of an epoch so large that a schedule counted in updates is over in it, or well under way."""

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
    `length_unit`, is where the schedule ends, None where it does not say. `parts` are where its warmup and
    the whole schedule end against the end of the run. `rounds` are the rates as each epoch starts,
    `fed_back` tells whether each of them is a multiple of the one before.
    """

    curve: Curve
    run: RunLength
    span: Span | None
    warmup: float | None
    unit: str
    length: float | None
    length_unit: str
    parts: Parts = dataclasses.field(default_factory=Parts)
    rounds: tuple[float, ...] = ()
    fed_back: bool = False


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
        made = (*optimizers.schedules, *optimizers.own_schedules)
        self.schedulers = Schedulers(seen, self.formulas, base, made)
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
            return self._of_steps(self._rate_of_updates(calls), self.length, span)
        if not calls and self.optimizers.rate_function is not None:
            made, span = self.optimizers.rate_function, self.optimizers.calls[0].span
            return self._of_steps(lambda size: self.schedulers.of_function(made, size), self.length, span)
        driven = self._driven(calls, self.length, span)
        if driven is not None:
            return driven
        actions = self._actions(calls, 1)[1]
        if not calls and not actions:
            raise CurveError("what changes the rate is off by default, or was not found")
        if level_of(actions) == EPOCH:
            return self._per_round(calls, self.length, span)
        return self._per_batch(calls, self.length, span)

    def _rate_of_updates(self, calls: list[Call]) -> Callable[[int], Schedule]:
        """The one schedule that is the optimizer's rate, by the number of batches. Raises CurveError."""
        given = self.seen.argument(self.optimizers.calls[0], "lr")
        if len(calls) != 1 or given is None or given.default().site != calls[0].site:
            raise CurveError("the schedule is not the optimizer's rate alone")
        return lambda size: self.schedulers.schedule(calls[0], size)

    def _of_steps(
        self, schedule_of: Callable[[int], Schedule], length: RunLength, span: Span | None
    ) -> RateResult:
        """A run whose rate is a function of the number of updates."""
        self.formulas.by_updates = True
        if length.unit == "steps":
            schedule = schedule_of(1)
            curve = simulate(schedule, length.rounds)
            parts, warmup = parts_of(schedule, length.rounds), _float(curve.warmup)
            return RateResult(curve, length, span, warmup, "steps", schedule.end, "steps", parts)
        self._refuse_updates([schedule_of], length.rounds)
        batches = _stand_in(length)
        few, many = (schedule_of(size) for size in (batches, 2 * batches))
        first = simulate(few, length.rounds * batches)
        second = simulate(many, length.rounds * 2 * batches)
        at_epochs = [(few.at(e * batches), many.at(2 * e * batches)) for e in range(length.rounds)]
        parts = agreed(parts_of(few, length.rounds * batches), parts_of(many, length.rounds * 2 * batches))
        result = _compared(first, second, at_epochs, (few.end, many.end), batches, length, span)
        return dataclasses.replace(result, parts=parts)

    def _actions(self, calls: list[Call], batches: int) -> tuple[list[Schedule], list[Action]]:
        if not calls:
            return [], list(self.actions.written())
        schedules = [self.schedulers.schedule(call, batches) for call in calls]
        return schedules, list(self.actions.stepped(calls, schedules))

    def _per_round(self, calls: list[Call], rounds: RunLength, span: Span | None) -> RateResult:
        schedules, actions = self._actions(calls, 1)
        self._refuse_batches(calls, schedules, rounds)
        plain = len(actions) == len(schedules) == 1 and actions[0].is_plain
        if plain:
            curve = simulate(schedules[0], rounds.rounds, first=int(actions[0].placement.ahead))
            parts, fed_back = parts_of(schedules[0], rounds.rounds), False
        else:
            played = self._played(schedules, actions, rounds.rounds, 1)
            curve, fed_back, parts = played.curve, played.fed_back, _reached(schedules, actions)
        length = schedules[0].end if len(schedules) == 1 else None
        warmup, unit, fed_back = _float(curve.warmup), rounds.unit, fed_back or _multiplies(calls)
        return RateResult(curve, rounds, span, warmup, unit, length, unit, parts, curve.rates, fed_back)

    def _refuse_batches(
        self, calls: Sequence[Call], schedules: Sequence[Schedule], rounds: RunLength
    ) -> None:
        """Raise CurveError where a schedule that is stepped once an epoch is as long as there are batches."""
        for call, schedule in zip(calls, schedules, strict=True):
            other = self.schedulers.schedule(call, 2)
            places = (1, rounds.rounds // 2, rounds.rounds)
            if any(_rate(schedule, step) != _rate(other, step) for step in places):
                raise CurveError("its length is counted in batches, and it is stepped once an epoch")

    def _driven(self, calls: Sequence[Call], length: RunLength, span: Span | None) -> RateResult | None:
        """A run of so many updates whose one schedule a library steps by itself; None for other runs."""
        levels = {self.seen.driven[call.site].level for call in calls if call.site in self.seen.driven}
        if length.unit != "steps" or not levels:
            return None
        if len(calls) != 1 or levels != {"step"}:
            raise CurveError("the number of epochs is not known")
        schedule = self.schedulers.schedule(calls[0], 1)
        curve = simulate(schedule, length.rounds)
        parts, warmup = parts_of(schedule, length.rounds), _float(curve.warmup)
        return RateResult(curve, length, span, warmup, "steps", schedule.end, "steps", parts)

    def _every(self, calls: Sequence[Call]) -> int:
        """How many batches a step of the schedules takes."""
        known = (self.seen.driven.get(call.site) or self.seen.counted.get(call.site) for call in calls)
        return max((each.every for each in known if each is not None), default=1)

    def _refuse_updates(
        self, schedules: Sequence[Callable[[int], Schedule]], rounds: int, every: int = 1
    ) -> None:
        """Raise CurveError where a schedule that is stepped at every batch is so many updates long."""
        for made in schedules:
            small, large = (made(size) for size in (_BATCHES, _MANY_BATCHES))
            if small.end is not None and small.end == large.end and small.end > _BATCHES:
                raise CurveError("its length is in updates, and the number of batches is not known")
            try:
                places = (rounds // 2 or 1, rounds - 1 or 1)
                rates = [_rates_at(made, epoch, every) for epoch in places]
            except CurveError:
                continue
            highest = max(max(map(abs, at_epoch)) for at_epoch in rates)
            if any(max(at_epoch) - min(at_epoch) > _TOLERANCE * highest for at_epoch in rates):
                raise CurveError("the rate hangs on the number of batches, which is not known")

    def _per_batch(self, calls: list[Call], length: RunLength, span: Span | None) -> RateResult:
        """A run whose rate changes per batch: what two stand-in sizes of an epoch agree on."""
        if length.unit != "epochs":
            raise CurveError("the number of batches is not known")
        every = self._every(calls)
        batches = _stand_in(length, every)
        made = [self._actions(calls, size) for size in (batches, 2 * batches)]
        if all(action.counter is not None and action.placement.level == BATCH for action in made[0][1]):
            made_of = [partial(self.schedulers.schedule, call) for call in calls]
            self._refuse_updates(made_of, length.rounds, self._every(calls))
        played = [
            self._played(*one, length.rounds, size)
            for one, size in zip(made, (batches, 2 * batches), strict=True)
        ]
        first, second = (one.curve for one in played)
        at_epochs = [(first.rates[e * batches], second.rates[2 * e * batches]) for e in range(length.rounds)]
        ends = [one[0].end * every if len(one) == 1 and one[0].end is not None else None for one, _ in made]
        result = _compared(first, second, at_epochs, (ends[0], ends[1]), batches, length, span)
        return dataclasses.replace(
            result,
            parts=agreed(_reached(*made[0]), _reached(*made[1])),
            rounds=tuple(rate for rate, _ in at_epochs),
            fed_back=played[0].fed_back,
        )

    def _played(self, schedules: list[Schedule], actions: list[Action], rounds: int, batches: int) -> Played:
        base = self.base
        if len(schedules) == 1:
            base = schedules[0].at(0)
        elif schedules:
            base = chained(float("nan") if base is None else base, schedules).at(0)
        played = play(actions, list(self.formulas.loops.carried.values()), base, rounds, batches)
        if len(self.formulas.loops.clocks) > 1:
            raise CurveError("the rate is counted by several training loops")
        return played


def run_rounds(facts: Mapping[str, Value]) -> RunLength | None:
    """How many epochs or steps the facts of a recipe give the run; None where they are not known."""
    for path, unit in (("train.epochs", "epochs"), ("train.steps", "steps")):
        rounds = number(facts.get(path))
        if rounds is not None and rounds == int(rounds) and rounds > 0:
            return RunLength(int(rounds), unit)
    return None


def _reached(schedules: Sequence[Schedule], actions: Sequence[Action]) -> Parts:
    """The parts of the one schedule that was stepped, after a run."""
    counters = {id(action.counter): action.counter for action in actions}
    counter = next(iter(counters.values()), None)
    if len(schedules) != 1 or len(counters) != 1 or counter is None:
        return Parts()
    return parts_of(schedules[0], counter.done)


def _multiplies(calls: Sequence[Call]) -> bool:
    """Whether the one scheduler multiplies the last rate by what its function gives."""
    return len(calls) == 1 and calls[0].entry is not None and calls[0].entry.shape == "multiplicative"


def _rates_at(made: Callable[[int], Schedule], epoch: int, every: int) -> list[float]:
    """The rates at the start of an epoch, for epochs of several numbers of batches."""
    sizes = (_BATCHES, _MANY_BATCHES, _HUGE_EPOCH)
    return [_rate(made(size), epoch * size // every) for size in sizes]


def _rate(schedule: Schedule, step: int) -> float:
    try:
        return schedule.at(step)
    except (ArithmeticError, ValueError, TypeError) as error:
        raise CurveError(f"its formula fails: {error}") from error


def _stand_in(length: RunLength, every: int = 1) -> int:
    """How many batches an epoch is given where that is not known, `every` of them a step. Raises
    CurveError."""
    batches = min(_BATCHES * every, _MAX_STAND_IN // (2 * length.rounds)) // every * every
    if batches < 2 * every:
        raise CurveError("the run has too many epochs to follow batch by batch")
    return batches


def _compared(
    first: Curve,
    second: Curve,
    at_epochs: list[tuple[float, float]],
    ends: tuple[float | None, float | None],
    batches: int,
    run: RunLength,
    span: Span | None,
) -> RateResult:
    """What runs with two sizes of an epoch agree on. Raises CurveError where the size matters."""
    highest = max(first.peak, second.peak)
    if any(abs(one - two) > _TOLERANCE * highest for one, two in at_epochs):
        raise CurveError("the rate hangs on the number of batches, which is not known")
    warmup, unit = _agreed(_float(first.warmup), _float(second.warmup), batches)
    end, end_unit = _agreed(ends[0], ends[1], batches)
    return RateResult(first, run, span, warmup, unit, end, end_unit)


def _agreed(first: float | None, second: float | None, batches: int) -> tuple[float | None, str]:
    """A length in steps for two sizes of an epoch, and its unit: the same in both is steps, else epochs."""
    if first is None or second is None or first == second:
        return first, "steps" if first else "epochs"
    return round(second / (2 * batches), 1), "epochs"


def _float(value: int | None) -> float | None:
    return None if value is None else float(value)
