"""Remembering what was worked out, where what is asked for may hang on itself.

A question that comes up again while it is being answered is cut: it gets a stand-in. What was answered with
the help of that stand-in is right only for whoever asked, so it is kept until the question that was cut is
answered, and then forgotten: asked again from elsewhere it may have a better answer.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

MAX_FORGOTTEN = 10_000
"""Most answers that are forgotten. Where thousands of questions hang on each other, to ask each anew costs
all of them every time: beyond this, what was found with a stand-in is kept."""

_NOTHING_CUT = 1 << 60


class Memo:
    """Answers of any kind by key. Use: `get`, then `cut` where `is_open`, else `open`, work, `close`."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}
        self._passing: dict[Hashable, tuple[Any, int]] = {}
        self._open: dict[Hashable, int] = {}
        self._dependants: dict[int, list[Hashable]] = {}
        self._lowest = _NOTHING_CUT
        self._forgotten = 0

    def get(self, key: Hashable) -> Any:
        """The answer, if there is one that holds here; else None."""
        known = self._known.get(key)
        if known is not None or not self._passing:
            return known
        passing = self._passing.get(key)
        if passing is None:
            return None
        self._lowest = min(self._lowest, passing[1])
        return passing[0]

    def is_open(self, key: Hashable) -> bool:
        """Whether the question is being answered further up."""
        return key in self._open

    def cut(self, key: Hashable) -> None:
        """Note that an open question was asked again, and that a stand-in was given."""
        self._lowest = min(self._lowest, self._open[key])

    def open(self, key: Hashable) -> int:
        """Begin to answer a question. Returns what `close` needs."""
        self._open[key] = len(self._open)
        outer, self._lowest = self._lowest, _NOTHING_CUT
        return outer

    def close(self, key: Hashable, outer: int, answer: object) -> None:
        """End it, with the answer, or None where there is none because the work broke off."""
        place = self._open.pop(key)
        lowest, self._lowest = self._lowest, outer
        self._settle(place)
        if lowest >= place:
            if answer is not None:
                self._known[key] = answer
            return
        self._lowest = min(outer, lowest)
        if answer is not None:
            self._passing[key] = (answer, lowest)
            self._dependants.setdefault(lowest, []).append(key)

    def _settle(self, place: int) -> None:
        """Forget what was found with a stand-in for the question that was open there, while that is cheap."""
        for dependant in self._dependants.pop(place, ()):
            passing = self._passing.pop(dependant, None)
            if passing is None:
                continue
            if self._forgotten >= MAX_FORGOTTEN and passing[1] == place:
                self._known[dependant] = passing[0]
            self._forgotten += 1
