"""Ctrl-C reaches every process of a terminal: the one in charge answers it, those it started must stay silent."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Interrupts wait until the end of the block; processes started in it never see one.

    They would else complain while they load. Without effect where the system cannot hold signals.
    """
    hold = getattr(signal, "pthread_sigmask", None)
    if hold is None:
        yield
        return
    before = hold(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        hold(signal.SIG_SETMASK, before)


def unaware_of_interrupts() -> None:
    """In a worker: leave interrupts to the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
