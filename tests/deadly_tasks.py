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
