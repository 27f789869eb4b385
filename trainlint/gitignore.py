"""Patterns as git reads them in `.gitignore`; the settings' patterns are of the same kind.

Written out here because a walk asks about every entry: a pattern must match the very entry, not one of its
folders, for `*` followed by `!keep` to mean what it means to git.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "digit": "0-9",
    "lower": "a-z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}
_SPECIAL = frozenset("*?[\\")


class _Pattern(msgspec.Struct, frozen=True):
    """One line.

    `name` is set instead of `regex` for a plain name; `whole` patterns see the path, others its name.
    """

    takes_back: bool
    folders_only: bool
    whole: bool
    name: str | None = None
    regex: re.Pattern[str] | None = None

    def matches(self, path: str, name: str) -> bool:
        if self.name is not None:
            return self.name == (path if self.whole else name)
        return self.regex is not None and self.regex.fullmatch(path if self.whole else name) is not None


class Patterns:
    """The lines of one ignore file, or the patterns of one setting; paths are relative to its folder."""

    def __init__(self, lines: Iterable[str]) -> None:
        parsed = [_parse(line) for line in lines]
        self._patterns = [pattern for pattern in reversed(parsed) if pattern is not None]

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def verdict(self, path: str) -> bool | None:
        """True: excluded, False: taken back by a `!` pattern, None: no pattern is about it.

        Folders end in a slash. About the entry alone: what an excluded folder holds is excluded whatever the
        patterns say.
        """
        is_folder = path.endswith("/")
        entry = path.rstrip("/")
        name = entry.rpartition("/")[2]
        for pattern in self._patterns:
            if (is_folder or not pattern.folders_only) and pattern.matches(entry, name):
                return not pattern.takes_back
        return None

    def excludes(self, path: str) -> bool:
        """Whether a path or one of its folders is excluded."""
        ends = [index for index, char in enumerate(path, start=1) if char == "/" and index < len(path)]
        return any(self.verdict(path[:end]) for end in (*ends, len(path)))


def _parse(line: str) -> _Pattern | None:
    text = _without_trailing_blanks(line.rstrip("\r\n"))
    if not text or text.startswith("#"):
        return None
    takes_back = text.startswith("!")
    text = text[takes_back:]
    folders_only = text.endswith("/")
    text = text.removesuffix("/")
    whole = "/" in text
    text = text.removeprefix("/")
    if not text:
        return None
    if not _SPECIAL.intersection(text):
        return _Pattern(takes_back, folders_only, whole, name=text)
    source = _translate(text)
    if source is None:
        return None
    return _Pattern(takes_back, folders_only, whole, regex=re.compile(source, re.DOTALL))


def _without_trailing_blanks(line: str) -> str:
    kept = line.rstrip(" ")
    escapes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if escapes % 2 and len(kept) < len(line) else kept


def _translate(text: str) -> str | None:
    """The regular expression of a glob; None for one that can match nothing."""
    if text == "**":
        return ".*"
    parts: list[str] = []
    index = 0
    while index < len(text):
        stars = _stars_between_slashes(text, index)
        if stars is not None:
            source, index = stars
            parts.append(source)
        elif text[index] == "*":
            while text[index : index + 1] == "*":
                index += 1
            parts.append("[^/]*")
        elif text[index] == "?":
            parts.append("[^/]")
            index += 1
        elif text[index] == "[":
            bracket = _bracket(text, index)
            if bracket is None:
                return None
            source, index = bracket
            parts.append(source)
        else:
            index += text[index] == "\\"
            if index == len(text):
                return None
            parts.append(re.escape(text[index]))
            index += 1
    return "".join(parts)


def _stars_between_slashes(text: str, index: int) -> tuple[str, int] | None:
    """`**` as a whole component: any number of folders, or at the end everything below."""
    if text[index : index + 2] != "**" or (index and text[index - 1] != "/"):
        return None
    after = text[index + 2 : index + 3]
    if after == "/":
        return "(?:.*/)?", index + 3
    return (".+", index + 2) if not after else None


def _bracket(text: str, index: int) -> tuple[str, int] | None:
    """A `[…]` class from `index` on and where it ends; None where it is never closed."""
    position = index + 1
    negated = text[position : position + 1] in ("!", "^")
    position += negated
    members: list[str] = []
    first = True
    while first or text[position : position + 1] != "]":
        first = False
        named = re.match(r"\[:(\w+):\]", text[position:])
        if named:
            if named[1] not in _CLASSES:
                return None
            members.append(_CLASSES[named[1]])
            position += named.end()
            continue
        low = _member(text, position)
        if low is None:
            return None
        low_char, position = low
        if text[position : position + 1] == "-" and text[position + 1 : position + 2] not in ("", "]"):
            high = _member(text, position + 1)
            if high is None:
                return None
            high_char, position = high
            if low_char <= high_char:
                members.append(f"{re.escape(low_char)}-{re.escape(high_char)}")
        else:
            members.append(re.escape(low_char))
    inside = "".join(members)
    if negated:
        return f"[^/{inside}]", position + 1
    return (f"(?!/)[{inside}]" if inside else r"(?!)"), position + 1


def _member(text: str, position: int) -> tuple[str, int] | None:
    if text[position : position + 1] == "\\":
        position += 1
    if position >= len(text):
        return None
    return text[position], position + 1
