"""The term table of one unit: hash-consed symbolic values, so that equal expressions share one index."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from trainlint.analysis.facts import Scalar, Term

Key = tuple[str, tuple[int, ...], str, object, tuple[str, ...], int]


class NumericHooks:
    """What the interpreter tells the numeric analysis as it walks a unit. This one listens to nothing.

    Values are not computed during the walk: a site keeps the path it was reached on.
    """

    def site(self, index: int) -> None:
        """A division, root or power is evaluated on the current path."""

    def handing(self, index: int) -> None:
        """A function that no framework's facts describe is called with arguments on the current path."""

    def assume(self, condition: int, holds: bool) -> None:
        """The current path continues with this condition's outcome."""

    def push(self) -> None:
        """Remember the path: a branch begins."""

    def pop(self) -> None:
        """Forget what was learnt since the matching push."""

    def store_item(self, container: int, key: int, value: int) -> None:
        """`container[key] = value` happened in place."""

    def inplace(self, receiver: int, method: str, arguments: Sequence[int]) -> None:
        """An in-place tensor method such as `clamp_` was called on the receiver."""

    def parameter(self, index: int, name: str, annotation: str, default: int) -> None:
        """Describe a formal parameter's term; `default` is a term index or -1."""

    def region(self, name: str, entered: bool) -> None:
        """A `with` block whose manager matters ("no_grad", "autocast") begins or ends."""


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
    ) -> int:
        """The index of this term. A non-zero `site` keeps equal-looking terms apart."""
        key: Key = (op, args, name, (value.__class__, value), keys, site)
        found = self._known.get(key)
        if found is not None:
            return found
        index = len(self.terms)
        self._known[key] = index
        self.terms.append(Term(op, args, name, value, keys))
        self.nodes.append(node)
        return index
