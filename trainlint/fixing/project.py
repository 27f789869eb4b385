"""Fixes one project in memory: command line and server both do it so."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from trainlint.discovery.projects import Project, overlay_of
from trainlint.findings import Report
from trainlint.fixing.rounds import Fixing, Outcome
from trainlint.fixing.targets import Targets
from trainlint.pipeline.clock import Progress
from trainlint.pipeline.run import Run


class Fixed(msgspec.Struct):
    """One project, fixed in memory. `refused` are its files that cannot be rewritten, and why."""

    project: Project
    outcome: Outcome
    refused: dict[str, str]


def fix_project(
    project: Project,
    stdin: tuple[str, str] | None = None,
    *,
    unsafe: bool = False,
    progress: Progress | None = None,
    parallel: bool = False,
) -> Fixed:
    """Every possible fix of what the project reports, those that are `unsafe` too where that is allowed.

    `stdin` is a (file name, text) pair that stands for that file, which then need not exist.
    """

    def look(texts: Mapping[str, str]) -> tuple[Run, Report]:
        run = Run(project, stdin, progress, parallel=parallel, overlay=texts)
        return run, run.report()

    targets = Targets(project, next(iter(overlay_of(project, stdin).items()), None))
    return Fixed(project, Fixing(targets, look, unsafe=unsafe).outcome(), targets.refused)
