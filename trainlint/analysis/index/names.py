"""What names mean inside one unit, as the interpreter asks for them."""

from __future__ import annotations

from collections.abc import Mapping

from trainlint.analysis.facts import Outline, Unit
from trainlint.analysis.index.project import ProjectIndex
from trainlint.analysis.index.targets import Target


class Names:
    """Absolute names of a unit's names, memoised.

    `conventions` maps names that are used unbound by convention to what they stand for: `nn` → `torch.nn`.
    One that is no abbreviation (`Dense` → `keras.layers.Dense`) is left alone where a star import of another
    package may bind it.
    """

    def __init__(
        self, index: ProjectIndex, conventions: Mapping[str, str], outline: Outline, unit: Unit
    ) -> None:
        self._index = index
        self._outline = outline
        self._conventions = conventions
        self._path = outline.path
        self._unit = unit.qualname
        self._memo: dict[str, Target] = {}

    def absolute(self, dotted: str) -> Target:
        """What a dotted name that the unit's environment does not hold means: an import, a definition, a
        builtin ("builtins.len"), or what it stands for by convention. Else kind unknown; so it is for
        attributes of a variable or function of the project (`cfg.lr`), which the index cannot follow: ask for
        the name before them."""
        target = self._memo.get(dotted)
        if target is None:
            target = self._memo[dotted] = self._look_up(dotted)
        return target

    def around(self) -> Names:
        """The names of what encloses the unit: decorators and the defaults of parameters are read there."""
        enclosing = self._unit.rpartition(".")[0]
        around = next((unit for unit in self._outline.units if unit.qualname == enclosing), None)
        return self if around is None else Names(self._index, self._conventions, self._outline, around)

    def _look_up(self, dotted: str) -> Target:
        target = self._index.resolve(self._path, self._unit, dotted)
        if target.rest:
            return Target("unknown", target.absolute, missed=target.missed)
        head, dot, rest = dotted.partition(".")
        convention = self._conventions.get(head)
        if target.kind != "unknown" or convention is None or self._index.binds(self._path, head):
            return target
        if convention.endswith(f".{head}") and self._may_be_starred(convention.partition(".")[0]):
            return target
        return Target("external", convention + dot + rest, missed=target.missed)

    def _may_be_starred(self, package: str) -> bool:
        """Whether the file takes all names from something that is no part of a package: `tensorflow.keras` is
        a part of keras."""
        stars = (each.target.split(".") for each in self._outline.imports if each.local == "*")
        return any(package not in parts for parts in stars)
