"""What the numeric analysis of a unit asks of others: what they return, need, and leave in attributes."""

from __future__ import annotations

from collections.abc import Callable

from trainlint.analysis.close.site_words import has_needs
from trainlint.analysis.facts import NumericSummary, Precondition, UnitFacts
from trainlint.analysis.index.callers import last_name
from trainlint.analysis.index.project import ProjectIndex
from trainlint.analysis.index.record import Remembered
from trainlint.analysis.index.targets import Target
from trainlint.analysis.numerics.held import held, tells

Place = tuple[str, str]
"""Path and qualified name of a unit."""

_SETTERS = 8
"""Of an attribute that more methods assign nothing is known but what `__init__` leaves in it."""


class Setters:
    """The methods of classes and their bases by the attributes they assign, the class's own first."""

    def __init__(self, index: ProjectIndex) -> None:
        self._index = index
        self._found = Remembered(index.recorder, self._find)

    def of(self, owner: Place, name: str) -> list[Place]:
        """The methods that assign `self.name`."""
        return self._found(owner).get(name, [])

    def _find(self, owner: Place) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = {}
        for each in self._index.lineage(*owner):
            outline = self._index.outlines.get(each.path) if each.kind == "class" else None
            for unit in outline.units if outline is not None else ():
                if unit.kind == "function" and unit.qualname.rpartition(".")[0] == each.qualname:
                    for name in unit.stores:
                        found.setdefault(name, []).append((each.path, unit.qualname))
        return found


class OtherUnits:
    """Answers for one unit, by the names its terms have: "path::f", "path::C()" for an object of a class that
    is called, "self.f". `facts` reads a unit; `uses` notes every unit that was asked."""

    def __init__(
        self,
        index: ProjectIndex,
        facts: Callable[[str, str], UnitFacts | None],
        setters: Setters,
        unit: Place,
        uses: dict[str, None],
    ) -> None:
        self._index = index
        self._facts = facts
        self._setters = setters
        self._unit = unit
        self._uses = uses

    def summary(self, name: str) -> NumericSummary | None:
        """What a callee is known to return: a project function, or a method called on `self`."""
        place = self._callee(name)
        facts = self._read(place) if place is not None else None
        return None if facts is None else facts.summary

    def preconditions(self, name: str) -> list[Precondition]:
        """What a callee needs of its parameters. One without sites is not read for that: nothing."""
        place = self._callee(name)
        if place is None or place == self._unit:
            return []
        head = self._index.declared(*place)
        facts = self._read(place) if head is not None and has_needs(head) else None
        return [] if facts is None else facts.preconditions

    def attribute(self, name: str) -> NumericSummary | None:
        """What the methods of the unit's class and its bases leave in `self.name`."""
        path, qualname = self._unit
        owner = qualname.rpartition(".")[0]
        setters = self._setters.of((path, owner), name) if owner else []
        places = [place for place in setters if place != self._unit]
        making = [place for place in places if last_name(place[1]) == "__init__"]
        first = self._left(making[0], name) if making else None
        later = [place for place in places if place not in making]
        if tells(first) or len(later) > _SETTERS:
            return first
        return held(first, [self._left(place, name) for place in later])

    def _left(self, place: Place, name: str) -> NumericSummary | None:
        """What a method leaves in `self.name`."""
        facts = self._read(place)
        return None if facts is None else facts.attributes.get(name)

    def _read(self, place: Place) -> UnitFacts | None:
        self._uses["::".join(place)] = None
        return self._facts(*place)

    def _callee(self, name: str) -> Place | None:
        """The place of what is called."""
        path, separator, qualname = name.partition("::")
        if not separator:
            owner, _, method = name.partition(".")
            if owner != "self" or not method:
                return None
            target = self._index.method(self._unit[0], self._unit[1].rpartition(".")[0], method)
            return (target.path, target.qualname) if target.kind == "function" else None
        if qualname.endswith("()"):
            called = self._called(path, qualname[:-2])
            return None if called is None else (called.path, called.qualname)
        return path, qualname

    def _called(self, path: str, qualname: str) -> Target | None:
        """The method that runs when an object of a class is called."""
        for method in ("forward", "call", "__call__"):
            target = self._index.method(path, qualname, method)
            if target.kind == "function":
                return target
        return None
