"""The report of a whole run, under a key over all that the run can read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from trainlint.cache.contents import file_digest
from trainlint.cache.store import digest_of
from trainlint.discovery.projects import Project
from trainlint.discovery.walk import BASELINE_FILE
from trainlint.findings import Notice, Report

KIND = "report"
MOST = 40
"""Reports of a project that are kept: one for each set of options and named files of late."""

UNSURE = frozenset({"internal", "crashed"})
"""Kinds of notices about what might not happen again."""


def report_key(own: bytes, project: Project, digests: Mapping[str, bytes]) -> bytes:
    """The key of the report on a project whose files have these digests. Options that change no report, such
    as the number of processes, are no part of it."""
    settings = msgspec.structs.replace(project.settings, jobs=None, cache_dir=None)
    files = (
        f"{file.path}\0{file.language}\0{file.path in project.named:d}".encode("utf-8", "surrogateescape")
        + digests[file.path]
        for file in project.context
    )
    unread = sorted(path for path in project.named if path not in digests)
    return digest_of(
        own,
        KIND.encode(),
        project.root.encode("utf-8", "surrogateescape"),
        # The text of every field: names of files need not be Unicode.
        repr((settings, unread, project.notices)).encode("utf-8", "backslashreplace"),
        *_beside(project),
        *files,
    )


def _beside(project: Project) -> Iterator[bytes]:
    """Digests of what a run reads that is no file of the project's: the baseline, the user's rule pages."""
    named = project.settings.baseline
    yield file_digest(named) if named else b""
    yield file_digest(os.path.join(project.root, BASELINE_FILE))  # noqa: PTH118 - one of many
    for folder in project.settings.rulebooks:
        pages = sorted(Path(folder).glob("**/*.md"))
        yield f"{folder} {len(pages)}".encode("utf-8", "surrogateescape")
        for page in pages:
            yield os.fsencode(page)
            yield file_digest(str(page))


def may_be_kept(report: Report) -> bool:
    """Whether another run would report the same: not where something failed that might have been chance."""
    notices: list[Notice] = report.notices
    return not any(notice.kind in UNSURE for notice in notices)
