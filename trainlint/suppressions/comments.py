"""Comments that silence findings: what they say, which lines they cover.

`# trainlint: ignore[rule, family] -- reason` covers the line it stands on, or the line below where it stands
alone; `# trainlint: ignore-file[rule] -- reason` covers its file.
"""

from __future__ import annotations

import contextlib
import io
import re
import tokenize
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from trainlint.analysis.facts import Suppression
from trainlint.suggest import closest

MARK = "trainlint:"
VERBS = ("ignore", "ignore-file")
_FOREIGN_VERBS = ("disable", "noqa", "skip", "off", "allow", "suppress")

Comment = tuple[int, int, str]
"""Line, column (both 1-based) and text of a comment, `#` included."""


class ParsedComment(msgspec.Struct, frozen=True):
    """What a suppression comment says. `problem` tells what is wrong with it, "" where nothing is.

    `offset` counts the characters of the comment before the suppression.
    """

    scope: Literal["line", "file"]
    rules: tuple[str, ...]
    reason: str = ""
    problem: str = ""
    offset: int = 0


_COMMENT = re.compile(r"#\s*trainlint:\s*(?P<verb>[\w-]*)\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_NAMES = re.compile(r"\[(?P<names>[^\]]*)\]\s*(?P<after>.*)", re.DOTALL)
_REASON = re.compile(r"(?:--|—|–|:|#)\s*(?P<reason>.*)", re.DOTALL)


def parse_comment(text: str) -> ParsedComment | None:
    """The suppression a comment holds, malformed ones with their `problem`; None for any other comment."""
    found = _COMMENT.search(text)
    if found is None:
        return None
    verb = found["verb"].lower()
    scope: Literal["line", "file"] = "file" if verb == "ignore-file" else "line"
    if verb not in VERBS:
        if verb not in _FOREIGN_VERBS and closest(verb, VERBS) is None:
            return None
        problem = f"{found['verb']!r} is not understood: write ignore[rule] or ignore-file[rule]"
        return ParsedComment(scope, (), problem=problem, offset=found.start())
    names = _NAMES.match(found["rest"])
    rules = tuple(name.strip() for name in names["names"].split(",") if name.strip()) if names else ()
    if names is None or not rules:
        problem = f"it names no rule: write {verb}[rule] -- reason"
        return ParsedComment(scope, (), problem=problem, offset=found.start())
    reason = _REASON.match(names["after"])
    return ParsedComment(scope, rules, reason["reason"].strip() if reason else "", offset=found.start())


class Malformed(msgspec.Struct, frozen=True):
    """A comment that was meant as a suppression and is none, and why."""

    line: int
    column: int
    end_column: int
    problem: str


class Read(msgspec.Struct):
    """The suppressions of one file, and the comments that failed to be one."""

    suppressions: list[Suppression] = msgspec.field(default_factory=list)
    malformed: list[Malformed] = msgspec.field(default_factory=list)


def read_comments(comments: Iterable[Comment], lines: Sequence[str]) -> Read:
    """The suppressions among a file's comments.

    `lines` are the file's lines, without which no comment stands alone.
    """
    read = Read()
    for line, column, text in comments:
        parsed = parse_comment(text)
        if parsed is None:
            continue
        start = column + parsed.offset
        if parsed.problem:
            read.malformed.append(Malformed(line, start, column + len(text), parsed.problem))
            continue
        target = _line_below(lines, line) if _alone(lines, line, column) else line
        read.suppressions.append(Suppression(line, target, parsed.scope, parsed.rules, parsed.reason, start))
    return read


def _alone(lines: Sequence[str], line: int, column: int) -> bool:
    return line <= len(lines) and not lines[line - 1][: column - 1].strip()


def _line_below(lines: Sequence[str], line: int) -> int:
    """The line a lone comment speaks about: the next one that is no comment itself."""
    below = line + 1
    while below <= len(lines) and lines[below - 1].lstrip().startswith("#"):
        below += 1
    return below


def python_comments(text: str) -> list[Comment]:
    """Comments that mention trainlint, found by tokenizing; none where the text does not mention it.

    What cannot be tokenized gives the comments before the place where it breaks.
    """
    if MARK not in text.lower():
        return []
    found: list[Comment] = []
    tokens = tokenize.generate_tokens(io.StringIO("\n".join(_lines(text))).readline)
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        found.extend(
            (token.start[0], token.start[1] + 1, token.string)
            for token in tokens
            if token.type == tokenize.COMMENT and MARK in token.string.lower()
        )
    return found


def python_suppressions(text: str) -> Read:
    """The suppressions of a Python file's text."""
    return read_comments(python_comments(text), _lines(text))


def _lines(text: str) -> list[str]:
    """Lines as Python counts them: a form feed or a line separator inside a text ends none."""
    return re.split(r"\r\n|\r|\n", text)
