"""The term table of one unit: hash-consed symbolic values, so that equal expressions share one index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import libcst as cst

from trainlint.analysis.facts import NumericSummary, Scalar, Term

Key = tuple[str, tuple[int, ...], str, object, tuple[str, ...], int]


class NumericHooks(Protocol):
    """What the interpreter tells the numeric analysis while it walks a unit in statement order."""

    def new_term(self, index: int) -> None:
        """Compute and keep the abstract value of a term just made."""

    def site(self, index: int) -> None:
        """A division, root or power is evaluated on the current path."""

    def assume(self, condition: int, holds: bool) -> None:
        """The current path continues with this condition's outcome."""

    def push(self) -> None:
        """Remember the path's refinements: a branch begins."""

    def pop(self) -> None:
        """Forget what was learnt since the matching push."""

    def store_item(self, container: int, key: int, value: int) -> None:
        """`container[key] = value` happened in place."""

    def inplace(self, receiver: int, method: str, arguments: Sequence[int]) -> None:
        """An in-place tensor method such as `clamp_` was called on the receiver."""

    def parameter(self, index: int, name: str, annotation: str, default: int) -> None:
        """Describe a formal parameter's term; `default` is a term index or -1."""

    def self_attribute(self, index: int, name: str) -> None:
        """Describe the term of a `self.name` read that this unit has not assigned."""

    def region(self, name: str, entered: bool) -> None:
        """A `with` block whose manager matters ("no_grad", "autocast") begins or ends."""


class NoNumerics:
    """The hooks of a file that uses no numeric framework: nothing is computed."""

    def new_term(self, index: int) -> None:
        """Nothing to keep."""

    def site(self, index: int) -> None:
        """No candidate can stand here."""

    def assume(self, condition: int, holds: bool) -> None:
        """No refinements are kept."""

    def push(self) -> None:
        """No path state."""

    def pop(self) -> None:
        """No path state."""

    def store_item(self, container: int, key: int, value: int) -> None:
        """No tensor is tracked."""

    def inplace(self, receiver: int, method: str, arguments: Sequence[int]) -> None:
        """No tensor is tracked."""

    def parameter(self, index: int, name: str, annotation: str, default: int) -> None:
        """No parameter is described."""

    def self_attribute(self, index: int, name: str) -> None:
        """No attribute is described."""

    def region(self, name: str, entered: bool) -> None:
        """No region is tracked."""


class TermTable:
    """Makes terms. `nodes[i]` is the syntax node that term `i` was first read from, None for synthetic
    terms."""

    def __init__(self) -> None:
        self.terms: list[Term] = []
        self.nodes: list[cst.CSTNode | None] = []
        self._known: dict[Key, int] = {}

    def make(
        self,
        op: str,
        args: tuple[int, ...] = (),
        name: str = "",
        value: Scalar = None,
        keys: tuple[str, ...] = (),
        node: cst.CSTNode | None = None,
        site: int = 0,
    ) -> tuple[int, bool]:
        """The index of this term and whether it is new. A non-zero `site` keeps equal-looking terms apart."""
        key: Key = (op, args, name, (value.__class__, value), keys, site)
        found = self._known.get(key)
        if found is not None:
            return found, False
        index = len(self.terms)
        self._known[key] = index
        self.terms.append(Term(op, args, name, value, keys))
        self.nodes.append(node)
        return index, True


__all__ = ["NoNumerics", "NumericHooks", "NumericSummary", "TermTable"]
