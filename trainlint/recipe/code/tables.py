"""What linking asks of a project's units and classes that no program changes: worked out once for all of
them."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from trainlint.analysis.branches import is_main_guard
from trainlint.analysis.close.reader import Reader
from trainlint.analysis.evaluation.post_init import stores_own
from trainlint.analysis.facts import Event, UnitFacts
from trainlint.analysis.index.project import ProjectIndex
from trainlint.analysis.index.record import Remembered
from trainlint.recipe.code.reach import Place

_Positions = dict[str, list[int]]


@dataclasses.dataclass(slots=True)
class CallTable:
    """A unit's call events in order, and where among them a project function is called by its name, is handed
    on as an argument, or a method of a name is called."""

    terms: list[int] = dataclasses.field(default_factory=list)
    by_name: _Positions = dataclasses.field(default_factory=dict)
    by_argument: _Positions = dataclasses.field(default_factory=dict)
    by_method: _Positions = dataclasses.field(default_factory=dict)

    def of(self, function: str, method: str, *, handed: bool) -> list[int]:
        """The terms of the calls that may be of a function ("path::name") or of a method of that name, in
        order; with those that are handed the function."""
        found = {*self.by_name.get(function, ()), *self.by_method.get(method, ())}
        if handed:
            found.update(self.by_argument.get(function, ()))
        return [self.terms[position] for position in sorted(found)]


class ProjectTables:
    """Tables over units and classes, each filled when it is asked for."""

    def __init__(self, index: ProjectIndex, reader: Reader) -> None:
        self.index = index
        self.reader = reader
        self._lineages = Remembered(index.recorder, self._find_lineage)
        self._methods = Remembered(index.recorder, self._find_methods)
        self._stores = Remembered(index.recorder, self._find_stores)
        self._bare_calls = Remembered(index.recorder, self._find_bare_calls)
        # What follows from facts alone needs no trail: whoever asks has read them.
        self._imported: dict[str, list[Event]] = {}
        self._calls: dict[tuple[Place, bool], CallTable] = {}

    def bare_calls(self, path: str) -> frozenset[str]:
        """The last parts of the names of all that a file calls."""
        return self._bare_calls(path)

    def _find_bare_calls(self, path: str) -> frozenset[str]:
        outline = self.index.outlines.get(path)
        units = outline.units if outline is not None else ()
        return frozenset(name.rpartition(".")[2] for unit in units for name in unit.calls)

    def facts(self, path: str, qualname: str) -> UnitFacts | None:
        """The close reading of a unit, with the place of every term."""
        return self.reader.facts(path, qualname, placed=True)

    def lineage(self, path: str, qualname: str) -> list[Place]:
        """A class and its project bases, nearest first."""
        return self._lineages((path, qualname))

    def _find_lineage(self, key: Place) -> list[Place]:
        found: dict[Place, None] = {}
        waiting = [key]
        while waiting:
            place = waiting.pop(0)
            if place in found:
                continue
            found[place] = None
            unit = self.index.unit(*place)
            for base in unit.bases if unit is not None else ():
                target = self.index.resolve(place[0], place[1], base)
                if target.kind == "class":
                    waiting.append((target.path, target.qualname))
        return list(found)

    def methods(self, path: str, qualname: str) -> list[Place]:
        """Every method of a class, its own first, then those of its project bases."""
        return self._methods((path, qualname))

    def _find_methods(self, key: Place) -> list[Place]:
        found: list[Place] = []
        for where, owner in self.lineage(*key):
            outline = self.index.outlines.get(where)
            units = outline.units if outline is not None else []
            functions = (unit.qualname for unit in units if unit.kind == "function")
            found += [(where, name) for name in functions if name.rpartition(".")[0] == owner]
        return found

    def own_stores(self, path: str, qualname: str, name: str) -> Sequence[tuple[Place, Event]]:
        """What the methods of a class store in an attribute of `self`: method and event, in order."""
        return self._stores((path, qualname)).get(name, ())

    def _find_stores(self, key: Place) -> dict[str, list[tuple[Place, Event]]]:
        stores: dict[str, list[tuple[Place, Event]]] = {}
        for place in self.methods(*key):
            facts = self.facts(*place)
            for event in facts.events if facts is not None else ():
                if facts is not None and stores_own(facts, event):
                    stores.setdefault(event.name, []).append((place, event))
        return stores

    def imported(self, facts: UnitFacts) -> list[Event]:
        """The events of a module that is imported: without those under its main guard."""
        if facts.path not in self._imported:
            events = [event for event in facts.events if not _under_main_guard(facts, event)]
            self._imported[facts.path] = events
        return self._imported[facts.path]

    def calls(self, facts: UnitFacts, events: Collection[Event]) -> CallTable:
        """The calls among a unit's events: all of them, or those of an imported module."""
        key = ((facts.path, facts.qualname), events is facts.events)
        if key not in self._calls:
            self._calls[key] = _call_table(facts, events)
        return self._calls[key]


def _call_table(facts: UnitFacts, events: Collection[Event]) -> CallTable:
    table = CallTable()
    for event in events:
        if event.kind != "call":
            continue
        position = len(table.terms)
        table.terms.append(event.term)
        callee, *arguments = (facts.terms[index] for index in facts.terms[event.term].args)
        if callee.op in ("global", "attr"):
            positions = table.by_name if callee.op == "global" else table.by_method
            positions.setdefault(callee.name, []).append(position)
        for argument in arguments:
            if argument.op == "global" and "::" in argument.name:
                table.by_argument.setdefault(argument.name, []).append(position)
    return table


def _under_main_guard(facts: UnitFacts, event: Event) -> bool:
    return any(is_main_guard(facts.terms, condition.term) for condition in event.conditions)
