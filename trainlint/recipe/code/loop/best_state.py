"""The best weights of a run that are kept as an alias: the weights that training goes on to change."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Event
from trainlint.findings import Span
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.loop.faults import Element, fault, written
from trainlint.recipe.code.loop.objects import Objects
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.training import Training

_STATE = "state_dict"
_BEST = frozenset({"best", "bst", "optimal"})
_ORDERS = frozenset({"<", "<=", ">", ">="})
_DEPTH = 4


class BestState:
    """Aliases of the weights in a program, as elements of its recipe."""

    def __init__(self, seen: Observations, training: Training, objects: Objects) -> None:
        self.seen = seen
        self.training = training
        self.objects = objects

    def faults(self) -> Iterator[Element]:
        """Each assignment once: where the best weights are bound to a name, an attribute or a key."""
        for frame in self.seen.frames:
            for event in self.seen.program.events(frame.facts):
                bound = self._bound(frame, event)
                if bound is None or not self._is_of_trained(frame, bound[1]):
                    continue
                name, value = bound
                if self._when_better(frame, event) and self._trains_on(frame, event):
                    used = self._used_later(frame, event, name, value)
                    if used is not None:
                        yield self._element(frame, event, name, value, used)

    def _element(self, frame: Frame, event: Event, name: str, value: int, used: Call) -> Element:
        """The fault, at the `state_dict()` that is bound, or else at the name that it is bound to."""
        links = [(used.span, "used here, when the weights have moved on")]
        called = self._is_state(frame, value)
        span = frame.span(value) if called else _span(frame, event)
        text = self.seen.program.text(span) if called and span is not None else written(frame, value)
        element = fault("best-is-alias", name, span, *links)
        element["loop.value"] = derived(text or "the model", span if called else None)
        return element

    @staticmethod
    def _is_state(frame: Frame, value: int) -> bool:
        term = frame.term(value)
        callee = frame.term(term.args[0]) if term.op == "call" else None
        return callee is not None and callee.op == "attr" and callee.name == _STATE

    @staticmethod
    def _bound(frame: Frame, event: Event) -> tuple[str, int] | None:
        """The name and the term of a binding; only of names that say they hold the best."""
        if event.kind == "bind":
            name, value = event.name, event.term
        elif event.kind == "store-attr":
            name, value = event.name, event.value
        elif event.kind == "store-item" and isinstance(frame.term(event.key).value, str):
            name, value = str(frame.term(event.key).value), event.value
        else:
            return None
        return (name, value) if _BEST & set(words_of(name)) else None

    def _is_of_trained(self, frame: Frame, value: int) -> bool:
        """Whether a term is the trained model itself, or its `state_dict()`, not a copy."""
        term = frame.term(value)
        if self._is_state(frame, value):
            value = frame.term(term.args[0]).args[0]
        elif term.op == "call" and self.seen.evaluator.value(frame, value).term != value:
            # What a call gives may be a copy, but for the call that makes the model itself.
            return False
        elif term.op not in ("call", "attr", "param", "global", "loop", "if"):
            return False
        return self.objects.is_trained(self.seen.evaluator.value(frame, value)) is not None

    def _when_better(self, frame: Frame, event: Event) -> bool:
        """Whether an event stands under a comparison: only then is it about the best so far."""
        return any(self._compares(frame, condition.term) for condition in event.conditions)

    def _compares(self, frame: Frame, term: int, depth: int = 0) -> bool:
        record = frame.term(term)
        if record.op == "cmp" and record.name in _ORDERS:
            return True
        return (
            depth < _DEPTH
            and record.op in ("bool", "un")
            and any(self._compares(frame, each, depth + 1) for each in record.args)
        )

    def _trains_on(self, frame: Frame, event: Event) -> bool:
        """Whether training goes on after the event: it stands in a training loop, or is called from one."""
        loop = event.loop
        while loop >= 0:
            if self.training.loop_trains(frame.facts, loop):
                return True
            loop = frame.facts.loops[loop].parent
        place = (frame.facts.path, frame.facts.qualname)
        for caller, term in self.seen.program.call_sites(*place)[:4] if place[1] else ():
            for user in self.seen.program.events(caller.facts):
                loop = user.loop if user.kind == "call" and user.term == term else -1
                if loop >= 0 and self.training.loop_trains(caller.facts, loop):
                    return True
        return False

    def _used_later(self, frame: Frame, event: Event, name: str, value: int) -> Call | None:
        """Where the alias is loaded, saved or returned behind the branch it is bound in; None where it is
        only saved at once."""
        bound = {value}
        for index, term in enumerate(frame.facts.terms):
            if term.op in ("if", "loop") and bound & set(term.args):
                bound.add(index)
        for call in (*self.seen.methods("load_state_dict"), *self.seen.made("save")):
            same_branch = call.event.conditions == event.conditions and call.frame is frame
            if same_branch or (call.event.loop == event.loop >= 0 and call.frame is frame):
                continue
            for argument in call.frame.term(call.term).args[1:]:
                if call.frame is frame and argument in bound:
                    return call
                if event.kind != "bind" and written(call.frame, argument).rpartition(".")[2] == name:
                    return call
        return None


def _span(frame: Frame, event: Event) -> Span | None:
    return None if event.at is None else Span(frame.facts.path, *event.at)
