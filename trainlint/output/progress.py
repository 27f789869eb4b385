"""A line on a terminal that says how far a long run is; nothing anywhere else."""

from __future__ import annotations

import time
from typing import IO

from trainlint.output.terminal import is_terminal

FIRST_AFTER = 0.5
EVERY = 0.1


class Progress:
    """Called with a stage's name, how many of its steps are done, and how many there are."""

    def __init__(self, stream: IO[str], *, wanted: bool = True) -> None:
        self.stream = stream
        self.active = wanted and is_terminal(stream)
        self._next = time.monotonic() + FIRST_AFTER
        self._shown = 0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Shows the step, unless the last one was shown a moment ago."""
        now = time.monotonic()
        if not self.active or now < self._next:
            return
        self._next = now + EVERY
        self._show(f"{stage} {done:,}/{total:,}" if total else stage)

    def clear(self) -> None:
        """Takes the line away."""
        if self._shown:
            self._show("")
            self.stream.write("\r")
            self.stream.flush()
            self._shown = 0

    def _show(self, text: str) -> None:
        self.stream.write("\r" + text.ljust(self._shown))
        self.stream.flush()
        self._shown = max(self._shown, len(text))
