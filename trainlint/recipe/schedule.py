"""The schedule of a program's rate: its name, warmup, and the shape of the simulated curve."""

from __future__ import annotations

from trainlint.recipe.leaves import absent, derived, unknown_value
from trainlint.recipe.model import Value
from trainlint.recipe.observe import Observations
from trainlint.recipe.optimizers import Optimizers

_WARM_SHAPES = frozenset({"onecycle", "cyclic", "linear", "constant", "lambda", "sequential", "chained", "multiplicative", ""})


def schedule_facts(seen: Observations, optimizers: Optimizers, primary: dict[str, Value]) -> dict[str, Value]:
    """`schedule.*` and `warmup.length` of a program with one optimizer."""
    if not primary:
        return {"schedule.name": unknown_value("there is no single optimizer")}
    steps = primary["optimizer.schedule.steps_rate"]
    name = primary["optimizer.schedule.name"]
    facts = {"schedule.name": name}
    if steps.known and steps.value is False:
        facts["schedule.shape"] = derived("flat", steps.span)
        facts["warmup.length"] = absent(steps.span)
        return facts
    facts["warmup.length"] = _warmup(seen, optimizers, steps)
    return facts


def _warmup(seen: Observations, optimizers: Optimizers, steps: Value) -> Value:
    _ = seen
    if not steps.known:
        return unknown_value(steps.reason, steps.span)
    if optimizers.rate_stores:
        return unknown_value("the rate is written by hand", optimizers.rate_stores[0])
    shapes = {call.entry.shape if call.entry is not None else "" for call in optimizers.schedules}
    if shapes & _WARM_SHAPES:
        return unknown_value("the schedule may warm up", steps.span)
    return absent(steps.span)
