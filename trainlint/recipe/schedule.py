"""The schedule of a program's rate: the simulated curve, and what it says of warmup, peak and decay."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from trainlint.findings import Span
from trainlint.recipe.derived import number
from trainlint.recipe.formulas import Formulas
from trainlint.recipe.leaves import absent, derived, unknown_value
from trainlint.recipe.model import State, Value
from trainlint.recipe.observe import Call, Observations
from trainlint.recipe.optimizers import Optimizers
from trainlint.recipe.placement import EPOCH, Placements
from trainlint.recipe.rate_actions import RateActions, level_of
from trainlint.recipe.rate_curve import Curve, simulate
from trainlint.recipe.rate_run import Action, play
from trainlint.recipe.rate_shapes import CurveError, Schedule, chained
from trainlint.recipe.schedulers import Schedulers
from trainlint.recipe.training import Training

_BATCHES = 24
"""Batches of a stand-in epoch, for schedules stepped per batch where the real number is not known."""

_MAX_STAND_IN = 4_000
_TOLERANCE = 0.06
_FALLING = frozenset(
    {"step", "multistep", "exponential", "cosine", "cosine-restarts", "polynomial", "plateau"}
)
_NAMES = {
    "polynomial": "poly",
    "cosine-restarts": "cosine",
    "lambda": "custom",
    "multiplicative": "custom",
    "swa": "custom",
}


@dataclasses.dataclass(frozen=True, slots=True)
class RateFacts:
    """The facts of a schedule, and its rates from the run's start to its end (empty where not known)."""

    facts: dict[str, Value]
    curve: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class _Length:
    """How many rounds the training loop makes, and what a round is."""

    rounds: int
    unit: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Result:
    """A simulated run; `warmup` in units of `unit`, None where the rate falls before its peak."""

    curve: Curve
    unit: str
    warmup: float | None
    span: Span | None


def schedule_facts(
    seen: Observations,
    training: Training,
    optimizers: Optimizers,
    primary: Mapping[str, Value],
    facts: Mapping[str, Value],
) -> RateFacts:
    """`schedule.*`, `warmup.length`, `rate.peak` and `rate.final_ratio` of a program with one optimizer.

    `facts` gives the run's length.
    """
    if not primary:
        return RateFacts({"schedule.name": unknown_value("there is no single optimizer")})
    steps = primary["optimizer.schedule.steps_rate"]
    rate = primary["optimizer.lr"]
    if steps.known and steps.value is False:
        return _constant(steps, rate, facts)
    if not steps.known:
        return RateFacts(_unknown(steps.reason, steps.span))
    named = {"schedule.name": _name(optimizers)}
    try:
        result = _Simulation(seen, training, optimizers, number(rate), facts).result()
    except CurveError as error:
        return RateFacts({**named, **_without_curve(seen, optimizers, steps, str(error))})
    return RateFacts({**named, **_from_curve(result, rate)}, result.curve.shown())


def _constant(steps: Value, rate: Value, facts: Mapping[str, Value]) -> RateFacts:
    found = {
        "schedule.name": derived("constant", steps.span),
        "schedule.shape": derived("flat", steps.span),
        "optimizer.schedule.decays": derived(False, steps.span),
        "warmup.length": absent(steps.span),
    }
    peak, length = number(rate), _length(facts)
    if peak is None:
        return RateFacts(found)
    found["rate.final_ratio"] = derived(1.0, rate.span, unit="ratio")
    return RateFacts(found, (peak,) * min(length.rounds, 200) if length is not None else ())


def _unknown(reason: str, span: Span | None) -> dict[str, Value]:
    paths = (
        "schedule.name",
        "schedule.shape",
        "warmup.length",
        "optimizer.schedule.decays",
        "rate.peak",
        "rate.final_ratio",
    )
    return {path: unknown_value(reason, span) for path in paths}


def _without_curve(seen: Observations, optimizers: Optimizers, steps: Value, reason: str) -> dict[str, Value]:
    """What the schedulers' kinds alone tell: most start at the optimizer's rate and lower it."""
    found = _unknown(reason, steps.span)
    del found["schedule.name"]
    shapes = {call.entry.shape if call.entry is not None else "" for call in optimizers.schedules}
    falls = shapes <= _FALLING and all(_falls(seen, call) for call in optimizers.schedules)
    if optimizers.rate_stores or not falls:
        return found
    del found["rate.peak"]
    found["warmup.length"] = absent(steps.span)
    return found


def _falls(seen: Observations, call: Call) -> bool:
    """Whether a schedule of a kind that lowers the rate does lower it."""
    entry = call.entry
    if entry is None or entry.framework != "torch":
        return False
    factor = seen.argument(call, "factor")
    if factor is None:
        return True
    value = factor.default().value
    return isinstance(value, (int, float)) and 0 <= value <= 1


