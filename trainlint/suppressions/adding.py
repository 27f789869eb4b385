"""Puts suppression comments into a text, at the lines where they cover what they are for.

A place is tried and then checked: the text must mean the same as before, and what is read from it again must
cover the finding. So a comment never lands in a string, a block scalar or behind a backslash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from trainlint.suppressions.languages import suppressions_of
from trainlint.suppressions.meaning import meaning
from trainlint.text.source import Source, source_of

LONGEST = 120
"""Columns up to which a comment goes behind the code rather than above it."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_SIGN = {"json": "//"}
LANGUAGES = ("python", "notebook", "yaml", "toml", "json")


class Wanted(msgspec.Struct, frozen=True, order=True):
    """Findings to silence: the lines of their primary span, 1-based and inclusive, and their rules."""

    line: int
    end_line: int
    rules: tuple[str, ...]


class Added(msgspec.Struct):
    """A text with comments added. `lines` holds the new text of each line that changed, by its old number.

    `done` are the findings covered now, `left` those for which no line would do.
    """

    text: str
    lines: dict[int, str]
    done: list[Wanted]
    left: list[Wanted]


def add_comments(source: Source, language: str, wanted: Sequence[Wanted], reason: str) -> Added:
    """The text with a suppression for each of `wanted`. Nothing is written to disk."""
    text = _Text(source, language)
    added = Added(source.text, {}, [], [])
    # From the end, so that the lines of those still to come stay where they are.
    for each in sorted(wanted, reverse=True):
        (added.done if text.add(each, reason) else added.left).append(each)
    added.text = "".join(text.lines)
    added.lines = {
        number: line
        for number, (line, before) in enumerate(zip(text.lines, text.before, strict=True), start=1)
        if line != before
    }
    return added


def refusal_of(source: Source, language: str, path: str) -> str:
    """Why no comment can be added to such a file at all; "" where it can."""
    if language not in LANGUAGES:
        return "comments are only added to Python, notebooks, YAML, TOML and JSON with comments"
    if language != "json" or path.endswith(".jsonc"):
        return ""
    from trainlint.text.json import json_comments  # noqa: PLC0415

    return "" if json_comments(source) else "plain JSON has no comments"


class _Text:
    """A text by its lines, each with its end; one that got a comment above it holds two."""

    def __init__(self, source: Source, language: str) -> None:
        self._source = source
        self._language = language
        self.lines = [line for line in _LINE.findall(source.text) if line]
        self.before = list(self.lines)
        self._meaning = meaning(source.text, language)

    def add(self, wanted: Wanted, reason: str) -> bool:
        """Adds a comment where one does its work; whether there was such a place."""
        if self._meaning is None:
            return False
        sign = _SIGN.get(self._language, "#")
        comment = f"{sign} trainlint: ignore[{', '.join(wanted.rules)}] -- {reason}"
        for number, line in self._places(wanted, comment):
            changed = [*self.lines[: number - 1], line, *self.lines[number:]]
            if self._holds(changed, wanted):
                self.lines = changed
                return True
        return False

    def _places(self, wanted: Wanted, comment: str) -> Iterator[tuple[int, str]]:
        """Lines to change, as they would read, the best first."""
        behind = [
            (number, self._behind(self.lines[number - 1], comment))
            for number in range(wanted.line, min(wanted.end_line, len(self.lines)) + 1)
        ]
        if not behind:
            return
        if len(behind[0][1].rstrip("\r\n").rpartition("\n")[2]) <= LONGEST:
            yield behind[0]
        yield wanted.line, self._above(self.lines[wanted.line - 1], comment)
        yield from behind

    def _behind(self, line: str, comment: str) -> str:
        body = line.rstrip("\r\n")
        return f"{body.rstrip()}  {comment}{line[len(body) :]}"

    def _above(self, line: str, comment: str) -> str:
        body = line.rstrip("\r\n")
        indent = body[: len(body) - len(body.lstrip(" \t"))]
        return f"{indent}{comment}{line[len(body) :] or self._source.newline}{line}"

    def _holds(self, lines: Sequence[str], wanted: Wanted) -> bool:
        text = "".join(lines)
        if meaning(text, self._language) != self._meaning:
            return False
        read = suppressions_of(source_of(self._source.path, text), self._language)
        # Comments above later lines of the span, and above its first, have moved it.
        heights = [_height(line) for line in lines[wanted.line - 1 : wanted.end_line]]
        first, last = wanted.line + heights[0] - 1, wanted.line + sum(heights) - 1
        covering = [
            each for each in read.suppressions if first <= each.target <= last and each.scope == "line"
        ]
        return all(any(rule in each.rules for each in covering) for rule in wanted.rules)


def _height(line: str) -> int:
    return sum(bool(part) for part in _LINE.findall(line))
