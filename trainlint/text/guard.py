"""Refusing source that would kill or hang a recursive parser, before one sees it.

Parsers recurse along nesting, and libcst's overflows its stack without an exception. Counted here is what
bounds that recursion: the height of expressions, and blocks in blocks.
"""

from __future__ import annotations

import re

from trainlint.text.document import Broken
from trainlint.text.height import BRACKET_LIMIT, CHAIN_LIMIT, TooHighError, check_height
from trainlint.text.lexer import logical_lines
from trainlint.text.source import Source

BLOCK_LIMIT = 100
BRANCH_LIMIT = 400
"""Blocks and `elif` branches around one statement, together."""

_FAR_INDENT = re.compile(rf"(?m:^)[ \t\f]{{{BLOCK_LIMIT}}}")
_FIRST_WORD = re.compile(r"([ \t\f]*)([^\W\d]\w*)?")


def refusal(source: Source) -> Broken | None:
    """Why Python source must not be parsed (kind "too-deep", where it goes past a limit), or None.

    Text that is no valid Python gives None unless it is deep as well: judging syntax is the parser's work.
    """
    text = source.text
    nested = text.count("elif") > CHAIN_LIMIT or _FAR_INDENT.search(text) is not None
    lines: list[tuple[int, int]] = []
    try:
        for start, end, depth in logical_lines(text):
            if depth >= BRACKET_LIMIT:
                raise TooHighError(start, f"brackets nested {BRACKET_LIMIT} deep")
            if end - start > CHAIN_LIMIT:
                check_height(text, start, end)
            if nested:
                lines.append((start, end))
        _check_blocks(text, lines)
    except TooHighError as error:
        return Broken("too-deep", *source.position(error.offset), error.reason)
    return None


def _check_blocks(text: str, lines: list[tuple[int, int]]) -> None:
    """Raises TooHighError where indentation, or `elif` behind `elif`, nests statements too deeply."""
    levels: list[tuple[int, int]] = []
    for start, end in lines:
        first = _FIRST_WORD.match(text, start, end)
        if first is None or first.end(1) == end or text[first.end(1)] == "#":
            continue
        column, word = len(first[1].expandtabs()), first[2]
        while levels and levels[-1][0] > column:
            levels.pop()
        branches = levels.pop()[1] if levels and levels[-1][0] == column else 0
        branches = branches + 1 if word == "elif" else branches if word == "else" else 0
        levels.append((column, branches))
        _check_levels(levels, start)


def _check_levels(levels: list[tuple[int, int]], start: int) -> None:
    if len(levels) - 1 > BLOCK_LIMIT:
        raise TooHighError(start, f"blocks nested more than {BLOCK_LIMIT} deep")
    if levels[-1][1] > CHAIN_LIMIT:
        raise TooHighError(start, f"more than {CHAIN_LIMIT} elif branches in a row")
    if sum(branches + 1 for _, branches in levels) > BRANCH_LIMIT:
        raise TooHighError(start, f"more than {BRANCH_LIMIT} blocks and elif branches around a statement")
