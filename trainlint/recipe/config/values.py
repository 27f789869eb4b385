"""Joining code and configs: the value behind `cfg["optim"]["lr"]`, the file behind `"configs/base.yaml"`."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Sequence

from trainlint.findings import Span
from trainlint.recipe.config.scalars import loader_for, typed
from trainlint.recipe.config.tree import value_node
from trainlint.recipe.model import Link, State, Value
from trainlint.text.document import Document, Node

_REFERENCE_STEPS = 8
_LISTED = 20


def value_at(document: Document, keypath: Sequence[str | int], loader: str) -> Value | None:
    """The value at a key path for code that loads with a loader kind; None where the key is missing.

    Merge keys and anchors are followed, duplicates read as the last one, `${a.b}` in the file itself is
    resolved for OmegaConf. A list has its scalars as `choices`; mappings and what is filled in later are not
    known.
    """
    found = value_node(document.root, keypath)
    if found is None:
        return None
    kind = loader_for(document, loader)
    span = _span(document, found.value)
    chain: tuple[Link, ...] = ()
    node = found.value
    for _ in range(_REFERENCE_STEPS):
        target = _referenced(document, node) if kind == "omegaconf" else None
        if target is None:
            break
        chain = (*chain, Link(_span(document, node), node.raw))
        node = target
    if node.kind == "sequence":
        return _list(node, kind, span)
    scalar = typed(node, kind)
    if scalar.dynamic:
        return Value(scalar.value, State.DYNAMIC, span=span, chain=chain, reason=scalar.reason)
    if not scalar.known:
        return Value(span=span, chain=chain, reason=scalar.reason)
    return Value(scalar.value, State.EXPLICIT, span=_span(document, node), chain=chain)


def _list(node: Node, kind: str, span: Span) -> Value:
    children = node.children[:_LISTED]
    scalars = [typed(child, kind) for child in children if child.kind == "scalar"]
    whole = len(scalars) == len(node.children) and all(scalar.known for scalar in scalars)
    choices = tuple(scalar.value for scalar in scalars) if whole else ()
    return Value(span=span, choices=choices, reason="a list stands here, not a value")


def _referenced(document: Document, node: Node) -> Node | None:
    """What `${a.b.c}` refers to in the same file.

    Relative references and resolvers (`${oc.env:X}`) are left alone.
    """
    raw = node.raw
    if node.kind != "scalar" or not raw.startswith("${") or not raw.endswith("}"):
        return None
    inner = raw[2:-1]
    if not inner or inner.startswith(".") or any(sign in inner for sign in ":${"):
        return None
    found = value_node(document.root, inner.split("."))
    return None if found is None else found.value


def _span(document: Document, node: Node) -> Span:
    return Span(document.path, *node.place)


def find_config(known: Collection[str], literal: str, from_file: str) -> str | None:
    """The project's file that a literal path in code means, or None.

    Tried in turn: relative to the folder of the code, relative to the project root, and as the end of one
    file's path only. All paths are POSIX and relative to the project root.
    """
    wanted = literal.replace("\\", "/")
    if (
        not wanted
        or wanted.startswith(("/", "~"))
        or "://" in wanted
        or (len(wanted) > 1 and wanted[1] == ":")
    ):
        return None
    for folder in (posixpath.dirname(from_file), ""):
        candidate = posixpath.normpath(posixpath.join(folder, wanted))
        if candidate in known:
            return candidate
    tail = "/" + posixpath.normpath(wanted).lstrip("./")
    if tail == "/":
        return None
    matches = [path for path in known if ("/" + path).endswith(tail)]
    return matches[0] if len(matches) == 1 else None
