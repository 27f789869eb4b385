"""`trainlint check`: settings from the options, one run, one report."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
import msgspec

from trainlint.findings import Report
from trainlint.output.files import write_atomically
from trainlint.output.progress import Progress
from trainlint.output.terminal import Style, is_terminal, wants_colour
from trainlint.output.verdict import INTERNAL
from trainlint.settings.model import Settings

STDIN = "-"
STDIN_NAME = "stdin.py"


class CheckOptions(msgspec.Struct, frozen=True):
    """The options of the command, as written."""

    form: str = "text"
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
    verbose: bool = False


def run_check(paths: Sequence[str], options: CheckOptions) -> int:
    """Lints and reports; returns the exit code. Usage errors are raised."""
    from trainlint.linter import lint  # noqa: PLC0415

    stdin = _stdin(paths, options)
    named = [] if stdin else _named(paths)
    target = _target(options.output_file)
    progress = Progress(sys.stderr, wanted=not options.quiet)
    try:
        report = lint(named, settings_of(options), stdin=stdin, progress=progress, parallel=True)
    finally:
        progress.clear()
    code = exit_code(report)
    text = render(report, options)
    if target is not None:
        write_atomically(target, text)
    else:
        click.echo(text, nl=False, color=wants_colour(options.color, sys.stdout))
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
    )


def render(report: Report, options: CheckOptions) -> str:
    """The report in the format asked for."""
    if options.form == "json":
        from trainlint.output.json import to_json  # noqa: PLC0415

        return to_json(report)
    if options.form == "lsp":
        from trainlint.output.lsp import to_lsp  # noqa: PLC0415

        return to_lsp(report)
    from trainlint.output.text import DEFAULT_COLUMNS, concise, full  # noqa: PLC0415

    to_file = options.output_file is not None
    style = Style(colour=options.color == "always" if to_file else wants_colour(options.color, sys.stdout))
    if options.form == "concise":
        return concise(report, style=style, quiet=options.quiet)
    seen = is_terminal(sys.stdout) and not to_file
    columns = max(40, shutil.get_terminal_size().columns) if seen else DEFAULT_COLUMNS
    return full(report, style=style, columns=columns, quiet=options.quiet)


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


def _target(output_file: str | None) -> Path | None:
    if output_file is None:
        return None
    target = Path(output_file)
    if not target.absolute().parent.is_dir():
        raise click.UsageError(f"--output-file: no such folder: {target.parent}")
    return target


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
