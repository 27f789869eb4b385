"""`trainlint check`: settings from the options, one run, one report."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
import msgspec

from trainlint.commands.outputs import Output, Shape, planned, write
from trainlint.findings import Report
from trainlint.output.progress import Progress
from trainlint.output.terminal import visible
from trainlint.output.verdict import INTERNAL
from trainlint.settings.model import Settings

STDIN = "-"
STDIN_NAME = "stdin.py"


class CheckOptions(msgspec.Struct, frozen=True):
    """The options of the command, as written."""

    form: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    strict: bool = False
    quiet: bool = False
    fail_on: str | None = None
    exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    jobs: int | None = None
    color: str = "auto"
    output_file: str | None = None
    stdin_filename: str | None = None
    baseline: str | None = None
    diff_base: str | None = None
    add_ignore: str | None = None
    reason: str | None = None
    fix: bool = False
    unsafe_fixes: bool = False
    diff: bool = False
    outputs: tuple[str, ...] = ()
    statistics: bool = False
    show_suppressed: bool = False
    no_cache: bool = False
    cache_dir: str | None = None
    verbose: bool = False


def run_check(paths: Sequence[str], options: CheckOptions) -> int:
    """Lints and reports; returns the exit code. Usage errors are raised."""
    from trainlint.linter import lint  # noqa: PLC0415

    stdin = _stdin(paths, options)
    named = [] if stdin else _named(paths)
    if options.add_ignore is not None:
        return _add_ignores(named, options, stdin=stdin is not None)
    if options.reason is not None:
        raise click.UsageError("--reason goes with --add-ignore")
    if options.fix or options.diff:
        from trainlint.commands.fix import run_fix  # noqa: PLC0415

        return run_fix(named, options, stdin)
    outputs = outputs_of(options)
    progress = Progress(sys.stderr, wanted=not options.quiet)
    remarks: list[str] = []
    try:
        report = lint(
            named,
            settings_of(options),
            stdin=stdin,
            progress=progress,
            parallel=True,
            cached=not options.no_cache,
            remarks=remarks,
        )
    finally:
        progress.clear()
    code = exit_code(report)
    write(report, outputs, shape_of(options, code))
    if options.verbose:
        click.echo("".join(f"{visible(remark)}\n" for remark in remarks), err=True, nl=False)
        tell_time(report)
    return code


def exit_code(report: Report) -> int:
    """0, 1 where something stands at or above fail-on, 2 where trainlint itself failed on the way."""
    if any(notice.kind == INTERNAL for notice in report.notices):
        return 2
    return 1 if report.failing else 0


def settings_of(options: CheckOptions) -> Settings:
    """The settings that options give, to be laid over those of each project."""
    return Settings(
        select=_split(options.select),
        ignore=_split(options.ignore),
        strict=options.strict,
        fail_on=options.fail_on,
        exclude=tuple(_from_here(pattern) for pattern in options.exclude),
        force_exclude=options.force_exclude,
        jobs=options.jobs,
        baseline=options.baseline,
        diff_base=options.diff_base,
        cache_dir=options.cache_dir and os.path.abspath(options.cache_dir),  # noqa: PTH100 - links stay links
    )


def _add_ignores(named: Sequence[Path], options: CheckOptions, *, stdin: bool) -> int:
    from trainlint.commands.add_ignore import add_ignores  # noqa: PLC0415

    if options.fix or options.diff:
        raise click.UsageError("--add-ignore and --fix both write: run one after the other")
    if stdin:
        raise click.UsageError("--add-ignore writes into files: name them instead of `-`, standard input")
    return add_ignores(named, settings_of(options), options.add_ignore or "", options.reason)


def outputs_of(options: CheckOptions) -> list[Output]:
    """The reports to write. Raises UsageError where options do not go together."""
    outputs = planned(options.form, options.output_file, options.outputs)
    if options.show_suppressed and not any(output.form == "sarif" for output in outputs):
        raise click.UsageError("--show-suppressed goes with --format sarif or --output sarif=FILE")
    return outputs


def shape_of(options: CheckOptions, code: int, *, to_stderr: bool = False) -> Shape:
    """How the reports are to look."""
    return Shape(
        color=options.color,
        quiet=options.quiet,
        statistics=options.statistics,
        show_suppressed=options.show_suppressed,
        exit_code=code,
        to_stderr=to_stderr,
        unsafe_fixes=options.unsafe_fixes,
    )


def _named(paths: Sequence[str]) -> list[Path]:
    if not paths:
        raise click.UsageError("name a file or folder to check, for example: trainlint .")
    return [Path(path) for path in paths]


def _stdin(paths: Sequence[str], options: CheckOptions) -> tuple[str, str] | None:
    """File name and text of standard input, where it is what to check."""
    if STDIN not in paths:
        if options.stdin_filename is not None:
            raise click.UsageError("--stdin-filename goes with `-`, standard input")
        return None
    if len(paths) > 1:
        raise click.UsageError("`-`, standard input, is checked alone: name no other path with it")
    try:
        # The byte order mark stays: a fixed text is given back with it.
        text = sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"standard input is not UTF-8: {error.reason} (byte {error.start})") from error
    return options.stdin_filename or STDIN_NAME, text


def _split(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.strip() for part in names for name in part.split(",") if name.strip())


def _from_here(pattern: str) -> str:
    """A pattern with a folder in it is meant from where the user is, one without matches anywhere."""
    text = pattern.replace("\\", "/")
    anchored = "/" in text.rstrip("/")
    if not anchored or text.startswith(("/", "!", "**/")) or text[1:2] == ":":
        return pattern
    return f"{Path.cwd().as_posix()}/{text.removeprefix('./')}"


def tell_time(report: Report) -> None:
    """Prints the seconds of each stage to standard error."""
    if not report.seconds:
        click.echo("nothing had to be read: the report is the cache's", err=True)
        return
    total = sum(report.seconds.values())
    for stage, seconds in report.seconds.items():
        click.echo(f"{stage:<12} {seconds:8.3f} s", err=True)
    click.echo(f"{'total':<12} {total:8.3f} s", err=True)
