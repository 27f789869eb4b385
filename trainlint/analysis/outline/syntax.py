"""Python text to a stdlib syntax tree, or the reason why there is none."""

from __future__ import annotations

import ast
import re
import warnings

from trainlint.text.document import Broken
from trainlint.text.guard import refusal
from trainlint.text.source import Source

_OLD_MESSAGES = (
    "Missing parentheses in call to 'print'",
    "Missing parentheses in call to 'exec'",
    "leading zeros in decimal integer literals",
)
_OLD_EXCEPT = "multiple exception types must be parenthesized"
_OLD_HANDLER = re.compile(r",\s*[a-z_]\w*\s*:")
_OLD_LINE = re.compile(
    r"""^\s*(?:print\s+(?:["'\w%]|>>)|exec\s+["'\w]|raise\s+[\w.]+\s*,"""
    r"""|except\s+[\w.]+(?:\s*\([^)]*\))?\s*,\s*[a-z_]\w*\s*:|except\s*\([^)]*\)\s*,\s*\w+\s*:)"""
    r"""|\W(?:ur|UR)["']|<>|\b\d+[lL]\b|`\w[^`]*`"""
)
_DEEP_MESSAGES = (
    "too many nested parentheses",
    "too many levels of indentation",
    "too many statically nested",
)
_LINE_END = re.compile(r"\r\n|\r|\n")


def read_tree(path: str, text: str) -> ast.Module | Broken:
    """The syntax tree of a file, or a Broken of kind syntax, python2 or too-deep.

    Where the file's grammar is newer than the running Python's, the tree is that of an older spelling of it,
    line for line.
    """
    tree = _parse(text)
    if not isinstance(tree, Broken) or tree.kind != "syntax":
        return tree
    deep = refusal(Source(path, text))
    if deep is not None:
        return deep
    from trainlint.analysis.outline.outline_cst import older_spelling  # noqa: PLC0415 - needs libcst

    older = older_spelling(text)
    newer = tree if older is None else _parse(older)
    return tree if isinstance(newer, Broken) else newer


def too_deep(line: int) -> Broken:
    """The refusal of a file whose nesting would exhaust a parser, at the line where it starts."""
    return Broken("too-deep", line, 1, "expressions or blocks are nested too deeply to be read safely")


def _parse(text: str) -> ast.Module | Broken:
    if "\0" in text:
        line = len(_LINE_END.split(text.partition("\0")[0]))
        return Broken("syntax", line, 1, "source code holds a null character")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        return _reason(error, text)
    except (RecursionError, MemoryError):
        return too_deep(1)


def _reason(error: SyntaxError, text: str) -> Broken:
    line, column, message = error.lineno or 1, max(error.offset or 1, 1), error.msg or "invalid syntax"
    if message.startswith(_DEEP_MESSAGES):
        return too_deep(line)
    if message.startswith(_OLD_MESSAGES) or _is_old(_line(text, line), message):
        return Broken("python2", line, column, "Python 2 source")
    return Broken("syntax", line, column, message)


def _line(text: str, number: int) -> str:
    lines = _LINE_END.split(text)
    return lines[number - 1] if number <= len(lines) else ""


def _is_old(line: str, message: str) -> bool:
    """Whether a refused line is spelled as only Python 2 allows.

    `except Old, error:` is Python 2, `except Old, Older:` is allowed again since 3.14.
    """
    if message.startswith(_OLD_EXCEPT):
        return bool(_OLD_HANDLER.search(line))
    return bool(_OLD_LINE.search(line.partition("#")[0]))
