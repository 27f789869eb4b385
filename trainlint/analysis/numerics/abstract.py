"""From terms to abstract values: lazily, without recursion.

Once per term and once more where a path knows better.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from trainlint.analysis.facts import NumericSummary, Term
from trainlint.analysis.numerics import lattice, origins
from trainlint.analysis.numerics.arithmetic import (
    added,
    divided,
    matrix_product,
    multiplied,
    negated,
    powered,
    shifted,
    squared,
    subtracted,
)
from trainlint.analysis.numerics.calls import Calls
from trainlint.analysis.numerics.guards import Bound, Knowing, conclude
from trainlint.analysis.numerics.lattice import INFINITY, OTHER, UNKNOWN, Gradient, Kind, Value
from trainlint.analysis.numerics.leaves import Leaves, Parameter
from trainlint.analysis.numerics.masks import compared, complemented, intersected
from trainlint.analysis.numerics.parts import Parts
from trainlint.analysis.numerics.shifts import Shifts
from trainlint.analysis.numerics.transfer import TRANSFERS
from trainlint.knowledge.base import Knowledge

replace = msgspec.structs.replace

_CONE_LIMIT = 400
_REFINEMENT_DEPTH = 3
_ARITHMETIC: dict[str, Callable[[Value, Value], Value]] = {
    "+": added,
    "-": subtracted,
    "*": multiplied,
    "/": divided,
}


class AbstractValues:
    """The abstract values of one unit's terms.

    `attribute` answers what `self.name` holds, `summary_of` what calling a project function gives: it is
    asked by the function's absolute name, or by "self.name" for a method of the same object.
    """

    def __init__(
        self,
        terms: list[Term],
        knowledge: Knowledge,
        attribute: Callable[[str], NumericSummary | None],
        summary_of: Callable[[str], NumericSummary | None],
    ) -> None:
        self.terms = terms
        self.knowledge = knowledge
        self.attribute = attribute
        self.summary_of = summary_of
        self.parameters: dict[int, Parameter] = {}
        self.calls = Calls(self)
        self.leaves = Leaves(self)
        self.shifts = Shifts(self)
        self.parts = parts = Parts(self)
        self._facts: dict[int, Value] = {}
        self._overlay: dict[int, Value] = {}
        self._concluded: dict[tuple[int, bool], Knowing] = {}
        self._depth = 0
        self._canonical: list[int] = []
        self._shapes: dict[tuple[object, ...], int] = {}
        self._operations: dict[str, Callable[[int, Term], Value]] = {
            "const": self.leaves.constant, "param": self.leaves.parameter,
            "global": self.leaves.from_elsewhere, "attr": self.leaves.attribute, "call": self.calls.value,
            "item": parts.item, "bin": self._bin, "un": self._un, "cmp": self._cmp, "bool": self._bool,
            "if": self._if, "tuple": parts.display, "list": parts.display, "set": parts.display,
            "setitem": parts.setitem, "elem": parts.element, "unpack": parts.unpacked, "loop": self._loop,
            "comp": parts.comprehension, "star": parts.element,
        }  # fmt: skip

    def value(self, index: int) -> Value:
        """The value of a term on any path."""
        known = self._facts.get(index)
        if known is not None:
            return known
        overlay, self._overlay = self._overlay, {}
        for step in self._cone(index, self._facts, 0):
            self._facts[step] = self._compute(step)
        self._overlay = overlay
        return self._facts[index]

    def refined(self, index: int, bounds: dict[int, Bound]) -> Value:
        """The value of a term on a path where these bounds hold."""
        base = self.value(index)
        lowest = min(bounds, default=index + 1)
        if index < lowest:
            return base
        cone = self._cone(index, {}, lowest, _CONE_LIMIT) or [index]
        outer, self._overlay = self._overlay, {}
        methods: set[int] = set()
        for step in cone:
            value = self._facts[step]
            if any(argument in self._overlay or argument in methods for argument in self.terms[step].args):
                value = self._compute(step)
                if self.terms[step].op == "attr":
                    methods.add(step)
            bound = bounds.get(self.canonical(step))
            if bound is not None:
                value = lattice.meet(value, bound.low, bound.high, zero=bound.zero)
            if value != self._facts[step]:
                self._overlay[step] = value
        result = self._overlay.get(index, base)
        self._overlay = outer
        return result

    def under(self, condition: int, holds: bool, index: int) -> Value:
        """The value of a term where a condition has an outcome."""
        if self._depth >= _REFINEMENT_DEPTH:
            return self.of(index)
        self._depth += 1
        knowing = self.conclude(condition, holds)
        result = self.refined(index, knowing.bounds) if knowing.bounds else self.of(index)
        self._depth -= 1
        return result

    def conclude(self, condition: int, holds: bool) -> Knowing:
        """What a condition's outcome says, by canonical terms; not to be changed by who asks."""
        known = self._concluded.get((condition, holds))
        if known is None:
            found = conclude(self.terms, self.value, condition, holds)
            known = Knowing(nonempty=found.nonempty)
            for term, bound in found.bounds.items():
                known.bound(self.canonical(term), bound)
            self._concluded[condition, holds] = known
        return known

    def of(self, index: int) -> Value:
        """The value of a term as the current evaluation sees it."""
        found = self._overlay.get(index)
        if found is None:
            found = self._facts.get(index)
        return self.value(index) if found is None else found

    def canonical(self, index: int) -> int:
        """The first term that is written the same and must have the same value."""
        while len(self._canonical) <= index:
            place = len(self._canonical)
            term = self.terms[place]
            if not self._is_repeatable(term):
                self._canonical.append(place)
                continue
            arguments = tuple(self._canonical[argument] for argument in term.args)
            shape = (term.op, arguments, term.name, term.value.__class__, term.value, term.keys)
            self._canonical.append(self._shapes.setdefault(shape, place))
        return self._canonical[index]

    def _is_repeatable(self, term: Term) -> bool:
        if term.op in (
            "const",
            "param",
            "global",
            "attr",
            "item",
            "bin",
            "un",
            "cmp",
            "bool",
            "tuple",
            "slice",
            "unpack",
        ):
            return True
        if term.op != "call":
            return term.op == "unknown" and term.name == "Ellipsis"
        callee = self.terms[term.args[0]]
        if callee.op == "attr":
            return self.calls.tensor_method(callee.name) is not None
        entry = self.knowledge.lookup(callee.name) if callee.op == "global" else None
        return entry is not None and entry.transfer in TRANSFERS

    def _cone(self, index: int, done: dict[int, Value], lowest: int, most: int | None = None) -> list[int]:
        """The terms below `index` that are not done, arguments first; none if they are more than `most`."""
        seen = {index}
        stack = [index]
        while stack:
            for argument in self.terms[stack.pop()].args:
                if argument >= lowest and argument not in done and argument not in seen:
                    seen.add(argument)
                    stack.append(argument)
            if most is not None and len(seen) > most:
                return []
        return sorted(seen)

    def _compute(self, index: int) -> Value:
        term = self.terms[index]
        operation = self._operations.get(term.op)
        return operation(index, term) if operation is not None else UNKNOWN

    def _bin(self, index: int, term: Term) -> Value:
        left, right = (self.of(argument) for argument in term.args)
        operator = term.name
        if operator == "-" and self.shifts.is_shift(term.args[0], term.args[1], right):
            return shifted(left, right)
        if operator == "*" and self.canonical(term.args[0]) == self.canonical(term.args[1]):
            return squared(left, term.args[0])
        if operator == "+" and self._complementary(left, right):
            return replace(lattice.add(left, right), low=0.0, zero=False)
        arithmetic = _ARITHMETIC.get(operator)
        if arithmetic is not None:
            kinds = (left.kind, right.kind)
            if Kind.SEQUENCE in kinds:
                return UNKNOWN
            return OTHER if Kind.OTHER in kinds and operator != "*" else arithmetic(left, right)
        if operator == "**":
            return powered(left, right, term.args[0])
        if operator == "@":
            return matrix_product(left, right)
        if operator in ("&", "|"):
            return intersected(left, right) if _is_mask(left) or _is_mask(right) else UNKNOWN
        if operator in ("//", "%"):
            return lattice.combine(left, right, -INFINITY, INFINITY, zero=True)
        return replace(UNKNOWN, roots=frozenset({index}))

    def _complementary(self, left: Value, right: Value) -> bool:
        """Whether these are the squares of t and of c - t, which are never both zero."""
        if left.origin != origins.SQUARE or right.origin != origins.SQUARE:
            return False
        for one, other in ((left.base, right.base), (right.base, left.base)):
            if other >= 0 and self.terms[other].op == "bin" and self.terms[other].name == "-":
                minuend, subtrahend = self.terms[other].args
                constant = self.of(minuend).const
                if (
                    self.canonical(subtrahend) == self.canonical(one)
                    and constant is not None
                    and constant != 0.0
                ):
                    return True
        return False

    def _un(self, index: int, term: Term) -> Value:
        value = self.of(term.args[0])
        if term.name == "-":
            return negated(value)
        if term.name == "~":
            return complemented(self.canonical(index), value) if _is_mask(value) else UNKNOWN
        return value if term.name == "+" else OTHER

    def _cmp(self, index: int, term: Term) -> Value:
        if term.name in ("in", "not-in", "is", "is-not"):
            return OTHER
        left, right = (self.of(argument) for argument in term.args)
        plain = (Kind.NUMBER, Kind.INTEGER, Kind.OTHER)
        if (left.kind in plain and right.kind in plain) or Kind.OTHER in (left.kind, right.kind):
            return OTHER
        return compared(self.canonical(index), term.name, left, right)

    def _bool(self, index: int, term: Term) -> Value:  # noqa: ARG002
        left, right = term.args
        if term.name == "or":
            return lattice.join(self.under(left, True, left), self.of(right))
        return lattice.join(self.of(left), self.of(right))

    def _if(self, index: int, term: Term) -> Value:  # noqa: ARG002
        condition, then, otherwise = term.args
        taken = self.under(condition, True, then)
        other = self.under(condition, False, otherwise)
        if self.terms[then].op == "const" and self.terms[then].value is None:
            return other
        if self.terms[otherwise].op == "const" and self.terms[otherwise].value is None:
            return taken
        return lattice.join(taken, other)

    def _loop(self, index: int, term: Term) -> Value:  # noqa: ARG002
        values = [self.of(argument) for argument in term.args]
        result = values[0]
        for value in values[1:]:
            result = lattice.join(result, value)
        kind = result.kind if result.kind is Kind.TENSOR else Kind.UNKNOWN
        grad = Gradient.UNKNOWN if result.grad is Gradient.NO else result.grad
        return Value(kind, grad=grad, roots=result.roots)


def _is_mask(value: Value) -> bool:
    return value.kind is Kind.MASK or value.origin in origins.MASKS
