"""The words of a place in code, whatever its layout: what tells one loader or optimizer from another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from trainlint.findings import Span

_LENGTH_LIMIT = 10_000
"""Characters; of longer text only blanks and line breaks are made one."""

# Not Python's own tokenizer: what that says of f-strings depends on the Python that runs it.
_WORD = re.compile(
    r'''
    (?P<layout> \s+ | \\\r?\n | \#[^\r\n]* ) |
    """ (?: [^\\] | \\. )*? """ | \'\'\' (?: [^\\] | \\. )*? \'\'\' |
    " (?: [^"\\\r\n] | \\. )* " | ' (?: [^'\\\r\n] | \\. )* ' |
    \w+ | .
    ''',
    re.VERBOSE | re.DOTALL,
)
_CLOSING = frozenset(")]}")


def wording(lines: Sequence[str], span: Span) -> str:
    """What stands in a span of Python code, without comments, line breaks, needless blanks, and commas before
    closing brackets; "" where the span lies outside the lines.
    """
    text = "\n".join(_cut(lines, span))
    if len(text) > _LENGTH_LIMIT:
        return " ".join(text.split())
    return "".join(_spaced([found[0] for found in _WORD.finditer(text) if found["layout"] is None]))


def _cut(lines: Sequence[str], span: Span) -> list[str]:
    held = [line.rstrip("\r\n") for line in lines[max(span.line, 1) - 1 : span.end_line]]
    if held:
        if len(held) == span.end_line - span.line + 1:
            held[-1] = held[-1][: span.end_column - 1]
        held[0] = held[0][span.column - 1 :]
    return held


def _spaced(words: Sequence[str]) -> Iterator[str]:
    """The words with a blank where two of them would become one."""
    before = ""
    for word, after in zip(words, [*words[1:], ""], strict=False):
        if word == "," and after in _CLOSING:
            continue
        if _joins(before[-1:]) and _joins(word[:1]):
            yield " "
        yield word
        before = word


def _joins(char: str) -> bool:
    return char.isalnum() or char == "_"
