"""Reading one project's Python: outlines, close readings, programs; in this process or in several."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from trainlint.analysis.close.reader import Reader
from trainlint.analysis.facts import UnitFacts
from trainlint.analysis.index.project import ProjectIndex
from trainlint.cache.answers import Answers
from trainlint.findings import Notice
from trainlint.pipeline.clock import Clock
from trainlint.pipeline.garbage import patient
from trainlint.pipeline.handed import both, callers_of_told
from trainlint.pipeline.linked import Linked
from trainlint.pipeline.recalling import KnownAnswers, KnownOutlines
from trainlint.pipeline.sources import ProjectSources
from trainlint.pipeline.stages import Interpreted, Interpreting, Outlined, outline_files
from trainlint.pipeline.workers import Workers, processes
from trainlint.recipe.code.entries import entry_points
from trainlint.recipe.code.model.compile_signs import compiles_models
from trainlint.recipe.code.search.signs import declares_search

if TYPE_CHECKING:
    from trainlint.cache.memory import Memory

_FEW = 10
"""Of a project of which one file in so many is new the rest is remembered."""
_PROGRAM_BYTES = 100_000
"""Bytes of Python that take as long to read as a program whose units are remembered takes to link."""


class Reading(msgspec.Struct):
    """What reading gave. `facts` and `programs` are sorted; `notices` tell what could not be read."""

    index: ProjectIndex
    facts: list[UnitFacts]
    programs: list[Linked]
    notices: list[Notice]


def read_python(
    sources: ProjectSources, jobs: int | None, clock: Clock, memory: Memory | None = None
) -> Reading:
    """The project's Python. `jobs` is the most processes to use, None for one per processor; what `memory`
    holds is not read again."""
    with patient(), ExitStack() as stack:
        return _Project(sources, jobs, clock, memory, stack).read()


class _Project:
    """The reading of one project. Processes are started when something is left that is worth it."""

    def __init__(
        self,
        sources: ProjectSources,
        jobs: int | None,
        clock: Clock,
        memory: Memory | None,
        stack: ExitStack,
    ) -> None:
        self.sources = sources
        self.jobs = jobs
        self.clock = clock
        self.memory = memory
        self._stack = stack
        self._workers: Workers | None = None
        self._mostly_known = False

    def read(self) -> Reading:
        with self.clock.stage("outline"):
            outlined = self.outlined(self.sources.python_paths())
            index = ProjectIndex(outlined.outlines, outlined.broken, outlined.notices)
        interpreted = self.interpreted(outlined, index)
        notices = [*outlined.notices, *interpreted.notices]
        if self._workers is not None:
            notices += self._workers.notices
        return Reading(index, interpreted.facts, interpreted.programs, notices)

    def outlined(self, paths: list[str]) -> Outlined:
        """All outlines: those that are remembered, and those of the other files."""
        known = KnownOutlines(self.memory, self.sources, paths) if self.memory is not None else None
        missing = paths if known is None else known.missing
        self._mostly_known = len(missing) * _FEW < len(paths)
        workers = self.workers(missing)
        if workers is None:
            fresh = outline_files(self.sources, missing, lambda done: self._tell("reading", done, missing))
        else:
            fresh = workers.outline(missing)
        return fresh if known is None else known.with_fresh(fresh)

    def interpreted(self, outlined: Outlined, index: ProjectIndex) -> Interpreted:
        """The candidates of the named files, and of what others hand to them; and all programs."""
        reader = Reader(index, self.sources.lines, self.sources.knowledge)
        named = self.sources.project.named
        files = [path for path in index.outlines if path in named and reader.is_numeric(path)]
        found = self.remembered_or_read(outlined, index, files, self.entries(index))
        # What is told in a named file, or with it, takes all callers of the function it stands in.
        callers = callers_of_told(index, found.facts, frozenset(named))
        others = [path for path in sorted(callers) if reader.is_numeric(path)]
        if others:
            found = both(found, self.remembered_or_read(outlined, index, others, []))
        return found

    def remembered_or_read(
        self, outlined: Outlined, index: ProjectIndex, files: list[str], entries: list[str]
    ) -> Interpreted:
        """The candidates of these files and these programs."""
        known = KnownAnswers(self.memory, self.sources, index) if self.memory is not None else None
        if known is None:
            return self.interpret(outlined, index, files, entries, None)
        with self.clock.stage("link"):
            files, entries = known.missing(files, entries)
        return known.with_fresh(self.interpret(outlined, index, files, entries, known.answers))

    def interpret(
        self,
        outlined: Outlined,
        index: ProjectIndex,
        files: list[str],
        entries: list[str],
        answers: Answers | None,
    ) -> Interpreted:
        """The candidates of these files and these programs."""
        workers = self.workers(files, entries)
        if workers is None:
            return self.interpret_here(index, files, entries, answers)
        with self.clock.stage("interpret and link"):
            access = answers.access if answers is not None else None
            return workers.interpret(outlined, files, entries, access)

    def interpret_here(
        self, index: ProjectIndex, files: list[str], entries: list[str], answers: Answers | None
    ) -> Interpreted:
        """The same, in this process."""
        interpreting = Interpreting(
            self.sources, index, self.sources.knowledge, lambda: self.clock.stage("interpret"), answers
        )
        with self.clock.stage("interpret"):
            for done, path in enumerate(files):
                self._tell("interpreting", done, files)
                interpreting.numeric(path)
        programs: list[Linked] = []
        with self.clock.stage("link"):
            for done, entry in enumerate(entries):
                self._tell("linking", done, entries)
                programs.append(interpreting.program(entry))
        return interpreting.result(programs)

    def workers(self, paths: list[str], entries: Sequence[str] = ()) -> Workers | None:
        """The processes to read files and link programs with; None where it is done sooner here."""
        if self._mostly_known:
            # What such programs use was read before, but for a few files.
            size = sum(map(self.sources.size, paths)) + _PROGRAM_BYTES * len(entries)
        else:
            size = sum(map(self.sources.size, self.sources.python_paths())) if paths or entries else 0
        count = processes(self.jobs, len(self.sources.python_paths()), size)
        if count == 1:
            return None
        if self._workers is None:
            made = Workers(self.sources.project, self.sources.overlay, count, self.clock.tell)
            self._workers = self._stack.enter_context(made)
        return self._workers

    def entries(self, index: ProjectIndex) -> list[str]:
        """Files that are run, those that declare what a hyper-parameter search draws from, and those that
        compile models."""
        beside = (
            path for path in index.outlines if declares_search(index, path) or compiles_models(index, path)
        )
        return sorted({*entry_points(index, self.sources.knowledge), *beside})

    def _tell(self, stage: str, done: int, items: Sequence[str]) -> None:
        self.clock.tell(stage, done, len(items))
