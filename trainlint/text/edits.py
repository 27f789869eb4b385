"""Edits as changes of a text: where they are, whether they get in each other's way, what comes of them."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

import msgspec

from trainlint.findings import Edit
from trainlint.text.source import Source


class EditError(Exception):
    """Edits that no text can be changed by: an error of the rule that made them."""


class Change(msgspec.Struct, frozen=True, order=True):
    """Replace what stands between two offsets of a text by another text."""

    start: int
    end: int
    text: str


def changes_of(source: Source, edits: Sequence[Edit]) -> tuple[Change, ...]:
    """The edits of one text as changes, sorted; several insertions at one point become one, in their order.

    Raises EditError where one lies outside the text or two overlap.
    """
    found = sorted((_change(source, edit) for edit in edits), key=lambda change: (change.start, change.end))
    joined: list[Change] = []
    for change in found:
        if joined and joined[-1].end == change.end == change.start == joined[-1].start:
            joined[-1] = Change(change.start, change.end, joined[-1].text + change.text)
        else:
            joined.append(change)
    if any(second.start < first.end for first, second in pairwise(joined)):
        raise EditError("its edits overlap")
    return tuple(change for change in joined if source.text[change.start : change.end] != change.text)


def _change(source: Source, edit: Edit) -> Change:
    span = edit.span
    start, end = _offset(source, span.line, span.column), _offset(source, span.end_line, span.end_column)
    if end < start:
        raise EditError("an edit ends before it starts")
    return Change(start, end, edit.text)


def _offset(source: Source, line: int, column: int) -> int:
    """The offset of a place; the start of the line behind a text without final line end is its end."""
    starts = source.starts
    if line == len(starts) + 1 and column == 1:
        return len(source.text)
    if not 1 <= line <= len(starts) or column < 1:
        raise EditError("an edit lies outside the file")
    offset = source.offset(line, column)
    if offset > (starts[line] if line < len(starts) else len(source.text)):
        raise EditError("an edit lies outside its line")
    return offset


class Taken:
    """The changes of one text that are decided on, in order."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def has_room(self, changes: Iterable[Change]) -> bool:
        """Whether none of these overlaps or touches one decided on. One that is among them is no conflict:
        two fixes may add the same import."""
        return not any(other != one for one in changes for other in self._near(one))

    def _near(self, change: Change) -> Iterator[Change]:
        index = max(bisect.bisect_left(self.changes, change.start, key=lambda each: each.start) - 1, 0)
        for other in self.changes[index:]:
            if other.start > change.end:
                return
            if other.end >= change.start:
                yield other

    def add(self, changes: Iterable[Change]) -> None:
        """Decides on changes that there is room for."""
        for change in changes:
            if change not in self._near(change):
                bisect.insort(self.changes, change)


def applied(text: str, changes: Iterable[Change]) -> str:
    """The text with changes that do not overlap; equal ones count once."""
    pieces: list[str] = []
    at = 0
    for change in sorted(set(changes)):
        pieces += (text[at : change.start], change.text)
        at = change.end
    return "".join((*pieces, text[at:]))


def new_lines(source: Source, changes: Iterable[Change]) -> dict[int, str]:
    """By number, what stands in place of each line that changes, with line ends.

    What a change makes of several lines stands at the first of them; the others become empty.
    """
    text, starts = source.text, [*source.starts, len(source.text)]
    found: dict[int, str] = {}
    pending = sorted(set(changes))
    while pending:
        first, last, group = *_lines(source, pending[0]), [pending.pop(0)]
        while pending and _lines(source, pending[0])[0] <= last:
            last = max(last, _lines(source, pending[0])[1])
            group.append(pending.pop(0))
        base = starts[first - 1]
        block = text[base : starts[last]]
        moved = (Change(each.start - base, each.end - base, each.text) for each in group)
        found[first] = applied(block, moved)
        found.update(dict.fromkeys(range(first + 1, last + 1), ""))
    return found


def _lines(source: Source, change: Change) -> tuple[int, int]:
    """First and last line that a change takes something from or puts something into."""
    first, _ = source.position(change.start)
    last, column = source.position(change.end)
    # Whole lines taken out end at the start of the line behind them, which stays.
    keeps_last = column == 1 and last > first and (not change.text or change.text.endswith(("\n", "\r")))
    return first, last - 1 if keeps_last else last


class Moves:
    """Where the places of a text are after changes that do not overlap."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self._changes = sorted(set(changes))
        grown = (len(change.text) - (change.end - change.start) for change in self._changes)
        self._moved = [0, *accumulate(grown)]

    def of(self, offset: int) -> tuple[int, int]:
        """The first and the last offset where a place may be: more than one where it was replaced, or where
        something was put in front of it or behind."""
        index = bisect.bisect_left(self._changes, offset, key=lambda change: change.end)
        while index < len(self._changes) and self._changes[index].start <= offset:
            change = self._changes[index]
            if change.end > offset or change.start == offset:
                start = change.start + self._moved[index]
                return start, start + len(change.text)
            index += 1
        moved = self._moved[index]
        return offset + moved, offset + moved
