"""Running the stages in several processes. The answers are those of one process, whatever the number.

Workers are spawned, get the project as data and give back data. One that dies costs the file it was reading.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import msgspec

from trainlint.analysis.facts import Outline
from trainlint.analysis.index.project import ProjectIndex
from trainlint.discovery.projects import Project
from trainlint.findings import Notice
from trainlint.knowledge.base import load_knowledge
from trainlint.pipeline.garbage import be_patient
from trainlint.pipeline.sources import ProjectSources
from trainlint.pipeline.spawning import leave_interrupts, spawning
from trainlint.pipeline.stages import Interpreted, Interpreting, Outlined, outline_files

INLINE_BYTES = 1_000_000
"""Bytes of Python below which starting processes costs more than it saves."""

TASKS_PER_WORKER = 6
MAX_WORKERS = 61 if os.name == "nt" else 128

Result = TypeVar("Result")
Task = Callable[[str, list[str]], bytes]
"""What a worker does: from the file that holds its context ("" for none) and paths to an encoded result."""

_encoder = msgspec.msgpack.Encoder()


class _Context(msgspec.Struct):
    """The project at a glance, for those who read it closely."""

    outlines: list[Outline]
    broken: list[str]
    notices: list[Notice]


def processes(wanted: int | None, files: int, size: int) -> int:
    """How many processes to use for so many files and bytes: `wanted` at most, else one per processor."""
    if size < INLINE_BYTES:
        return 1
    return max(1, min(wanted or os.cpu_count() or 1, MAX_WORKERS, files))


class Workers:
    """A pool over one project; close it, or use it in a `with`.

    `notices` name the files whose reading ended a process.
    """

    def __init__(
        self, project: Project, overlay: dict[str, str], count: int, tell: Callable[[str, int, int], None]
    ) -> None:
        self._arguments = (_encoder.encode(project), overlay)
        self._count = count
        self._tell = tell
        self._folder = tempfile.TemporaryDirectory(prefix="trainlint-", ignore_cleanup_errors=True)
        self._pool: ProcessPoolExecutor | None = None
        self.notices: list[Notice] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(at_once=kind is not None)

    def close(self, *, at_once: bool = False) -> None:
        """Ends the processes; `at_once` also those that are busy."""
        if self._pool is not None:
            if at_once:
                _terminate(self._pool)
            self._drop()
        self._folder.cleanup()

    def outline(self, paths: Sequence[str]) -> Outlined:
        """All outlines, in the order of the paths."""
        total = Outlined()
        for part in self._run("reading", outline_task, "", paths, Outlined):
            total.outlines += part.outlines
            total.broken += part.broken
            total.notices += part.notices
        total.outlines.sort(key=lambda outline: outline.path)
        total.broken = sorted([*total.broken, *(notice.path for notice in self.notices)])
        return total

    def interpret(self, outlined: Outlined, files: Sequence[str], entries: Sequence[str]) -> Interpreted:
        """Candidates of the files and recipes of the entries, each sorted."""
        context = Path(self._folder.name, "context")
        context.write_bytes(
            _encoder.encode(_Context(outlined.outlines, outlined.broken, [*outlined.notices, *self.notices]))
        )
        parts = self._run("interpreting", numeric_task, str(context), files, Interpreted)
        parts += self._run("linking", program_task, str(context), entries, Interpreted)
        facts = {(each.path, each.qualname): each for part in parts for each in part.facts}
        programs = {each.entry: each for part in parts for each in part.programs}
        return Interpreted(
            [facts[key] for key in sorted(facts)],
            [programs[key] for key in sorted(programs)],
            [notice for part in parts for notice in part.notices],
        )

    def _run(
        self, stage: str, task: Task, context: str, items: Sequence[str], kind: type[Result]
    ) -> list[Result]:
        """The results of a task over all items, in no particular order; what ends a worker is left out."""
        results: list[Result] = []
        tasks = list(_split(items, self._count * TASKS_PER_WORKER))
        try:
            with spawning():
                pool = self._started(self._count)
                waiting = {pool.submit(task, context, each): each for each in tasks}
            for done, future in enumerate(as_completed(waiting)):
                self._tell(stage, done, len(tasks))
                results.append(msgspec.msgpack.decode(future.result(), type=kind))
                tasks.remove(waiting[future])
        except BrokenProcessPool:
            self._drop()
            self._run_singly(task, context, tasks, kind, results)
        return results

    def _run_singly(
        self, task: Task, context: str, tasks: list[list[str]], kind: type[Result], results: list[Result]
    ) -> None:
        """One task at a time, halved until what ends a worker stands alone."""
        pending = tasks[::-1]
        while pending:
            items = pending.pop()
            try:
                with spawning():
                    future = self._started(1).submit(task, context, items)
                results.append(msgspec.msgpack.decode(future.result(), type=kind))
            except BrokenProcessPool:
                self._drop()
                half = len(items) // 2
                if half:
                    pending += [items[half:], items[:half]]
                else:
                    message = "reading this file ended the process; it was left out"
                    self.notices.append(Notice(items[0], 1, "crashed", message))
        self._drop()

    def _drop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _started(self, count: int) -> ProcessPoolExecutor:
        if self._pool is None:
            method = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(count, method, _start, self._arguments)
        return self._pool


def _terminate(pool: ProcessPoolExecutor) -> None:
    # There is no public way to end a process that is busy.
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.terminate()


def _split(items: Sequence[str], count: int) -> Iterator[list[str]]:
    size = max(1, -(-len(items) // count))
    # Neighbours are alike in length: dealing them out keeps the tasks even.
    for start in range(-(-len(items) // size)):
        yield list(items[start :: -(-len(items) // size)])


class _State:
    """What a worker keeps between tasks."""

    sources: ProjectSources


_state = _State()


def _start(project: bytes, overlay: dict[str, str]) -> None:
    leave_interrupts()
    be_patient()
    decoded = msgspec.msgpack.decode(project, type=Project)
    _state.sources = ProjectSources(decoded, load_knowledge(decoded.settings.versions), overlay)


@lru_cache(maxsize=1)
def _interpreting(context: str) -> Interpreting:
    held = msgspec.msgpack.decode(Path(context).read_bytes(), type=_Context)
    sources = _state.sources
    return Interpreting(sources, ProjectIndex(held.outlines, held.broken, held.notices), sources.knowledge)


def outline_task(_context: str, paths: list[str]) -> bytes:
    """In a worker: the outlines of some files, as Outlined."""
    return _encoder.encode(outline_files(_state.sources, paths, lambda _: None))


def numeric_task(context: str, paths: list[str]) -> bytes:
    """In a worker: the candidates of some files, as Interpreted."""
    interpreting = _interpreting(context)
    for path in paths:
        interpreting.numeric(path)
    return _encoder.encode(interpreting.result([]))


def program_task(context: str, entries: list[str]) -> bytes:
    """In a worker: the programs that start at some files, as Interpreted."""
    interpreting = _interpreting(context)
    programs = [interpreting.program(entry) for entry in entries]
    return _encoder.encode(interpreting.result(programs))
