"""Runs the command line, interrupts all its processes at one moment: `python interrupting.py MOMENT ARGS...`.

A moment is an event of the run, not a time: "submitting" (processes are being started), "busy" (in a worker
that goes on for ever), "twice" (there, and again while that is answered), or a stage and how many of its
steps are done, "reading 0".
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import deadly_tasks

from trainlint.__main__ import main
from trainlint.pipeline import workers
from trainlint.pipeline.clock import Clock

BUSY, SUBMITTING, TWICE = "busy", "submitting", "twice"


def interrupt_all() -> None:
    os.killpg(0, signal.SIGINT)


class InterruptedPool(workers.ProcessPoolExecutor):
    def submit(self, *args: Any) -> Any:
        future = super().submit(*args)
        interrupt_all()
        return future


def run_until(moment: str, args: list[str]) -> int:
    workers.INLINE_BYTES = 0
    if moment == SUBMITTING:
        workers.ProcessPoolExecutor = InterruptedPool
    elif moment in (BUSY, TWICE):
        workers.outline_task = deadly_tasks.interrupt_all_and_stay
        if moment == TWICE:
            close = workers.Workers.close

            def closed(pool: workers.Workers, **options: bool) -> None:
                interrupt_all()
                close(pool, **options)

            workers.Workers.close = closed
    else:
        tell = Clock.tell

        def interrupted(clock: Clock, stage: str, done: int, total: int) -> None:
            if moment == f"{stage} {done}":
                interrupt_all()
            tell(clock, stage, done, total)

        Clock.tell = interrupted
    sys.argv[1:] = args
    return main()


if __name__ == "__main__":
    sys.exit(run_until(sys.argv[1], sys.argv[2:]))
