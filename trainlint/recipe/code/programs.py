"""Training programs: entry points, the units they reach, and what the evaluator may ask about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from trainlint.analysis.close.reader import Reader
from trainlint.analysis.evaluation.evaluate import Evaluator
from trainlint.analysis.evaluation.scope import ConfigReader
from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Event, Import, Outline, UnitFacts
from trainlint.analysis.index.project import ClosureResult, ProjectIndex
from trainlint.analysis.numerics.hazards.words import MENTIONED
from trainlint.findings import Span
from trainlint.knowledge.base import Entry, Knowledge
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.call_sites import CallSites
from trainlint.recipe.code.entries import config_script
from trainlint.recipe.code.reach import CommandNames, Place, Reach
from trainlint.recipe.code.tables import ProjectTables
from trainlint.recipe.launch.overrides import Overrides

MAX_FILES = 500
"""Most files of one program that are followed, so that a program does not cost what its library costs."""

MAX_SHOWN = 60
"""Most characters of an expression that are shown."""

_NUMERIC_WORDS = MENTIONED - {"half", "float16"}
"""What numeric rules look for: no reason to think that a unit says how a program trains."""

_HELD_KINDS = frozenset({"optimizer", "optim", "scheduler"})
_HELD_WORDS = _HELD_KINDS | {"cls", "class", "type", "lr", "fn"}
"""What an attribute is called that holds a class of a library: `self.optimizer_cls(params, lr=0.1)`."""


def runs_when_made(entry: Entry) -> bool:
    """Whether a trainer runs as soon as it is made, as Lightning's command line does."""
    return bool(entry.extra.get("runs"))


