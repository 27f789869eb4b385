"""How often the garbage collector looks at what a run keeps.

A run makes millions of small objects and keeps most of them: outlines and facts to its end, what a program
evaluates to that program's. Python's usual settings go through all of them again and again, which takes half
of the run's time. What hangs on itself and is large is taken apart where it is done with (`release`), so that
there is little left to find.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (1_000_000, 50, 1_000)
"""New objects before the youngest are looked at, and how often that happens before the older ones are."""


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
        # All that is kept counts as old from here on: else it would be looked at at once.
        gc.freeze()
        gc.unfreeze()
        gc.set_threshold(*before)
