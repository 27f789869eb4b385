"""Finding values in a config document: key paths, wildcards, merges, duplicates."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import msgspec

from trainlint.text.document import Entry, Node

KeyPath = tuple["str | int", ...]

WALK_BUDGET = 20_000
"""Places looked at in one document.

An alias is looked at wherever it stands, so a bomb of aliases needs this end.
"""

_MERGE_STEPS = 64


class Found(msgspec.Struct, frozen=True):
    """A value, its key path, and the entry that wrote it (None for the root and elements of a sequence)."""

    path: KeyPath
    value: Node
    entry: Entry | None = None


def entries_of(mapping: Node) -> dict[str, Entry]:
    """The entries a lenient loader keeps: the last of duplicates, own keys before merged ones."""
    kept = {entry.key.raw: entry for entry in mapping.items if not entry.merge}
    if len(kept) == len(mapping.items):
        return kept
    merged: dict[str, Entry] = {}
    for entry in mapping.items:
        if entry.merge:
            for key, other in _merged(entry.value).items():
                merged.setdefault(key, other)
    for key, entry in merged.items():
        kept.setdefault(key, entry)
    return kept


def _merged(value: Node) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    pending = [value]
    for _ in range(_MERGE_STEPS):
        if not pending:
            break
        node = pending.pop(0)
        if node.kind == "sequence":
            pending = [*node.children, *pending]
            continue
        for entry in reversed(node.items):
            if entry.merge:
                pending.append(entry.value)
            else:
                found.setdefault(entry.key.raw, entry)
    return found


def value_node(root: Node, path: Sequence[str | int]) -> Found | None:
    """The value at a key path; None where a step leads nowhere.

    Merges are followed, duplicates read as the last one.
    """
    at = Found((), root)
    for step in path:
        below = _step(at, step)
        if below is None:
            return None
        at = below
    return at


def _step(at: Found, step: str | int) -> Found | None:
    node = at.value
    if node.kind == "sequence":
        index = int(step) if isinstance(step, int) or step.isdecimal() else len(node.children)
        if -len(node.children) <= index < len(node.children):
            return Found((*at.path, index), node.children[index])
        return None
    entry = entry_of(node, str(step))
    return None if entry is None else Found((*at.path, str(step)), entry.value, entry)


def entry_of(mapping: Node, key: str) -> Entry | None:
    """The entry of a key as a lenient loader keeps it; None where there is none."""
    merges = False
    for entry in reversed(mapping.items):
        if entry.merge:
            merges = True
        elif entry.key.raw == key:
            return entry
    return entries_of(mapping).get(key) if merges else None


def find_all(root: Node, pattern: str) -> list[Found]:
    """Every value at a dotted key path; `*` stands for any element of a sequence or any key of a mapping."""
    matches = [Found((), root)]
    for step in _steps(pattern):
        if not matches:
            return matches
        matches = [below for at in matches for below in _below(at, step)][:WALK_BUDGET]
    return matches


@functools.lru_cache(maxsize=4096)
def _steps(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.split("."))


def _below(at: Found, step: str) -> list[Found]:
    if step != "*":
        below = _step(at, step)
        return [] if below is None else [below]
    return list(children_of(at))


def children_of(at: Found) -> Iterator[Found]:
    """What stands directly below, in source order."""
    if at.value.kind == "sequence":
        for index, child in enumerate(at.value.children):
            yield Found((*at.path, index), child)
    elif at.value.kind == "mapping":
        for key, entry in entries_of(at.value).items():
            yield Found((*at.path, key), entry.value, entry)


def walk_entries(root: Node, budget: int = WALK_BUDGET) -> Iterator[Found]:
    """Every value below the root, parents first, in source order; ends after `budget` places."""
    stack: list[tuple[Found, frozenset[int]]] = [(Found((), root), frozenset())]
    for _ in range(budget):
        if not stack:
            return
        at, above = stack.pop()
        if at.path:
            yield at
        if id(at.value) not in above:
            inner = above | {id(at.value)}
            stack.extend((below, inner) for below in reversed(list(children_of(at))))


def walk_keys(root: Node, budget: int = WALK_BUDGET) -> Iterator[tuple[str, Node]]:
    """Every key and its value, each node once, in no particular order; ends after `budget` places.

    Cheaper than `walk_entries`, for asking which words occur. Merged mappings are met where they stand.
    """
    seen: set[int] = set()
    stack = [root]
    while stack and budget > 0:
        node = stack.pop()
        if node.kind == "scalar" or id(node) in seen:
            continue
        seen.add(id(node))
        budget -= len(node.items) + len(node.children)
        for entry in node.items:
            yield entry.key.raw, entry.value
            stack.append(entry.value)
        stack += node.children


def nearest(root: Node, path: Sequence[str | int]) -> Found:
    """The value at the longest leading part of a key path that exists; at least the root."""
    at = Found((), root)
    for step in path:
        below = _step(at, step)
        if below is None:
            break
        at = below
    return at
