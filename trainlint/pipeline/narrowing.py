"""What a run leaves unreported: findings a baseline knows, and those on lines that did not change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainlint.analysis.index.project import ProjectIndex
from trainlint.discovery.walk import BASELINE_FILE
from trainlint.findings import Finding, Span
from trainlint.pipeline.sources import ProjectSources
from trainlint.settings.model import Settings
from trainlint.text.document import Broken
from trainlint.text.notebook import read_notebook
from trainlint.text.source import decode

if TYPE_CHECKING:
    from trainlint.baseline.file import Entries
    from trainlint.discovery.changes import Changes
    from trainlint.rulebook.loading import Rulebook


class Narrowing:
    """Takes findings out of a report.

    `rulebook` has what rules are called now; `baselined` and `unchanged` count the findings taken out,
    `has_baseline` tells whether a baseline is in use. Raises SettingsError for a baseline or a revision that
    cannot be used. Spans must count the lines of files, not those of notebook cells.
    """

    def __init__(self, root: str, settings: Settings, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self.baselined = 0
        self.unchanged = 0
        self._changes = _changes(Path(root), settings.diff_base)
        self._known = _known(Path(root), settings.baseline)
        self.has_baseline = self._known is not None

    def narrow(self, findings: list[Finding], index: ProjectIndex, sources: ProjectSources) -> list[Finding]:
        """The findings to report, in order."""
        kept = self._not_known(findings, index, sources)
        self.baselined = len(findings) - len(kept)
        if self._changes is None:
            return kept
        lines = ChangedLines(self._changes, sources)
        touched = [finding for finding in kept if lines.touches(finding)]
        self.unchanged = len(kept) - len(touched)
        return touched

    def _not_known(
        self, findings: list[Finding], index: ProjectIndex, sources: ProjectSources
    ) -> list[Finding]:
        if not self._known or not findings:
            return findings
        from trainlint.baseline.holding import held_back, under_new_names  # noqa: PLC0415
        from trainlint.baseline.keys import Keys  # noqa: PLC0415

        keys = Keys(index, sources, self._rulebook)
        known = under_new_names(self._known, self._rulebook.aliases)
        held = held_back([keys.key(finding) for finding in findings], known)
        return [finding for finding, known in zip(findings, held, strict=True) if not known]


class ChangedLines:
    """Which lines of a project's files changed; only files that are asked about are compared."""

    def __init__(self, changes: Changes, sources: ProjectSources) -> None:
        self._changes = changes
        self._sources = sources
        self._ranges: dict[str, list[range]] = {}

    def touches(self, finding: Finding) -> bool:
        """Whether a span of a finding, primary or related, holds a changed line."""
        return any(self._changed(span) for span in (finding.span, *(each.span for each in finding.related)))

    def _changed(self, span: Span) -> bool:
        if span.path not in self._ranges:
            self._ranges[span.path] = self._compare(span.path)
        ranges = self._ranges[span.path]
        return any(lines.start <= span.end_line and span.line < lines.stop for lines in ranges)

    def _compare(self, path: str) -> list[range]:
        from trainlint.discovery.changes import changed_lines  # noqa: PLC0415

        new = self._sources.lines(path)
        return changed_lines(self._old_lines(path), new)

    def _old_lines(self, path: str) -> list[str]:
        """A file's lines at the commit, a notebook's as its code; none where it could not be read."""
        data = self._changes.old_bytes(path)
        if data is None:
            return []
        language = self._sources.languages.get(path, "python")
        read = decode(data, path, language == "python")
        if language == "notebook" and not isinstance(read, Broken):
            notebook = read_notebook(read)
            read = notebook if isinstance(notebook, Broken) else notebook.source
        return [] if isinstance(read, Broken) else read.lines


def _changes(root: Path, revision: str | None) -> Changes | None:
    if revision is None:
        return None
    from trainlint.discovery.changes import Changes  # noqa: PLC0415

    return Changes(root, revision)


def _known(root: Path, named: str | None) -> Entries | None:
    if named is None and not (root / BASELINE_FILE).exists():
        return None
    from trainlint.baseline.file import baseline_file, read_baseline  # noqa: PLC0415

    file = baseline_file(root, named)
    return None if file is None else read_baseline(file)
