"""Classes of the project: order of bases, methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainlint.analysis.index.modules import is_standard
from trainlint.analysis.index.record import Remembered
from trainlint.analysis.index.targets import Target

if TYPE_CHECKING:
    from trainlint.analysis.index.project import ProjectIndex

Key = tuple[str, str]


class ClassTable:
    """Answers about classes; every base is resolved once."""

    def __init__(self, index: ProjectIndex) -> None:
        self._index = index
        self._bases = Remembered(index.recorder, self._find_bases)
        self._lines = Remembered(index.recorder, self._linearize)

    def lineage(self, path: str, qualname: str) -> list[Target]:
        """A class and its ancestors in the order attributes are looked up: a shared base after all that
        derive from it.

        External and unknown bases stand where they are named. Empty where there is no such class.
        """
        return self._lines((path, qualname))

    def _linearize(self, place: Key) -> list[Target]:
        path, qualname = place
        unit = self._index.declared(path, qualname)
        if unit is None or unit.kind != "class":
            return []
        order: list[Target] = []
        entered: set[Key] = set()
        stack = [(self._index.target_of(path, unit), False)]
        while stack:
            target, leaving = stack.pop()
            key = _key(target)
            if leaving:
                order.append(target)
            elif key not in entered:
                entered.add(key)
                stack.append((target, True))
                stack.extend((base, False) for base in self.bases(target))
        order.reverse()
        return order

    def bases(self, target: Target) -> list[Target]:
        """The direct bases of a class of the project, as written; none of others."""
        if target.kind != "class":
            return []
        return self._bases(_key(target))

    def _find_bases(self, place: Key) -> list[Target]:
        path, qualname = place
        unit = self._index.declared(path, qualname)
        scope = qualname.rpartition(".")[0]
        return [self._index.resolve(path, scope, name) for name in (unit.bases if unit else ())]

    def method(self, path: str, qualname: str, name: str) -> Target:
        """See ProjectIndex.method."""
        external: list[Target] = []
        unknown = False
        for owner in self.lineage(path, qualname):
            if owner.kind == "class":
                found = self._index.define(owner.path, f"{owner.qualname}.{name}")
                if found:
                    return found if not unknown else Target("unknown", found.absolute, missed=found.missed)
            elif owner.kind == "external":
                external.append(owner)
            else:
                unknown = True
        wanted = f"{qualname}.{name}"
        telling = [owner for owner in external if not is_standard(owner.absolute)] or external
        if not unknown and len(telling) == 1:
            return Target("external", f"{telling[0].absolute}.{name}", missed=(wanted,))
        return Target("unknown", wanted, path, missed=(wanted,))

    def is_subclass_of(self, path: str, qualname: str, names: frozenset[str]) -> bool | None:
        """See ProjectIndex.is_subclass_of."""
        lineage = self.lineage(path, qualname)
        if any(owner.absolute in names for owner in lineage):
            return True
        closed = all(
            owner.kind == "class" or (owner.kind == "external" and is_standard(owner.absolute))
            for owner in lineage
        )
        return False if lineage and closed else None


def _key(target: Target) -> Key:
    return (target.path, target.qualname) if target.kind == "class" else ("", target.absolute)
