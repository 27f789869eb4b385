"""A Python file as a syntax tree whose nodes can be found by their place, and edited as text."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from functools import cached_property
from typing import TypeVar

from trainlint.findings import Edit, Span
from trainlint.text.source import Source

Expression = TypeVar("Expression", bound=ast.expr)
Placed = ast.expr | ast.stmt | ast.keyword | ast.excepthandler
"""The nodes that have a place."""

_BLANKS = re.compile(r"(?:[ \t\f\r\n]|\\(?:\r\n|\r|\n)|#[^\r\n]*)*")
"""What may stand between two tokens inside brackets: white space, comments, joined lines."""


class Syntax:
    """One file's text and tree. Offsets count code points from the start of the text."""

    def __init__(self, source: Source, tree: ast.Module) -> None:
        self.source = source
        self.tree = tree

    @property
    def text(self) -> str:
        """The file's text, as it is."""
        return self.source.text

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Every node but the root → the node it is a part of."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def _by_start(self) -> dict[tuple[int, int], list[ast.AST]]:
        found: dict[tuple[int, int], list[ast.AST]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.expr | ast.stmt):
                found.setdefault((node.lineno, node.col_offset), []).append(node)
        return found

    def expression(self, span: Span, kind: type[Expression]) -> Expression | None:
        """The outermost expression of a kind that fills the span exactly; None where none does.

        What stands in an f-string is never found: before Python 3.12 its place is not reliable.
        """
        wanted = (span.end_line, self._column(span.end_line, span.end_column))
        for node in self._starting(span):
            if isinstance(node, kind) and (node.end_lineno, node.end_col_offset) == wanted:
                return None if self._in_text(node) else node
        return None

    def statement(self, span: Span) -> ast.stmt | None:
        """The statement that begins where the span begins, whatever its end."""
        return next((node for node in self._starting(span) if isinstance(node, ast.stmt)), None)

    def _starting(self, span: Span) -> list[ast.AST]:
        if span.cell is not None or span.line > len(self.source.starts):
            return []
        return self._by_start.get((span.line, self._column(span.line, span.column)), [])

    def _column(self, line: int, column: int) -> int:
        """The 0-based UTF-8 byte that `ast` counts for a 1-based code point."""
        start = self.source.starts[line - 1] if line <= len(self.source.starts) else len(self.text)
        return len(self.text[start : start + column - 1].encode("utf-8", "surrogatepass"))

    def _in_text(self, node: ast.AST) -> bool:
        return any(isinstance(each, ast.JoinedStr) for each in (node, *self.around(node)))

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes a node is a part of, from the innermost on."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def statement_of(self, node: ast.AST) -> ast.stmt | None:
        """The innermost statement that holds a node, the node itself included."""
        return next((each for each in (node, *self.around(node)) if isinstance(each, ast.stmt)), None)

    def start(self, node: Placed) -> int:
        """The offset of a node's first character; decorators count."""
        decorators = getattr(node, "decorator_list", [])
        if decorators:
            return self.text.rindex("@", 0, self.start(decorators[0]))
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: Placed) -> int:
        """The offset behind a node's last character."""
        return self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def _offset(self, line: int, column: int) -> int:
        start = self.source.starts[line - 1]
        taken = self.text[start : start + column]
        if taken.isascii():
            return start + column
        return start + len(taken.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "surrogatepass"))

    def written(self, node: Placed) -> str:
        """The text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def behind_blanks(self, offset: int) -> int:
        """The offset of the next token inside brackets: behind white space, comments and joined lines."""
        match = _BLANKS.match(self.text, offset)
        return match.end() if match else offset

    def behind_spaces(self, offset: int) -> int:
        """The offset of the next character of a line that is no blank, or of the line's end."""
        while self.text[offset : offset + 1] in (" ", "\t", "\f"):
            offset += 1
        return offset

    def indentation(self, offset: int) -> str | None:
        """The white space before an offset in its line; None where something else stands there."""
        line, _ = self.source.position(offset)
        before = self.text[self.source.starts[line - 1] : offset]
        return before if not before.strip(" \t\f") else None

    def edit(self, start: int, end: int, text: str) -> Edit:
        """Replace a stretch of the text."""
        return Edit(Span(self.source.path, *self.source.place(start, end)), text)


def read_syntax(source: Source) -> Syntax | None:
    """The syntax of a Python text; None where this Python cannot parse it."""
    tree = parse(source.text)
    return Syntax(source, tree) if tree is not None else None


def parse(text: str) -> ast.Module | None:
    """The tree of a Python text; None where it cannot be parsed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
