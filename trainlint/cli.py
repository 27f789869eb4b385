"""The command line.

Everything a command needs is imported when it runs: `--version` and `--help` stay quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from trainlint.version import VERSION

DEFAULT_COMMAND = "check"
FORMATS = ("text", "concise", "json", "lsp", "sarif", "github", "gitlab", "junit")
LEVELS = ("error", "warning", "advice", "notice", "never")
USAGE_ERROR = 2
INTERRUPTED = 130


class Commands(click.Group):
    """A group where `trainlint PATH` means `trainlint check PATH`; a command's name wins over a folder's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts `check` in front of anything that is neither a command nor an option of the group."""
        if not args:
            args = ["--help"]
        elif args[0] not in self.commands and args[0] not in ("-h", "--help", "--version"):
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands, and what may stand after `check`: its options, files."""
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            command = self.commands[DEFAULT_COMMAND]
            with command.make_context(DEFAULT_COMMAND, [], parent=ctx, resilient_parsing=True) as inner:
                known = {item.value for item in found}
                options = command.shell_complete(inner, incomplete)
                return [*found, *(item for item in options if item.value not in known)]
        # Files first: bash forgets what stands before them.
        return [CompletionItem(incomplete, type="file"), *found]

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Commands in the order they are of use."""
        return list(self.commands)


def _names(_ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Rules, and families where they are taken too, that begin like the last of several names."""
    from trainlint.commands.rules import known_names  # noqa: PLC0415

    before, comma, last = incomplete.rpartition(",")
    known = known_names(families=parameter.name != "rule")
    return [CompletionItem(f"{before}{comma}{name}") for name in known if name.startswith(last)]


