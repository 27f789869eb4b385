"""The values of what a unit does not compute: literals, parameters, other modules' names, attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trainlint.analysis.facts import Term
from trainlint.analysis.numerics import lattice
from trainlint.analysis.numerics.lattice import OTHER, UNKNOWN, Gradient, Kind, Value
from trainlint.analysis.numerics.masks import shape_of
from trainlint.analysis.numerics.naming import POSITIVE_NUMBER, annotated, named
from trainlint.analysis.numerics.summaries import from_summary

if TYPE_CHECKING:
    from trainlint.analysis.numerics.abstract import AbstractValues

replace = msgspec.structs.replace

_VIEWS = frozenset({"T", "mT", "H", "mH", "real", "values", "data", "grad_fn"})
_NOT_VALUES = frozenset({"device", "dtype", "requires_grad", "is_cuda", "ndim", "layout", "names"})


class Parameter(msgspec.Struct, frozen=True):
    """A formal parameter as the interpreter described it."""

    name: str
    annotation: str = ""
    default: int = -1


class Leaves:
    """Evaluates the leaf terms of one unit."""

    def __init__(self, values: AbstractValues) -> None:
        self._values = values

    def constant(self, index: int, term: Term) -> Value:  # noqa: ARG002
        """A literal."""
        value = term.value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return OTHER
        return lattice.constant(value)

    def parameter(self, index: int, term: Term) -> Value:
        """A formal parameter: what its name, annotation and default tell."""
        described = self._values.parameters.get(index)
        name = term.name.rpartition(" ")[2]
        if name in ("self", "cls"):
            return OTHER
        value = named(name)
        if described is not None:
            kind = annotated(described.annotation)
            if kind is Kind.NUMBER or kind is Kind.OTHER:
                return (
                    POSITIVE_NUMBER
                    if value is POSITIVE_NUMBER
                    else replace(UNKNOWN, kind=kind, grad=Gradient.NO)
                )
            if described.default >= 0 and kind is not Kind.TENSOR:
                default = self._values.terms[described.default].value
                if isinstance(default, (bool, int, float, str)):
                    return POSITIVE_NUMBER if value is POSITIVE_NUMBER else lattice.NUMBER
            if kind is Kind.TENSOR and value.kind is Kind.NUMBER:
                value = UNKNOWN
            if kind is not Kind.UNKNOWN:
                value = replace(value, kind=kind)
        return value if value.kind is Kind.NUMBER else replace(value, roots=frozenset({index}))

    def from_elsewhere(self, index: int, term: Term) -> Value:  # noqa: ARG002
        """A name of another module."""
        last = term.name.rpartition(".")[2]
        if last in ("pi", "e", "inf") and term.name.startswith(("math.", "numpy.", "torch.")):
            return POSITIVE_NUMBER
        if self._values.knowledge.lookup(term.name) is not None:
            return UNKNOWN
        value = named(last)
        return value if value is POSITIVE_NUMBER else UNKNOWN

    def attribute(self, index: int, term: Term) -> Value:
        """`base.name`."""
        base = self._values.terms[term.args[0]]
        if base.op == "param" and base.name in ("self", "cls"):
            return self._self_attribute(index, term.name)
        value = self._values.of(term.args[0])
        if term.name == "shape":
            return shape_of(value)
        if term.name in _NOT_VALUES:
            return OTHER
        if term.name == "data":
            return replace(value, grad=Gradient.NO)
        if term.name == "values" and value.elements:
            return replace(value, elements=False)
        if term.name in _VIEWS:
            return value
        if term.name == "grad":
            return Value(Kind.TENSOR, grad=Gradient.NO)
        guessed = named(term.name)
        if guessed is POSITIVE_NUMBER or guessed is UNKNOWN:
            return guessed if guessed is POSITIVE_NUMBER else replace(UNKNOWN, roots=frozenset({index}))
        return replace(guessed, roots=frozenset({index}))

    def _self_attribute(self, index: int, name: str) -> Value:
        guessed = named(name)
        if guessed.kind is Kind.NUMBER:
            return guessed
        summary = self._values.attribute(name)
        if summary is not None:
            return from_summary(summary, index)
        grad = Gradient.NO if guessed.grad is Gradient.NO and not guessed.origin else Gradient.UNKNOWN
        return replace(UNKNOWN, grad=grad, roots=frozenset({index}))

    def entry(self, index: int, key: str) -> Value:
        """`base["key"]`."""
        guessed = named(key)
        return guessed if guessed is POSITIVE_NUMBER else replace(guessed, roots=frozenset({index}))
