"""A config file that describes a search: its document, as the readers of each tool's sweeps ask it."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Resolved
from trainlint.findings import Span
from trainlint.recipe.config.scalars import loader_for, typed
from trainlint.text.document import Document, Node


class SweepDocument:
    """The document and the kind of loader that types its scalars."""

    def __init__(self, document: Document, loader: str) -> None:
        self.document = document
        self.loader = loader_for(document, loader)

    def span(self, node: Node) -> Span:
        """Where a part of it stands."""
        return Span(self.document.path, *node.place)

    def value(self, node: Node | None) -> Resolved | None:
        """A scalar as a constant; None where there is none, unknown where it is filled in later."""
        if node is None:
            return None
        found = typed(node, self.loader)
        return Resolved("const", value=found.value) if found.known else Resolved("unknown", name=found.reason)
