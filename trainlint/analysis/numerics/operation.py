"""A call of a framework function, and the registry of what such calls do to abstract values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from trainlint.analysis.numerics import lattice
from trainlint.analysis.numerics.lattice import Kind, Value
from trainlint.knowledge.base import Entry


class Operation:
    """A call of a framework function on terms. `bound` maps parameter names to term indices.

    "input" is the receiver.

    `same` says that "input" and "other" are the same value.
    """

    __slots__ = ("bound", "entry", "index", "kind", "same", "value_of")

    def __init__(
        self,
        index: int,
        entry: Entry,
        bound: Mapping[str, int],
        value_of: Callable[[int], Value],
        kind: Kind,
        same: bool,
    ) -> None:
        self.index = index
        self.entry = entry
        self.bound = bound
        self.value_of = value_of
        self.kind = kind
        self.same = same

    def term(self, name: str) -> int:
        """The argument's term, -1 where it is not given."""
        return self.bound.get(name, -1)

    def value(self, name: str = "input") -> Value:
        """The argument's value; unknown where it is not given."""
        term = self.bound.get(name, -1)
        return self.value_of(term) if term >= 0 else lattice.UNKNOWN

    def number(self, name: str) -> float | None:
        """The argument's constant, None where it is not one."""
        return self.value(name).const

    def typed(self, value: Value) -> Value:
        """`value` with the kind this operation's result has."""
        kind = Kind.TENSOR if value.kind is Kind.MASK and self.kind is Kind.UNKNOWN else self.kind
        return value if value.kind is kind else msgspec.structs.replace(value, kind=kind, const=None)


Transfer = Callable[[Operation], Value]
TRANSFERS: dict[str, Transfer] = {}
"""By the name that the knowledge uses."""


def transfer(function: Transfer) -> Transfer:
    """Register a function under its own name without the underscore."""
    TRANSFERS[function.__name__.strip("_")] = function
    return function
