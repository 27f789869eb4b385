"""Formulas of calls: functions of libraries and the project, lambdas, partial functions, `len(loader)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Term
from trainlint.recipe.rate.formula_parts import (
    BATCHES,
    CASTS,
    FUNCTIONS,
    MAX_DEPTH,
    Env,
    Node,
    Scope,
    UnresolvedError,
    combine,
    decided,
    numeric_name,
    unresolved,
    variable,
)

if TYPE_CHECKING:
    from trainlint.recipe.rate.formulas import Formulas

_LENGTH = "builtins.len"


class CallFormulas:
    """The part of the formulas that knows calls."""

    def __init__(self, formulas: Formulas) -> None:
        self.formulas = formulas
        self.evaluator = formulas.evaluator

    def call(self, scope: Scope, term: int, record: Term) -> Node:
        """The result of a call."""
        callee = self.evaluator.value(scope.frame, record.args[0])
        if callee.kind == "external":
            return self._external(scope, term, record, callee.name)
        partial = callee.kind == "object" and callee.name == "functools.partial"
        if partial and self._is_made_twice(callee):
            return unresolved("a partial function that several calls make")
        if (callee.kind != "function" and not partial) or any(key.startswith("*") for key in record.keys):
            return self.formulas.leaf(scope, term)
        given = [(key, self.formulas.compile(scope, arg)) for key, arg in _arguments(record)]
        arguments, keywords = (
            [node for key, node in given if not key],
            {key: node for key, node in given if key},
        )
        if callee.frame is scope.frame:
            return self._nested(scope, callee, arguments, keywords)
        return self.apply(callee, arguments, keywords)

    def _is_made_twice(self, made: Resolved) -> bool:
        """Whether what makes an object is called in several places: which of them it is for is not told."""
        if made.frame is None or not made.frame.facts.qualname:
            return False
        facts = made.frame.facts
        return len(self.formulas.seen.program.call_sites(facts.path, facts.qualname)) > 1

    def apply(
        self, function: Resolved, arguments: list[Node], keywords: Mapping[str, Node] | None = None
    ) -> Node:
        """The result of a project's function or lambda for arguments that are nodes."""
        function, named = function.default(), keywords or {}
        if function.kind == "object" and function.name == "functools.partial":
            return self._partial(function, arguments, named)
        if function.kind != "function":
            return unresolved(function.name or "a function that was not read")
        if function.frame is not None:
            return self._nested(Scope(function.frame), function, arguments, named)
        path, _, qualname = function.name.partition("::")
        receiver = function.items[0] if function.items else None
        return self._inline(path, qualname, receiver, arguments, named)

    def length(self, made: Resolved) -> Node | None:
        """What `len(...)` is, None where a value is no length: a loader's length is an epoch's batches."""
        if made.kind != "object" or made.name != _LENGTH or made.frame is None:
            return None
        arguments = made.frame.term(made.term).args[1:]
        if len(arguments) != 1:
            return None
        measured = self.evaluator.value(made.frame, arguments[0])
        for leaf in measured.alternatives():
            entry = self.evaluator.entry(leaf.name) if leaf.kind == "object" else None
            if entry is not None and entry.kind == "loader":
                return variable(BATCHES)
        if any("loader" in text.lower() for text in self.formulas.seen.texts(made.frame, arguments[0])):
            return variable(BATCHES)
        return unresolved(f"the length of {measured.name or 'something'}")

    def _external(self, scope: Scope, term: int, record: Term, name: str) -> Node:
        name = numeric_name(name)
        if name in CASTS and (len(record.args) == 2 or record.keys[1:] == ("dtype",)):
            return self.formulas.compile(scope, record.args[1])
        function = FUNCTIONS.get(name)
        if function is None or any(record.keys) or len(record.args) < 2:
            return self.formulas.leaf(scope, term)
        arguments = [self.formulas.compile(scope, argument) for argument in record.args[1:]]
        return combine(function, arguments, self.formulas.work)

    def _partial(self, made: Resolved, arguments: list[Node], keywords: Mapping[str, Node]) -> Node:
        if made.frame is None:
            return unresolved("a partial function")
        given = _arguments(made.frame.term(made.term))
        if not given or given[0][0] or any(key.startswith("*") for key, _ in given):
            return unresolved("a partial function")
        scope = Scope(made.frame)
        first = [self.formulas.compile(scope, arg) for key, arg in given[1:] if not key]
        named = {key: self.formulas.compile(scope, arg) for key, arg in given[1:] if key}
        function = self.evaluator.value(made.frame, given[0][1])
        return self.apply(function, [*first, *arguments], {**named, **keywords})

    def _nested(
        self, scope: Scope, function: Resolved, arguments: list[Node], keywords: Mapping[str, Node]
    ) -> Node:
        """The result of a lambda or local function, in the scope that defines it."""
        if not isinstance(function.value, int) or scope.depth > MAX_DEPTH:
            return unresolved("calls too deep to follow")
        nested = scope.frame.facts.nested[function.value]
        prefix = "lambda " if nested.result >= 0 else f"{nested.name} "
        bound: dict[str | int, Node] = {prefix + key: node for key, node in keywords.items()}
        bound.update(zip((prefix + param.name for param in nested.params), arguments, strict=False))
        inner = scope.binding(bound)
        if nested.result >= 0:
            return self.formulas.compile(inner, nested.result)
        return self.returned(inner, function.value)

    def _inline(
        self,
        path: str,
        qualname: str,
        receiver: Resolved | None,
        arguments: list[Node],
        keywords: Mapping[str, Node],
    ) -> Node:
        frame = self.evaluator.root(path, qualname)
        if frame is None:
            return unresolved(f"{qualname} could not be read")
        facts = frame.facts
        params = [param.name for param in facts.params if param.kind in ("normal", "positional-only")]
        if params[:1] in (["self"], ["cls"]) and "." in qualname:
            params = params[1:]
            frame = Frame(facts, receiver=receiver) if receiver is not None else frame
        bound: dict[str | int, Node] = dict(keywords.items())
        bound.update(zip(params, arguments, strict=False))
        for param in facts.params:
            if param.name not in bound and param.name in facts.defaults:
                bound[param.name] = self.formulas.compile(Scope(frame), facts.defaults[param.name])
        return self.returned(Scope(frame, bound=bound), -1)

    def returned(self, scope: Scope, nested: int) -> Node:
        """What a function returns: the first return whose conditions hold."""
        returns = [back for back in scope.frame.facts.returns if back.nested == nested]
        if not returns or any(back.yields for back in returns):
            return unresolved(f"what {scope.frame.facts.qualname or 'a function'} returns")
        choices = [
            (self.formulas.holds(scope, back.conditions), self.formulas.compile(scope, back.term))
            for back in returns
        ]

        def run(env: Env) -> object:
            self.formulas.work.spend()
            for taken, value in choices:
                if taken.run(env):
                    return value.run(env)
            raise UnresolvedError("a function that returns nothing")

        return decided(run, [node for choice in choices for node in choice])


def _arguments(record: Term) -> list[tuple[str, int]]:
    """The arguments of a call: keyword or "", and term."""
    return list(zip(record.keys, record.args[1:], strict=True))
