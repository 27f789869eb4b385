"""Operators over resolved values: arithmetic, comparisons, truth, conditional expressions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Protocol

from trainlint.analysis.evaluation.values import (
    MAX_SEQUENCE,
    Frame,
    Origin,
    Resolved,
    describe,
    is_to_be_filled,
    join,
    unknown,
)
from trainlint.analysis.facts import Scalar, Term

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge, "is": operator.eq, "is-not": operator.ne,
}  # fmt: skip


class Values(Protocol):
    """What operators ask of the evaluator."""

    def value(self, frame: Frame, term: int) -> Resolved:
        """What a term is."""


class Operators:
    """The part of the evaluator that knows operators."""

    def __init__(self, evaluator: Values) -> None:
        self.evaluator = evaluator

    def binary(self, frame: Frame, index: int, term: Term) -> Resolved:
        """An arithmetic operator or a comparison."""
        left, right = self.evaluator.value(frame, term.args[0]), self.evaluator.value(frame, term.args[1])
        return self.arithmetic(term.name, left, right, Origin(frame.span(index), ""))

    def arithmetic(self, name: str, left: Resolved, right: Resolved, origin: Origin) -> Resolved:
        """`left name right`, folded where both are constants."""
        words = left.words | right.words
        if left.kind == "choice" or right.kind == "choice":
            choice = left if left.kind == "choice" else right
            parts = [
                self.arithmetic(
                    name, item if choice is left else left, right if choice is left else item, origin
                )
                for item in choice.items
            ]
            return join(parts, choice.condition, choice.option)
        if name in ("in", "not-in") and left.kind == "const" and right.kind == "sequence":
            found = any(item.kind == "const" and item.value == left.value for item in right.items)
            return Resolved(
                "const", value=found == (name == "in"), option=left.option, words=words, derived=True
            )
        if left.kind == "const" and right.kind == "const":
            folded = _fold(name, left.value, right.value)
            if folded is not None:
                option = left.option or right.option
                origins = (origin, *left.origins, *right.origins)
                return Resolved(
                    "const", value=folded, option=option, origins=origins[:5], words=words, derived=True
                )
        if name in ("is", "is-not") and "const" in (left.kind, right.kind):
            other = right if left.kind == "const" else left
            if truthiness(other) is True and other.kind in (
                "object",
                "instance",
                "function",
                "class",
                "external",
                "mapping",
                "sequence",
            ):
                return Resolved("const", value=name == "is-not", words=words)
        if name == "|" and left.kind == right.kind == "mapping":
            merged = {**left.entries, **right.entries}
            return Resolved("mapping", entries=merged, complete=left.complete and right.complete)
        if name == "+" and left.kind == right.kind == "sequence":
            return Resolved("sequence", items=(*left.items, *right.items)[:MAX_SEQUENCE])
        stopped = left if left.kind == "unknown" else right
        return unknown(stopped.name if stopped.kind == "unknown" else f"{name} of {describe(left)}", words)

    def unary(self, frame: Frame, index: int, term: Term) -> Resolved:
        """`not`, a sign."""
        operand = self.evaluator.value(frame, term.args[0])
        return self._negate(term.name, operand, Origin(frame.span(index), ""))

    def _negate(self, name: str, operand: Resolved, origin: Origin) -> Resolved:
        if operand.kind == "choice":
            parts = [self._negate(name, item, origin) for item in operand.items]
            return join(parts, operand.condition, operand.option)
        if name == "not":
            truth = truthiness(operand)
            if truth is not None:
                return Resolved(
                    "const", value=not truth, option=operand.option, words=operand.words, derived=True
                )
        elif name == "-" and operand.is_number:
            assert isinstance(operand.value, (int, float))
            return Resolved(
                "const",
                value=-operand.value,
                option=operand.option,
                origins=operand.origins,
                words=operand.words,
            )
        return unknown(operand.name or f"{name} of {describe(operand)}", operand.words)

    def boolean(self, frame: Frame, _: int, term: Term) -> Resolved:
        """`and`, `or`: decided where the left side is known."""
        left = self.evaluator.value(frame, term.args[0])
        truth = truthiness(left.default())
        if truth is not None:
            decided = truth is (term.name == "or")
            chosen = left if decided else self.evaluator.value(frame, term.args[1])
            if left.option and not chosen.option and chosen.kind == "const":
                return Resolved(
                    "const",
                    value=chosen.value,
                    option=left.option,
                    origins=chosen.origins,
                    words=left.words | chosen.words,
                )
            return chosen
        right = self.evaluator.value(frame, term.args[1])
        other = truthiness(right)
        if other is not None and other is (term.name == "or") and not right.option:
            return right
        return unknown(left.name or "a condition", left.words | right.words)

    def conditional(self, frame: Frame, _: int, term: Term) -> Resolved:
        """`a if c else b`, and what branches leave behind."""
        condition = self.evaluator.value(frame, term.args[0])
        truth = truthiness(condition.default())
        if truth is not None and not condition.option:
            return self.evaluator.value(frame, term.args[1] if truth else term.args[2])
        order = (term.args[2], term.args[1]) if truth is False else (term.args[1], term.args[2])
        values = [self.evaluator.value(frame, branch) for branch in order]
        if any(value.kind == "mapping" for value in values):
            return self._merge_mappings(values, (frame, term.args[0]), condition.option)
        known = [
            value for value in values if not (value.kind == "unknown" and "one branch only" in value.name)
        ]
        return join(known or values, (frame, term.args[0]), condition.option if truth is not None else "")

    def _merge_mappings(self, values: list[Resolved], condition: tuple[Frame, int], option: str) -> Resolved:
        mappings = [value for value in values if value.kind == "mapping"]
        if len(mappings) != len(values):
            return join(values, condition, option)
        absent = Resolved("absent")
        names = list(dict.fromkeys(name for mapping in mappings for name in mapping.entries))
        entries = {
            name: join([mapping.entries.get(name, absent) for mapping in mappings], condition, option)
            for name in names
        }
        return Resolved("mapping", entries=entries, complete=all(mapping.complete for mapping in mappings))


def truthiness(value: Resolved) -> bool | None:
    """Whether a value is true in a condition; None where it is not known."""
    if value.kind == "const":
        return bool(value.value)
    if value.kind == "object":
        # What a class makes is true; what any other call returns may be anything:
        # `torch.cuda.is_available()`.
        return True if value.name.rpartition(".")[2][:1].isupper() else None
    if value.kind in ("instance", "function", "class", "module", "namespace"):
        return True
    if value.kind == "sequence":
        return None if is_to_be_filled(value) else bool(value.items)
    return None


def _fold(name: str, left: Scalar, right: Scalar) -> Scalar:
    if name in ("and", "or"):
        return None
    function = _ARITHMETIC.get(name)
    if function is None or (isinstance(left, str) and name in ("*", "%", "**")):
        return None
    if name == "**" and isinstance(right, (int, float)) and abs(right) > 64:
        return None
    try:
        result = function(left, right)
    except (TypeError, ValueError, ArithmeticError):
        return None
    if isinstance(result, str) and len(result) > 1000:
        return None
    return result if isinstance(result, (bool, int, float, str)) else None
