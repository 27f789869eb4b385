"""Aids for finding the operation behind a NaN that a run has on all the time."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Resolved
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.run_order import Moment, RunOrder
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import State, Value

_TRACES = "trace-nan"
_FIELD = "detect_anomaly"
_DEBUGGING = frozenset(
    "debug debugging sanity profile profiling overfit gradcheck nan nans inf diagnose".split()
)
"""Words for code that is meant to look for an error."""


def debugger_elements(seen: Observations, training: Training) -> list[dict[str, Value]]:
    """One mapping of `debugger.*` values for each such aid that a default run turns on and leaves on."""
    places = {call.place for call in seen.calls if _may_trace(seen, call)}
    if not places:
        return []
    found: list[tuple[Call, Moment]] = []
    for moment in RunOrder(seen, training, places).moments():
        call = moment.call
        if call is None or moment.off or not _may_trace(seen, call):
            continue
        state = _state(seen, call)
        if state is not True:
            # Turned off again, or perhaps: what came before is not left on.
            found.clear()
        elif not _optional(seen, moment) and (not _scoped(call) or call.place in training.units):
            found.append((call, moment))
    return [{"debugger.call": Value(_written(call), State.EXPLICIT, span=call.span)} for call, _ in found[:1]]


def _may_trace(seen: Observations, call: Call) -> bool:
    entry = call.entry
    if entry is None or call.method:
        return False
    if _TRACES in (entry.effect, entry.extra.get("turns_off")):
        return True
    if "debug_options" in entry.extra:
        option = seen.argument(call, "option")
        options = entry.extra["debug_options"]
        return isinstance(options, list) and option is not None and option.value in options
    return _FIELD in entry.fields and seen.argument(call, _FIELD) is not None


def _state(seen: Observations, call: Call) -> bool | None:
    """Whether the call turns the aid on; None where its argument is not known or is an option's."""
    entry = call.entry
    if entry is None or "turns_off" in entry.extra:
        return False
    field = _FIELD if _FIELD in entry.fields else "mode"
    if field not in entry.fields:
        return True
    given = seen.argument(call, field)
    return None if given is None else _constant(given)


def _constant(given: Resolved) -> bool | None:
    if given.kind != "const" or given.option or not isinstance(given.value, bool):
        return None
    return given.value


def _optional(seen: Observations, moment: Moment) -> bool:
    """Whether the call stands under a condition that is not certain, or in code that is there to debug."""
    if seen.happens(moment.frame, moment.event.conditions) is not True and not _only_main_guard(seen, moment):
        return True
    names = (moment.frame.facts.qualname, moment.frame.facts.path.rpartition("/")[2])
    return any(not _DEBUGGING.isdisjoint(words_of(name)) for name in names)


def _only_main_guard(seen: Observations, moment: Moment) -> bool:
    return all(
        "__name__" in set(seen.texts(moment.frame, condition.term)) for condition in moment.event.conditions
    )


def _scoped(call: Call) -> bool:
    return call.entry is not None and bool(call.entry.extra.get("scoped"))


def _written(call: Call) -> str:
    name = call.name.rpartition(".")[2]
    return f"{name}({_FIELD}=True)" if call.entry is not None and _FIELD in call.entry.fields else name
