"""From terms to abstract values: lazily, without recursion.

Once per term and once more where a path knows better.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from trainlint.analysis.facts import NumericSummary, Scalar, Term
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
from trainlint.analysis.numerics.masks import compared, complemented, intersected, selected
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
_SPREADS = {
    origins.VARIANCE_AND_MEAN: (0, origins.VARIANCE),
    origins.MEAN_AND_VARIANCE: (1, origins.VARIANCE),
    origins.DEVIATION_AND_MEAN: (0, origins.STD),
}
"""Where the spread stands in a pair with the mean, and what it is."""


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
        self._facts: dict[int, Value] = {}
        self._overlay: dict[int, Value] = {}
        self._concluded: dict[tuple[int, bool], Knowing] = {}
        self._displays: dict[int, dict[Scalar, int]] = {}
        self._depth = 0
        self._canonical: list[int] = []
        self._shapes: dict[tuple[object, ...], int] = {}
        self._operations: dict[str, Callable[[int, Term], Value]] = {
            "const": self.leaves.constant, "param": self.leaves.parameter,
            "global": self.leaves.from_elsewhere, "attr": self.leaves.attribute, "call": self.calls.value,
            "item": self._item, "bin": self._bin, "un": self._un, "cmp": self._cmp, "bool": self._bool,
            "if": self._if, "tuple": self._sequence, "list": self._sequence, "set": self._sequence,
            "setitem": self._setitem, "elem": self._elem, "unpack": self._unpack, "loop": self._loop,
            "comp": self._comp, "star": self._elem,
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

    def _item(self, index: int, term: Term) -> Value:
        base, key = self.of(term.args[0]), self.of(term.args[1])
        key_term = self.terms[term.args[1]]
        if isinstance(key_term.value, str) and key_term.op == "const":
            written = self._entry(term.args[0], key_term.value)
            return self.of(written) if written >= 0 else self.leaves.entry(index, key_term.value)
        if base.kind is Kind.SEQUENCE:
            return self._part(base, key_term.value)
        if base.elements:
            return replace(base, elements=False)
        if key.kind is Kind.MASK or key.origin in origins.MASKS:
            return selected(base, key)
        if base.kind is Kind.OTHER:
            return UNKNOWN
        if key.origin == origins.SELECTION:
            return selected(base, key)
        return base if base.const is None else replace(base, const=None)

    def _entry(self, index: int, key: str) -> int:
        """What a display of a dict has under a key, -1 where it is none or not all of its keys are told."""
        term = self.terms[index]
        if term.op != "dict":
            return -1
        entries = self._displays.get(index)
        if entries is None:
            keys = [self.terms[each] for each in term.args[::2]]
            told = all(each.op == "const" and each.value is not None for each in keys)
            pairs = zip(keys, term.args[1::2], strict=True)
            entries = {each.value: value for each, value in pairs} if told else {}
            self._displays[index] = entries
        return entries.get(key, -1)

    @staticmethod
    def _part(base: Value, position: object) -> Value:
        kind = Kind.INTEGER if base.low >= 1.0 or base.origin == origins.FILTERED_COUNT else Kind.UNKNOWN
        if base.origin == origins.FILTERED_COUNT and position != 0:
            return Value(Kind.INTEGER, 1.0, INFINITY, False, Gradient.NO)
        if base.origin in _SPREADS:
            place, origin = _SPREADS[base.origin]
            if position != place:
                return Value(Kind.TENSOR, grad=base.grad, roots=base.roots)
            return Value(Kind.TENSOR, 0.0, INFINITY, True, base.grad, origin, base.base, base.roots)
        return replace(base, kind=kind, elements=False, const=None)

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

    def _sequence(self, index: int, term: Term) -> Value:  # noqa: ARG002
        if not term.args:
            return replace(UNKNOWN, kind=Kind.SEQUENCE)
        result = self.of(term.args[0])
        for argument in term.args[1:8]:
            result = lattice.join(result, self.of(argument))
        return replace(result, kind=Kind.SEQUENCE, const=None, low=min(result.low, 0.0))

    def _setitem(self, index: int, term: Term) -> Value:  # noqa: ARG002
        container, key, stored = term.args
        if self.of(key).kind is Kind.MASK:
            return self._filled(container, key, self.of(stored))
        before, written = self.of(container), self.of(stored)
        if written.const == 0.0:
            return before
        return Value(before.kind, grad=lattice.gradient_of(before, written), roots=before.roots)

    def _filled(self, term: int, mask: int, fill: Value) -> Value:
        """A tensor whose elements under a mask were replaced."""
        kept = self.under(mask, False, term)
        result = lattice.join(kept, replace(fill, roots=frozenset()))
        return replace(result, kind=kept.kind, grad=kept.grad, roots=kept.roots)

    def _elem(self, index: int, term: Term) -> Value:
        base = self.of(term.args[0])
        if base.kind is Kind.SEQUENCE or base.elements:
            return self._part(base, None) if base.kind is Kind.SEQUENCE else replace(base, elements=False)
        return (
            replace(base, const=None)
            if base.kind is Kind.TENSOR
            else replace(UNKNOWN, roots=frozenset({index}))
        )

    def _unpack(self, index: int, term: Term) -> Value:
        base = self.of(term.args[0])
        source = self.terms[term.args[0]]
        if base.elements and base.origin in (origins.MAXIMUM, origins.MINIMUM) and term.value != 0:
            return Value(Kind.TENSOR, 0.0, INFINITY, True, Gradient.NO)
        if base.kind is Kind.SEQUENCE:
            return self._part(base, term.value)
        if base.elements:
            return replace(base, elements=False)
        if source.op == "elem" or base.kind is not Kind.TENSOR:
            return replace(UNKNOWN, roots=frozenset({index}))
        return replace(base, const=None)

    def _comp(self, index: int, term: Term) -> Value:  # noqa: ARG002
        if term.name == "dict":
            return UNKNOWN
        return replace(self.of(term.args[0]), kind=Kind.SEQUENCE, const=None)


def _is_mask(value: Value) -> bool:
    return value.kind is Kind.MASK or value.origin in origins.MASKS
