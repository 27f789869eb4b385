"""A source line with what a finding points at underlined, cut to fit and safe to print."""

from __future__ import annotations

from collections.abc import Sequence

from trainlint.findings import Span
from trainlint.output.secrets import hide_secrets, in_secret_block
from trainlint.output.terminal import TAB, visible_char, width

CUT = "…"
LONG_LINE = 4000
"""Of longer lines (data, minified JSON) only the part around the span is looked at."""


def excerpt(lines: Sequence[str], span: Span, columns: int) -> tuple[str, str] | None:
    """The span's first line and its underline, at most about `columns` wide; None where it is not there.

    An underline that goes on in later lines says so.
    """
    if not 1 <= span.line <= len(lines):
        return None
    line = lines[span.line - 1]
    start = min(span.column - 1, len(line))
    end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    end = min(max(end, start + 1), max(len(line), start + 1))
    if len(line) > LONG_LINE:
        skipped = max(0, start - LONG_LINE // 2)
        line, start, end = line[skipped : skipped + LONG_LINE], start - skipped, end - skipped
    cells = _cells(hide_secrets(line) if not in_secret_block(lines, span.line) else "*" * len(line))
    indent = _shared_indent(cells, start)
    first, last = _window(cells, start, end, columns, indent)
    head = CUT if first > indent else ""
    text = head + "".join(cells[first:last]) + (CUT if last < len(cells) else "")
    before = width(head + "".join(cells[first:start]))
    marked = max(1, width("".join(cells[start : min(end, last)])))
    tail = f" to line {span.end_line}" if span.end_line > span.line else ""
    return text.rstrip(), " " * before + "^" * marked + tail


def _cells(line: str) -> list[str]:
    """What each character of the line prints; tabs reach to the next stop."""
    cells: list[str] = []
    column = 0
    for char in line:
        cell = " " * (TAB - column % TAB) if char == "\t" else visible_char(char)
        cells.append(cell)
        column += width(cell)
    return cells


def _shared_indent(cells: Sequence[str], start: int) -> int:
    """Leading blanks beyond eight columns say nothing and are left out."""
    blanks = next((index for index, cell in enumerate(cells) if cell.strip()), 0)
    spare = width("".join(cells[:blanks])) - 8
    return min(blanks, start) if spare > 0 else 0


def _window(cells: Sequence[str], start: int, end: int, columns: int, indent: int) -> tuple[int, int]:
    """Which cells to show: from the start of the line where the span fits that way, else around the span."""
    first = indent
    if width("".join(cells[first:end])) > columns:
        room = max(columns // 4, 1)
        first = start
        while first > indent and width("".join(cells[first - 1 : start])) <= room:
            first -= 1
    last = first
    used = 0
    while last < len(cells) and used + width(cells[last]) <= columns:
        used += width(cells[last])
        last += 1
    return first, max(last, start)
