"""Differences from a maximum: what is at most 0, so that its exponential cannot overflow."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.lattice import Kind, Value
from trainlint.knowledge.roles import words_of

if TYPE_CHECKING:
    from trainlint.analysis.numerics.abstract import AbstractValues

_CONE = 24
_PLAIN = frozenset({Kind.NUMBER, Kind.INTEGER, Kind.OTHER})


class Shifts:
    """Tells which differences of one unit are `x - max(x)`."""

    def __init__(self, values: AbstractValues) -> None:
        self._values = values
        self._terms = values.terms

    def is_shift(self, minuend: int, subtrahend: int, right: Value) -> bool:
        """Whether a difference of two terms, the second with this value, is at most 0.

        A maximum that is not followed (`scatter(x, index, reduce="max")[index]`) is known by its name.
        """
        if right.origin == origins.MAXIMUM and right.base >= 0:
            shifted = self._values.canonical(self._attached(minuend))
            return any(self._values.canonical(each) == shifted for each in self._taken_from(right.base))
        named = right.kind not in _PLAIN and self._has_exponentials
        return named and self._is_named_maximum(subtrahend)

    def _taken_from(self, index: int) -> Iterator[int]:
        """What a maximum is taken of, and where that is a product with a mask, what is masked: the elements
        that the mask leaves out are left out of the sum of the exponentials too."""
        whole = self._attached(index)
        yield whole
        term = self._terms[whole]
        if (term.op, term.name) == ("bin", "*"):
            left, right = term.args
            yield from (self._attached(x) for x, by in ((left, right), (right, left)) if self._is_mask(by))

    def _is_mask(self, index: int) -> bool:
        value = self._values.of(index)
        return value.kind is Kind.MASK or value.origin in origins.MASKS

    def _attached(self, index: int) -> int:
        """What has the same values with its graph: `x` of `x.data` and of `x.detach()`."""
        term = self._terms[index]
        while term.op in ("attr", "call"):
            callee = self._terms[term.args[0]] if term.op == "call" and len(term.args) == 1 else term
            if callee.op != "attr" or callee.name != ("detach" if term.op == "call" else "data"):
                break
            index = callee.args[0]
            term = self._terms[index]
        return index

    @cached_property
    def _has_exponentials(self) -> bool:
        """Whether the unit takes an exponential at all: only there it matters what is shifted."""
        return any(term.op in ("attr", "global") and term.name.endswith("exp") for term in self._terms)

    def _is_named_maximum(self, index: int) -> bool:
        """Whether something that a term is made from, the nearest first, is called a maximum."""
        near = [index]
        for place in near:
            term = self._terms[place]
            text = term.value if isinstance(term.value, str) else term.name.rpartition(".")[2]
            if "max" in words_of(text) or text in ("amax", "logsumexp"):
                return True
            if len(near) < _CONE:
                near += term.args
        return False
