"""How long the stages of a run take, and how far the one under way is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]
"""Told a stage, how much of it is done, and how much there is."""


class Clock:
    """`seconds` by stage, in the order they began. A stage within another counts for itself alone."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._inner = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Counts the time of a block, without the stages within it."""
        outer, self._inner = self._inner, 0.0
        self.seconds.setdefault(name, 0.0)
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[name] += spent - self._inner
            self._inner = outer + spent

    def tell(self, stage: str, done: int, total: int) -> None:
        """Reports progress to whoever wants to know."""
        if self._progress is not None:
            self._progress(stage, done, total)
