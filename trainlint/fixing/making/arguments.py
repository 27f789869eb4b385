"""Arguments of a call: give one a value, whatever way the call is laid out."""

from __future__ import annotations

import ast

from trainlint.findings import Edit
from trainlint.fixing.making.syntax import Syntax

Edits = list[Edit]


def set_argument(
    syntax: Syntax, call: ast.Call, name: str, value: str, position: int | None = None
) -> Edits | None:
    """Edits by which the call passes `name=value`; None where that is not certain.

    `position` is the parameter's place among the positional ones, None for one that is passed by keyword
    only. What is passed already is replaced where it is a constant. Else a `**mapping` may hold the name,
    and a `*sequence` may reach the parameter: then there is no edit.
    """
    given = passed(call, name, position)
    if given is not None:
        return _replaced(syntax, given, value)
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    if position is not None and any(isinstance(each, ast.Starred) for each in call.args):
        return None
    return _added(syntax, call, f"{name}={value}")


def passed(call: ast.Call, name: str, position: int | None = None) -> ast.expr | None:
    """The argument a call passes for a parameter, by name or by position; None where it passes none."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    before = call.args if position is None else call.args[: position + 1]
    if position is None or len(before) <= position or any(isinstance(each, ast.Starred) for each in before):
        return None
    return before[position]


def _replaced(syntax: Syntax, given: ast.expr, value: str) -> Edits | None:
    if not isinstance(given, ast.Constant):
        return None
    return [syntax.edit(syntax.start(given), syntax.end(given), value)]


def _added(syntax: Syntax, call: ast.Call, argument: str) -> Edits | None:
    opening = _opening(syntax, call)
    close = syntax.end(call) - 1
    if opening is None or syntax.text[close] != ")":
        return None
    arguments: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    arguments.sort(key=lambda each: (each.lineno, each.col_offset))
    if not arguments:
        comment = syntax.text[opening + 1] == "#"
        return [syntax.edit(opening + 1, opening + 1, argument + ("  " if comment else ""))]
    end, comma = _behind(syntax, arguments[-1], close)
    if end is None:
        return None
    tail = end if comma is None else comma
    indentation = syntax.indentation(syntax.start(arguments[-1]))
    if indentation is not None and _line(syntax, close) > _line(syntax, tail):
        return _on_the_next_line(syntax, end, comma, f"{indentation}{argument}")
    aligned = len(arguments) > 1 and syntax.indentation(syntax.start(arguments[-2])) is not None
    gap = f"\n{indentation}" if indentation is not None and aligned else " "
    if comma is None:
        return [syntax.edit(end, end, f",{gap}{argument}")]
    return [syntax.edit(comma + 1, comma + 1, gap + argument)]


def _opening(syntax: Syntax, call: ast.Call) -> int | None:
    """The offset of the call's opening parenthesis."""
    offset = syntax.behind_blanks(syntax.end(call.func))
    while syntax.text[offset] == ")":
        offset = syntax.behind_blanks(offset + 1)
    return offset if syntax.text[offset] == "(" else None


def _behind(syntax: Syntax, last: ast.expr | ast.keyword, close: int) -> tuple[int | None, int | None]:
    """Where the last argument ends, its own parentheses included, and the comma behind it.

    No end where argument and call share their parentheses: `f(x for x in y)`.
    """
    end = syntax.end(last)
    comma: int | None = None
    offset = syntax.behind_blanks(end)
    while offset < close:
        if syntax.text[offset] == "," and comma is None:
            comma = offset
        elif syntax.text[offset] == ")" and comma is None:
            end = offset + 1
        else:
            return None, None
        offset = syntax.behind_blanks(offset + 1)
    return (end, comma) if offset == close else (None, None)


def _on_the_next_line(syntax: Syntax, end: int, comma: int | None, line: str) -> Edits:
    """Below the last argument: a comment behind that stays with it."""
    if comma is None:
        below = syntax.source.starts[_line(syntax, end)]
        return [syntax.edit(end, end, ","), syntax.edit(below, below, f"{line}\n")]
    below = syntax.source.starts[_line(syntax, comma)]
    return [syntax.edit(below, below, f"{line},\n")]


def _line(syntax: Syntax, offset: int) -> int:
    return syntax.source.position(offset)[0]
