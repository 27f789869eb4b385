"""Reading one project's Python: outlines, close readings, programs; in this process or in several."""

from __future__ import annotations

import msgspec

from trainlint.analysis.close.reader import Reader
from trainlint.analysis.facts import UnitFacts
from trainlint.analysis.index.project import ProjectIndex
from trainlint.findings import Notice
from trainlint.pipeline.clock import Clock
from trainlint.pipeline.garbage import patient
from trainlint.pipeline.sources import ProjectSources
from trainlint.pipeline.stages import Interpreted, Interpreting, Linked, Outlined, outline_files
from trainlint.pipeline.workers import Workers, processes
from trainlint.recipe.code.entries import entry_points
from trainlint.recipe.code.spaces import declares_search


class Reading(msgspec.Struct):
    """What reading gave. `facts` and `programs` are sorted; `notices` tell what could not be read."""

    index: ProjectIndex
    facts: list[UnitFacts]
    programs: list[Linked]
    notices: list[Notice]


def read_python(sources: ProjectSources, jobs: int | None, clock: Clock) -> Reading:
    """The project's Python. `jobs` is the most processes to use, None for one per processor."""
    paths = sources.python_paths()
    count = processes(jobs, len(paths), sum(map(sources.size, paths)))
    with patient():
        if count == 1:
            return _Here(sources, clock).read(paths)
        with Workers(sources.project, sources.overlay, count, clock.tell) as workers:
            return _There(sources, clock, workers).read(paths)


class _Here:
    def __init__(self, sources: ProjectSources, clock: Clock) -> None:
        self.sources = sources
        self.clock = clock

    def read(self, paths: list[str]) -> Reading:
        with self.clock.stage("outline"):
            outlined = self.outline(paths)
            index = ProjectIndex(outlined.outlines, outlined.broken, outlined.notices)
        named = [path for path in index.outlines if path in self.sources.project.named]
        interpreted = self.interpret(outlined, index, named)
        notices = [*outlined.notices, *interpreted.notices]
        return Reading(index, interpreted.facts, interpreted.programs, notices)

    def outline(self, paths: list[str]) -> Outlined:
        return outline_files(self.sources, paths, lambda done: self.clock.tell("reading", done, len(paths)))

    def interpret(self, _: Outlined, index: ProjectIndex, named: list[str]) -> Interpreted:
        interpreting = Interpreting(
            self.sources, index, self.sources.knowledge, lambda: self.clock.stage("interpret")
        )
        with self.clock.stage("interpret"):
            for done, path in enumerate(named):
                self.clock.tell("interpreting", done, len(named))
                interpreting.numeric(path)
        programs: list[Linked] = []
        with self.clock.stage("link"):
            entries = self.entries(index)
            for done, entry in enumerate(entries):
                self.clock.tell("linking", done, len(entries))
                programs.append(interpreting.program(entry))
        return interpreting.result(programs)

    def entries(self, index: ProjectIndex) -> list[str]:
        """Files that are run, and those that declare what a hyper-parameter search draws from."""
        searching = (path for path in index.outlines if declares_search(index, path))
        return sorted({*entry_points(index, self.sources.knowledge), *searching})


class _There(_Here):
    def __init__(self, sources: ProjectSources, clock: Clock, workers: Workers) -> None:
        super().__init__(sources, clock)
        self.workers = workers

    def read(self, paths: list[str]) -> Reading:
        reading = super().read(paths)
        reading.notices += self.workers.notices
        return reading

    def outline(self, paths: list[str]) -> Outlined:
        return self.workers.outline(paths)

    def interpret(self, outlined: Outlined, index: ProjectIndex, named: list[str]) -> Interpreted:
        with self.clock.stage("interpret and link"):
            reader = Reader(index, self.sources.lines, self.sources.knowledge)
            files = [path for path in named if reader.numeric_units(path)]
            return self.workers.interpret(outlined, files, self.entries(index))
