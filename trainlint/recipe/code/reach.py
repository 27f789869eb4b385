"""Which units a program may run: from its entry's body through calls, references and what frameworks call
back.

Calls are matched by name, so the answer is an upper bound: what is not reached here is certainly not run.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from trainlint.analysis.facts import Outline, Unit
from trainlint.analysis.index.project import ProjectIndex

Place = tuple[str, str]
"""Path and qualified name of a unit."""

_INIT = "__init__"
_ASKED = frozenset({"__getattr__", "__dir__"})
"""Functions of a module that are called where it lacks a name."""


@dataclasses.dataclass(frozen=True, slots=True)
class CommandNames:
    """Bare names by which libraries make commands of functions.

    `registering`: decorators after which the library calls the function; `exposing`: functions that are shown
    functions or classes, or their whole module, and call what the command line names.
    """

    registering: frozenset[str] = frozenset()
    exposing: frozenset[str] = frozenset()


class Reach:
    """The units a program may run. `places` is sorted; a class's body is reached when its module is
    imported."""

    def __init__(
        self, index: ProjectIndex, entry: str, paths: Sequence[str], commands: CommandNames | None = None
    ) -> None:
        self.index = index
        self._commands = commands or CommandNames()
        self.entry = entry
        self.paths = tuple(paths)
        self._functions: dict[str, list[Place]] = {}
        self._scripts: dict[str, list[Place]] = {}
        self._classes: dict[str, list[Place]] = {}
        self._methods: dict[Place, list[Unit]] = {}
        self._units: dict[Place, Unit] = {}
        self._aliases: dict[str, dict[str, str]] = {}
        for path in paths:
            outline = index.outlines.get(path)
            if outline is not None:
                self._collect(outline)
        self._reached: dict[Place, None] = {}
        self._live_classes: dict[Place, None] = {}
        self._names: set[str] = set()
        self._own_names: dict[str, frozenset[str]] = {}
        self._waiting_methods: dict[str, list[Place]] = {}
        self._queue: deque[Place] = deque()
        self._run()
        self.places: tuple[Place, ...] = tuple(sorted(self._reached))

    def __contains__(self, place: Place) -> bool:
        return place in self._reached

    def unit(self, place: Place) -> Unit:
        """The outline of a reached unit."""
        return self._units[place]

    def names_used(self, place: Place) -> list[str]:
        """The plain names a unit calls, refers to or is decorated with; imported ones by own name too.

        Without those that only count where the unit's module is the script that is run.
        """
        unit = self._units[place]
        aliases = self._aliases[place[0]]
        skipped = frozenset(unit.guarded if place[0] != self.entry else ())
        used: dict[str, None] = {}
        for dotted in (*unit.calls, *unit.references, *unit.decorators):
            if dotted in skipped:
                continue
            name = dotted.rpartition(".")[2]
            used[name] = None
            if name in aliases:
                used[aliases[name]] = None
        return list(used)

    def mentioning(self, words: Iterable[str]) -> list[Place]:
        """Reached units in which one of the words of the vocabulary occurs."""
        wanted = frozenset(words)
        return [place for place in self.places if not wanted.isdisjoint(self._units[place].mentions)]

    def _collect(self, outline: Outline) -> None:
        imported = {entry.local: entry.target.rpartition(".")[2] for entry in outline.imports if entry.local}
        self._aliases[outline.path] = {local: name for local, name in imported.items() if local != name}
        for unit in outline.units:
            place = (outline.path, unit.qualname)
            self._units[place] = unit
            simple = unit.qualname.rpartition(".")[2].partition("#")[0]
            if unit.kind == "class":
                self._classes.setdefault(simple, []).append(place)
            elif unit.kind == "function":
                owner = unit.qualname.rpartition(".")[0]
                if owner:
                    self._methods.setdefault((outline.path, owner), []).append(unit)
                elif outline.path == self.entry:
                    # A module may be a value, and its functions members of it; the script that is run is not.
                    self._scripts.setdefault(simple, []).append(place)
                else:
                    self._functions.setdefault(simple, []).append(place)

    def _run(self) -> None:
        for path in self.paths:
            outline = self.index.outlines.get(path)
            for unit in outline.units if outline is not None else ():
                registered = not self._commands.registering.isdisjoint(map(_last, unit.decorators))
                if unit.kind in ("module", "class") or registered or unit.qualname in _ASKED:
                    self._add((path, unit.qualname))
        while self._queue:
            self._visit(self._queue.popleft())

    def _add(self, place: Place) -> None:
        if place not in self._reached and place in self._units:
            self._reached[place] = None
            self._queue.append(place)

    def _visit(self, place: Place) -> None:
        if not self._commands.exposing.isdisjoint(map(_last, self._units[place].calls)):
            self._expose(place)
        own = self._means_own(place)
        for name in self.names_used(place):
            self._use_named(name, place[0]) if name in own else self._use(name)
        for function in self._own(place):
            self._add(function)

    def _own(self, place: Place) -> Iterator[Place]:
        """The functions of the entry file that a unit names: not those that only share a member's name."""
        unit, aliases = self._units[place], self._aliases[place[0]]
        for dotted in (*unit.calls, *unit.references, *unit.decorators):
            head, separator, _ = dotted.partition(".")
            name = aliases.get(head, head) if not separator else _last(dotted)
            for target in self._scripts.get(name, ()):
                own = place[0] == self.entry and not separator
                if own or self.index.resolve(place[0], place[1], dotted).path == self.entry:
                    yield target

    def _expose(self, place: Place) -> None:
        """A library may call any function that it is shown: those named, with all methods of classes."""
        path = place[0]
        for name in self._units[place].references:
            for owner in self._classes.get(name, ()):
                self._enliven(owner)
                for unit in self._methods.get(owner, ()):
                    self._add((owner[0], unit.qualname))
        for places in (*self._functions.values(), *self._scripts.values()):
            for each in places:
                if each[0] == path:
                    self._add(each)

    def _means_own(self, place: Place) -> set[str]:
        """The names by which a unit can only mean the functions of its own file: plain, not imported there,
        and not also the name of an attribute it calls or hands on."""
        unit, path = self._units[place], place[0]
        plain = {name for name in (*unit.calls, *unit.references) if "." not in name}
        dotted = {_last(name) for name in (*unit.calls, *unit.decorators) if "." in name}
        return (plain & self._own_functions(path)) - dotted - set(unit.handed)

    def _own_functions(self, path: str) -> frozenset[str]:
        """The functions that a file defines in any case, and whose names no import in it binds."""
        if path not in self._own_names:
            outline = self.index.outlines[path]
            found = {
                unit.qualname for unit in outline.units if unit.kind == "function" and not unit.conditional
            }
            self._own_names[path] = frozenset(found - {entry.local for entry in outline.imports})
        return self._own_names[path]

    def _use_named(self, name: str, path: str) -> None:
        """Reach what a name may mean that is not another file's function."""
        for each in self._functions.get(name, ()):
            if each[0] == path:
                self._add(each)
        for each in self._waiting_methods.get(name, ()):
            self._add(each)

    def _use(self, name: str) -> None:
        if name in self._names:
            return
        self._names.add(name)
        for place in self._functions.get(name, ()):
            self._add(place)
        for place in self._waiting_methods.pop(name, ()):
            self._add(place)
        for place in self._classes.get(name, ()):
            self._enliven(place)

    def _enliven(self, place: Place) -> None:
        if place in self._live_classes:
            return
        self._live_classes[place] = None
        foreign = self._has_foreign_base(place)
        for unit in self._methods.get(place, ()):
            name = unit.qualname.rpartition(".")[2].partition("#")[0]
            method = (place[0], unit.qualname)
            if foreign or name in self._names or (name.startswith("__") and name.endswith("__")):
                self._add(method)
            else:
                self._waiting_methods.setdefault(name, []).append(method)
        for base in self._units[place].bases:
            self._use(base.rpartition(".")[2])

    def _has_foreign_base(self, place: Place) -> bool:
        path, qualname = place
        for base in self._units[place].bases:
            target = self.index.resolve(path, qualname, base)
            if target.kind != "class":
                return base not in ("object", "ABC", "Enum")
            if self._has_foreign_base_of(target.path, target.qualname):
                return True
        return False

    def _has_foreign_base_of(self, path: str, qualname: str) -> bool:
        place = (path, qualname)
        if place not in self._units or len(self._units[place].bases) == 0:
            return False
        return any(
            self.index.resolve(path, qualname, base).kind != "class" for base in self._units[place].bases
        )


def _last(dotted: str) -> str:
    return dotted.rpartition(".")[2]
