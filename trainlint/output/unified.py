"""What fixing changes in files, as a unified diff that `patch` takes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

import msgspec

CONTEXT = 3
_NO_END = "\\ No newline at end of file"


class DiffLine(msgspec.Struct, frozen=True):
    """A line of a diff; `kind` is file, hunk, added, removed, same or end (no line end at the end of the
    file). `number` is the line's position, from 1, in the text it is from."""

    kind: str
    text: str
    number: int = 0


def unified(before: str, after: str, path: str) -> Iterator[DiffLine]:
    """The diff of a file's text; none where nothing changes. Lines end at `\\n` alone, as `patch` has it."""
    old, new = _lines(before), _lines(after)
    groups = _groups(old, new)
    if groups:
        yield DiffLine("file", f"--- {path}")
        yield DiffLine("file", f"+++ {path}")
    for group in groups:
        first, last = group[0], group[-1]
        ranges = f"-{_range(first[1], last[2])} +{_range(first[3], last[4])}"
        yield DiffLine("hunk", f"@@ {ranges} @@")
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                yield from _told("same", old, old_start, old_end)
            else:
                yield from _told("removed", old, old_start, old_end)
                yield from _told("added", new, new_start, new_end)


Opcode = tuple[str, int, int, int, int]


def _groups(old: Sequence[str], new: Sequence[str]) -> list[list[Opcode]]:
    """The hunks. What is equal at both ends is left to no algorithm: it may be very long."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    if head == len(old) == len(new):
        return []
    head, tail = max(head - CONTEXT, 0), max(tail - CONTEXT, 0)
    middle = difflib.SequenceMatcher(None, old[head : len(old) - tail], new[head : len(new) - tail])
    return [
        [(tag, a + head, b + head, c + head, d + head) for tag, a, b, c, d in group]
        for group in middle.get_grouped_opcodes(CONTEXT)
    ]


def _told(kind: str, lines: Sequence[str], start: int, end: int) -> Iterator[DiffLine]:
    for number, line in enumerate(lines[start:end], start=start + 1):
        yield DiffLine(kind, line.removesuffix("\n"), number)
        if not line.endswith("\n"):
            yield DiffLine("end", _NO_END)


def _range(start: int, end: int) -> str:
    """Position and length of a hunk, as POSIX writes them."""
    length = end - start
    begin = start + 1 if length else start
    return str(begin) if length == 1 else f"{begin},{length}"


def _lines(text: str) -> list[str]:
    parts = text.split("\n")
    return [*(part + "\n" for part in parts[:-1]), *filter(None, parts[-1:])]
