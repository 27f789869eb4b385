"""Schedules of the project's own classes: what their `get_lr` computes from the steps that were made."""

from __future__ import annotations

from collections.abc import Sequence

from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Term
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.rate.formula_parts import BASE, BATCHES, Env, Node, Scope, UnresolvedError, variable
from trainlint.recipe.rate.formulas import Formulas
from trainlint.recipe.rate.shapes import CurveError, Schedule

_STEP = "the scheduler's step"
_BATCHES = 16
_PROBES = (0, 1, 2, 7, 30, 90, 365, 1_000, 10_000, 1_000_000)


def is_readable(seen: Observations, call: Call) -> bool:
    """Whether a class of the project says its rate in a `get_lr` of its own."""
    return _rate_method(seen, call) is not None


def own_schedule(seen: Observations, formulas: Formulas, call: Call, base: float, batches: int) -> Schedule:
    """The schedule that a call of a project class makes, by its `get_lr`. Raises CurveError."""
    frame = _rate_method(seen, call)
    name = call.name.rpartition("::")[2]
    if frame is None:
        raise CurveError(f"{name} is a scheduler of its own")
    bound = {**_given(seen, formulas, call, frame), **_bound(frame)}
    result = formulas.calls.returned(Scope(frame, bound=bound), -1)

    def at(step: int) -> float:
        env: Env = {BASE: base, BATCHES: batches, _STEP: step}
        try:
            rates = result.run(env)
        except UnresolvedError as error:
            raise CurveError(f"{name}: {error}") from error
        rate = rates[0] if isinstance(rates, (tuple, list)) and rates else rates
        if isinstance(rate, bool) or not isinstance(rate, (int, float)):
            raise CurveError(f"{name}: its get_lr gives no number")
        return rate

    at(0)

    # It counts from the first rate on, so it sets the rate whatever other schedules did to it.
    return Schedule(at, lambda _, step: at(step))


def changes_nothing(seen: Observations, formulas: Formulas, calls: Sequence[Call]) -> bool:
    """Whether schedulers of the project's own leave the rate what it is, however often they are stepped."""
    try:
        schedules = [own_schedule(seen, formulas, call, 1.0, _BATCHES) for call in calls]
        return all(schedule.at(step) == 1.0 for schedule in schedules for step in _PROBES)
    except CurveError:
        return False


def _rate_method(seen: Observations, call: Call) -> Frame | None:
    """The class's own `get_lr`, as the object that the call makes runs it."""
    made = seen.object(call)
    if made.kind != "instance":
        return None
    owner, _, qualname = made.name.partition("::")
    kind, path, method = seen.program.resolve(owner, qualname, "get_lr")
    return seen.evaluator.calls.method_frame(made, path, method) if kind == "function" else None


def _given(seen: Observations, formulas: Formulas, call: Call, frame: Frame) -> dict[str | int, Node]:
    """Attributes that the constructor sets to something that hangs on the number of batches."""
    path, _, qualname = seen.object(call).name.partition("::")
    kind, where, method = seen.program.resolve(path, qualname, "__init__")
    made_by = seen.evaluator.root(where, method) if kind == "function" else None
    if made_by is None:
        return {}
    stored = {
        event.name: event.value
        for event in made_by.facts.events
        if event.kind == "store-attr" and made_by.term(event.term).name == "self" and not event.conditions
    }
    scope = Scope(made_by, call=(Scope(call.frame), call.term))
    return {
        index: formulas.compile(scope, stored[term.name])
        for index, term in enumerate(frame.facts.terms)
        if _is_own(frame, term)
        and term.name in stored
        and seen.evaluator.value(frame, index).default().kind != "const"
    }


def _is_own(frame: Frame, term: Term) -> bool:
    return term.op == "attr" and frame.term(term.args[0]).name == "self"


def _bound(frame: Frame) -> dict[str | int, Node]:
    """What the base class gives: the steps made so far, and the rates that the optimizer began with."""
    first_rate = variable(BASE)
    nodes = {
        "base_lrs": Node(lambda env: (first_rate.run(env),)),
        # Both count the steps; the second counts the one that making a scheduler is, too.
        "last_epoch": Node(lambda env: env[_STEP]),
        "_step_count": Node(lambda env: env[_STEP] + 1),
    }
    terms = enumerate(frame.facts.terms)
    return {index: nodes[term.name] for index, term in terms if term.name in nodes and _is_own(frame, term)}
