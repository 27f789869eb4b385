"""Reading what a project asks to be installed, and which versions it is locked to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trainlint.discovery.dependencies import Dependencies
from trainlint.discovery.locks import is_lock_file, locked_versions
from trainlint.discovery.requirements import (
    Requirement,
    from_environment,
    from_lines,
    from_setup_cfg,
    from_toml,
    may_be_environment,
)
from trainlint.pipeline.sources import ProjectSources
from trainlint.text.document import Broken, Node
from trainlint.text.source import Source, read_source, source_of
from trainlint.text.toml import parse_toml

LOCK_LIMIT = 20_000_000
"""Bytes of a lock file that is read."""

_PUBLISHED = ("classifiers", "urls", "repository", "homepage")


def read_dependencies(sources: ProjectSources) -> Dependencies:
    """The requirements and locks of a project. What cannot be read is left out: others speak about it."""
    reading = _Reading(sources)
    for path, language in sources.languages.items():
        reading.take(path, language)
    return reading.result()


class _Reading:
    def __init__(self, sources: ProjectSources) -> None:
        self.sources = sources
        self.requirements: list[Requirement] = []
        self.locked: dict[str, dict[str, str]] = {}
        self.published: set[str] = set()
        self.packaged: set[str] = set()

    def take(self, path: str, language: str) -> None:
        """What one file says; nothing of a file of another kind."""
        folder, _, name = path.rpartition("/")
        if is_lock_file(name):
            self._lock(path, name)
        elif language == "requirements":
            source = self._source(path)
            if source is not None:
                self.requirements += self._listed(source, folder, name)
        elif name == "setup.py":
            source = self._source(path)
            self._package(folder, public=source is not None and "classifiers" in source.text)
        elif name == "pyproject.toml":
            documents, _ = self.sources.documents(path)
            for document in documents:
                self._project(folder, document.root)
                self.requirements += from_toml(document)
        elif language == "yaml" and may_be_environment(path):
            documents, _ = self.sources.documents(path)
            for document in documents[:1]:
                self.requirements += from_environment(document)

    def result(self) -> Dependencies:
        """All of it, in order."""
        ordered = sorted(self.requirements, key=lambda each: (each.span, each.name))
        return Dependencies(ordered, self.locked, frozenset(self.published), frozenset(self.packaged))

    def _listed(self, source: Source, folder: str, name: str) -> Iterator[Requirement]:
        if name == "setup.cfg":
            if "[metadata]" in source.text:
                self._package(folder, public="classifiers" in source.text or "\nurl" in source.text)
            yield from from_setup_cfg(source)
        elif name == "Pipfile":
            documents, _ = parse_toml(source)
            for document in documents:
                yield from from_toml(document)
        else:
            yield from from_lines(source)

    def _project(self, folder: str, root: Node) -> None:
        """Whether a pyproject.toml describes a package, and one for others to install."""
        described = root.get("project")
        tool = root.get("tool")
        poetry = tool.get("poetry") if tool is not None else None
        tables = [table for table in (described, poetry) if table is not None]
        public = any(table.get(key) is not None for table in tables for key in _PUBLISHED)
        if tables and (public or root.get("build-system") is not None):
            self._package(folder, public=public)

    def _package(self, folder: str, *, public: bool) -> None:
        self.packaged.add(folder)
        if public:
            self.published.add(folder)

    def _lock(self, path: str, name: str) -> None:
        try:
            text = Path(self.sources.project.root, path).read_bytes()[:LOCK_LIMIT].decode("utf-8", "replace")
        except OSError:
            return
        self.locked[path] = locked_versions(name, text)

    def _source(self, path: str) -> Source | None:
        if path in self.sources.overlay:
            return source_of(path, self.sources.overlay[path])
        read = read_source(Path(self.sources.project.root, path), path, python=False)
        return None if isinstance(read, Broken) else read
