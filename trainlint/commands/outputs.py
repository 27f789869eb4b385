"""Where reports go: `--format` and `--output` as written, checked before the run, written after it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import click
import msgspec

from trainlint.findings import Report
from trainlint.output.files import write_atomically
from trainlint.output.terminal import Style, is_terminal, visible, wants_colour
from trainlint.suggest import did_you_mean

FORMATS = ("text", "concise", "json", "lsp", "sarif", "github", "gitlab", "junit")
FOR_PEOPLE = ("text", "concise")
DEFAULT = "text"
STDOUT = "-"


class Output(msgspec.Struct, frozen=True):
    """One report to write; `path` is None for standard output, `option` how it was asked for."""

    form: str
    path: Path | None
    option: str


class Shape(msgspec.Struct, frozen=True):
    """What the options say of how reports look; `exit_code` is the run's.

    With `to_stderr` standard output is taken by something else; `unsafe_fixes` count as fixes to offer.
    """

    color: str = "auto"
    quiet: bool = False
    statistics: bool = False
    show_suppressed: bool = False
    exit_code: int = 0
    to_stderr: bool = False
    unsafe_fixes: bool = False

    @property
    def stream(self) -> IO[str]:
        """Where reports without a file go."""
        return sys.stderr if self.to_stderr else sys.stdout


def planned(form: str | None, output_file: str | None, outputs: Sequence[str]) -> list[Output]:
    """The reports to write: those of `--output FORMAT[=PATH]`, and that of `--format`.

    With `--output` alone standard output gets what it names only. Raises click.UsageError where two go to one
    place, or a place cannot be written.
    """
    found = [_parsed(text) for text in outputs]
    if form is not None or output_file is not None or not found:
        target = None if output_file is None else Path(output_file)
        option = "--format" if output_file is None else "--output-file"
        found.append(Output(form or DEFAULT, target, option))
    _refuse_shared(found)
    for output in found:
        _refuse_unwritable(output)
    return found


def write(report: Report, outputs: Sequence[Output], shape: Shape) -> None:
    """Writes all reports, files first. Raises click.ClickException naming the files that could not be."""
    texts = [(output, render(report, output, shape)) for output in outputs]
    failed = [problem for output, text in texts if output.path for problem in _saved(output.path, text)]
    for output, text in texts:
        if output.path is None:
            click.echo(text, nl=False, color=wants_colour(shape.color, shape.stream), err=shape.to_stderr)
    if shape.statistics and not any(output.form in FOR_PEOPLE for output in outputs):
        click.echo(_counts(report, Style(colour=wants_colour(shape.color, sys.stderr))), nl=False, err=True)
    if failed:
        raise click.ClickException("\n".join(failed))


def render(report: Report, output: Output, shape: Shape) -> str:
    """The report in one format."""
    if output.form == "json":
        from trainlint.output.json import to_json  # noqa: PLC0415

        return to_json(report)
    if output.form == "lsp":
        from trainlint.output.lsp import to_lsp  # noqa: PLC0415

        return to_lsp(report)
    if output.form == "sarif":
        return _sarif(report, shape)
    if output.form == "github":
        from trainlint.output.github import to_github  # noqa: PLC0415

        return to_github(report, quiet=shape.quiet)
    if output.form == "gitlab":
        from trainlint.output.gitlab import to_gitlab  # noqa: PLC0415

        return to_gitlab(report)
    if output.form == "junit":
        from trainlint.output.junit import to_junit  # noqa: PLC0415

        return to_junit(report)
    return _for_people(report, output, shape)


def _for_people(report: Report, output: Output, shape: Shape) -> str:
    from trainlint.output.text import DEFAULT_COLUMNS, concise, full  # noqa: PLC0415

    to_file = output.path is not None
    style = Style(colour=shape.color == "always" if to_file else wants_colour(shape.color, shape.stream))
    if output.form == "concise":
        text = concise(report, style=style, quiet=shape.quiet, unsafe_fixes=shape.unsafe_fixes)
    else:
        seen = is_terminal(shape.stream) and not to_file
        columns = max(40, shutil.get_terminal_size().columns) if seen else DEFAULT_COLUMNS
        text = full(report, style=style, columns=columns, quiet=shape.quiet, unsafe_fixes=shape.unsafe_fixes)
    counts = _counts(report, style) if shape.statistics else ""
    return f"{text}\n{counts}" if text and counts else text + counts


def _counts(report: Report, style: Style) -> str:
    from trainlint.output.statistics import statistics  # noqa: PLC0415

    return statistics(report.findings, style)


def _sarif(report: Report, shape: Shape) -> str:
    from trainlint.output.sarif import to_sarif  # noqa: PLC0415
    from trainlint.rulebook.loading import load_rulebook  # noqa: PLC0415

    rulebook = load_rulebook([Path(folder) for folder in report.rulebooks])
    return to_sarif(report, rulebook, shape.exit_code, show_suppressed=shape.show_suppressed)


def _parsed(text: str) -> Output:
    form, assigned, path = text.partition("=")
    if form not in FORMATS:
        message = f"no format is called {form!r}{did_you_mean(form, FORMATS) or '; there are ' + _listed()}"
        raise click.UsageError(f"--output: {message}")
    if assigned and not path:
        raise click.UsageError(f"--output {visible(text)}: no file is named after `=`")
    return Output(form, Path(path) if path not in ("", STDOUT) else None, f"--output {text}")


def _listed() -> str:
    return ", ".join(FORMATS)


def _refuse_shared(outputs: Sequence[Output]) -> None:
    """Two reports in one place would be neither."""
    taken: dict[str, Output] = {}
    for output in outputs:
        place = "" if output.path is None else os.path.realpath(output.path)
        first = taken.setdefault(place, output)
        if first is not output:
            where = "standard output" if output.path is None else visible(str(output.path))
            raise click.UsageError(
                f"{visible(first.option)} and {visible(output.option)} both write to {where}: "
                f"name another file, for example --output {output.form}=report.{output.form}"
            )


def _refuse_unwritable(output: Output) -> None:
    """Says before the run what would fail after it."""
    if output.path is None:
        return
    option = visible(output.option.partition("=")[0])
    target = Path(os.path.realpath(output.path))
    shown = visible(str(output.path))
    if target.is_dir():
        raise click.UsageError(f"{option}: {shown} is a folder")
    if not target.parent.is_dir():
        raise click.UsageError(f"{option}: no such folder: {visible(str(output.path.parent))}")
    from trainlint.discovery.walk import holds_source  # noqa: PLC0415

    if target.exists() and holds_source(target.name):
        raise click.UsageError(f"{option}: {shown} is a file to be read, not a report: name another one")
    special = target.exists() and not target.is_file()
    if not os.access(target if special else target.parent, os.W_OK):
        raise click.UsageError(f"{option}: cannot write {shown}: the folder is read-only")


def _saved(path: Path, text: str) -> Iterator[str]:
    """Writes one file; yields what went wrong."""
    try:
        write_atomically(path, text)
    except OSError as error:
        yield f"cannot write {visible(str(path))}: {visible(error.strerror or str(error))}"
