"""What a condition says about the values in it: bounds of terms, and definitions known to be non-empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from trainlint.analysis.facts import Term
from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.lattice import INFINITY, Kind, Value, constant

_SMALLEST = 0.0
_ZERO = constant(0.0)
_NEGATED = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_DEPTH = 8
_DIFFERENCES = 2000
"""How many terms beyond two compared ones are searched for their difference."""
_TRANSPARENT = frozenset(
    {"item", "float", "double", "detach", "cpu", "to", "bool", "int", "long", "sum", "min", "max", "abs"}
)


ValueOf = Callable[[int], Value]


class Bound(msgspec.Struct, frozen=True):
    """A term lies in [low, high]; unless `zero`, it is not 0."""

    low: float = -INFINITY
    high: float = INFINITY
    zero: bool = True


NOT_ZERO = Bound(zero=False)


class Knowing(msgspec.Struct):
    """What follows from a condition: bounds by term, and the roots of counts that are at least 1."""

    bounds: dict[int, Bound] = msgspec.field(default_factory=dict)
    nonempty: set[int] = msgspec.field(default_factory=set)

    def bound(self, term: int, bound: Bound) -> None:
        """Add a bound of a term; two bounds of one term both hold."""
        known = self.bounds.get(term)
        if known is not None:
            bound = Bound(max(known.low, bound.low), min(known.high, bound.high), known.zero and bound.zero)
        self.bounds[term] = bound

    def merge(self, other: Knowing) -> None:
        """Add everything the other knows."""
        for term, bound in other.bounds.items():
            self.bound(term, bound)
        self.nonempty |= other.nonempty


def conclude(
    terms: list[Term], value_of: ValueOf, condition: int, holds: bool, depth: int = _DEPTH
) -> Knowing:
    """What is known where `condition` has this outcome. Conditions that say nothing give an empty answer."""
    found = Knowing()
    term = terms[condition]
    if depth == 0:
        return found
    if term.op == "un" and term.name in ("not", "~"):
        return conclude(terms, value_of, term.args[0], not holds, depth - 1)
    if term.op == "bool":
        if (term.name == "and") == holds:
            for part in term.args:
                found.merge(conclude(terms, value_of, part, holds, depth - 1))
        return found
    if term.op == "bin" and term.name in ("&", "|"):
        # Element by element, as masks are: what holds in a branch of `where`, or of what a mask selects.
        if (term.name == "&") == holds:
            for part in term.args:
                found.merge(conclude(terms, value_of, part, holds, depth - 1))
        return found
    if term.op == "cmp":
        _comparison(terms, value_of, term, holds, found)
    elif term.op == "call":
        _call(terms, value_of, condition, holds, depth, found)
    elif holds:
        _nonempty(terms, value_of, condition, found)
        found.bound(condition, NOT_ZERO)
    return found


def _comparison(terms: list[Term], value_of: ValueOf, term: Term, holds: bool, found: Knowing) -> None:
    operator = term.name if holds else _NEGATED.get(term.name, "")
    if operator not in _MIRRORED:
        return
    left, right = term.args
    _one_side(terms, value_of, left, operator, value_of(right), found)
    _one_side(terms, value_of, right, _MIRRORED[operator], value_of(left), found)
    for index, difference in _differences(terms, left, right):
        bound = _bound(operator if difference == (left, right) else _MIRRORED[operator], _ZERO)
        if bound is not None:
            found.bound(index, bound)


def _differences(terms: list[Term], left: int, right: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The terms `left - right` and `right - left` of two values that are no numbers, with their operands."""
    if "const" in (terms[left].op, terms[right].op):
        return
    first = min(left, right)
    for index, term in enumerate(terms[first : first + _DIFFERENCES], first):
        if term.op == "bin" and term.name == "-" and term.args in ((left, right), (right, left)):
            yield index, term.args


def _one_side(
    terms: list[Term],
    value_of: ValueOf,
    subject: int,
    operator: str,
    other: Value,
    found: Knowing,
) -> None:
    bound = _bound(operator, other)
    if bound is None:
        return
    nonzero = not bound.zero or bound.low > 0.0 or bound.high < 0.0
    for step in _through(terms, subject):
        found.bound(step, bound if step == subject else _weaker(terms, subject, bound, nonzero))
    if (nonzero and bound.low >= 0.0) or operator == "!=":
        _nonempty(terms, value_of, subject, found)


def _weaker(terms: list[Term], subject: int, bound: Bound, nonzero: bool) -> Bound:
    """The bound of x where `x.abs()` or `x.item()` has this one."""
    if _method(terms, subject) in ("abs", "absolute"):
        return Bound(-bound.high, bound.high, not nonzero)
    return bound


def _through(terms: list[Term], subject: int) -> list[int]:
    """The subject and what it is a plain reading of: `x` for `x.item()`, `abs(x)`, `float(x)`, `x.min()`."""
    chain = [subject]
    for _ in range(3):
        inner = receiver_of(terms, chain[-1], _TRANSPARENT)
        if inner < 0 or _method(terms, chain[-1]) in ("sum", "max"):
            break
        chain.append(inner)
    return chain


def _method(terms: list[Term], index: int) -> str:
    term = terms[index]
    if term.op != "call":
        return ""
    callee = terms[term.args[0]]
    return callee.name.rpartition(".")[2] if callee.op in ("attr", "global") else ""


def receiver_of(terms: list[Term], index: int, methods: frozenset[str]) -> int:
    """The operand of a one-argument function or method of that name; -1 for anything else."""
    term = terms[index]
    if term.op != "call" or _method(terms, index) not in methods:
        return -1
    callee = terms[term.args[0]]
    if callee.op == "attr" and terms[callee.args[0]].op != "global":
        return callee.args[0]
    return term.args[1] if len(term.args) > 1 else -1


def _bound(operator: str, other: Value) -> Bound | None:
    low, high, zero = other.low, other.high, other.can_be_zero
    if operator == "==":
        return Bound(low, high, zero) if other.const is not None else None
    if operator == "!=":
        return NOT_ZERO if other.const == 0.0 else None
    if operator == ">":
        return Bound(low, INFINITY, low < 0.0) if low > -INFINITY else None
    if operator == ">=":
        return Bound(low, INFINITY, zero or low < 0.0) if low > -INFINITY else None
    if operator == "<":
        return Bound(-INFINITY, high, high > 0.0) if high < INFINITY else None
    return Bound(-INFINITY, high, zero or high > 0.0) if high < INFINITY else None


def _call(
    terms: list[Term],
    value_of: ValueOf,
    condition: int,
    holds: bool,
    depth: int,
    found: Knowing,
) -> None:
    method = _method(terms, condition)
    inner = receiver_of(terms, condition, frozenset({"any", "all", "item", "bool"}))
    if inner >= 0 and method in ("item", "bool"):
        found.merge(conclude(terms, value_of, inner, holds, depth - 1))
    if inner >= 0 and (method == "all") == holds and method in ("any", "all"):
        found.merge(conclude(terms, value_of, inner, holds, depth - 1))
        return
    if holds:
        found.bound(condition, NOT_ZERO)
        _nonempty(terms, value_of, condition, found)


def _nonempty(terms: list[Term], value_of: ValueOf, subject: int, found: Knowing) -> None:
    value = value_of(subject)
    if value.kind is Kind.ARRAY:
        return
    found.nonempty |= value.roots
    if terms[subject].op == "call":
        inner = receiver_of(terms, subject, frozenset({"any", "sum", "len", "numel", "size"}))
        if inner >= 0 and value_of(inner).origin in origins.MASKS:
            found.nonempty |= value_of(inner).roots
