"""Nodes of a Python config: making them from values, reading values back, changing mappings in place."""

from __future__ import annotations

from trainlint.text.document import Entry, Node, Place
from trainlint.text.scalars import Scalar, resolve

COMPUTED = "!python"
"""The tag of a value that only running the config would tell; `raw` is its source."""

REFERENCE = "name"
"""The style of a class or function; `raw` is its absolute name as far as the imports tell."""

_COPY_BUDGET = 100_000


class NotKnownError(Exception):
    """A value that only running the config would tell."""


def scalar(value: Scalar, place: Place, path: str) -> Node:
    """The node of a constant."""
    if isinstance(value, str):
        return Node("scalar", place, value, "double", path=path)
    return Node("scalar", place, repr(value), path=path)


def constant(node: Node) -> Scalar:
    """The value of a scalar node. Raises NotKnownError where it is none, or is not known."""
    if node.kind != "scalar" or node.tag:
        raise NotKnownError
    return resolve(node, "python")


def is_known(node: Node) -> bool:
    """Whether the node is more than a stand-in for what running the config would tell."""
    return node.tag != COMPUTED


def find(mapping: Node, key: str) -> Node:
    """The value under a key. Raises NotKnownError where there is none."""
    value = mapping.get(key) if mapping.kind == "mapping" else None
    if value is None:
        raise NotKnownError
    return value


def put(mapping: Node, key: Node, value: Node) -> None:
    """Set a key, in place of what it held."""
    for position, entry in enumerate(mapping.items):
        if entry.key.raw == key.raw:
            mapping.items[position] = Entry(key, value)
            return
    mapping.items.append(Entry(key, value))


def drop(mapping: Node, key: str) -> None:
    """Take a key out, where it is there."""
    mapping.items = [entry for entry in mapping.items if entry.key.raw != key]


def absorb(mapping: Node, other: Node, *, deep: bool) -> None:
    """Take over the entries of another mapping; `deep` merges mappings below instead of replacing them.

    Two mappings that meet again are not merged again, so what is shared or hangs in itself ends.
    """
    met: set[tuple[int, int]] = set()
    pending = [(mapping, other)]
    while pending:
        into, given = pending.pop()
        if (id(into), id(given)) in met or into is given:
            continue
        met.add((id(into), id(given)))
        for entry in list(given.items):
            held = into.get(entry.key.raw)
            if deep and held is not None and held.kind == "mapping" == entry.value.kind:
                pending.append((held, entry.value))
            else:
                put(into, entry.key, entry.value)


def copied(node: Node) -> Node:
    """The same tree in new nodes; what is shared in it stays shared.

    Raises NotKnownError for a tree of more nodes than any config has.
    """
    made: dict[int, Node] = {}
    top = _bare(node)
    made[id(node)] = top
    pending = [node]
    while pending:
        if len(made) > _COPY_BUDGET:
            raise NotKnownError
        old = pending.pop()
        new = made[id(old)]
        for child in old.children:
            new.children.append(_twin(child, made, pending))
        for entry in old.items:
            new.items.append(Entry(entry.key, _twin(entry.value, made, pending), entry.merge))
    return top


def _twin(node: Node, made: dict[int, Node], pending: list[Node]) -> Node:
    if node.kind == "scalar":
        return node
    twin = made.get(id(node))
    if twin is None:
        twin = made[id(node)] = _bare(node)
        pending.append(node)
    return twin


def _bare(node: Node) -> Node:
    return Node(node.kind, node.place, node.raw, node.style, node.tag, anchored=node.anchored, path=node.path)