def _from_curve(result: _Result, rate: Value) -> dict[str, Value]:
    curve, span = result.curve, result.span
    found = {
        "schedule.shape": derived(curve.shape, span),
        "optimizer.schedule.decays": derived(curve.shape in ("decaying", "cyclic"), span),
        "rate.peak": _peak(curve.peak, rate, span),
    }
    if curve.shape == "flat" and result.warmup == 0:
        found["schedule.name"] = derived("constant", span)
    if curve.final_ratio is not None:
        found["rate.final_ratio"] = derived(curve.final_ratio, span, unit="ratio")
    if result.warmup is None:
        found["warmup.length"] = unknown_value("the rate falls before it reaches its peak", span)
    elif result.warmup == 0:
        found["warmup.length"] = absent(span)
    else:
        found["warmup.length"] = derived(_whole(result.warmup), span, unit=result.unit)
        found["warmup.start"] = derived(curve.rates[0], span, unit="rate")
    return found


def _peak(peak: float, rate: Value, span: Span | None) -> Value:
    written = number(rate)
    if written is not None and abs(peak - written) <= 1e-9 * abs(written):
        return Value(written, State.DERIVED, "rate", rate.span, rate.chain)
    return derived(peak, span, unit="rate")


def _name(optimizers: Optimizers) -> Value:
    shapes = list(
        dict.fromkeys(call.entry.shape for call in optimizers.schedules if call.entry and call.entry.shape)
    )
    main = [shape for shape in shapes if shape not in ("sequential", "chained", "linear", "constant")]
    span = optimizers.schedules[0].span if optimizers.schedules else None
    if optimizers.rate_stores or not optimizers.schedules:
        return derived("custom", optimizers.rate_stores[0] if optimizers.rate_stores else span)
    if len(main) == 1:
        return derived(_NAMES.get(main[0], main[0]), span)
    return derived(shapes[0] if len(shapes) == 1 and not main else "custom", span)


def _length(facts: Mapping[str, Value]) -> _Length | None:
    for path, unit in (("train.epochs", "epochs"), ("train.steps", "steps")):
        rounds = number(facts.get(path))
        if rounds is not None and rounds == int(rounds) and rounds > 0:
            return _Length(int(rounds), unit)
    return None


def _whole(value: float) -> int | float:
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded


class _Simulation:
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
        self.length = _length(facts)

    def result(self) -> _Result:
        """The simulated run. Raises CurveError."""
        self._check_world()
        calls = self.schedulers.outermost()
        if calls and self.optimizers.rate_stores:
            raise CurveError("both a scheduler and a rate written by hand")
        span = calls[0].span if calls else next(iter(self.optimizers.rate_stores), None)
        if self.length is None:
            raise CurveError("the length of the run is not known")
        actions = self._actions(calls, 1)[1]
        if not calls and not actions:
            raise CurveError("what changes the rate is off by default, or was not found")
        if level_of(actions) == EPOCH:
            return self._per_round(calls, self.length, span)
        return self._per_batch(calls, self.length, span)

    def _check_world(self) -> None:
        """CurveError where something that was not read may change the rate as well."""
        for own in self.optimizers.own_schedules:
            raise CurveError(f"{own.name.rpartition('::')[2]} is a scheduler of its own")
        known = {call.site for call in self.optimizers.schedules}
        escaped = self.optimizers.escapes(self.optimizers.calls[0], known)
        if escaped:
            raise CurveError(escaped)

    def _actions(self, calls: list[Call], batches: int) -> tuple[list[Schedule], list[Action]]:
        if not calls:
            return [], list(self.actions.written())
        schedules = [self.schedulers.schedule(call, batches) for call in calls]
        return schedules, list(self.actions.stepped(calls, schedules))

    def _per_round(self, calls: list[Call], length: _Length, span: Span | None) -> _Result:
        schedules, actions = self._actions(calls, 1)
        plain = len(actions) == len(schedules) == 1 and actions[0].is_plain
        if plain:
            curve = simulate(schedules[0], length.rounds, first=int(actions[0].placement.ahead))
        else:
            curve = self._played(schedules, actions, length.rounds, 1)
        warmup = None if curve.warmup is None else float(curve.warmup)
        return _Result(curve, length.unit, warmup, span)

    def _per_batch(self, calls: list[Call], length: _Length, span: Span | None) -> _Result:
        """A run whose rate changes per batch, with two stand-in sizes of an epoch: what they agree on holds."""
        if length.unit != "epochs":
            raise CurveError("the number of batches is not known")
        batches = min(_BATCHES, _MAX_STAND_IN // (2 * length.rounds))
        if batches < 2:
            raise CurveError("the run has too many epochs to follow batch by batch")
        first, second = (
            self._played(*self._actions(calls, size), length.rounds, size) for size in (batches, 2 * batches)
        )
        at_epochs = [(first.rates[e * batches], second.rates[2 * e * batches]) for e in range(length.rounds)]
        highest = max(first.peak, second.peak)
        if any(abs(one - two) > _TOLERANCE * highest for one, two in at_epochs):
            raise CurveError("the rate hangs on the number of batches, which is not known")
        if first.warmup is None or second.warmup is None:
            return _Result(first, "epochs", None, span)
        if first.warmup == second.warmup:
            return _Result(first, "steps" if first.warmup else "epochs", float(first.warmup), span)
        return _Result(first, "epochs", round(second.warmup / (2 * batches), 1), span)

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
