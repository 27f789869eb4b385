"""Tasks for workers that end their process on a file of a certain name. Workers import them by name."""

from __future__ import annotations

import os
import signal

from trainlint.pipeline import workers

_outline, _numeric, _program = workers.outline_task, workers.numeric_task, workers.program_task
VICTIM = "killer.py"


def _die_on_victim(paths: list[str]) -> None:
    if VICTIM in paths:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def outline(context: str, paths: list[str]) -> bytes:
    _die_on_victim(paths)
    return _outline(context, paths)


def numeric(context: str, paths: list[str]) -> bytes:
    _die_on_victim(paths)
    return _numeric(context, paths)


def program(context: str, paths: list[str]) -> bytes:
    _die_on_victim(paths)
    return _program(context, paths)


def outline_and_choke(context: str, paths: list[str]) -> bytes:
    """Dies of handing over what it found, halfway through."""
    if VICTIM in paths:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
    return _outline(context, paths)


def outline_on_a_full_disk(context: str, paths: list[str]) -> bytes:
    """Cannot hand over what it found."""
    if VICTIM in paths:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
    return _outline(context, paths)


def interrupt_all_and_stay(_context: str, _paths: list[str]) -> bytes:
    """Interrupts the run, and never ends by itself."""
    os.killpg(0, signal.SIGINT)
    while True:
        signal.pause()
