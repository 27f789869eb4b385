"""The little of Python's lexical grammar that finds strings, brackets and logical lines without a parser.

Compiled patterns step from one such thing to the next. They never fail: malformed text is stepped over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

NEWLINE = r"(?:\r\n|\r|\n)"
COMMENT = r"#[^\r\n]*"
CONTINUATION = rf"\\{NEWLINE}"

STRING = (
    r'"""[^"\\]*(?:(?:\\(?s:.)|"(?!""))[^"\\]*)*(?:"""|\\?\Z)'
    r"|'''[^'\\]*(?:(?:\\(?s:.)|'(?!''))[^'\\]*)*(?:'''|\\?\Z)"
    r'|"[^"\\\r\n]*(?:\\(?:\r\n|(?s:.))[^"\\\r\n]*)*(?:"|(?=[\r\n])|\\?\Z)'
    r"|'[^'\\\r\n]*(?:\\(?:\r\n|(?s:.))[^'\\\r\n]*)*(?:'|(?=[\r\n])|\\?\Z)"
)
"""A literal without its prefix. One that is never closed reaches to the end of the text or line."""

STATEMENT_WORD = (
    r"(?:def|class|import|return|while|with|try|raise|pass|del|assert|global|nonlocal|elif|except|finally|break"
    r"|continue)\b"
)
"""Words no expression holds: one at the start of a line tells that the brackets above were never closed."""

SPECIAL = r"'\"#\\()\[\]{}\r\n"
FLAT_GROUP = rf"[(\[{{][^{SPECIAL}]*[)\]}}]"
"""Brackets around a single line without strings or further brackets: two in three of all."""

_STEP = re.compile(
    rf"(?:[^{SPECIAL}]*{FLAT_GROUP})*[^{SPECIAL}]*"
    rf"(?:({NEWLINE})|([(\[{{])|([)\]}}])|{STRING}|{COMMENT}|{CONTINUATION}|(?s:.))"
)
_NEWLINE, _OPEN, _CLOSE = 1, 2, 3
_STATEMENT = re.compile(rf"[ \t\f]*{STATEMENT_WORD}")


def logical_lines(text: str, start: int = 0) -> Iterator[tuple[int, int, int]]:
    """Start offset, end offset and deepest nesting of brackets of every logical line from `start` on.

    Innermost brackets that hold neither brackets nor strings may be left out of the depth. A bracket that is
    never closed ends where a statement begins.
    """
    depth = deepest = 0
    for match in _STEP.finditer(text, start):
        group = match.lastindex
        if group == _NEWLINE:
            if depth == 0 or _STATEMENT.match(text, match.end()):
                yield start, match.start(_NEWLINE), deepest
                start = match.end()
                depth = deepest = 0
        elif group == _OPEN:
            depth += 1
            deepest = max(deepest, depth)
        elif group == _CLOSE and depth:
            depth -= 1
    yield start, len(text), deepest
