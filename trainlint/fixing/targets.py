"""The files that fixes may change, as they were before any fix; and why others may not be."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from trainlint.discovery.projects import Project
from trainlint.fixing.making.parsing import LANGUAGES
from trainlint.pipeline.sources import ProjectSources
from trainlint.rewriting.files import Original, RewriteError, check_writable, original
from trainlint.text.source import source_of


class Targets:
    """The files of one project that fixes are for.

    `given` are path and text of the one file that stands for another (standard input): it is changed as it
    was given, and nothing on disk is asked. `refused` holds the files that fixes wanted to change and that
    cannot be rewritten, with the reason.
    """

    def __init__(self, project: Project, given: tuple[str, str] | None = None) -> None:
        self._project = project
        self._given = given
        self._originals: dict[str, Original] = {}
        self.refused: dict[str, str] = {}

    def obstacle(self, sources: ProjectSources, paths: Iterable[str]) -> str:
        """Why these files must not be changed; "" where they may.

        A file that is asked about for the first time is read: `sources` must still hold it as it is on disk.
        """
        for path in paths:
            if path not in self._project.named:
                return f"the fix also changes {path}, which is not among the named files"
            language = sources.languages.get(path, "")
            if language not in LANGUAGES:
                return f"the fix changes {path}, and only Python, notebooks, YAML, TOML and JSON are fixed"
            if path not in self._originals and path not in self.refused:
                self._read(sources, path, language)
            if path in self.refused:
                return self.refused[path]
        return ""

    def _read(self, sources: ProjectSources, path: str, language: str) -> None:
        linted = sources.text(path)
        if self._given is not None and path == self._given[0]:
            self._originals[path] = Original(b"", source_of(*self._given))
        elif linted is None:
            self.refused[path] = "it cannot be read"
        else:
            try:
                check_writable(self.file(path))
                self._originals[path] = original(self.file(path), linted, language)
            except RewriteError as error:
                self.refused[path] = str(error)

    def file(self, path: str) -> Path:
        """Where a file is."""
        return Path(self._project.root, path)

    def original(self, path: str) -> Original:
        """A file without an obstacle, as it was read."""
        return self._originals[path]
