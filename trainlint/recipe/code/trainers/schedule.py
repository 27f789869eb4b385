"""The schedule that a trainer makes of its settings: by name, after a warmup in updates or as a share."""

from __future__ import annotations

from collections.abc import Mapping

from trainlint.recipe.code.leaves import absent, derived, unknown_value
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.trainers.runs import RunSettings, is_none
from trainlint.recipe.derived import number
from trainlint.recipe.model import Value
from trainlint.recipe.rate.curve import Curve
from trainlint.recipe.rate.given import Warmup, given_curve
from trainlint.recipe.rate.schedule import canonical_name
from trainlint.recipe.rate.shapes import CurveError

_WITHOUT_WARMUP = frozenset({"constant", "reduce_lr_on_plateau", "greedy"})
"""Schedules that take no warmup, whatever the settings say."""

_CURVE_FACTS = ("schedule.shape", "rate.peak", "rate.final_ratio", "optimizer.schedule.decays")
Scheduled = tuple[dict[str, Value], tuple[float, ...]]


def scheduled(
    seen: Observations, settings: RunSettings, maker: str, rate: Value, facts: Mapping[str, Value]
) -> Scheduled:
    """`schedule.*`, `warmup.*` and `rate.*` of a trainer's run, and the rates of the run where known.

    `maker`: why something else makes the schedule, "" where the settings do. `facts` give the run's length.
    """
    named = unknown_value(maker, settings.run.span) if maker else settings.named("schedule")
    shape = _shape(seen, settings, named)
    if not shape:
        reason = named.reason or f"{named.value} is no schedule that is known"
        paths = ("schedule.name", "optimizer.schedule.name", "warmup.length", *_CURVE_FACTS)
        return {path: unknown_value(reason, named.span) for path in paths}, ()
    span = named.span
    found = {
        "schedule.name": Value(canonical_name(shape), named.state, span=span),
        "optimizer.schedule.name": Value(canonical_name(shape), named.state, span=span),
        "optimizer.schedule.steps_rate": derived(shape != "constant", span),
        "warmup.length": absent(span) if named.value in _WITHOUT_WARMUP else _warmup_length(settings, facts),
    }
    if shape == "constant" and found["warmup.length"].reason == "" and found["warmup.length"].value is None:
        found["schedule.name"] = found["optimizer.schedule.name"] = Value("constant", named.state, span=span)
    curve = _curve(settings, shape, found["warmup.length"], rate, facts)
    if isinstance(curve, str):
        found.update({path: unknown_value(curve, span) for path in _CURVE_FACTS})
        if shape == "constant":
            found["schedule.shape"] = derived("flat", span)
            found["optimizer.schedule.decays"] = derived(False, span)
        if shape != "inverse-sqrt" and rate.known:
            found["rate.peak"] = Value(rate.value, rate.state, "rate", rate.span, rate.chain)
        return found, ()
    found["schedule.shape"] = derived(curve.shape, span)
    found["optimizer.schedule.decays"] = derived(curve.shape in ("decaying", "cyclic"), span)
    found["rate.peak"] = derived(curve.peak, rate.span, unit="rate")
    if curve.final_ratio is not None:
        found["rate.final_ratio"] = derived(curve.final_ratio, span, unit="ratio")
    return found, curve.shown()


def _shape(seen: Observations, settings: RunSettings, named: Value) -> str:
    """The shape of a schedule that the settings name; "" where it has none that is known."""
    if not named.known or settings.entry is None:
        return ""
    factory = seen.evaluator.entry(str(settings.entry.extra.get("schedules_by", "")))
    shapes = factory.extra.get("shapes") if factory is not None else None
    return str(shapes.get(str(named.value), "")) if isinstance(shapes, dict) else ""


def _warmup_length(settings: RunSettings, facts: Mapping[str, Value]) -> Value:
    """The warmup as a length: updates, or the share of the run it takes."""
    steps = settings.value("warmup", "steps")
    count = number(steps)
    if count is None:
        return unknown_value(steps.reason or "warmup_steps is no number", steps.span)
    if count >= 1:
        return Value(int(count), steps.state, "steps", steps.span, steps.chain)
    share = Value(count, steps.state, "", steps.span)
    if count == 0 and settings.given("warmup_ratio") is not None:
        share = settings.value("warmup_ratio")
    part = number(share)
    if part is None:
        return unknown_value(share.reason or "warmup_ratio is no number", share.span)
    if part == 0:
        return absent(share.span)
    for path, unit in (("train.steps", "steps"), ("train.epochs", "epochs")):
        rounds = number(facts.get(path))
        if rounds is not None and rounds > 0:
            length = Warmup(share=part).of(int(rounds)) if unit == "steps" else round(rounds * part, 6)
            return derived(length, share.span, unit=unit)
    return unknown_value("the length of the run is not known", share.span)


def _curve(
    settings: RunSettings, shape: str, warmup: Value, rate: Value, facts: Mapping[str, Value]
) -> Curve | str:
    """The rates of the run, or why they are not known."""
    options = settings.given("schedule_options")
    if options is not None and not is_none(options):
        return "lr_scheduler_kwargs change the schedule"
    base = number(rate)
    if base is None:
        return rate.reason or "the rate is not known"
    if warmup.reason:
        return warmup.reason
    rounds, unit = number(facts.get("train.steps")), "steps"
    if rounds is None:
        rounds, unit = number(facts.get("train.epochs")), "epochs"
    if rounds is None:
        return "the length of the run is not known"
    length = number(warmup) or 0.0
    rises = Warmup(steps=int(length)) if warmup.unit == "steps" else Warmup(share=length / rounds)
    try:
        return given_curve(shape, base, rises, rounds, unit)
    except CurveError as error:
        return str(error)
