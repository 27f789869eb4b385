"""The schedule of a program's rate: the simulated curve, and what it says of warmup, peak and decay."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from trainlint.findings import Span
from trainlint.recipe.code.leaves import absent, derived, leaf, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.optimization.factories import shape_of, unnamed
from trainlint.recipe.code.optimization.optimizers import Optimizers
from trainlint.recipe.code.optimization.own_rates import has_legacy_decay
from trainlint.recipe.code.training import Training
from trainlint.recipe.derived import number
from trainlint.recipe.model import State, Value
from trainlint.recipe.rate.curve import SHOWN_POINTS
from trainlint.recipe.rate.declared import declared
from trainlint.recipe.rate.outcome import compounds, final_rise, is_inverse, spent
from trainlint.recipe.rate.own_schedulers import changes_nothing, is_readable
from trainlint.recipe.rate.shapes import CurveError
from trainlint.recipe.rate.simulation import RateResult, RateSimulation, run_rounds

_FALLING = frozenset(
    "step multistep exponential cosine cosine-restarts polynomial plateau inverse-time".split()
)
"""Shapes that start at the optimizer's rate and never exceed it."""

_AROUND = frozenset({"sequential", "chained", "linear", "linear-between", "constant"})
"""Shapes that hold other schedules, or stand before them."""

_NAMES = {
    "polynomial": "poly", "cosine-restarts": "cosine", "linear-decay": "linear", "linear-between": "linear",
    "inverse-sqrt": "inv-sqrt", "lambda": "custom", "multiplicative": "custom", "swa": "custom",
    "builtin": "custom", "inverse-time": "inverse",
}  # fmt: skip
_CURVE_FACTS = (
    "schedule.shape",
    "warmup.length",
    "optimizer.schedule.decays",
    "rate.peak",
    "rate.final_ratio",
)
_WARMUP = "warmup_steps"
"""The parameter of optimizers that raise their rate by themselves at first."""

_NEAR_TURN = 0.01
"""How far below its top the updates around a schedule's turn may stay, against the top."""

_BATCH_NAMES = frozenset(
    {"batch_size", "batchsize", "bs", "bsz", "world_size", "ngpus", "n_gpus", "num_gpus"}
)


@dataclasses.dataclass(frozen=True, slots=True)
class RateFacts:
    """The facts of a schedule, and its rates from the run's start to its end (empty where not known).

    `follows_batch`: the rate written by hand is computed from the batch or the number of devices.
    """

    facts: dict[str, Value]
    curve: tuple[float, ...] = ()
    follows_batch: bool = False


def schedule_facts(
    seen: Observations,
    training: Training,
    optimizers: Optimizers,
    primary: Mapping[str, Value],
    facts: Mapping[str, Value],
) -> RateFacts:
    """`schedule.*`, `warmup.*`, `rate.peak` and `rate.final_ratio` of a program with one optimizer.

    `facts` gives the run's length.
    """
    if not primary:
        return RateFacts(dict.fromkeys(("schedule.name", "warmup.length"), optimizers.unsettled()))
    steps, rate = primary["optimizer.schedule.steps_rate"], primary["optimizer.lr"]
    if steps.known and steps.value is False:
        return _constant(steps, rate, facts, _own_warmup(seen, optimizers.calls[0]))
    if not steps.known:
        unnamed = {"schedule.name": unknown_value(steps.reason, steps.span)}
        return RateFacts({**unnamed, **_unknown(steps.reason, steps.span)})
    named = {"schedule.name": _name(optimizers)}
    unread = _unread(optimizers)
    if unread:
        return RateFacts({**named, **_unknown(unread, steps.span)})
    simulation = RateSimulation(seen, training, optimizers, number(rate), facts)
    only_own = optimizers.own_schedules and not (optimizers.schedules or optimizers.rate_stores)
    if only_own and changes_nothing(seen, simulation.formulas, optimizers.own_schedules):
        constant = _constant(steps, rate, facts, _own_warmup(seen, optimizers.calls[0]))
        constant.facts["optimizer.schedule.name"] = constant.facts["schedule.name"]
        return constant
    try:
        result = simulation.result()
    except CurveError as error:
        found = _without_curve(seen, optimizers, steps, str(error))
        if len(optimizers.schedules) == 1 and not (optimizers.rate_stores or optimizers.own_schedules):
            found.update(declared(seen, optimizers.schedules[0]))
        found["optimizer.schedule.name"] = named["schedule.name"]
        if optimizers.rate_stores and rate.state is State.DEFAULT:
            reason = "the rate is written by hand, and only the library's default stands here"
            found["optimizer.lr"] = unknown_value(reason, rate.span)
        return RateFacts({**named, **found}, follows_batch=_follows_batch(optimizers, simulation))
    highest = _highest(seen, optimizers)
    found = {**named, **_from_curve(result, rate, highest), **_at_the_end(result, optimizers)}
    if named["schedule.name"].value == "custom" and is_inverse(result.curve):
        found["schedule.name"] = derived("inverse", named["schedule.name"].span)
    found["optimizer.schedule.name"] = found["schedule.name"]
    return RateFacts(found, result.curve.shown(), _follows_batch(optimizers, simulation))