class Program:
    """An entry file with everything it reaches. Implements the evaluator's ProgramScope."""

    def __init__(
        self,
        entry: str,
        index: ProjectIndex,
        reader: Reader,
        knowledge: Knowledge,
        configs: ConfigReader,
        launch: Overrides | None = None,
        tables: ProjectTables | None = None,
    ) -> None:
        self.entry = entry
        self.launch = launch or Overrides([], entry)
        self.index = index
        self.reader = reader
        self.tables = tables or ProjectTables(index, reader)
        self.knowledge = knowledge
        self.closure: ClosureResult = _within_reach(index.import_closure(entry))
        self.configs = configs
        self.evaluator = Evaluator(self, knowledge, configs)
        self.sites = CallSites(self)
        self._scripts: set[str] = set()
        self._libraries: dict[str, bool] = {}
        self._called: dict[Place, frozenset[str]] = {}
        self._storing: dict[str, list[Place]] | None = None

    def release(self) -> None:
        """Take apart what hangs on itself, so that its memory is free at once. Nothing can be asked then."""
        vars(self.evaluator).clear()
        vars(self.sites).clear()
        vars(self).clear()

    @cached_property
    def reach(self) -> Reach:
        """The units that the entry file may run."""
        return Reach(self.index, self.entry, self.closure.paths, _command_names(self.knowledge))

    @cached_property
    def outlines(self) -> dict[str, Outline]:
        """Outlines of the files in reach, by path."""
        found = {path: self.index.outlines.get(path) for path in self.closure.paths}
        return {path: outline for path, outline in found.items() if outline is not None}

    def configs_read(self) -> frozenset[str]:
        """Paths of the config files and config scripts that the evaluation loaded so far."""
        return self.configs.read | self._scripts

    def config_script(self, literal: str) -> str:
        """The path of a config script; see ProgramScope."""
        found = config_script(self.index, self.entry, literal)
        if found:
            self._scripts.add(found)
        return found

    def launched(self, flags: Sequence[str]) -> Sequence[tuple[str | bool | None, Span]]:
        """What every launch line of the program gives for an option; see ProgramScope."""
        return [(given.value, given.span) for given in self.launch.option(flags)]

    def interesting(self) -> Iterator[Place]:
        """Reached units that mention something the knowledge gives a meaning, in order.

        Units of a library that the program uses and the project holds are not among them: what they do for a
        program is known by its calls of them.
        """
        return (
            place for place in self.reach.places if self._matters(place) and not self.is_library(place[0])
        )

    def _matters(self, place: Place) -> bool:
        """Whether a unit mentions something known, starts a run, or calls a class that an attribute holds."""
        unit = self.reach.unit(place)
        return (
            not _NUMERIC_WORDS.issuperset(unit.mentions)
            or self._starts_run(place)
            or any(
                name.startswith("self.") and may_hold_class(name.rpartition(".")[2]) for name in unit.calls
            )
        )

    def _starts_run(self, place: Place) -> bool:
        """Whether a unit calls a class of the project that runs when it is made."""
        return bool(self._running_classes) and not self._callees(place).isdisjoint(self._running_classes)

    @cached_property
    def _running_classes(self) -> frozenset[str]:
        """The bare names of the project's classes that are made of a trainer that runs when it is made."""
        if not self.imports(runs_when_made):
            return frozenset()
        return frozenset(
            qualname.rpartition(".")[2]
            for path, qualname in self.reach.places
            if self.reach.unit((path, qualname)).kind == "class" and self.running_base(path, qualname)
        )

    def running_base(self, path: str, qualname: str) -> Entry | None:
        """The trainer that runs when it is made, of which a class is made; None for other classes."""
        bases = (self.knowledge.lookup(base) for base in self.foreign_bases(path, qualname))
        return next((base for base in bases if base is not None and runs_when_made(base)), None)

    def imports(self, wanted: Callable[[Entry], bool]) -> bool:
        """Whether a file in reach imports something the knowledge describes so."""
        targets = (each.target for outline in self.outlines.values() for each in outline.imports)
        entries = (self.knowledge.lookup(target) for target in targets)
        return any(entry is not None and wanted(entry) for entry in entries)

    def library(self, path: str, qualname: str) -> str:
        """The canonical name of a unit of a library that lies in the project, if it is described by name;
        "" otherwise."""
        if not qualname or not self.is_library(path):
            return ""
        outline = self.index.outlines.get(path)
        name = self.knowledge.canonical(f"{outline.module}.{qualname}") if outline is not None else ""
        entry = self.knowledge.lookup(name) if name else None
        return name if entry is not None else ""

    def is_library(self, path: str) -> bool:
        """Whether a file belongs to a library that is described as a whole, and that the entry is no part
        of."""
        if path not in self._libraries:
            outline, entry = (self.index.outlines.get(each) for each in (path, self.entry))
            root = outline.module.partition(".")[0] if outline is not None else ""
            own = entry.module.partition(".")[0] if entry is not None else ""
            self._libraries[path] = bool(root) and root != own and root in self.knowledge.wholes
        return self._libraries[path]

    def events(self, facts: UnitFacts) -> list[Event]:
        """A unit's events, without what only runs when an imported module is itself the script."""
        if facts.path == self.entry or facts.qualname:
            return facts.events
        return self.tables.imported(facts)

    def facts(self, path: str, qualname: str) -> UnitFacts | None:
        """The close reading of a unit."""
        return self.reader.facts(path, qualname, placed=True)

    def text(self, span: Span) -> str:
        """The source of a span as one line, shortened where it is long."""
        place = (span.line, span.column, span.end_line, span.end_column)
        text = " ".join(self.reader.text(span.path, place).split())
        return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"

    def call_sites(self, path: str, qualname: str) -> Sequence[tuple[Frame, int]]:
        """Calls in reached units whose callee is this function, or this class for its `__init__`."""
        return self.sites.of(path, qualname)

    def users(self, qualname: str) -> list[Place]:
        """Reached units that use the name of a function, a method or a method's class: an upper bound."""
        return self.sites.users(qualname)

    def with_users(self, places: Iterable[Place]) -> frozenset[Place]:
        """These units and those that may call them, directly or not, by name: an upper bound."""
        return self.sites.with_users(places)

    def resolve(self, path: str, qualname: str, name: str) -> tuple[str, str, str]:
        """(kind, path, qualname) of a member of a project class, or of a module when `qualname` is empty."""
        if not qualname:
            target = self.index.resolve(path, "", name)
            if target.path and not target.rest:
                return target.kind, target.path, target.qualname
            return "", "", ""
        method = self.index.method(path, qualname, name)
        if method.kind == "function":
            return "function", method.path, method.qualname
        for where, owner in self.lineage(path, qualname):
            body = self.facts(where, owner)
            if body is not None and name in body.bindings:
                return "variable", where, f"{owner}.{name}"
        return "", "", ""

    def imported(self, path: str, module: str) -> str:
        """The path of the project's module that a file means by an absolute name; "" where there is none."""
        found, whole = self.index.reach(path, Import("", module, 0))
        return found.path if found is not None and whole else ""

    def lineage(self, path: str, qualname: str) -> list[Place]:
        """A class and its project bases, nearest first."""
        return self.tables.lineage(path, qualname)

    def foreign_bases(self, path: str, qualname: str) -> Iterator[str]:
        """The absolute names of a class's bases outside the project, its project bases' included."""
        for where, owner in self.lineage(path, qualname):
            unit = self.index.unit(where, owner)
            for base in unit.bases if unit is not None else ():
                target = self.index.resolve(where, owner, base)
                if target.kind == "external":
                    yield target.absolute

    def methods(self, path: str, qualname: str) -> Sequence[Place]:
        """Every method of a class, its own first, then those of its project bases."""
        return self.tables.methods(path, qualname)

    def own_stores(self, path: str, qualname: str, name: str) -> Sequence[tuple[Place, Event]]:
        """What the methods of a class store in an attribute of `self`; see ProgramScope."""
        return self.tables.own_stores(path, qualname, name)

    def attribute_stores(self, name: str) -> Sequence[tuple[Frame, int, int]]:
        """(frame, base term, value term) of every `x.name = value` in reached units."""
        return self._stores_by_name.get(name, ())

    @cached_property
    def _stores_by_name(self) -> dict[str, list[tuple[Frame, int, int]]]:
        found: dict[str, list[tuple[Frame, int, int]]] = {}
        for place in self.interesting():
            frame = self.evaluator.root(*place)
            if frame is None:
                continue
            for event in self.events(frame.facts):
                if event.kind == "store-attr":
                    found.setdefault(event.name, []).append((frame, event.term, event.value))
        return found

    @cached_property
    def _rebound(self) -> frozenset[str]:
        return frozenset(
            event.name
            for place in self.interesting()
            if (facts := self.facts(*place)) is not None
            for event in facts.events
            if event.kind == "store-global"
        )

    def units_mentioning(self, word: str) -> Sequence[Place]:
        """Reached units in which a word of the vocabulary occurs."""
        return self.reach.mentioning((word,))

    def units_storing(self, name: str) -> Sequence[Place]:
        """Reached units that assign an attribute or constant key of this name."""
        if self._storing is None:
            self._storing = {}
            for place in self.reach.places:
                for each in self.reach.unit(place).stores:
                    self._storing.setdefault(each, []).append(place)
        return self._storing.get(name, ())

    def launched_words(self) -> Sequence[Sequence[tuple[str | None, Span]]]:
        """The words behind the program's name on each of its launch lines."""
        return [[(word.value, word.span) for word in line.words] for line in self.launch.lines]

    def launched_flags(self) -> Sequence[str]:
        """The flags that some launch line gives, each once."""
        return list(dict.fromkeys(flag for line in self.launch.lines for flag in line.options))

    def launched_keys(self) -> Mapping[str, Sequence[tuple[str | bool | None, Span]]]:
        """What every launch line gives for keys of a config; see ProgramScope."""
        keys = list(dict.fromkeys(key for line in self.launch.lines for key in line.overrides))
        given = {key: self.launch.override(key) for key in keys}
        return {key: [(each.value, each.span) for each in found] for key, found in given.items() if found}

    def decorators(self, path: str, qualname: str) -> Sequence[str]:
        """The decorators of a function or class as written, without arguments."""
        unit = self.index.unit(path, qualname)
        return unit.decorators if unit is not None else ()

    def units_calling(self, words: Collection[str]) -> Sequence[Place]:
        """Reached units that call something by one of these bare names."""
        found = {order for word in words for order in self._orders_by_callee.get(word, ())}
        return [self.reach.places[order] for order in sorted(found)]

    @cached_property
    def _orders_by_callee(self) -> dict[str, list[int]]:
        """Where among the reached units those stand that call something by a bare name."""
        orders: dict[str, list[int]] = defaultdict(list)
        for order, place in enumerate(self.reach.places):
            for name in self._callees(place):
                orders[name].append(order)
        return orders

    def _callees(self, place: Place) -> frozenset[str]:
        if place not in self._called:
            calls = self.reach.unit(place).calls
            self._called[place] = frozenset(name.rpartition(".")[2] for name in calls)
        return self._called[place]

    def rebound(self, name: str) -> bool:
        """Whether a `global` statement in reach rebinds "path::name"."""
        return name in self._rebound

    def kind(self, path: str, qualname: str) -> str:
        """What a module-level name is: function, class, module or variable."""
        if not qualname:
            return "module"
        unit = self.index.unit(path, qualname)
        return unit.kind if unit is not None else "variable"


def may_hold_class(name: str) -> bool:
    """Whether an attribute of that name may hold the class of an optimizer or a schedule."""
    words = set(words_of(name))
    return words <= _HELD_WORDS and bool(words & _HELD_KINDS)


def _command_names(knowledge: Knowledge) -> CommandNames:
    """The names by which the known libraries make commands of functions."""
    makers = {name: knowledge.lookup(name) for name in knowledge.of_kind("options", "command")}
    exposing = {
        name for name, entry in makers.items() if entry is not None and entry.extra.get("exposes") == "module"
    }
    return CommandNames(
        frozenset(knowledge.methods_of("command-group")),
        frozenset(name.rpartition(".")[2] for name in exposing),
    )


def _within_reach(closure: ClosureResult) -> ClosureResult:
    """The closure, cut where a program imports more files than are followed: absence is then uncertain."""
    if len(closure.paths) <= MAX_FILES:
        return closure
    beyond = (closure.paths[0], f"more than {MAX_FILES} files", 1)
    return msgspec.structs.replace(
        closure, paths=closure.paths[:MAX_FILES], unresolved=[*closure.unresolved, beyond]
    )
