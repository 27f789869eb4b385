"""Spans as outputs write them: paths relative to the working directory."""

from __future__ import annotations

import os
from pathlib import Path

from trainlint.discovery.paths import relative_form
from trainlint.findings import Span


class Places:
    """Turns a report's root-relative paths into paths relative to the working directory (or `folder`)."""

    def __init__(self, root: str, folder: str | None = None) -> None:
        self.root = root
        self.here = os.path.realpath(Path.cwd() if folder is None else folder)
        self._known: dict[str, str] = {}

    def path(self, path: str) -> str:
        """The path as printed: POSIX and relative to the working directory, if both are on one drive."""
        shown = self._known.get(path)
        if shown is None:
            shown = relative_form(self.absolute(path), self.here)
            self._known[path] = shown
        return shown

    def absolute(self, path: str) -> str:
        """The absolute path of a root-relative one."""
        return str(Path(self.root, path))

    def line(self, span: Span) -> str:
        """`path:line`, with the cell in a notebook."""
        return f"{self._file(span)}:{span.line}"

    def column(self, span: Span) -> str:
        """`path:line:column`, with the cell in a notebook."""
        return f"{self._file(span)}:{span.line}:{span.column}"

    def _file(self, span: Span) -> str:
        path = self.path(span.path)
        return path if span.cell is None else f"{path}:cell {span.cell}"


def checkout_folder(variable: str) -> str | None:
    """The folder that a CI service says, in an environment variable, the repository is checked out in.

    None where it does not say so or we run elsewhere: paths are then relative to the working directory.
    """
    named = os.environ.get(variable)
    if not named or not Path(named).is_dir():
        return None
    here, folder = Path.cwd().resolve(), Path(named).resolve()
    return str(folder) if here == folder or folder in here.parents else None
