"""`trainlint check`: settings from the options, one run, one report."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
import msgspec

from trainlint.commands.outputs import Output, Shape, planned, write
from trainlint.findings import Report
from trainlint.output.progress import Progress
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
    outputs: tuple[str, ...] = ()
    statistics: bool = False
    show_suppressed: bool = False
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
    outputs = _outputs(options)
    progress = Progress(sys.stderr, wanted=not options.quiet)
    try:
        report = lint(named, settings_of(options), stdin=stdin, progress=progress, parallel=True)
    finally:
        progress.clear()
    code = exit_code(report)
    write(report, outputs, _shape(options, code))
    if options.verbose:
        _tell_time(report)
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
    )


def _add_ignores(named: Sequence[Path], options: CheckOptions, *, stdin: bool) -> int:
    from trainlint.commands.add_ignore import add_ignores  # noqa: PLC0415

    if stdin:
        raise click.UsageError("--add-ignore writes into files: name them instead of `-`, standard input")
    return add_ignores(named, settings_of(options), options.add_ignore or "", options.reason)


def _outputs(options: CheckOptions) -> list[Output]:
    outputs = planned(options.form, options.output_file, options.outputs)
    if options.show_suppressed and not any(output.form == "sarif" for output in outputs):
        raise click.UsageError("--show-suppressed goes with --format sarif or --output sarif=FILE")
    return outputs


def _shape(options: CheckOptions, code: int) -> Shape:
    return Shape(options.color, options.quiet, options.statistics, options.show_suppressed, code)


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
        text = sys.stdin.buffer.read().decode("utf-8-sig")
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


def _tell_time(report: Report) -> None:
    total = sum(report.seconds.values())
    for stage, seconds in report.seconds.items():
        click.echo(f"{stage:<12} {seconds:8.3f} s", err=True)
    click.echo(f"{'total':<12} {total:8.3f} s", err=True)
