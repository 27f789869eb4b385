"""What an answer rests on: recorded while it is found, so that a later run can tell whether it still holds.

A trail collects which files were asked about. What is worked out once and asked for often has a trail of its
own, and whoever asks for it later gets that trail too, not only the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Trail:
    """What was asked about. `contents`: files of which anything may have been used; `names`: files of which
    only imports and definitions were; `places`: paths without ending that a module or package might have, and
    that need not exist; `others`: what does not belong to one file.

    `unit` is the place of the unit whose close reading it is about, `parts` are the trails of what it used.
    """

    __slots__ = ("contents", "names", "others", "parts", "places", "unit")

    def __init__(self, unit: tuple[str, str] | None = None) -> None:
        self.contents: set[str] = set()
        self.names: set[str] = set()
        self.places: set[str] = set()
        self.others: set[str] = set()
        self.parts: set[Trail] = set()
        self.unit = unit

    def all(self) -> Iterator[Trail]:
        """This trail and, once each, all that it has part in."""
        seen = {self}
        waiting = [self]
        while waiting:
            trail = waiting.pop()
            yield trail
            fresh = trail.parts - seen
            seen |= fresh
            waiting += fresh

    def whole(self) -> Trail:
        """The trail with all that its parts hold, as one."""
        total = Trail()
        for trail in self.all():
            total.contents |= trail.contents
            total.names |= trail.names
            total.places |= trail.places
            total.others |= trail.others
        return total


class Recorder:
    """Notes to the trail that is open. Without one they are lost."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: Trail | None = None

    def enter(self, trail: Trail) -> Trail | None:
        """Opens a trail; returns the one before, for `leave`."""
        before, self._open = self._open, trail
        return before

    def leave(self, before: Trail | None) -> None:
        """Goes back to the trail before, of which the one that was open is now a part."""
        if before is not None and self._open is not None:
            before.parts.add(self._open)
        self._open = before

    def use(self, trail: Trail) -> None:
        """Something was used that has a trail of its own."""
        if self._open is not None:
            self._open.parts.add(trail)

    def content(self, path: str) -> None:
        """Anything may have been used of a file, or that there is none."""
        if self._open is not None:
            self._open.contents.add(path)

    def names(self, path: str) -> None:
        """Imports or definitions of a file were used, or that there is none."""
        if self._open is not None:
            self._open.names.add(path)

    def place(self, where: str) -> None:
        """It was looked whether a module or package is at a path, given without ending."""
        if self._open is not None:
            self._open.places.add(where)

    def other(self, key: str) -> None:
        """Something was used that does not belong to one file."""
        if self._open is not None:
            self._open.others.add(key)


EVERYTHING = "*"
"""Key of what all Python files hold together."""


class Remembered(Generic[Key, Value]):
    """A function that works every answer out once, and notes what it rests on each time."""

    def __init__(self, recorder: Recorder, make: Callable[[Key], Value]) -> None:
        self._recorder = recorder
        self._make = make
        self._held: dict[Key, tuple[Value, Trail]] = {}

    def __call__(self, key: Key) -> Value:
        """The answer for a key."""
        held = self._held.get(key)
        if held is not None:
            self._recorder.use(held[1])
            return held[0]
        trail = Trail()
        before = self._recorder.enter(trail)
        try:
            value = self._make(key)
        finally:
            self._recorder.leave(before)
        self._held[key] = (value, trail)
        return value