def _unread(optimizers: Optimizers) -> str:
    """What may change the rate besides the known schedulers and stores; "" where there is nothing."""
    for own in optimizers.own_schedules:
        if is_readable(optimizers.seen, own):
            continue
        return f"{own.name.rpartition('::')[2]} is a scheduler of its own"
    known = {call.site for call in optimizers.schedules}
    return optimizers.escapes.of(optimizers.calls[0], known) or ""


def _follows_batch(optimizers: Optimizers, simulation: RateSimulation) -> bool:
    return bool(optimizers.rate_stores) and not _BATCH_NAMES.isdisjoint(simulation.formulas.names)


def _own_warmup(seen: Observations, call: Call) -> Value:
    """The warmup that an optimizer makes by itself: `AdamWScheduleFree(warmup_steps=100)`."""
    entry = call.entry
    if entry is None or entry.param(_WARMUP) is None:
        return absent(call.span)
    default = entry.param(_WARMUP).default  # type: ignore[union-attr]
    found = leaf(seen.arguments(call).get(_WARMUP), call, default=default, unit="steps")
    return absent(call.span) if found.known and not found.value else found


def _constant(steps: Value, rate: Value, facts: Mapping[str, Value], warmup: Value) -> RateFacts:
    found = {
        "schedule.name": derived("constant", steps.span),
        "schedule.shape": derived("flat", steps.span),
        "optimizer.schedule.decays": derived(False, steps.span),
        "warmup.length": warmup,
    }
    peak, length = number(rate), run_rounds(facts)
    if peak is None:
        return RateFacts(found)
    found["rate.final_ratio"] = derived(1.0, rate.span, unit="ratio")
    return RateFacts(found, (peak,) * min(length.rounds, SHOWN_POINTS) if length is not None else ())


def _unknown(reason: str, span: Span | None) -> dict[str, Value]:
    return {path: unknown_value(reason, span) for path in _CURVE_FACTS}


def _without_curve(seen: Observations, optimizers: Optimizers, steps: Value, reason: str) -> dict[str, Value]:
    """What the schedulers' kinds alone tell: most start at the optimizer's rate and lower it."""
    found = _unknown(reason, steps.span)
    only = optimizers.schedules[0] if len(optimizers.schedules) == 1 else None
    given = seen.argument(optimizers.calls[0], "lr")
    if only is not None and only.entry is not None and only.entry.shape == "piecewise" and given is not None:
        rates = _from_rates(seen, only, steps.span) if given.default().site == only.site else {}
        return {**found, **rates}
    by_hand = optimizers.rate_stores or optimizers.own_schedules or not optimizers.schedules
    if by_hand or not all(_falls(seen, call) for call in optimizers.schedules):
        return found
    del found["rate.peak"]
    found["warmup.length"] = absent(steps.span)
    own = [call for call in optimizers.schedules if call.entry is not None and call.entry.kind == "schedule"]
    if len(own) == 1:
        found["rate.peak"] = leaf(seen.argument(own[0], "initial_lr"), own[0], unit="rate")
    return found


def _from_rates(seen: Observations, call: Call, span: Span | None) -> dict[str, Value]:
    """What the written rates of a piecewise constant schedule tell, wherever its boundaries are."""
    given = seen.argument(call, "values")
    items = [item.default() for item in given.items] if given is not None and given.kind == "sequence" else []
    rates = [item.value for item in items if item.is_number]
    if not rates or len(rates) < len(items) or rates != sorted(rates, reverse=True):  # type: ignore[type-var]
        return {}
    falling = rates[0] != rates[-1]
    shape = {"schedule.shape": derived("decaying", span), "optimizer.schedule.decays": derived(True, span)}
    return {
        "warmup.length": absent(span),
        "rate.peak": leaf(items[0], call, unit="rate"),
        **(shape if falling else {}),
    }


def _falls(seen: Observations, call: Call) -> bool:
    """Whether a scheduler starts at the optimizer's rate, or at its own, and never exceeds it."""
    entry = call.entry
    if entry is None or entry.shape not in _FALLING or not call.name.startswith(("torch.", "keras.")):
        return False
    if "max_lr" in entry.fields and seen.argument(call, "max_lr") is not None:
        return False
    factor = seen.argument(call, "factor")
    if factor is None or entry.shape == "inverse-time":
        return True
    value = factor.default().value
    return isinstance(value, (int, float)) and 0 <= value <= 1


