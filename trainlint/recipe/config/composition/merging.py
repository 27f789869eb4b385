"""Laying one config over another: mappings merge, everything else is replaced."""

from __future__ import annotations

from trainlint.knowledge.format_model import Inheritance
from trainlint.recipe.config.tree import entries_of
from trainlint.text.document import Entry, Node
from trainlint.text.scalars import resolve
from trainlint.text.walk import walk

_DEPTH = 64


def merged(base: Node, over: Node, way: Inheritance) -> Node:
    """What a reader makes of a mapping laid over its base; both stay as they are.

    A mapping under one of the way's switches (`_delete_=True`, `_inherited_: False`) replaces the base's.
    Lists are replaced, as every reader does.
    """
    return _Merging(way).merge(base, over, 0)


class _Merging:
    """One merge. A pair of mappings that meets again, through aliases, has one result."""

    def __init__(self, way: Inheritance) -> None:
        self._way = way
        self._done: dict[tuple[int, int], Node] = {}

    def merge(self, base: Node, over: Node, depth: int) -> Node:
        if over.kind != "mapping" or base.kind != "mapping" or depth > _DEPTH:
            return over
        pair = (id(base), id(over))
        if pair not in self._done:
            self._done[pair] = over
            self._done[pair] = self._merged(base, over, depth)
        return self._done[pair]

    def _merged(self, base: Node, over: Node, depth: int) -> Node:
        own = entries_of(over)
        if _cut_off(own, self._way):
            return _made(over, [entry for key, entry in own.items() if key not in self._way.cut_by])
        entries = dict(entries_of(base))
        for key, entry in own.items():
            held = entries.get(key)
            value = self.merge(held.value, entry.value, depth + 1) if held is not None else entry.value
            entries[key] = entry if value is entry.value else Entry(entry.key, value)
        return _made(over, list(entries.values()))


def _cut_off(entries: dict[str, Entry], way: Inheritance) -> bool:
    for key, wanted in way.cut_by.items():
        switch = entries.get(key)
        scalar = switch.value if switch is not None and switch.value.kind == "scalar" else None
        if scalar is not None and resolve(scalar, "omegaconf") is wanted:
            return True
    return False


def _made(over: Node, entries: list[Entry]) -> Node:
    return Node("mapping", over.place, style=over.style, tag=over.tag, items=entries, path=over.path)


def without(node: Node, key: str) -> Node:
    """A mapping without one of its keys."""
    return _made(node, [entry for entry in node.items if entry.key.raw != key])


def stamped(root: Node, path: str) -> Node:
    """The tree, each of its nodes told which file it stands in."""
    if not root.path:
        for _, node in walk(root):
            node.path = path
            for entry in node.items:
                entry.key.path = path
    return root
