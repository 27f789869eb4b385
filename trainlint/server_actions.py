"""Code actions for the diagnostics of a buffer: one for each fix, and one for all that are safe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsprotocol import types

FIX_ALL = "source.fixAll.trainlint"
KINDS: list[types.CodeActionKind | str] = [types.CodeActionKind.QuickFix, FIX_ALL]
SAFE = "safe"


def is_wanted(kind: str, only: Sequence[types.CodeActionKind | str] | None) -> bool:
    """Whether a client asks for actions of a kind: kinds are dotted, and a shorter one means all below it."""
    if only is None:
        return True
    asked = (str(getattr(each, "value", each)) for each in only)
    return any(each in ("", kind) or kind.startswith(each + ".") for each in asked)


def quick_fixes(uri: str, diagnostics: Sequence[types.Diagnostic], at: types.Range) -> list[types.CodeAction]:
    """The fixes of diagnostics at a range. One that changes other documents too is left to the command
    line: what the editor holds of them is unknown."""
    return [
        types.CodeAction(
            title=f"Fix: {fix['title']}" + ("" if fix["safety"] == SAFE else " (unsafe)"),
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[diagnostic],
            is_preferred=fix["safety"] == SAFE,
            edit=types.WorkspaceEdit(changes={uri: [_edit(each) for each in fix["changes"][uri]]}),
        )
        for diagnostic in diagnostics
        if (fix := _fix_of(diagnostic)) is not None and [*fix["changes"]] == [uri]
        if _touch(diagnostic.range, at)
    ]


def has_safe_fix(diagnostics: Sequence[types.Diagnostic]) -> bool:
    """Whether there is anything that fixing all would do."""
    return any((fix := _fix_of(each)) is not None and fix["safety"] == SAFE for each in diagnostics)


def fix_all_action(uri: str, edit: dict[str, Any]) -> types.CodeAction:
    """The action that applies every safe fix, which come to one edit."""
    return types.CodeAction(
        title="Fix all safe problems (trainlint)",
        kind=FIX_ALL,
        edit=types.WorkspaceEdit(changes={uri: [_edit(edit)]}),
    )


def _fix_of(diagnostic: types.Diagnostic) -> dict[str, Any] | None:
    data = diagnostic.data
    fix = data.get("fix") if isinstance(data, dict) else None
    return fix if isinstance(fix, dict) else None


def _edit(edit: dict[str, Any]) -> types.TextEdit:
    start, end = (types.Position(**edit["range"][side]) for side in ("start", "end"))
    return types.TextEdit(types.Range(start, end), edit["newText"])


def _touch(one: types.Range, other: types.Range) -> bool:
    return one.start <= other.end and other.start <= one.end