def _highest(seen: Observations, optimizers: Optimizers) -> Value | None:
    """The highest rate that the one schedule is given: OneCycleLR's `max_lr`."""
    calls = [call for call in optimizers.schedules if call.entry is not None]
    if len(calls) != 1 or optimizers.rate_stores or "max_lr" not in calls[0].entry.fields:  # type: ignore[union-attr]
        return None
    return leaf(seen.argument(calls[0], "max_lr"), calls[0], unit="rate")


def _from_curve(result: RateResult, rate: Value, highest: Value | None) -> dict[str, Value]:
    curve, span = result.curve, result.span
    found = {
        "schedule.shape": derived(curve.shape, span),
        "optimizer.schedule.decays": derived(curve.shape in ("decaying", "cyclic"), span),
        "rate.peak": _peak(curve.peak, rate, highest, span),
    }
    if curve.shape == "flat" and result.warmup == 0:
        found["schedule.name"] = derived("constant", span)
    if curve.final_ratio is not None:
        found["rate.final_ratio"] = derived(curve.final_ratio, span, unit="ratio")
    if result.length is not None:
        found["schedule.length"] = derived(_whole(result.length), span, unit=result.length_unit)
    if result.warmup is None:
        found["warmup.length"] = unknown_value("the rate falls before it reaches its peak", span)
    elif result.warmup == 0:
        found["warmup.length"] = absent(span)
    else:
        found["warmup.length"] = derived(_whole(result.warmup), span, unit=result.unit)
        found["warmup.start"] = derived(curve.rates[0], span, unit="rate")
    return found


def _at_the_end(result: RateResult, optimizers: Optimizers) -> dict[str, Value]:
    """What the run reaches of the schedule, and what its rate does as it ends."""
    span = result.span
    intended = compounds(result.rounds) if result.fed_back else None
    gone = spent(result.curve) if intended is None else None
    ratios = {
        "schedule.share": result.parts.whole,
        "warmup.share": result.parts.warm,
        "schedule.idle": None if gone is None else 1 - gone,
        "rate.final_rise": final_rise(result.curve) if _is_one_cosine(optimizers) else None,
        "rate.intended_ratio": intended,
    }
    found = {path: derived(ratio, span, unit="ratio") for path, ratio in ratios.items() if ratio is not None}
    if gone is not None:
        found["schedule.spent"] = derived(_whole(gone * result.run.rounds), span, unit=result.run.unit)
    return found


def _is_one_cosine(optimizers: Optimizers) -> bool:
    """Whether the rate follows a cosine that is made to fall once, perhaps after a warmup."""
    shapes = {call.entry.shape for call in optimizers.schedules if call.entry is not None}
    return not optimizers.rate_stores and "cosine" in shapes and shapes <= {"cosine", *_AROUND}


def _peak(peak: float, rate: Value, highest: Value | None, span: Span | None) -> Value:
    """The highest rate, as it is written: a schedule that turns between two updates all but reaches it."""
    for value, near in ((rate, 1e-9), (highest, _NEAR_TURN)):
        written = number(value)
        if value is not None and written is not None and abs(peak - written) <= near * abs(written):
            return Value(written, State.DERIVED, "rate", value.span, value.chain)
    # The rate of a formula is off by some last digits of a float.
    return derived(float(f"{peak:.12g}"), span, unit="rate")


def _name(optimizers: Optimizers) -> Value:
    """The canonical name of the main schedule; `custom` for a rate written by hand and for several."""
    made = [*optimizers.schedules, *optimizers.own_schedules]
    spans = [*optimizers.rate_stores, *(call.span for call in made), optimizers.calls[0].span]
    span = spans[0]
    for call in optimizers.schedules:
        factory = call.entry is not None and call.entry.kind == "scheduler-factory"
        if factory and not shape_of(optimizers.seen, call):
            return unknown_value(unnamed(optimizers.seen, call), call.span)
    if not made and not optimizers.rate_stores and has_legacy_decay(optimizers.seen, optimizers.calls[0]):
        return derived("inverse", span)
    shapes = list(dict.fromkeys(shape_of(optimizers.seen, call) for call in made))
    main = [shape for shape in shapes if shape not in _AROUND] or shapes
    if optimizers.rate_stores or len(main) != 1 or not main[0]:
        return derived("custom", span)
    places = [call.span for call in made if shape_of(optimizers.seen, call) == main[0]]
    return derived(_NAMES.get(main[0], main[0]), places[0])


def canonical_name(shape: str) -> str:
    """What a recipe calls a schedule of a shape."""
    return _NAMES.get(shape, shape)


def _whole(value: float) -> int | float:
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded
