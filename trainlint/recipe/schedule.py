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
        result = RateSimulation(seen, training, optimizers, number(rate), facts).result()
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
    peak, length = number(rate), run_rounds(facts)
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


def _from_curve(result: RateResult, rate: Value) -> dict[str, Value]:
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


def _whole(value: float) -> int | float:
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded
