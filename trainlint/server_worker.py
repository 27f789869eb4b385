"""What the language server runs in a process of its own: one buffer in, its diagnostics or its fix out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainlint.output.lsp import Encoding

ERROR, INFORMATION = 1, 3


def warm_up() -> None:
    """Imports the pipeline, so that the first buffer does not wait for it."""
    import trainlint.pipeline.run  # noqa: PLC0415
    import trainlint.recipe.code.from_code  # noqa: F401, PLC0415


def diagnose(path: str, text: str, encoding: Encoding) -> list[dict[str, Any]]:
    """The LSP diagnostics of a file whose text is `text`, in context of its project. Never raises.

    `path` is canonical. What keeps the project from being read is a diagnostic of its own.
    """
    from trainlint.commands.failure import describe, is_usage_error  # noqa: PLC0415
    from trainlint.linter import lint  # noqa: PLC0415
    from trainlint.output.lsp import diagnostics, file_uri  # noqa: PLC0415
    from trainlint.settings.model import Settings  # noqa: PLC0415

    try:
        report = lint([], Settings(jobs=1), stdin=(path, text), cached=True)
        return diagnostics(report, encoding).get(file_uri(path), [])
    except Exception as error:  # noqa: BLE001 - the editor must hear of it, and the worker must live on
        return [problem(describe(error), ERROR if is_usage_error(error) else INFORMATION)]


def fix_all(path: str, text: str, encoding: Encoding) -> dict[str, Any] | None:
    """The LSP edit that applies every safe fix to a buffer; None where there is none. Never raises."""
    from trainlint.fixing.project import fix_project  # noqa: PLC0415
    from trainlint.linter import projects_of  # noqa: PLC0415
    from trainlint.output.lsp import text_edit  # noqa: PLC0415
    from trainlint.settings.model import Settings  # noqa: PLC0415

    try:
        projects = projects_of([], Settings(jobs=1), (path, text))
        changed = [
            each for project in projects for each in fix_project(project, (path, text)).outcome.changed
        ]
        return text_edit(text, changed[0].text, encoding) if changed else None
    except Exception:  # noqa: BLE001 - its diagnostics tell of it; the worker must live on
        return None


def problem(message: str, severity: int = INFORMATION) -> dict[str, Any]:
    """A diagnostic about the run itself, at the top of the file."""
    start = {"line": 0, "character": 0}
    return {
        "range": {"start": start, "end": {"line": 1, "character": 0}},
        "severity": severity,
        "source": "trainlint",
        "message": message,
    }


def readable(path: str) -> bool:
    """Whether the server lints files of this name.

    Notebooks come in cells, which it does not take part in.
    """
    return Path(path).suffix.lower() in (".py", ".yaml", ".yml", ".json", ".jsonc", ".toml")
