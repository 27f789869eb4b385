"""Exact positions of a few nodes of a slice, for under a third of what parsing it took.

libcst knows positions only by writing the code out again. This writes nothing and notes only the wanted
nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import libcst as cst
from libcst._nodes.internal import CodegenState

from trainlint.analysis.facts import Place

Point = tuple[int, int]


class _Unnoted:
    """The context of a node nobody asked for."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: object) -> None:
        return None


_UNNOTED = _Unnoted()


class _Noted:
    """The context that spans a wanted node without the whitespace and parentheses around it."""

    def __init__(self, state: _PositionState, node: Any, start_node: Any, end_node: Any) -> None:
        self.state = state
        self.node = node
        self.start_node = start_node
        self.end_node = end_node

    def __enter__(self) -> None:
        self.start = self.state.point
        self.state.wanted.update(id(node) for node in (self.start_node, self.end_node) if node is not None)

    def __exit__(self, *error: object) -> None:
        found, start, end = self.state.found, self.start, self.state.point
        if self.start_node is not None:
            start = found.get(id(self.start_node), (start, end))[0]
        if self.end_node is not None:
            end = found.get(id(self.end_node), (start, end))[1]
        found.setdefault(id(self.node), (start, end))


class _PositionState(CodegenState):
    """Takes code generation's tokens, keeps only where they end, and notes where wanted nodes start and
    end."""

    def __init__(self, module: cst.Module, wanted: set[int]) -> None:
        super().__init__(module.default_indent, module.default_newline)
        self.line = 1
        self.column = 1
        self.wanted = wanted
        self.found: dict[int, tuple[Point, Point]] = {}
        self.starts: list[tuple[int, Point]] = []

    @property
    def point(self) -> Point:
        """Where the next token starts: line and column, 1-based."""
        return (self.line, self.column)

    def add_token(self, value: str) -> None:
        if "\n" in value:
            self.line += value.count("\n")
            self.column = len(value) - value.rindex("\n")
        else:
            self.column += len(value)

    def add_indent_tokens(self) -> None:
        for token in self.indent_tokens:
            self.column += len(token)

    def pop_trailing_newline(self) -> None:
        """There are no tokens to take back."""

    def before_codegen(self, node: cst.CSTNode) -> None:
        if id(node) in self.wanted:
            self.starts.append((id(node), self.point))

    def after_codegen(self, node: cst.CSTNode) -> None:
        if self.starts and self.starts[-1][0] == id(node):
            key, start = self.starts.pop()
            self.found.setdefault(key, (start, self.point))

    def record_syntactic_position(self, node: Any, *, start_node: Any = None, end_node: Any = None) -> Any:
        """The context in which a node writes itself."""
        return _Noted(self, node, start_node, end_node) if id(node) in self.wanted else _UNNOTED


def places(
    module: cst.Module, nodes: Iterable[cst.CSTNode], line_map: Sequence[int]
) -> dict[cst.CSTNode, Place]:
    """See trainlint.analysis.close.slices.positions."""
    asked = list(nodes)
    state = _PositionState(module, {id(node) for node in asked})
    module._codegen(state)
    found: dict[cst.CSTNode, Place] = {}
    for node in asked:
        span = state.found.get(id(node))
        if span is None:
            continue
        (line, column), (end_line, end_column) = span
        last = len(line_map) - 1
        if end_line > last:
            continue
        found[node] = (line_map[line], column, line_map[end_line], end_column)
    return found