def _schemas(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What there is a schema of."""
    from trainlint.commands.schema import schema_names  # noqa: PLC0415

    return [CompletionItem(name) for name in schema_names() if name.startswith(incomplete)]


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`trainlint PATH...` means `trainlint check PATH...`; write ./rules for a folder of that name.",
)
@click.version_option(VERSION, prog_name="trainlint", message="%(prog)s %(version)s")
def cli() -> None:
    """Finds what is wrong or risky in deep-learning training code and configs, without running them."""


@cli.command()
@click.argument("paths", nargs=-1, metavar="PATH...", type=click.Path())
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default=None, help="How to report; default: text."
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="Report in this format to this file; several may be given, one without a file.",
)
@click.option(
    "--select", multiple=True, metavar="NAMES", shell_complete=_names, help="Only these rules or families."
)
@click.option(
    "--ignore", multiple=True, metavar="NAMES", shell_complete=_names, help="Not these rules or families."
)
@click.option("--strict", is_flag=True, help="Also report findings of medium confidence.")
@click.option("--quiet", "-q", is_flag=True, help="Print errors and warnings only.")
@click.option(
    "--fail-on", type=click.Choice(LEVELS), help="Lowest level that exits with 1; default: warning."
)
@click.option(
    "--exclude", multiple=True, metavar="PATTERN", help="Do not read these; patterns as in .gitignore."
)
@click.option("--force-exclude", is_flag=True, help="Leave out excluded files even where they are named.")
@click.option(
    "--jobs", "-j", type=click.IntRange(min=1), help="Processes to use; default: one per processor."
)
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Default: auto."
)
@click.option("--output-file", "-o", type=click.Path(dir_okay=False), help="Write the report there.")
@click.option("--baseline", metavar="FILE", help="Findings to hold back; default: trainlint-baseline.json.")
@click.option(
    "--diff-base", metavar="REV", help="Only findings on lines changed since this commit, branch or tag."
)
@click.option("--fix", is_flag=True, help="Apply safe fixes, then report what is left.")
@click.option(
    "--unsafe-fixes", is_flag=True, help="With --fix or --diff, apply unsafe fixes too; else offer them."
)
@click.option("--diff", is_flag=True, help="Print what --fix would change as a diff, and write nothing.")
@click.option(
    "--add-ignore",
    metavar="NAME",
    shell_complete=_names,
    help="Write suppressions for what this rule or family reports.",
)
@click.option("--reason", metavar="TEXT", help="Why, for --add-ignore.")
@click.option("--stdin-filename", metavar="PATH", help="What file `-` (standard input) stands for.")
@click.option("--statistics", is_flag=True, help="Also count the findings of each rule.")
@click.option(
    "--show-suppressed", is_flag=True, help="Also list in SARIF what is suppressed, marked as such."
)
@click.option("--no-cache", is_flag=True, help="Neither use nor keep what earlier runs found.")
@click.option("--cache-dir", metavar="DIR", help="Where that is kept; default: .trainlint_cache at the root.")
@click.option("--verbose", "-v", is_flag=True, help="Tell the time each stage took.")
def check(paths: tuple[str, ...], **options: Any) -> None:
    """Check files and folders; `-` is standard input.

    Exits with 0 when nothing stands at or above --fail-on, 1 when something does, 2 when the command or the
    settings are wrong.
    """
    from trainlint.commands.check import CheckOptions, run_check  # noqa: PLC0415

    raise click.exceptions.Exit(run_check(paths, CheckOptions(**options)))


@cli.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Default: text.")
def rules(form: str) -> None:
    """List all rules."""
    from trainlint.commands.rules import list_rules  # noqa: PLC0415

    click.echo(list_rules(form), nl=False)


@cli.command()
@click.argument("rule", shell_complete=_names)
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Default: auto."
)
def explain(rule: str, color: str) -> None:
    """Tell what a rule reports, why, and how to fix it."""
    from trainlint.commands.rules import explain_rule  # noqa: PLC0415
    from trainlint.output.terminal import Style, wants_colour  # noqa: PLC0415

    coloured = wants_colour(color, sys.stdout)
    click.echo(explain_rule(rule, Style(colour=coloured)), nl=False, color=coloured)


@cli.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--why", metavar="FIELD", help="Tell where one field's value comes from, or why it is unknown.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to print: text (the default), json.",
)
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Default: auto."
)
def recipe(paths: tuple[str, ...], why: str | None, output_format: str, color: str) -> None:
    """Show what each program trains with, and where every value comes from."""
    from trainlint.commands.recipe import show_recipes  # noqa: PLC0415
    from trainlint.output.terminal import Style, wants_colour  # noqa: PLC0415

    coloured = wants_colour(color, sys.stdout)
    as_json = output_format == "json"
    if as_json and why is not None:
        raise click.UsageError("--why explains in text; --format json tells every field's story by itself")
    shown = show_recipes(paths, why, Style(colour=coloured), as_json=as_json)
    click.echo(shown, nl=False, color=coloured)


@cli.command()
@click.argument("name", metavar="FORMAT|recipe|settings", shell_complete=_schemas)
def schema(name: str) -> None:
    """Print a JSON Schema for editors: of a config format, of a recipe, of the settings."""
    from trainlint.commands.schema import schema_text  # noqa: PLC0415

    click.echo(schema_text(name), nl=False)


@cli.group()
def baseline() -> None:
    """Live with what is found now, and hear of new findings only."""


_BASELINE_FILE = click.option(
    "--baseline", "file", metavar="FILE", help="Default: trainlint-baseline.json at the project's root."
)


@baseline.command("create")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@_BASELINE_FILE
@click.option("--strict", is_flag=True, help="Hold findings of medium confidence back too.")
@click.option("--force", is_flag=True, help="Replace a baseline that exists.")
def baseline_create(paths: tuple[str, ...], file: str | None, strict: bool, force: bool) -> None:
    """Write down what is found now; from then on only new findings are reported."""
    from trainlint.commands.baseline import create  # noqa: PLC0415

    click.echo(create(paths or (".",), file, strict=strict, force=force), nl=False)


@baseline.command("prune")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@_BASELINE_FILE
def baseline_prune(paths: tuple[str, ...], file: str | None) -> None:
    """Take out what no longer occurs, so that it is reported if it comes back."""
    from trainlint.commands.baseline import prune  # noqa: PLC0415

    click.echo(prune(paths or (".",), file), nl=False)


@baseline.command("show")
@click.argument("path", default=".", metavar="[PATH]")
@_BASELINE_FILE
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Default: text.")
def baseline_show(path: str, file: str | None, form: str) -> None:
    """List what is held back."""
    from trainlint.commands.baseline import show  # noqa: PLC0415

    click.echo(show(path, file, form), nl=False)


@cli.command()
@click.argument("path", default=".", metavar="[PATH]")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Default: text.")
def config(path: str, form: str) -> None:
    """Show the settings in force for a path, and where each comes from."""
    from trainlint.commands.config import show_settings  # noqa: PLC0415

    click.echo(show_settings(path, form), nl=False)


@cli.command()
@click.argument("folder", default=".", metavar="[FOLDER]")
def init(folder: str) -> None:
    """Write a first settings file, trainlint.toml; never overwrites one."""
    from trainlint.commands.init import write_first_settings  # noqa: PLC0415

    click.echo(write_first_settings(folder), nl=False)


@cli.command()
@click.argument("path", default=".", metavar="[PATH]")
@click.option("--cache-dir", metavar="DIR", help="Where the cache is, if not at its default place.")
def clean(path: str, cache_dir: str | None) -> None:
    """Delete the cache of the project that a path belongs to."""
    from trainlint.commands.clean import delete_cache  # noqa: PLC0415

    click.echo(delete_cache(path, cache_dir), nl=False)


@cli.command()
@click.option(
    "--stdio", is_flag=True, help="Talk over standard input and output: the only way, and the default."
)
def server(stdio: bool) -> None:  # noqa: ARG001 - editors pass it
    """Run the language server for editors."""
    try:
        from trainlint.server import serve  # noqa: PLC0415
    except ImportError as error:
        raise click.ClickException(
            f"the server needs pygls: pip install 'trainlint[server]' ({error})"
        ) from error
    serve()


def main(args: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code: 0, 1 (findings), 2 (usage or internal error), 130."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        result = cli.main(
            args=None if args is None else list(args), prog_name="trainlint", standalone_mode=False
        )
    except click.ClickException as error:
        error.show()
        return USAGE_ERROR
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:  # noqa: BLE001 - whatever it is, it must be one clear line
        return _failed(error)
    return _flushed(result if isinstance(result, int) else 0)


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _reader_gone()
    return code


def _reader_gone() -> int:
    """Whoever read our output has enough; Python must not complain about it at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    return 0


def _failed(error: Exception) -> int:
    from trainlint.commands.failure import describe, is_usage_error  # noqa: PLC0415

    if os.environ.get("TRAINLINT_DEBUG") == "1":
        import traceback  # noqa: PLC0415

        traceback.print_exception(error)
    prefix = "Error" if is_usage_error(error) else "trainlint: internal error"
    click.echo(f"{prefix}: {describe(error)}", err=True)
    return USAGE_ERROR
