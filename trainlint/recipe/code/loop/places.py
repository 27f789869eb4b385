"""Places inside of a statement that the terms do not tell: a name's term stands where it was bound."""

from __future__ import annotations

import ast

from trainlint.findings import Span
from trainlint.recipe.code.programs import Program

_FARTHEST = 200
"""Lines above a statement that are looked at."""
_WIDEST = 10_000


def added_place(program: Program, statement: Span | None) -> Span | None:
    """Where what is added stands in `total += loss`, `total + loss` or `losses.append(loss)`; None where the
    statement is another, or goes over several lines."""
    if statement is None or statement.line != statement.end_line:
        return None
    at = (statement.line, statement.column, statement.end_line, statement.end_column)
    text = program.reader.text(statement.path, at)
    try:
        parsed = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return None
    node = _added(parsed[0]) if len(parsed) == 1 else None
    if node is None or node.end_col_offset is None:
        return None
    line = text.encode()
    first, last = (len(line[:offset].decode()) for offset in (node.col_offset, node.end_col_offset))
    return Span(
        statement.path, statement.line, statement.column + first, statement.line, statement.column + last
    )


def _added(statement: ast.stmt) -> ast.expr | None:
    if isinstance(statement, ast.AugAssign):
        return statement.value
    value = statement.value if isinstance(statement, (ast.Expr, ast.Assign)) else None
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return value.right
    if isinstance(value, ast.Call) and len(value.args) == 1:
        return value.args[0]
    return None


def stands_under(program: Program, statement: Span, managers: frozenset[str]) -> bool:
    """Whether a statement stands in a `with` block of one of these managers: for statements without a call,
    which leave no event."""
    last = statement.line
    margin = statement.column
    for number in range(last - 1, max(0, last - _FARTHEST), -1):
        line = program.reader.text(statement.path, (number, 1, number, _WIDEST))
        indent = len(line) - len(line.lstrip()) + 1
        if not line.strip() or indent >= margin:
            continue
        margin = indent
        if line.lstrip().startswith("with ") and any(name in line for name in managers):
            return True
        if line.lstrip().startswith(("def ", "class ")):
            return False
    return False


def function_place(program: Program, path: str, qualname: str) -> Span | None:
    """Where the definition of an undecorated function stands; None for other units."""
    unit = program.index.unit(path, qualname)
    if unit is None or unit.kind != "function" or unit.decorators or not unit.lines:
        return None
    first = unit.lines[0][0]
    line = program.reader.text(path, (first, 1, first, _WIDEST))
    indent = len(line) - len(line.lstrip())
    if not line.lstrip().startswith("def "):
        return None
    return Span(path, first, indent + 1, first, indent + 4)
