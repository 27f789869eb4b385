"""The objective of a search: the function that runs one trial, and what becomes of the trial in it."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.knowledge.search_tools import search_tools
from trainlint.recipe.code.functions import Function, function_of
from trainlint.recipe.code.observe import Observations

_MAX_FUNCTIONS = 24
_MAX_WRAPPED = 3


def objective_of(seen: Observations, value: Resolved, depth: int = 0) -> tuple[Function, str] | None:
    """The function that runs a trial, and the parameter that takes it; None where either is not known."""
    if value.kind == "object" and value.name == "functools.partial" and value.frame is not None:
        term = value.frame.term(value.term)
        inner = objective_of(seen, seen.evaluator.value(value.frame, term.args[1]), depth + 1)
        before = sum(key == "" for key in term.keys) - 1
        if inner is None or depth > _MAX_WRAPPED or before >= len(inner[0].params):
            return None
        return inner[0], inner[0].params[before].name
    function = function_of(seen, value)
    if function is None or not function.params:
        return None
    return function, function.params[0].name


class TrialUse:
    """What becomes of the trial in the hands of an objective."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen

    def asked(self, start: tuple[Function, str]) -> bool | None:
        """Whether anything asks the trial if it should stop; None where it may be asked unseen."""
        waiting = [start]
        visited: set[tuple[int, int, str]] = set()
        while waiting:
            function, name = waiting.pop()
            key = (id(function.frame.facts), function.nested, name)
            if key in visited:
                continue
            visited.add(key)
            if len(visited) > _MAX_FUNCTIONS:
                return None
            for kind, after in self._uses(function, name):
                if kind == "asks":
                    return True
                if kind == "lost":
                    return None
                if after is not None:
                    waiting.append(after)
        return False

    def _uses(self, function: Function, name: str) -> Iterator[tuple[str, tuple[Function, str] | None]]:
        """How the trial is used: it is read, asked, handed on, or lost to code that is not read."""
        frame = function.frame
        terms = frame.facts.terms
        term_name = function.prefix + name
        own = {
            index
            for index, term in enumerate(terms)
            if (term.op == "param" and term.name == term_name) or (term.op == "loop" and term.name == name)
        }
        for index, term in enumerate(terms):
            if not own & set(term.args):
                continue
            if term.op == "attr":
                yield ("asks" if term.name == "should_prune" else self._read(term.name)), None
            elif term.op == "call":
                yield from self._handed_on(frame, index, own)
            elif term.op not in ("cmp", "loop"):
                yield "lost", None
        stored = any(event.value in own for event in frame.facts.events if event.kind.startswith("store"))
        if stored or any(back.term in own for back in frame.facts.returns):
            yield "lost", None

    @staticmethod
    def _read(name: str) -> str:
        return "reads" if name in search_tools().trial_reads or name == "report" else "lost"

    def _handed_on(
        self, frame: Frame, call: int, own: set[int]
    ) -> Iterator[tuple[str, tuple[Function, str] | None]]:
        record = frame.term(call)
        function = function_of(self.seen, self.seen.evaluator.value(frame, record.args[0]))
        if function is None:
            yield "lost", None
            return
        passed = self.seen.evaluator.binder.bind(frame, call, function.params).terms
        names = [name for name, (_, term) in passed.items() if term in own]
        if not names:
            yield "lost", None
        for name in names:
            yield "reads", (function, name)
