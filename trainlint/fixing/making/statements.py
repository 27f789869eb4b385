"""Statements put before, behind and into others, and taken out, each on lines of its own."""

from __future__ import annotations

import ast

from trainlint.findings import Edit
from trainlint.fixing.making.syntax import Syntax

Edits = list[Edit]


def insert_before(syntax: Syntax, statement: ast.stmt, text: str) -> Edits | None:
    """A statement above another one, its lines as far in; None where that shares its first line."""
    start = syntax.start(statement)
    indentation = syntax.indentation(start)
    if indentation is None or _is_joined(syntax, start):
        return None
    line = start - len(indentation)
    return [syntax.edit(line, line, f"{_indented(text, indentation)}\n")]


def insert_after(syntax: Syntax, statement: ast.stmt, text: str) -> Edits | None:
    """A statement below another one, its lines as far in; None where that shares its first or last line."""
    start = syntax.start(statement)
    indentation = syntax.indentation(start)
    if indentation is None or _is_joined(syntax, start) or not _ends_its_line(syntax, statement):
        return None
    return [_below(syntax, syntax.end(statement), _indented(text, indentation))]


def insert_first(syntax: Syntax, block: list[ast.stmt], text: str) -> Edits | None:
    """A statement as the first of a block, below its docstring and above its comments; None for `if x: a`."""
    if _is_docstring(block[0]):
        return insert_after(syntax, block[0], text)
    start = syntax.start(block[0])
    made, indentation = insert_before(syntax, block[0], text), syntax.indentation(start)
    line, _ = syntax.source.position(start)
    above = line
    while above > 1 and syntax.source.lines[above - 2].startswith(f"{indentation}#"):
        above -= 1
    if made is None or above == line:
        return made
    place = syntax.source.starts[above - 1]
    return [syntax.edit(place, place, made[0].text)]


def wrap(syntax: Syntax, statement: ast.stmt, header: str) -> Edits | None:
    """A statement as a block of its own below a header such as `with lock:`.

    None where it shares a line, and where a text in it goes over several: it would be another one.
    """
    start, end = syntax.start(statement), syntax.end(statement)
    indentation = syntax.indentation(start)
    if indentation is None or _is_joined(syntax, start) or not _ends_its_line(syntax, statement):
        return None
    if any(_goes_over_lines(node) for node in ast.walk(statement)):
        return None
    step = _step(syntax, statement, indentation)
    (first, _), (last, _) = syntax.source.position(start), syntax.source.position(end)
    starts, lines = syntax.source.starts, syntax.source.lines
    above = syntax.edit(starts[first - 1], starts[first - 1], f"{indentation}{header}\n{step}")
    below = (starts[place] for place in range(first, last) if lines[place].strip())
    return [above, *(syntax.edit(place, place, step) for place in below)]


def _goes_over_lines(node: ast.AST) -> bool:
    text = isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )
    return text and getattr(node, "lineno", 0) != getattr(node, "end_lineno", 0)


def _step(syntax: Syntax, statement: ast.stmt, indentation: str) -> str:
    """What one level is further in than the one above: as in the statement, else as it is usual."""
    body = getattr(statement, "body", None)
    inner = syntax.indentation(syntax.start(body[0])) if body else None
    if inner is not None and inner.startswith(indentation) and inner != indentation:
        return inner[len(indentation) :]
    return "\t" if indentation.startswith("\t") else "    "


def delete(syntax: Syntax, statement: ast.stmt) -> Edits | None:
    """Take a statement out with its lines; a comment behind it stays.

    None where it shares a line, and where it spans several that may hold a comment.
    """
    start, end = syntax.start(statement), syntax.end(statement)
    if "#" in syntax.text[start:end]:
        return None
    indentation = syntax.indentation(start)
    if indentation is None or _is_joined(syntax, start) or not _ends_its_line(syntax, statement):
        return None
    if _is_alone(syntax, statement):
        return [syntax.edit(start, end, "pass")]
    comment = syntax.behind_spaces(end)
    if syntax.text[comment : comment + 1] == "#":
        return [syntax.edit(start, comment, "")]
    line, _ = syntax.source.position(end)
    starts = syntax.source.starts
    below = starts[line] if line < len(starts) else len(syntax.text)
    return [syntax.edit(start - len(indentation), below, "")]


def swap(syntax: Syntax, first: ast.stmt, second: ast.stmt) -> Edits | None:
    """Two statements of one block in the other order, each with the comment behind it.

    None unless they stand right below each other, on lines that are theirs alone.
    """
    starts, lines = syntax.source.starts, (first.lineno, second.lineno, (second.end_lineno or 0) + 1)
    if syntax.parents.get(first) is not syntax.parents.get(second) or lines[2] > len(starts):
        return None
    alone = (
        syntax.indentation(syntax.start(each)) is not None
        and not _is_joined(syntax, syntax.start(each))
        and _ends_its_line(syntax, each)
        and isinstance(each, ast.Expr)
        for each in (first, second)
    )
    if (first.end_lineno or 0) + 1 != second.lineno or not all(alone):
        return None
    begin, middle, end = (starts[line - 1] for line in lines)
    return [syntax.edit(begin, end, syntax.text[middle:end] + syntax.text[begin:middle])]


def _indented(text: str, indentation: str) -> str:
    return "\n".join(f"{indentation}{line}" if line else line for line in text.split("\n"))


def _below(syntax: Syntax, end: int, text: str) -> Edit:
    """Lines below the line of an offset, also where that line is the last and has no end."""
    line, _ = syntax.source.position(end)
    starts = syntax.source.starts
    if line < len(starts):
        return syntax.edit(starts[line], starts[line], f"{text}\n")
    return syntax.edit(len(syntax.text), len(syntax.text), f"\n{text}")


def _is_joined(syntax: Syntax, start: int) -> bool:
    r"""Whether the line before ends in a backslash: then what looks like a line is a part of one."""
    line, _ = syntax.source.position(start)
    return line > 1 and syntax.source.lines[line - 2].endswith("\\")


def _ends_its_line(syntax: Syntax, statement: ast.stmt) -> bool:
    behind = syntax.behind_spaces(syntax.end(statement))
    return syntax.text[behind : behind + 1] in ("", "#", "\r", "\n")


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _is_alone(syntax: Syntax, statement: ast.stmt) -> bool:
    """Whether a block would be empty without it."""
    parent = syntax.parents.get(statement)
    blocks = [block for _, block in ast.iter_fields(parent) if isinstance(block, list)] if parent else []
    return any(block == [statement] for block in blocks) and not isinstance(parent, ast.Module)
