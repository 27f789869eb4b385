"""Which physical lines hold a unit's own source."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

UNITS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LITERAL = re.compile(
    r"""[a-zA-Z]*(?:'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'(?:[^\\'\r\n]|\\.)*'|"(?:[^\\"\r\n]|\\.)*")""",
    re.DOTALL,
)
Range = tuple[int, int]


def first_line(node: ast.stmt) -> int:
    """The line where a statement starts, decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def last_line(node: ast.stmt, lines: Sequence[str]) -> int:
    """The line where a statement ends, including a dangling line continuation after it."""
    end = node.end_lineno or node.lineno
    while end < len(lines) and lines[end - 1].endswith("\\") and "#" not in lines[end - 1]:
        end += 1
    return end


def own_ranges(body: Sequence[ast.stmt], header: int, lines: Sequence[str]) -> list[Range]:
    """The runs of a module's or class's body between its functions and classes. Docstrings and `pass` are
    left out.

    `header` is the line of a class's header, or 0: a body on its header's line is taken with the header.
    """
    if all(map(_does_nothing, body)):
        return []
    runs: list[Range] = []
    start = end = 0
    for index, statement in enumerate(body):
        if isinstance(statement, UNITS):
            if start:
                runs.append((start, end))
            start = 0
        elif not (_does_nothing(statement) and _stands_alone(body, index)):
            start = start or statement.lineno
            end = last_line(statement, lines)
    if start:
        runs.append((start, end))
    if runs and header and _follows_header(body[0], lines):
        runs[0] = (header, runs[0][1])
    return runs


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass)


def _stands_alone(body: Sequence[ast.stmt], index: int) -> bool:
    """Whether no other statement is on the lines of this one."""
    statement = body[index]
    if index and body[index - 1].end_lineno == statement.lineno:
        return False
    return index + 1 == len(body) or body[index + 1].lineno != statement.end_lineno


def _follows_header(statement: ast.stmt, lines: Sequence[str]) -> bool:
    """Whether a body's first statement stands on the line where the header ends."""
    before = lines[statement.lineno - 1].encode()[: statement.col_offset]
    return bool(before.strip())


def literals(node: ast.expr, lines: Sequence[str], limit: int) -> int:
    """How many adjacent string literals a string expression is written as; exact only above `limit`, else a
    lower number."""
    first, last = node.lineno - 1, node.end_lineno or node.lineno
    size = sum(map(len, lines[first:last]))
    value = node.value if isinstance(node, ast.Constant) else ""
    if size - len(str(value)) <= 2 * limit:
        return 1
    rest = "\n".join(lines[first:last]).encode()[node.col_offset :].decode(errors="replace")
    return sum(1 for _ in _LITERAL.finditer(rest))
