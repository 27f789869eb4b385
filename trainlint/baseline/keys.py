"""What makes two findings the same one: rule, file, enclosing definition or key path, and evidence.

No line is part of it, so code may move within its file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Protocol

import msgspec

from trainlint.analysis.index.project import ProjectIndex
from trainlint.baseline.wording import wording
from trainlint.findings import Finding, Span
from trainlint.output.secrets import hide_secrets
from trainlint.rulebook.loading import Rulebook
from trainlint.text.document import Broken, Document, Node, Place

_TEXT_LIMIT = 160
_LINE_NUMBER = re.compile(r"\b(lines?|columns?|cells?) \d+")


class Key(msgspec.Struct, frozen=True, order=True):
    """The identity of a finding. `path` is POSIX and relative to the project root."""

    path: str
    rule: str
    scope: str
    evidence: str


class Files(Protocol):
    """The files of a project: the language of each, and what configs hold."""

    languages: dict[str, str]

    def documents(self, path: str) -> tuple[list[Document], list[Broken]]:
        """The documents of a config, and what is broken in it."""

    def lines(self, path: str) -> list[str]:
        """The lines of a file, a notebook's as its code; none where it cannot be read."""


class Keys:
    """Gives findings their keys. Their spans must count the lines of files, not those of notebook cells."""

    def __init__(self, index: ProjectIndex, sources: Files, rulebook: Rulebook) -> None:
        self._index = index
        self._sources = sources
        self._rulebook = rulebook

    def key(self, finding: Finding) -> Key:
        """The key of a finding: the same while its code moves within the definition or file."""
        scope = finding.symbol or self._scope(finding.span)
        parts = (finding.span.path, finding.rule, scope, normalised(self._evidence(finding)))
        return Key(*(_writable(part) for part in parts))

    def _evidence(self, finding: Finding) -> str:
        """What the finding rests on. Of several alike, two loaders say, their code tells which one it is."""
        rule = self._rulebook.get(finding.rule)
        if rule is None or not rule.over or finding.span.path not in self._index.outlines:
            return finding.evidence
        return f"{finding.evidence} in {wording(self._sources.lines(finding.span.path), finding.span)}"

    def _scope(self, span: Span) -> str:
        """The innermost definition around a place, or the keys above it in a config; "" at the top."""
        outline = self._index.outlines.get(span.path)
        if outline is not None:
            around = [
                (end - start, unit.qualname)
                for unit in outline.units
                if unit.qualname
                for start, end in unit.lines
                if start <= span.line <= end
            ]
            return min(around)[1] if around else ""
        if self._sources.languages.get(span.path) not in ("yaml", "json", "toml"):
            return ""
        documents, _ = self._sources.documents(span.path)
        found = (key_path(document.root, (span.line, span.column)) for document in documents)
        return next((path for path in found if path), "")


def normalised(evidence: str) -> str:
    """Evidence in one line, without line numbers and secrets; a long one ends in a digest of its rest."""
    text = _LINE_NUMBER.sub(r"\1", hide_secrets(" ".join(evidence.split())))
    if len(text) <= _TEXT_LIMIT:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:12]
    return f"{text[:_TEXT_LIMIT]} #{digest}"


def key_path(root: Node, position: tuple[int, int]) -> str:
    """The keys that lead to a line and column of a config, dotted; elements of a list are all `[]`."""
    parts: list[str] = []
    node: Node | None = root
    while node is not None:
        part, node = _step(node, position)
        if part:
            parts.append(part)
    return ".".join(parts)


def _step(node: Node, position: tuple[int, int]) -> tuple[str, Node | None]:
    """The part of the path that goes on from a node, and the node it leads to, if the place lies below it."""
    for entry in node.items:
        if _holds(entry.key.place, position):
            return entry.key.raw, None
        if not entry.value.anchored and _holds(entry.value.place, position):
            return entry.key.raw, entry.value
    for child in _among(node.children, position):
        return "[]", child
    return "", None


def _among(children: Sequence[Node], position: tuple[int, int]) -> list[Node]:
    return [child for child in children if not child.anchored and _holds(child.place, position)][:1]


def _holds(place: Place, position: tuple[int, int]) -> bool:
    return place[:2] <= position < place[2:]


def _writable(text: str) -> str:
    """The text as UTF-8 can hold it: file names need not be text."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
