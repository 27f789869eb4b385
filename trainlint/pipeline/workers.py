"""Running the stages in several processes. The answers are those of one process, whatever the number.

Workers are spawned, get the project as data and give back data. One that dies costs the file it was reading.
What is handed over lies in files; only their names go through pipes. At a pipe that holds half a
message, because its writer or reader died, the other end would wait for ever.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import msgspec

from trainlint.analysis.facts import Outline
from trainlint.analysis.index.project import ProjectIndex
from trainlint.cache.answers import Access
from trainlint.cache.packing import pack, unpack
from trainlint.discovery.projects import Project
from trainlint.findings import Notice
from trainlint.knowledge.base import load_knowledge
from trainlint.pipeline.garbage import be_patient
from trainlint.pipeline.keeping import holding_of
from trainlint.pipeline.sources import ProjectSources
from trainlint.pipeline.spawning import interrupts_held, leave_interrupts, spawning
from trainlint.pipeline.stages import Interpreted, Interpreting, Outlined, outline_files

INLINE_BYTES = 1_000_000
"""Bytes of Python below which starting processes costs more than it saves."""

TASKS_PER_WORKER = 6
MAX_WORKERS = 61 if os.name == "nt" else 128

Result = TypeVar("Result")
Task = Callable[[str, list[str]], bytes]
"""What a worker does: from the file that holds its context ("" for none) and paths to a packed result."""


class _Given(msgspec.Struct):
    """What a worker is started with. `overlay` is text that stands for files of the project."""

    project: Project
    overlay: dict[str, str]


class _Context(msgspec.Struct):
    """The project at a glance, for those who read it closely."""

    outlines: list[Outline]
    broken: list[str]
    notices: list[Notice]
    access: Access | None = None


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
        self._count = count
        self._tell = tell
        self._folder = tempfile.TemporaryDirectory(prefix="trainlint-", ignore_cleanup_errors=True)
        self._numbers = itertools.count()
        self._given = self._file("given", pack(_Given(project, overlay)))
        self._pool: ProcessPoolExecutor | None = None
        self.notices: list[Notice] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
            return
        # Who is in a hurry interrupts twice.
        with interrupts_held():
            self.close(at_once=True)

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

    def interpret(
        self, outlined: Outlined, files: Sequence[str], entries: Sequence[str], access: Access | None = None
    ) -> Interpreted:
        """Candidates of the files and recipes of the entries, each sorted. `access` is to what is remembered
        of them."""
        notices = [*outlined.notices, *self.notices]
        context = self._file("context", pack(_Context(outlined.outlines, outlined.broken, notices, access)))
        parts = self._run("interpreting", numeric_task, context, files, Interpreted)
        parts += self._run("linking", program_task, context, entries, Interpreted)
        facts = {(each.path, each.qualname): each for part in parts for each in part.facts}
        programs = {each.entry: each for part in parts for each in part.programs}
        return Interpreted(
            [facts[key] for key in sorted(facts)],
            [programs[key] for key in sorted(programs)],
            [notice for part in parts for notice in part.notices],
            [answer for part in parts for answer in part.kept],
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
                waiting = {self._submit(pool, task, context, each): each for each in tasks}
            for done, future in enumerate(as_completed(waiting)):
                self._tell(stage, done, len(tasks))
                results.append(_received(future, kind))
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
                    future = self._submit(self._started(1), task, context, items)
                results.append(_received(future, kind))
            except BrokenProcessPool:
                self._drop()
                half = len(items) // 2
                if half:
                    pending += [items[half:], items[:half]]
                else:
                    message = "reading this file ended the process; it was left out"
                    self.notices.append(Notice(items[0], 1, "crashed", message))
        self._drop()

    def _submit(
        self, pool: ProcessPoolExecutor, task: Task, context: str, items: Sequence[str]
    ) -> Future[str]:
        parcel = self._file(f"task{next(self._numbers)}", pack(items))
        return pool.submit(_perform, task, context, parcel)

    def _file(self, name: str, content: bytes) -> str:
        """A file of the run with this content: its path."""
        file = Path(self._folder.name, name)
        _write(file, content)
        return str(file)

    def _drop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _started(self, count: int) -> ProcessPoolExecutor:
        if self._pool is None:
            method = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(count, method, _start, (self._given,))
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


def _start(given: str) -> None:
    leave_interrupts()
    be_patient()
    decoded = unpack(Path(given).read_bytes(), _Given)
    knowledge = load_knowledge(decoded.project.settings.versions)
    _state.sources = ProjectSources(decoded.project, knowledge, decoded.overlay)


def _perform(task: Task, context: str, parcel: str) -> str:
    """In a worker: does a task on the paths that a file holds; the path of the file with the result."""
    file = Path(parcel)
    _write(file, task(context, unpack(file.read_bytes(), list[str])))
    return parcel


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        # Of a full disk one wants to know which.
        error.filename = str(file)
        raise


def _received(future: Future[str], kind: type[Result]) -> Result:
    """What a worker has found, once it has."""
    file = Path(future.result())
    found = unpack(file.read_bytes(), kind)
    file.unlink()
    return found


@lru_cache(maxsize=1)
def _interpreting(context: str) -> Interpreting:
    held = unpack(Path(context).read_bytes(), _Context)
    sources = _state.sources
    index = ProjectIndex(held.outlines, held.broken, held.notices)
    answers = held.access.answers(holding_of(sources, index, held.access.digests)) if held.access else None
    return Interpreting(sources, index, sources.knowledge, answers=answers)


def outline_task(_context: str, paths: list[str]) -> bytes:
    """In a worker: the outlines of some files, as Outlined."""
    return pack(outline_files(_state.sources, paths, lambda _: None))


def numeric_task(context: str, paths: list[str]) -> bytes:
    """In a worker: the candidates of some files, as Interpreted."""
    interpreting = _interpreting(context)
    for path in paths:
        interpreting.numeric(path)
    return pack(interpreting.result([]))


def program_task(context: str, entries: list[str]) -> bytes:
    """In a worker: the programs that start at some files, as Interpreted."""
    interpreting = _interpreting(context)
    programs = [interpreting.program(entry) for entry in entries]
    return pack(interpreting.result(programs))
