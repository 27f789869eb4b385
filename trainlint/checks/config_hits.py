"""What the hits of the config checks are made of, and which configs are left alone."""

from __future__ import annotations

import posixpath

from trainlint.findings import Span
from trainlint.recipe.model import Scalar, State, Value
from trainlint.text.document import Document, Node

_RETIRED = frozenset({"archive", "archived", "legacy", "deprecated", "old", "obsolete"})


def is_retired(path: str) -> bool:
    """Whether a folder says that the config is kept for an older release."""
    return not _RETIRED.isdisjoint(part.lower() for part in posixpath.dirname(path).split("/"))


def place(document: Document, node: Node) -> Span:
    """Where a node stands: in the document's file, or in the base that wrote it."""
    return Span(node.path or document.path, *node.place)


def fact(value: Scalar, at: Span) -> Value:
    """A fact of a hit."""
    return Value(value, State.DERIVED, span=at)


def off(at: Span) -> Value:
    """A fact that is known not to be there."""
    return Value(None, State.OFF, span=at)
