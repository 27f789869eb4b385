"""Starting processes beside code that must not run, in a terminal whose Ctrl-C reaches them all."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from pathlib import Path

_SAFE_PATH = "PYTHONSAFEPATH"


@contextmanager
def spawning() -> Iterator[None]:
    """Processes started in the block import nothing from the working folder, and no interrupt reaches them.

    Interrupts of this process wait until the end of the block. A new Python looks for its first modules in
    the working folder, and that is often the project: its `random.py` would run.
    """
    with ExitStack() as stack:
        stack.enter_context(_safe_path() if sys.version_info >= (3, 11) else _elsewhere())
        if hasattr(signal, "pthread_sigmask"):
            # multiprocessing starts its tracker with the first worker, and then lets interrupts through.
            resource_tracker.ensure_running()
        stack.enter_context(interrupts_held())
        yield


def leave_interrupts() -> None:
    """In a worker: interrupts are answered by the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """A block that is not interrupted: whoever tries has to wait until its end."""
    hold = getattr(signal, "pthread_sigmask", None)
    if hold is None:
        yield
        return
    before = hold(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        hold(signal.SIG_SETMASK, before)


@contextmanager
def _safe_path() -> Iterator[None]:
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before


@contextmanager
def _elsewhere() -> Iterator[None]:
    before = Path.cwd()
    # Workers stay where they were started: it must be a folder that lasts.
    os.chdir(before.anchor)
    try:
        yield
    finally:
        os.chdir(before)
