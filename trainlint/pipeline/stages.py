"""The stages that can run in other processes: from a project and a list of its files to facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import msgspec

from trainlint.analysis.close.reader import Reader
from trainlint.analysis.facts import Outline, UnitFacts
from trainlint.analysis.index.project import ProjectIndex
from trainlint.analysis.index.record import Trail
from trainlint.cache.answers import Answers, Kept
from trainlint.cache.rests import LAUNCHES
from trainlint.findings import Notice
from trainlint.knowledge.base import Knowledge
from trainlint.pipeline.blame import internal_notice
from trainlint.pipeline.keeping import Consulted, Keeper, is_telling
from trainlint.pipeline.linked import Linked
from trainlint.pipeline.sources import ProjectSources
from trainlint.recipe.code.entries import is_entry
from trainlint.recipe.code.model.compile_signs import compiles_models
from trainlint.recipe.code.search.signs import declares_search
from trainlint.recipe.code.tables import ProjectTables
from trainlint.recipe.config.store import ConfigStore
from trainlint.recipe.launch.overrides import Overrides
from trainlint.recipe.model import Recipe
from trainlint.text.document import Document


class Outlined(msgspec.Struct):
    """What the first look at some files gave. `broken` could not be read; `notices` say why."""

    outlines: list[Outline] = msgspec.field(default_factory=list)
    broken: list[str] = msgspec.field(default_factory=list)
    notices: list[Notice] = msgspec.field(default_factory=list)


class Interpreted(msgspec.Struct):
    """Close readings that gave candidates or met a limit, and programs; `notices` tell of failures, `kept` is
    what later runs may use."""

    facts: list[UnitFacts] = msgspec.field(default_factory=list)
    programs: list[Linked] = msgspec.field(default_factory=list)
    notices: list[Notice] = msgspec.field(default_factory=list)
    kept: list[Kept] = msgspec.field(default_factory=list)


def outline_files(sources: ProjectSources, paths: Sequence[str], tell: Callable[[int], None]) -> Outlined:
    """Outlines of Python files. `tell` is called with how many are done."""
    result = Outlined()
    known = len(sources.notices)
    for done, path in enumerate(paths):
        tell(done)
        found = _outline(sources, path)
        if found is None:
            result.broken.append(path)
        else:
            result.outlines.append(found)
    result.notices = sources.notices[known:]
    return result


def _outline(sources: ProjectSources, path: str) -> Outline | None:
    try:
        return sources.outline(path)
    except Exception as error:  # noqa: BLE001 - one file must not cost the others
        sources.notices.append(internal_notice(path, 1, "reading this file", error))
        return None


class Interpreting:
    """Close reading and linking over one index. All is memoised: one of these serves a whole process.

    `timed` makes the context in which units are read closely, also where linking asks for them. With
    `answers`, what an earlier run found of units is used, and what is found is given for later runs.
    """

    def __init__(
        self,
        sources: ProjectSources,
        index: ProjectIndex,
        knowledge: Knowledge,
        timed: Callable[[], AbstractContextManager[None]] = nullcontext,
        answers: Answers | None = None,
    ) -> None:
        self.sources = sources
        self.index = index
        self.knowledge = knowledge
        recall = answers.units if answers is not None else None
        self.reader = Reader(index, sources.lines, knowledge, timed, recall)
        self._keeper = Keeper(self.reader) if answers is not None else None
        self._tables = ProjectTables(index, self.reader)
        self.notices: list[Notice] = []
        self._configs = Consulted(sources.config_paths(), index.recorder)

    def numeric(self, path: str) -> None:
        """Read the units of a file that divide or take roots, and those that hand operands to such."""
        with self._on_trail() as trail:
            for units in (self.reader.numeric_units, self.reader.handing_units):
                for qualname in units(path):
                    with self._guarded(path, qualname):
                        self.reader.facts(path, qualname)
        if self._keeper is not None and not self.notices:
            self._keeper.numeric(path, trail)

    def program(self, entry: str) -> Linked:
        """The recipe of an entry file, with the configs it reads."""
        with self._on_trail() as trail:
            linked = self._link(entry)
        if self._keeper is not None and not self.notices:
            self._keeper.program(entry, trail, linked)
        return linked

    def _link(self, entry: str) -> Linked:
        # Half of what is imported is for linking: where all programs are remembered it is not needed.
        from trainlint.recipe.code.from_code import code_recipe  # noqa: PLC0415
        from trainlint.recipe.code.model.unfitted import model_recipe  # noqa: PLC0415
        from trainlint.recipe.code.programs import Program  # noqa: PLC0415
        from trainlint.recipe.code.search.spaces import search_recipe  # noqa: PLC0415

        store = ConfigStore(entry, self._configs, self._first_document, self._lines)
        recipe: Recipe | None = None
        spaces: Recipe | None = None
        models: Recipe | None = None
        with self._guarded(entry, ""):
            self.index.recorder.other(LAUNCHES + entry)
            launch = Overrides(self.sources.launches, entry, self.sources.project.settings.devices)
            program = Program(entry, self.index, self.reader, self.knowledge, store, launch, self._tables)
            try:
                if is_entry(self.index, entry, self.knowledge):
                    recipe = code_recipe(program)
                if declares_search(self.index, entry):
                    spaces = search_recipe(program)
                if compiles_models(self.index, entry):
                    models = model_recipe(program, trains=recipe is not None)
            finally:
                program.release()
        return Linked(entry, recipe, store.readers, store.uses, spaces, models)

    def result(self, programs: list[Linked]) -> Interpreted:
        """These programs with the readings that tell something."""
        kept = [facts for facts in self.reader.known() if is_telling(facts)]
        answers = self._keeper.taken(whole=not self.notices) if self._keeper is not None else []
        return Interpreted(kept, programs, self.notices, answers)

    @contextmanager
    def _on_trail(self) -> Iterator[Trail]:
        trail = Trail()
        before = self.index.recorder.enter(trail)
        try:
            yield trail
        finally:
            self.index.recorder.leave(before)

    def _lines(self, path: str) -> list[str]:
        self.index.recorder.content(path)
        return self.sources.lines(path)

    @contextmanager
    def _guarded(self, path: str, qualname: str) -> Iterator[None]:
        """One unit or program must not cost the others."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is
            unit = self.index.unit(path, qualname)
            line = unit.lines[0][0] if unit is not None and unit.lines else 1
            doing = f"reading {qualname} closely" if qualname else "linking this program"
            self.notices.append(internal_notice(path, line, doing, error))

    def _first_document(self, path: str) -> Document | None:
        self.index.recorder.content(path)
        documents, _ = self.sources.documents(path)
        return documents[0] if documents else None
