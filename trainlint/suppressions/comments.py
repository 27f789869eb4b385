"""Comments that silence findings: what they say, which lines they cover.

`# trainlint: ignore[rule, family] -- reason` covers the line it stands on, or the line below where it stands
alone; `# trainlint: ignore-file[rule] -- reason` covers its file. In JSON a comment may begin with `//` or
`/*` as well.
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
"""Line, column (both 1-based) and text of a comment, the sign it begins with included."""


class ParsedComment(msgspec.Struct, frozen=True):
    """What a suppression comment says. `problem` tells what is wrong with it, "" where nothing is.

    `offset` counts the characters of the comment before the suppression.
    """

    scope: Literal["line", "file"]
    rules: tuple[str, ...]
    reason: str = ""
    problem: str = ""
    offset: int = 0


HASH = ("#",)
JSON_SIGNS = ("#", "//", "/*")
"""What a comment begins with."""

_COMMENT = re.compile(
    r"(?P<sign>#|//|/\*)\s*trainlint:\s*(?P<verb>[\w-]*)\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_NAMES = re.compile(r"\[(?P<names>[^\]]*)\]\s*(?P<after>.*)", re.DOTALL)
_REASON = re.compile(r"(?:--|—|–|:|#)\s*(?P<reason>.*)", re.DOTALL)


def parse_comment(text: str) -> ParsedComment | None:
    """The suppression a comment holds, malformed ones with their `problem`; None for any other comment."""
    found = _COMMENT.search(text)
    if found is None:
        return None
    rest = found["rest"].removesuffix("*/") if found["sign"] == "/*" else found["rest"]
    verb = found["verb"].lower()
    scope: Literal["line", "file"] = "file" if verb == "ignore-file" else "line"
    if verb not in VERBS:
        if verb not in _FOREIGN_VERBS and closest(verb, VERBS) is None:
            return None
        problem = f"{found['verb']!r} is not understood: write ignore[rule] or ignore-file[rule]"
        return ParsedComment(scope, (), problem=problem, offset=found.start())
    names = _NAMES.match(rest)
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


def read_comments(comments: Iterable[Comment], lines: Sequence[str], signs: tuple[str, ...] = HASH) -> Read:
    """The suppressions among a file's comments.

    `lines` are the file's lines, without which no comment stands alone; `signs` begin a comment there.
    """
    read = Read()
    for line, column, text in comments:
        parsed = parse_comment(text)
        if parsed is None:
            continue
        start = column + parsed.offset
        if parsed.problem:
            end = column + len(text.partition("\n")[0])
            read.malformed.append(Malformed(line, start, end, parsed.problem))
            continue
        last = line + text.count("\n")
        target = _line_below(lines, last, signs) if _alone(lines, line, column, text) else line
        read.suppressions.append(Suppression(line, target, parsed.scope, parsed.rules, parsed.reason, start))
    return read


def _alone(lines: Sequence[str], line: int, column: int, text: str) -> bool:
    """Whether nothing but the comment stands on its lines."""
    if line > len(lines) or lines[line - 1][: column - 1].strip():
        return False
    if not text.startswith("/*"):
        return True
    end = line + text.count("\n")
    width = len(text) if end == line else len(text) - text.rfind("\n") - 1
    behind = width + (column - 1 if end == line else 0)
    return end <= len(lines) and not lines[end - 1][behind:].strip()


def _line_below(lines: Sequence[str], line: int, signs: tuple[str, ...]) -> int:
    """The line a lone comment speaks about: the next one that is no comment itself."""
    below = line + 1
    while below <= len(lines) and lines[below - 1].lstrip().startswith(signs):
        below += 1
    return below


def with_reasons(read: Read) -> Read:
    """The same where a reason is required: what gives none counts as malformed."""
    bare = [each for each in read.suppressions if not each.reason]
    if not bare:
        return read
    refused = [
        Malformed(each.line, each.column, each.column + len(written(each)), _NO_REASON) for each in bare
    ]
    malformed = sorted([*read.malformed, *refused], key=lambda each: (each.line, each.column))
    return Read([each for each in read.suppressions if each.reason], malformed)


_NO_REASON = "it gives no reason, and the settings require one"


def written(suppression: Suppression) -> str:
    """A suppression without its sign and reason: `trainlint: ignore[a, b]`."""
    verb = "ignore-file" if suppression.scope == "file" else "ignore"
    return f"{MARK} {verb}[{', '.join(suppression.rules)}]"


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
