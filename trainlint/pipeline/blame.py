"""Failures of trainlint itself: where they happened, as a notice that leaves the rest of the run alone."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from trainlint.findings import Notice

PACKAGE = Path(__file__).parents[1]
_LONGEST = 200


def internal_notice(path: str, line: int, doing: str, error: Exception) -> Notice:
    """That something failed which should not, at a place of the user's.

    With TRAINLINT_DEBUG=1 in the environment the traceback goes to standard error.
    """
    if os.environ.get("TRAINLINT_DEBUG") == "1":
        traceback.print_exception(error)
    text = " ".join(str(error).split())[:_LONGEST]
    message = f"{doing} failed ({type(error).__name__}: {text}{own_place(error)}); please report it"
    return Notice(path, line, "internal", message)


def own_place(error: Exception) -> str:
    """The innermost frame in this package, as " (trainlint/module.py:12, function)"; "" without one."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(PACKAGE):
            return f" (trainlint/{file.relative_to(PACKAGE).as_posix()}:{frame.lineno}, {frame.name})"
    return ""
