"""The arguments that a config gives to classes it names: `_target_`, `_component_`, `class_path`."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator

import msgspec

from trainlint.knowledge.base import load_knowledge
from trainlint.recipe.config.tree import entries_of
from trainlint.text.document import Document, Entry, Node
from trainlint.text.walk import nodes_of

_NAMED_BY = ("_target_", "_component_")
_CLASS_PATH, _ARGUMENTS = "class_path", "init_args"
_RELEASES: tuple[dict[str, str], ...] = (
    {},
    {"torch": "2.2"},
    {"torch": "2.0"},
    {"torch": "1.12"},
    {"torch": "1.8"},
)
"""Versions whose parameters are accepted: the newest, and older ones with parameters that are gone."""

PACKAGE = "torch.optim."
_GONE = frozenset({"verbose"})
"""Parameters of schedulers that the newest release took out (2.7)."""

_OPEN = frozenset({"star", "double-star"})
_CLOSE = 0.6


class Argument(msgspec.Struct, frozen=True):
    """An argument that a class does not take; `suggestion` is the parameter it is closest to, or "".

    `free`: the suggested one is not given already.
    """

    entry: Entry
    target: str
    suggestion: str
    free: bool


def unknown_arguments(document: Document) -> Iterator[Argument]:
    """The arguments that no release of an optimizer or scheduler of PyTorch takes."""
    for node in nodes_of(document.root):
        target, given = _call(node)
        known = parameters(target) if given else None
        if known is None:
            continue
        for key, entry in given.items():
            if key not in known and not key.startswith("_") and entry.key.kind == "scalar":
                close = difflib.get_close_matches(key, sorted(known), 1, _CLOSE)
                suggestion = close[0] if close else ""
                yield Argument(entry, target, suggestion, suggestion not in given)


def _call(node: Node) -> tuple[str, dict[str, Entry]]:
    """The name of the class that a mapping asks for, and the arguments for it."""
    if node.kind != "mapping":
        return "", {}
    for key in _NAMED_BY:
        named = node.get(key)
        if named is not None:
            return _name(named), entries_of(node)
    named, arguments = node.get(_CLASS_PATH), node.get(_ARGUMENTS)
    if named is None or arguments is None or arguments.kind != "mapping":
        return "", {}
    return _name(named), entries_of(arguments)


def _name(node: Node) -> str:
    return node.raw if node.kind == "scalar" and node.raw.startswith(PACKAGE) else ""


@functools.lru_cache(maxsize=256)
def parameters(target: str) -> frozenset[str] | None:
    """The parameters of an optimizer or scheduler of PyTorch over its releases.

    None where they are not known, or where it takes anything.
    """
    if not target:
        return None
    found = set(_GONE)
    for versions in _RELEASES:
        entry = load_knowledge(versions).lookup(target)
        if entry is None or entry.name != target or not entry.params:
            return None
        if any(param.kind in _OPEN for param in entry.params):
            return None
        found.update(param.name for param in entry.params)
        found.update(entry.renamed)
    return frozenset(found)
