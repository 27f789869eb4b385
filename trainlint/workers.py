"""Running the stages in several processes. The answers are those of one process, whatever the number.

Workers are spawned, get the project as data and give back data. One that dies costs the file it was reading.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import msgspec

from trainlint.analysis.facts import Outline
from trainlint.analysis.index import ProjectIndex
from trainlint.discovery import Project
from trainlint.findings import Notice
from trainlint.knowledge.base import load_knowledge
from trainlint.sources import ProjectSources
from trainlint.stages import Interpreted, Interpreting, Outlined, outline_files

INLINE_BELOW = 24
"""Files below which starting processes costs more than it saves."""

TASKS_PER_WORKER = 6
MAX_WORKERS = 61 if os.name == "nt" else 128

Result = TypeVar("Result")
_encoder = msgspec.msgpack.Encoder()


class _State:
    """What a worker keeps between tasks."""

    sources: ProjectSources
    interpreting: Interpreting | None = None


_state = _State()


def processes(wanted: int | None, files: int) -> int:
    """How many processes to use: what is asked for, else one per processor; one for few files."""
    if files < INLINE_BELOW:
        return 1
    return max(1, min(wanted or os.cpu_count() or 1, MAX_WORKERS, files))


def _start(project: bytes, overlay: dict[str, str], outlines: bytes, broken: list[str]) -> None:
    decoded = msgspec.msgpack.decode(project, type=Project)
    knowledge = load_knowledge(decoded.settings.versions)
    _state.sources = ProjectSources(decoded, knowledge, overlay)
    if outlines:
        index = ProjectIndex(msgspec.msgpack.decode(outlines, type=list[Outline]), broken)
        _state.interpreting = Interpreting(_state.sources, index, knowledge)


def _outline_task(paths: list[str]) -> bytes:
    return _encoder.encode(outline_files(_state.sources, paths, lambda _: None))


def _numeric_task(paths: list[str]) -> bytes:
    assert _state.interpreting is not None
    for path in paths:
        _state.interpreting.numeric(path)
    wanted = set(paths)
    kept = [facts for facts in _state.interpreting.worth_keeping() if facts.path in wanted]
    return _encoder.encode(Interpreted(kept))


def _program_task(entries: list[str]) -> bytes:
    assert _state.interpreting is not None
    programs = [_state.interpreting.program(entry) for entry in entries]
    return _encoder.encode(Interpreted(_state.interpreting.worth_keeping(), programs))


class Workers:
    """A pool over one project. `notices` name the files whose reading ended a process."""

    def __init__(
        self, project: Project, overlay: dict[str, str], count: int, tell: Callable[[str, int, int], None]
    ) -> None:
        self._project = _encoder.encode(project)
        self._overlay = overlay
        self._count = count
        self._tell = tell
        self.notices: list[Notice] = []

    def outline(self, paths: Sequence[str]) -> Outlined:
        """All outlines, in the order of the paths."""
        total = Outlined()
        found: list[Outlined] = self._run("reading", _outline_task, paths, Outlined, (b"", []))
        for part in found:
            total.outlines += part.outlines
            total.broken += part.broken
            total.notices += part.notices
        total.broken += [notice.path for notice in self.notices]
        return total

    def interpret(
        self, outlines: Sequence[Outline], broken: Sequence[str], files: Sequence[str], entries: Sequence[str]
    ) -> Interpreted:
        """Candidates of the files and recipes of the entries, each sorted."""
        context = (_encoder.encode(list(outlines)), list(broken))
        parts = self._run("interpreting", _numeric_task, files, Interpreted, context)
        parts += self._run("linking", _program_task, entries, Interpreted, context)
        facts = {(each.path, each.qualname): each for part in parts for each in part.facts}
        programs = {each.entry: each for part in parts for each in part.programs}
        return Interpreted([facts[key] for key in sorted(facts)], [programs[key] for key in sorted(programs)])

    def _run(
        self,
        stage: str,
        task: Callable[[list[str]], bytes],
        items: Sequence[str],
        kind: type[Result],
        context: Any,
    ) -> list[Result]:
        tasks = list(_split(items, self._count * TASKS_PER_WORKER))
        results: dict[int, Result] = {}
        lost = self._attempt(stage, task, dict(enumerate(tasks)), results, kind, context, self._count)
        singles = [item for key in lost for item in tasks[key]]
        retry = {index: [item] for index, item in enumerate(singles, len(tasks))}
        for index, single in retry.items():
            if self._attempt(stage, task, {index: single}, results, kind, context, 1):
                message = "reading this file ended the process; it was left out"
                self.notices.append(Notice(single[0], 1, "crashed", message))
        return [results[key] for key in sorted(results)]

    def _attempt(
        self,
        stage: str,
        task: Callable[[list[str]], bytes],
        tasks: dict[int, list[str]],
        results: dict[int, Result],
        kind: type[Result],
        context: Any,
        count: int,
    ) -> list[int]:
        """Run tasks in a fresh pool; the keys of those a dying worker took with it."""
        method = multiprocessing.get_context("spawn")
        arguments = (self._project, self._overlay, *context)
        with ProcessPoolExecutor(min(count, len(tasks)) or 1, method, _start, arguments) as pool:
            waiting: dict[Future[bytes], int] = {pool.submit(task, t): key for key, t in tasks.items()}
            try:
                for done, future in enumerate(as_completed(waiting)):
                    self._tell(stage, done, len(waiting))
                    results[waiting[future]] = msgspec.msgpack.decode(future.result(), type=kind)
            except BrokenProcessPool:
                pass
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return sorted(key for key in tasks if key not in results)


def _split(items: Sequence[str], count: int) -> Iterator[list[str]]:
    size = max(1, -(-len(items) // count))
    # Neighbours are alike in length: dealing them out keeps the tasks even.
    for start in range(-(-len(items) // size)):
        yield list(items[start :: -(-len(items) // size)])

