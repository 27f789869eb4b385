"""How often the garbage collector looks at what a run keeps.

A run makes millions of small objects and keeps most of them: outlines and facts to its end, what a program
evaluates to that program's. Python's usual settings go through all of them again and again, which takes half
of the run's time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (100_000, 50, 1_000)
"""New objects before the youngest are looked at, and how often that happens before the older ones are."""

_MUCH = 5
"""Looks at the youngest from which on it is worth looking at all of them."""


def be_patient() -> None:
    """From now on the collector runs rarely."""
    gc.set_threshold(*_THRESHOLDS)


@contextmanager
def patient() -> Iterator[None]:
    """A block in which the collector runs rarely; afterwards as before."""
    before = gc.get_threshold()
    be_patient()
    try:
        yield
    finally:
        gc.set_threshold(*before)


def let_go() -> None:
    """Free what hangs on itself among all that was made since this last did so, if that is much."""
    if gc.get_count()[1] >= _MUCH:
        gc.collect(1)
