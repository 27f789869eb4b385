"""One pass of a loop as a list of acts in order, with the project's functions that it calls spelled out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from trainlint.analysis.evaluation.operators import truthiness
from trainlint.analysis.evaluation.values import Frame, Resolved, unknown
from trainlint.analysis.facts import Event, UnitFacts
from trainlint.recipe.code.called_with import is_optional, ruled_out
from trainlint.recipe.code.loop.acts import METHODS, OTHER, ZERO, Act, ActReader, Way, stores_gradient
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.reach import Place
from trainlint.recipe.code.training import Training

MAX_ACTS = 2_000
"""Most acts of a pass that are followed; a longer one is given up, as if nothing were known of it."""
MAX_PASSES = 200
_DEEPEST = 6
_MAX_CALLERS = 8
_SWITCH = "set_grad_enabled"


_Scope = tuple[Place, int]
"""A unit, and the nested function in it or -1."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Here:
    """Where the walk stands: what led to the unit it is in."""

    frame: Frame
    way: Way = ()
    loops: tuple[tuple[int, int], ...] = ()
    contexts: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()


class Passes:
    """Spells out passes, each loop's once. `frames` are the calling contexts they name, by their id."""

    def __init__(self, seen: Observations, training: Training) -> None:
        self.seen = seen
        self.training = training
        self.reader = ActReader(seen)
        self._leading = self._leading_units()
        self.frames: dict[int, Frame] = {}
        self._trains: dict[tuple[Place, int], bool] = {}
        self._called: dict[tuple[int, int], tuple[Place, ...]] = {}
        self._known: dict[tuple[Place, int], list[Act]] = {}

    def _leading_units(self) -> frozenset[Place]:
        """Units that act, and those that may call them, by name: an upper bound."""
        found = {call.place for call in self.seen.methods(*sorted(METHODS))}
        found |= self.training.units
        return self.seen.program.with_users(found)

    def trains(self, facts: UnitFacts, loop: int) -> bool:
        """Whether a loop's body runs a backward pass, itself or in what it calls."""
        key = ((facts.path, facts.qualname), loop)
        if key not in self._trains:
            self._trains[key] = self.training.loop_trains(facts, loop)
        return self._trains[key]

    def of(self, frame: Frame, loop: int) -> list[Act]:
        """The acts of one pass through a loop's body, in order; none where there are too many."""
        key = ((frame.facts.path, frame.facts.qualname), loop)
        if key not in self._known:
            if len(self._known) >= MAX_PASSES:
                return []
            self._known[key] = []
            self._known[key] = self._spelled_out(frame, loop)
        return self._known[key]

    def _spelled_out(self, frame: Frame, loop: int) -> list[Act]:
        place = (frame.facts.path, frame.facts.qualname)
        scope = _scope_of(frame.facts, loop)
        found: list[Act] = []
        for act in self._body(_Here(frame, places=(place,)), scope, loop):
            if len(found) >= MAX_ACTS:
                return []
            found.append(act)
        return found

    def _body(self, here: _Here, scope: int, loop: int) -> Iterator[Act]:
        facts = here.frame.facts
        self.frames[id(here.frame)] = here.frame
        for event in self.seen.program.events(facts):
            if event.nested != scope or not is_inside(facts, event.loop, loop):
                continue
            if event.kind == "call":
                yield from self._call(here, event, loop)
            elif stores_gradient(event):
                call = Call(here.frame, event, "grad", None, method=False)
                yield self._act(here, event, loop, call, ZERO, unknown("a gradient that is set by hand"))

    def _call(self, here: _Here, event: Event, loop: int) -> Iterator[Act]:
        if ruled_out(self.seen, here.frame, event.conditions):
            return
        call = self.seen.call_of(here.frame, event)
        targets = self._targets(call)
        if len(here.places) <= _DEEPEST:
            yield from self._inner(here, call, targets, loop)
        kind, on = (OTHER, unknown("")) if targets else self.reader.read(call)
        yield self._act(here, event, loop, call, kind, on, of_project=bool(targets))

    def _targets(self, call: Call) -> tuple[Place, ...]:
        """The project's functions that a call may run, none for calls of libraries."""
        callee = call.frame.term(call.frame.term(call.term).args[0])
        if callee.op == "global" and "::" not in callee.name and len(call.frame.term(call.term).args) == 1:
            return ()
        key = (id(call.frame), id(call.event))
        if key not in self._called:
            self._called[key] = tuple(self.training.targets(call))
        return self._called[key]

    def _inner(self, here: _Here, call: Call, targets: tuple[Place, ...], loop: int) -> Iterator[Act]:
        """The acts of the functions that a call runs."""
        event = call.event
        for frame, scope in self._entered(call, targets, here):
            place = (frame.facts.path, frame.facts.qualname)
            inner = _Here(
                frame,
                (*here.way, *((id(here.frame), each) for each in event.conditions)),
                (*here.loops, *_between(here.frame, event.loop, loop)),
                (
                    *here.contexts,
                    *self._contexts(here.frame, event),
                    *self._decorators(frame, scope),
                ),
                (*here.places, place),
            )
            yield from self._body(inner, scope, -1)

    def _act(
        self,
        here: _Here,
        event: Event,
        loop: int,
        call: Call,
        kind: str,
        on: Resolved,
        *,
        of_project: bool = False,
    ) -> Act:
        return Act(
            kind,
            call,
            on,
            (*here.way, *((id(here.frame), each) for each in event.conditions)),
            (*here.loops, *_between(here.frame, event.loop, loop)),
            (*here.contexts, *self._contexts(here.frame, event)),
            here.places,
            of_project,
        )

    def _contexts(self, frame: Frame, event: Event) -> tuple[str, ...]:
        """The managers around an event; `set_grad_enabled(flag)` by what the flag is in this call."""
        if _SWITCH not in event.contexts:
            return event.contexts
        verdict = self._switched(frame)
        return tuple(verdict if name == _SWITCH else name for name in event.contexts)

    def _switched(self, frame: Frame) -> str:
        """What all calls of `set_grad_enabled` in a unit come to in this calling context."""
        truths: set[bool | None] = set()
        for event in frame.facts.events:
            if event.kind != "call":
                continue
            term = frame.term(event.term)
            if frame.term(term.args[0]).name.rpartition(".")[2] == _SWITCH and len(term.args) > 1:
                value = self.seen.evaluator.value(frame, term.args[1])
                truths.add(
                    truthiness(value) if not is_optional(value) or frame.bindings is not None else None
                )
        if truths == {True}:
            return "enable_grad"
        return "no_grad" if truths == {False} else _SWITCH

    def _entered(self, call: Call, targets: tuple[Place, ...], here: _Here) -> Iterator[tuple[Frame, int]]:
        """The functions whose bodies a call runs: (frame, the nested function or -1)."""
        frame, term = call.frame, call.frame.term(call.term)
        callee = frame.term(term.args[0])
        if callee.op in ("func", "loop", "if"):
            for leaf in self.seen.evaluator.value(frame, term.args[0]).alternatives():
                yield from self._nested(frame, leaf)
        for argument in term.args[1:]:
            if frame.term(argument).op == "func" and call.name == "step":
                yield from self._nested(frame, self.seen.evaluator.value(frame, argument))
        if callee.op == "global" and "::" not in callee.name:
            return
        for target in targets:
            if target not in self._leading or target in here.places:
                continue
            body = self.seen.evaluator.root(*target)
            if body is not None:
                made = Resolved("object", frame=body, term=0)
                called = self.seen.evaluator.calls.in_call(made, frame, call.term)
                yield (called.frame or body), -1

    @staticmethod
    def _nested(frame: Frame, leaf: Resolved) -> Iterator[tuple[Frame, int]]:
        local = leaf.kind == "function" and leaf.frame is not None and leaf.frame.facts is frame.facts
        if local and isinstance(leaf.value, int) and not isinstance(leaf.value, bool):
            yield frame, leaf.value

    def _decorators(self, frame: Frame, scope: int) -> list[str]:
        """The contexts that decorators put a function in."""
        if scope >= 0:
            return []
        names = self.seen.program.decorators(frame.facts.path, frame.facts.qualname)
        return [name.rpartition(".")[2] for name in names]

    def around(self, call: Call) -> Iterator[tuple[Frame, int]]:
        """The loops around a call, the innermost first, then those around the calls of its function."""
        yield from self._around(call.frame, call.event, ())

    def _around(self, frame: Frame, event: Event, above: tuple[_Scope, ...]) -> Iterator[tuple[Frame, int]]:
        loop = event.loop
        while loop >= 0:
            yield frame, loop
            loop = frame.facts.loops[loop].parent
        place = (frame.facts.path, frame.facts.qualname)
        here = (place, event.nested)
        if here in above or len(above) > _DEEPEST:
            return
        if event.nested >= 0:
            for user in frame.facts.events:
                if user.kind == "call" and user.nested != event.nested and _runs(frame, user, event.nested):
                    yield from self._around(frame, user, (*above, here))
            return
        if place[1] == "":
            return
        for caller, term in self.seen.program.call_sites(*place)[:_MAX_CALLERS]:
            for user in self.seen.program.events(caller.facts):
                if user.kind == "call" and user.term == term:
                    yield from self._around(caller, user, (*above, here))
        for run in self.training.runs_by_instance(place)[:_MAX_CALLERS]:
            yield from self._around(run.frame, run.event, (*above, here))


def _runs(frame: Frame, event: Event, nested: int) -> bool:
    """Whether a call runs a function of its own unit, or is handed it."""
    terms = (frame.term(each) for each in frame.term(event.term).args)
    return any(term.op == "func" and term.value == nested for term in terms)


def is_inside(facts: UnitFacts, loop: int, outer: int) -> bool:
    """Whether a loop is another one or stands in it; every loop stands in -1."""
    while loop != outer and loop >= 0:
        loop = facts.loops[loop].parent
    return loop == outer


def _between(frame: Frame, loop: int, outer: int) -> tuple[tuple[int, int], ...]:
    """The loops from below an outer one down to a loop, outermost first."""
    found: list[tuple[int, int]] = []
    while loop != outer and loop >= 0:
        found.append((id(frame), loop))
        loop = frame.facts.loops[loop].parent
    return tuple(reversed(found))


def _scope_of(facts: UnitFacts, loop: int) -> int:
    """The nested function a loop stands in; -1 for none."""
    return next((event.nested for event in facts.events if is_inside(facts, event.loop, loop)), -1)
