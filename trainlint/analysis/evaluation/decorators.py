"""Whether a decorated function still is the function that was written: what decorators give in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import UnitFacts

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

_EFFECTS = ("optimizer", "schedule", "order")
"""A library that has none of these effects gives the function back, or what calls it."""

_TOP = -1


class Decorators:
    """Reads the decorators of functions, each function once."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._known: dict[tuple[str, str], str] = {}

    def replacing(self, facts: UnitFacts) -> str:
        """The decorator, with its line, that may give something else than its function; "" without one."""
        if not facts.decorators:
            return ""
        key = (facts.path, facts.qualname)
        if key not in self._known:
            self._known[key] = ""
            self._known[key] = self._find(facts)
        return self._known[key]

    def _find(self, facts: UnitFacts) -> str:
        frame = self.evaluator.root(facts.path, facts.qualname)
        for term in facts.decorators if frame is not None else ():
            if frame is not None and not self._keeps(self.evaluator.value(frame, term)):
                return f"@{_name(frame, term)} {_place(frame, term)}".rstrip()
        return ""

    def _keeps(self, decorator: Resolved) -> bool:
        """Whether every function that a decorator may be gives back what it is given, or what calls that."""
        return all(self._one_keeps(leaf) for leaf in decorator.alternatives())

    def _one_keeps(self, decorator: Resolved) -> bool:
        if decorator.kind in ("external", "object"):
            knowledge = self.evaluator.knowledge
            described = knowledge.framework(decorator.name) is not None
            return described or all(knowledge.inert(decorator.name, effect) for effect in _EFFECTS)
        if decorator.kind != "function":
            return False
        if decorator.frame is not None and isinstance(decorator.value, int):
            facts, nested = decorator.frame.facts, decorator.value
            params = facts.nested[nested].params
            return bool(params) and _gives_back(
                facts, nested, f"{facts.nested[nested].name} {params[0].name}"
            )
        path, _, qualname = decorator.name.partition("::")
        facts_of = self.evaluator.scope.facts(path, qualname)
        if facts_of is None or not facts_of.params:
            return False
        own = facts_of.params[1:] if facts_of.params[0].name in ("self", "cls") else facts_of.params
        return bool(own) and _gives_back(facts_of, _TOP, own[0].name)


def _gives_back(facts: UnitFacts, nested: int, param: str) -> bool:
    """Whether a function only returns its parameter, or functions that call it."""
    results = _results(facts, nested)
    return bool(results) and all(_is_or_calls(facts, each, param) for each in results)


def _is_or_calls(facts: UnitFacts, index: int, param: str) -> bool:
    term = facts.terms[index]
    if term.op == "param":
        return term.name == param
    if term.op == "func" and isinstance(term.value, int):
        return _calls(facts, term.value, param)
    if term.op in ("call", "if"):
        # `wraps(f)(wrapper)`, or one of two wrappers.
        return any(_is_or_calls(facts, each, param) for each in term.args[1:])
    return False


def _calls(facts: UnitFacts, wrapper: int, param: str) -> bool:
    """Whether a wrapper calls the function, and gives what that gives where it gives anything."""
    called = {
        event.term
        for event in facts.events
        if event.kind == "call"
        and event.nested == wrapper
        and facts.terms[facts.terms[event.term].args[0]].op == "param"
        and facts.terms[facts.terms[event.term].args[0]].name == param
    }
    results = _results(facts, wrapper)
    return bool(called) and all(_is_one(facts, each, called) for each in results)


def _is_one(facts: UnitFacts, index: int, called: set[int]) -> bool:
    term = facts.terms[index]
    if term.op == "if":
        return any(_is_one(facts, each, called) for each in term.args[1:])
    return index in called or (term.op == "const" and term.value is None)


def _results(facts: UnitFacts, nested: int) -> list[int]:
    if nested != _TOP and facts.nested[nested].result >= 0:
        return [facts.nested[nested].result]
    return [back.term for back in facts.returns if back.nested == nested and not back.yields]


def _name(frame: Frame, index: int) -> str:
    term = frame.term(index)
    if term.op == "call":
        return f"{_name(frame, term.args[0])}(…)"
    if term.op == "attr":
        base = _name(frame, term.args[0])
        return f"{base}.{term.name}" if base else term.name
    return term.name.rpartition("::")[2].removeprefix("name ")


def _place(frame: Frame, index: int) -> str:
    span = frame.span(index)
    return "" if span is None else f"{span.path}:{span.line}"
