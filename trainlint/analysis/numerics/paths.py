"""The way to a site: conditions assumed and in-place writes made, as a chain that branches share."""

from __future__ import annotations

import msgspec

from trainlint.analysis.numerics.abstract import AbstractValues
from trainlint.analysis.numerics.guards import NOT_ZERO, Bound, Knowing
from trainlint.analysis.numerics.lattice import Kind
from trainlint.analysis.numerics.origins import SELECTION


class Node(msgspec.Struct, frozen=True):
    """A step of a path; START has none before it."""

    before: Node | None = None


class Assumed(Node, frozen=True):
    """The path continues with this outcome of a condition."""

    condition: int = -1
    holds: bool = True


class Stored(Node, frozen=True):
    """`container[key] = value`."""

    container: int = -1
    key: int = -1
    value: int = -1


class Inplace(Node, frozen=True):
    """An in-place method was called; `method` has no trailing underscore."""

    receiver: int = -1
    method: str = ""
    arguments: tuple[int, ...] = ()


class Reduced(Node, frozen=True):
    """The least or greatest of all elements was taken: it raises where there is none."""

    operand: int = -1


START = Node()


class PathReader:
    """What is known at the nodes of paths, each read once."""

    def __init__(self, values: AbstractValues) -> None:
        self._values = values
        self._known: dict[int, Knowing] = {id(START): Knowing()}

    def knowing(self, node: Node) -> Knowing:
        """Bounds and non-empty definitions at a node."""
        pending: list[Node] = []
        step: Node | None = node
        while step is not None and id(step) not in self._known:
            pending.append(step)
            step = step.before
        known = self._known[id(step)] if step is not None else Knowing()
        for step in reversed(pending):
            added = self._read(step)
            if added.bounds or added.nonempty:
                both = Knowing(dict(known.bounds), set(known.nonempty))
                both.merge(added)
                known = both
            self._known[id(step)] = known
        return known

    def _read(self, node: Node) -> Knowing:
        if isinstance(node, Assumed):
            return self._values.conclude(node.condition, node.holds)
        if isinstance(node, Stored):
            return self._stored(node.container, node.key, node.value)
        if isinstance(node, Reduced):
            operand = self._values.value(node.operand)
            return Knowing(nonempty=set(operand.roots)) if operand.origin == SELECTION else Knowing()
        return self._inplace(node) if isinstance(node, Inplace) else Knowing()

    def _about(self, term: int, bound: Bound) -> Knowing:
        return Knowing({self._values.canonical(term): bound})

    def _stored(self, container: int, key: int, value: int) -> Knowing:
        if self._values.value(key).kind is not Kind.MASK or self._values.value(value).can_be_zero:
            return Knowing()
        kept = self._values.under(key, False, container)
        return Knowing() if kept.can_be_zero else self._about(container, NOT_ZERO)

    def _inplace(self, node: Inplace) -> Knowing:
        first = self._values.value(node.arguments[0])
        if node.method in ("clamp", "clamp_min", "clip") and first.is_positive:
            return self._about(node.receiver, Bound(first.low, zero=False))
        if node.method == "add" and first.is_positive and self._values.value(node.receiver).low >= 0.0:
            return self._about(node.receiver, NOT_ZERO)
        if node.method == "masked_fill" and len(node.arguments) > 1:
            return self._stored(node.receiver, node.arguments[0], node.arguments[1])
        return Knowing()
