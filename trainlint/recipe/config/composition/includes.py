"""Putting the files that `!include` names in place of it: `!include data.yaml`, `!include:data.yaml`."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from trainlint.text.document import Entry, Node

TAG = "!include"
_DEPTH = 32

Find = Callable[[str, Node], "Node | None"]
"""From a name and the node that names it to the root of that file; None where it is not read."""


def name_of(node: Node) -> str:
    """The file that a node includes, "" where it includes none."""
    if node.tag == TAG and node.kind == "scalar":
        return node.raw.strip()
    return node.tag[len(TAG) + 1 :] if node.tag.startswith(f"{TAG}:") else ""


def with_includes(root: Node, find: Find) -> Node:
    """The tree with what it includes; nodes above an included file are new, the others stay.

    What cannot be read stays as it is, and so unknown.
    """
    return _Including(find).replaced(root, 0)


class _Including:
    """One tree. A node that aliases reach again is replaced once."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._done: dict[int, Node] = {}

    def replaced(self, node: Node, depth: int) -> Node:
        """What stands in place of a node: the node itself where nothing below it is included."""
        if depth > _DEPTH:
            return node
        if id(node) not in self._done:
            self._done[id(node)] = node
            self._done[id(node)] = self._replaced(node, depth)
        return self._done[id(node)]

    def _replaced(self, node: Node, depth: int) -> Node:
        name = name_of(node)
        if name:
            return self._find(name, node) or node
        children = [self.replaced(child, depth + 1) for child in node.children]
        if any(one is not other for one, other in zip(children, node.children, strict=True)):
            return msgspec.structs.replace(node, children=children)
        values = [self.replaced(entry.value, depth + 1) for entry in node.items]
        if all(value is entry.value for value, entry in zip(values, node.items, strict=True)):
            return node
        pairs = zip(node.items, values, strict=True)
        return msgspec.structs.replace(
            node, items=[Entry(entry.key, value, entry.merge) for entry, value in pairs]
        )
