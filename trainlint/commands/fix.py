"""`trainlint check --fix` and `--diff`: applies fixes, or shows what applying them would change."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from trainlint.commands.check import CheckOptions, exit_code, outputs_of, settings_of, shape_of, tell_time
from trainlint.commands.outputs import write
from trainlint.findings import Notice, Report
from trainlint.fixing.project import Fixed, fix_project
from trainlint.fixing.rounds import NOTICE, Outcome
from trainlint.fixing.writing import write as write_files
from trainlint.linter import merged, projects_of
from trainlint.output.places import Places
from trainlint.output.progress import Progress
from trainlint.output.summary import count
from trainlint.output.terminal import visible
from trainlint.pipeline.run import Run
from trainlint.rewriting.files import encoded

Stdin = tuple[str, str]

CANNOT_WRITE = 2
"""Exit code where a file that was to be fixed could not be."""


def run_fix(named: Sequence[Path], options: CheckOptions, stdin: Stdin | None) -> int:
    """Fixes and reports what is left, or with `--diff` shows the changes; returns the exit code.

    0 where nothing is left at or above fail-on (or nothing would change), 1 where something is (or would), 2
    where a file could not be rewritten.
    """
    if options.diff:
        _refuse_reports(options)
        return _show(_fixed(named, options, stdin), options)
    outputs = outputs_of(options)
    done = _fixed(named, options, stdin)
    if stdin is None:
        written = [_written(each, options) for each in done]
    else:
        written = [_counted(each.outcome.report, each.outcome, {}) for each in done]
        _give_back(done, stdin)
    report = merged(named, written)
    code = CANNOT_WRITE if any(each.refused for each in done) else exit_code(report)
    write(report, outputs, shape_of(options, code, to_stderr=stdin is not None))
    if options.verbose:
        tell_time(report)
    return code


def _refuse_reports(options: CheckOptions) -> None:
    if options.form or options.output_file or options.outputs or options.statistics:
        raise click.UsageError(
            "--diff prints a diff and no report: leave --format, --output and the like out"
        )


def _fixed(named: Sequence[Path], options: CheckOptions, stdin: Stdin | None) -> list[Fixed]:
    progress = Progress(sys.stderr, wanted=not options.quiet)
    try:
        projects = projects_of(named, settings_of(options), stdin)
        unsafe = options.unsafe_fixes
        return [
            fix_project(each, stdin, unsafe=unsafe, progress=progress, parallel=True) for each in projects
        ]
    finally:
        progress.clear()


def _written(fixed: Fixed, options: CheckOptions) -> Report:
    """Writes a project's files; the report on what is on disk then."""
    outcome = fixed.outcome
    failed = write_files(outcome.changed, outcome.fixes)
    if not failed:
        return _counted(outcome.report, outcome, {})
    fixed.refused |= failed
    report = Run(fixed.project, parallel=options.jobs is None).report()
    told = [notice for notice in outcome.report.notices if notice.kind == NOTICE]
    told += [Notice(path, 1, NOTICE, f"not fixed: {why}") for path, why in failed.items()]
    report.notices = sorted({*report.notices, *told})
    return _counted(report, outcome, failed)


def _counted(report: Report, outcome: Outcome, failed: Iterable[str]) -> Report:
    """The report with how much was fixed."""
    lost = set(failed)
    report.summary.fixed = sum(lost.isdisjoint(fix.changes) for fix in outcome.fixes)
    report.summary.fixed_files = sum(each.path not in lost for each in outcome.changed)
    return report


def _give_back(done: Sequence[Fixed], stdin: Stdin) -> None:
    """Standard input as it is fixed, to standard output, byte for byte where nothing changed."""
    changed = [each for fixed in done for each in fixed.outcome.changed]
    sys.stdout.buffer.write(changed[0].after if changed else stdin[1].encode())
    sys.stdout.flush()


def _show(done: Sequence[Fixed], options: CheckOptions) -> int:
    from trainlint.output.diff import Diffs  # noqa: PLC0415

    diffs = Diffs(options.color, sys.stdout)
    for fixed in done:
        places = Places(fixed.project.root)
        for notice in fixed.outcome.report.notices:
            if notice.kind == NOTICE and not options.quiet:
                place = f"{places.path(notice.path)}:{notice.line}"
                click.echo(visible(f"{place}: {notice.message}"), err=True)
        for each in fixed.outcome.changed:
            source = each.original.source
            before = encoded(source, source.text)
            diffs.write(places.path(each.path), before, each.after, source.encoding)
    if not options.quiet:
        click.echo(_would_fix(done), err=True)
    return 1 if any(fixed.outcome.changed for fixed in done) else 0


def _would_fix(done: Sequence[Fixed]) -> str:
    problems = sum(len(fixed.outcome.fixes) for fixed in done)
    files = sum(len(fixed.outcome.changed) for fixed in done)
    if not files:
        return "nothing to fix"
    return f"would fix {count(problems, 'problem')} in {count(files, 'file')}"
