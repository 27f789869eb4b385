"""Collections and their parts as abstract values: displays, what is taken out of them, what is put in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trainlint.analysis.facts import Scalar, Term
from trainlint.analysis.numerics import lattice, origins
from trainlint.analysis.numerics.lattice import INFINITY, UNKNOWN, Gradient, Kind, Value
from trainlint.analysis.numerics.masks import selected

if TYPE_CHECKING:
    from trainlint.analysis.numerics.abstract import AbstractValues

replace = msgspec.structs.replace

_SPREADS = {
    origins.VARIANCE_AND_MEAN: (0, origins.VARIANCE),
    origins.MEAN_AND_VARIANCE: (1, origins.VARIANCE),
    origins.DEVIATION_AND_MEAN: (0, origins.STD),
}
"""Where the spread stands in a pair with the mean, and what it is."""


class Parts:
    """The operations on collections of one unit's values."""

    def __init__(self, values: AbstractValues) -> None:
        self.values = values
        self._displays: dict[int, dict[Scalar, int]] = {}

    def item(self, index: int, term: Term) -> Value:
        """What stands under a key, or what a mask selects."""
        base, key = self.values.of(term.args[0]), self.values.of(term.args[1])
        key_term = self.values.terms[term.args[1]]
        if isinstance(key_term.value, str) and key_term.op == "const":
            written = self._entry(term.args[0], key_term.value)
            if written >= 0:
                return self.values.of(written)
            return self.values.leaves.entry(index, key_term.value)
        if base.kind is Kind.SEQUENCE:
            return _part(base, key_term.value)
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
        term = self.values.terms[index]
        if term.op != "dict":
            return -1
        entries = self._displays.get(index)
        if entries is None:
            keys = [self.values.terms[each] for each in term.args[::2]]
            told = all(each.op == "const" and each.value is not None for each in keys)
            pairs = zip(keys, term.args[1::2], strict=True)
            entries = {each.value: value for each, value in pairs} if told else {}
            self._displays[index] = entries
        return entries.get(key, -1)

    def display(self, index: int, term: Term) -> Value:  # noqa: ARG002
        """A list, tuple or set: what any of its elements may be."""
        if not term.args:
            return replace(UNKNOWN, kind=Kind.SEQUENCE)
        result = self.values.of(term.args[0])
        for argument in term.args[1:8]:
            result = lattice.join(result, self.values.of(argument))
        return replace(result, kind=Kind.SEQUENCE, const=None, low=min(result.low, 0.0))

    def setitem(self, index: int, term: Term) -> Value:  # noqa: ARG002
        """A collection or tensor after `x[key] = y`."""
        container, key, stored = term.args
        if self.values.of(key).kind is Kind.MASK:
            return self._filled(container, key, self.values.of(stored))
        before, written = self.values.of(container), self.values.of(stored)
        if written.const == 0.0:
            return before
        return Value(before.kind, grad=lattice.gradient_of(before, written), roots=before.roots)

    def _filled(self, term: int, mask: int, fill: Value) -> Value:
        """A tensor whose elements under a mask were replaced."""
        kept = self.values.under(mask, False, term)
        result = lattice.join(kept, replace(fill, roots=frozenset()))
        return replace(result, kind=kept.kind, grad=kept.grad, roots=kept.roots)

    def element(self, index: int, term: Term) -> Value:
        """One element of what is iterated."""
        base = self.values.of(term.args[0])
        if base.kind is Kind.SEQUENCE or base.elements:
            return _part(base, None) if base.kind is Kind.SEQUENCE else replace(base, elements=False)
        return (
            replace(base, const=None)
            if base.kind is Kind.TENSOR
            else replace(UNKNOWN, roots=frozenset({index}))
        )

    def unpacked(self, index: int, term: Term) -> Value:
        """One part of what is unpacked, by its position."""
        base = self.values.of(term.args[0])
        source = self.values.terms[term.args[0]]
        if base.elements and base.origin in (origins.MAXIMUM, origins.MINIMUM) and term.value != 0:
            return Value(Kind.TENSOR, 0.0, INFINITY, True, Gradient.NO)
        if base.kind is Kind.SEQUENCE:
            return _part(base, term.value)
        if base.elements:
            return replace(base, elements=False)
        if source.op == "elem" or base.kind is not Kind.TENSOR:
            return replace(UNKNOWN, roots=frozenset({index}))
        return replace(base, const=None)

    def comprehension(self, index: int, term: Term) -> Value:  # noqa: ARG002
        """The list, set or generator of a comprehension."""
        if term.name == "dict":
            return UNKNOWN
        return replace(self.values.of(term.args[0]), kind=Kind.SEQUENCE, const=None)


def _part(base: Value, position: object) -> Value:
    """One part of a sequence: a size, the mean or the spread of a pair, or like every other."""
    kind = Kind.INTEGER if base.low >= 1.0 or base.origin == origins.FILTERED_COUNT else Kind.UNKNOWN
    if base.origin == origins.FILTERED_COUNT and position != 0:
        return Value(Kind.INTEGER, 1.0, INFINITY, False, Gradient.NO)
    if base.origin in _SPREADS:
        place, origin = _SPREADS[base.origin]
        if position != place:
            return Value(Kind.TENSOR, grad=base.grad, roots=base.roots)
        return Value(Kind.TENSOR, 0.0, INFINITY, True, base.grad, origin, base.base, base.roots)
    return replace(base, kind=kind, elements=False, const=None)
