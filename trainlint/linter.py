"""The pipeline: from paths and settings to a report. Command line, server and tests all call it.

What analyses is imported when a project has to be read: where a cache knows the report, nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainlint.discovery.projects import Project, discover, overlay_of
from trainlint.findings import Report, Summary
from trainlint.pipeline.clock import Progress
from trainlint.pipeline.merge import merge_reports
from trainlint.settings.model import Settings, SettingsError

if TYPE_CHECKING:
    from trainlint.cache.memory import Memory
    from trainlint.recipe.model import Recipe


def lint(
    paths: Sequence[Path],
    settings: Settings | None = None,
    *,
    stdin: tuple[str, str] | None = None,
    progress: Progress | None = None,
    parallel: bool = False,
    cached: bool = False,
    remarks: list[str] | None = None,
) -> Report:
    """Lint files and folders and report what is wrong.

    `stdin` is a (file name, text) pair that stands for that file. `parallel` allows a process for each
    processor where the settings name no number; a script that asks for it needs the usual `if __name__ ==
    "__main__":`. `cached` uses, and fills, the cache of each project; where that cannot be, `remarks` says
    why. Raises PathError for a missing path and SettingsError for unusable settings; nothing is printed.
    """
    reports = []
    for project in projects_of(paths, settings, stdin):
        overlay = overlay_of(project, stdin)
        if cached:
            reports.append(_remembered(project, overlay, progress, remarks, parallel=parallel))
        else:
            reports.append(_run(project, overlay, progress, None, parallel=parallel))
    return merged(paths, reports)


def _run(
    project: Project,
    overlay: Mapping[str, str],
    progress: Progress | None,
    memory: Memory | None,
    *,
    parallel: bool,
) -> Report:
    from trainlint.pipeline.run import Run  # noqa: PLC0415

    return Run(project, progress=progress, parallel=parallel, overlay=overlay, memory=memory).report()


def _remembered(
    project: Project,
    overlay: Mapping[str, str],
    progress: Progress | None,
    remarks: list[str] | None,
    *,
    parallel: bool,
) -> Report:
    """The report of an earlier run over the same, else of a run that uses what is remembered of parts."""
    from trainlint.cache.memory import Memory  # noqa: PLC0415

    memory = Memory(project, overlay)
    try:
        report = memory.report()
        if report is None:
            report = _run(project, overlay, progress, memory, parallel=parallel)
            memory.keep(report)
        return report
    finally:
        memory.close()
        if remarks is not None and memory.problem:
            remarks.append(f"no cache: {memory.problem}")


def projects_of(
    paths: Sequence[Path], settings: Settings | None, stdin: tuple[str, str] | None = None
) -> list[Project]:
    """The projects that a run is over; arguments and errors are those of `lint`."""
    found = discover(paths, settings, virtual=stdin[0] if stdin else None)
    if settings is not None and settings.baseline and len(found.projects) > 1:
        message = "a baseline is one project's, and the paths belong to several: name one at a time"
        raise SettingsError(f"--baseline: {message}")
    return found.projects


def merged(paths: Sequence[Path], reports: Sequence[Report]) -> Report:
    """The report of a run over these paths, out of those of its projects."""
    return merge_reports(reports) if reports else _empty(paths)


def recipes(
    paths: Sequence[Path], settings: Settings | None = None, gaps: dict[str, str] | None = None
) -> list[Recipe]:
    """The recipes of the programs and configs at these paths, sorted by path.

    `gaps` is given the configs there that have none, by their path in the project, each with the reason.
    """
    from trainlint.pipeline.run import Run  # noqa: PLC0415
    from trainlint.recipe.config.file import why_none  # noqa: PLC0415

    found = discover(paths, settings)
    result: list[Recipe] = []
    for project in found.projects:
        run = Run(project)
        run.read()
        result += [recipe for recipe in run.recipes if recipe.entry in project.named]
        if gaps is not None:
            silent = project.named - {recipe.entry for recipe in run.recipes}
            gaps.update({each.path: why_none(each) for each in run.configs.files if each.path in silent})
    return result


def _empty(paths: Sequence[Path]) -> Report:
    root = str(paths[0]) if paths else str(Path.cwd())
    return Report(root, [], [], Summary(), {})
