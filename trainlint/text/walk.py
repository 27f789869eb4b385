"""Visiting every node of a document once, whatever its aliases do."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.text.document import Node

NODE_BUDGET = 200_000
"""No reader builds a document of more nodes, so a walk with this budget is always complete."""

Path = tuple["str | int", ...]
"""The keys and positions from the root to a node."""


def walk(root: Node, budget: int = NODE_BUDGET) -> Iterator[tuple[Path, Node]]:
    """Every node below and including `root` with the path it is first met at, in source order.

    A node that aliases reach again is not visited again, so cycles and alias bombs end. Keys are visited
    where they are collections. Stops after `budget` nodes.
    """
    seen: set[int] = set()
    stack: list[tuple[Path, Node]] = [((), root)]
    while stack and len(seen) < budget:
        path, node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield path, node
        stack.extend(reversed(_below(path, node)))


def nodes_of(root: Node, budget: int = NODE_BUDGET) -> Iterator[Node]:
    """Every node below and including `root`, each once, in no particular order; keys only where they are
    collections. Stops after `budget` collections."""
    seen: set[int] = set()
    stack = [root]
    while stack and len(seen) < budget:
        node = stack.pop()
        if node.kind == "scalar":
            yield node
            continue
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        stack += node.children
        for entry in node.items:
            stack.append(entry.value)
            if entry.key.kind != "scalar":
                stack.append(entry.key)


def _below(path: Path, node: Node) -> list[tuple[Path, Node]]:
    below: list[tuple[Path, Node]] = [((*path, index), child) for index, child in enumerate(node.children)]
    for entry in node.items:
        step = (*path, entry.key.raw)
        if entry.key.kind != "scalar":
            below.append((step, entry.key))
        below.append((step, entry.value))
    return below
