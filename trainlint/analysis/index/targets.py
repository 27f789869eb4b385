"""What the project index answers, and one file's lookup tables."""

from __future__ import annotations

import msgspec

from trainlint.analysis.facts import Import, Outline, Unit


class Target(msgspec.Struct, frozen=True):
    """What a dotted name means.

    `kind`: function, class, module, variable (of the project: `path` and `qualname` say where), external
    (`absolute` is the name as imported, "torch.optim.SGD", or "builtins.len"), local (a parameter, or an
    attribute of `self` that is no method), unknown. `rest` are trailing attributes that were not followed
    ("info" for `logger.info`); `absolute` has them too.
    `alternatives` are qualnames in the same file that the name may mean as well, where it is defined under
    conditions.
    `missed` are absolute names that were looked for and not found: were they to appear, the answer could
    change.
    """

    kind: str
    absolute: str
    path: str = ""
    qualname: str = ""
    rest: str = ""
    alternatives: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()


class ClosureResult(msgspec.Struct):
    """The files a program reaches by imports: the entry first, each file after the first one that imports it.

    `external` maps imported names that are no project files to the paths that import them. `unresolved` are
    (path, target, line) of imports that should mean something of the project and do not. `broken` files are
    reached but unreadable.
    """

    paths: list[str]
    external: dict[str, list[str]]
    unresolved: list[tuple[str, str, int]]
    broken: list[str]


class Module:
    """An outline with its lookup tables.

    `home` is the folder that its dotted name starts from; `definitions` maps a qualname without its last "#n"
    to the units of that name; imports of units map (unit, local name) to the import.
    """

    __slots__ = (
        "definitions",
        "home",
        "imports",
        "name",
        "outline",
        "path",
        "stars",
        "symbols",
        "unit_imports",
        "units",
    )

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.path = outline.path
        self.name = outline.module
        self.symbols = outline.symbols
        self.units = {unit.qualname: unit for unit in outline.units}
        self.definitions: dict[str, list[Unit]] = {}
        for unit in outline.units:
            self.definitions.setdefault(_without_count(unit.qualname), []).append(unit)
        self.imports: dict[str, Import] = {}
        self.unit_imports: dict[tuple[str, str], Import] = {}
        self.stars: list[Import] = []
        for entry in outline.imports:
            if entry.local == "*":
                self.stars.append(entry)
            elif entry.unit and entry.local:
                self.unit_imports.setdefault((entry.unit, entry.local), entry)
            elif entry.local:
                self.imports.setdefault(entry.local, entry)
        levels = len(outline.module.split(".")) if outline.module else 0
        folders = outline.path.split("/")[: -1 if outline.is_package else None]
        self.home = "/".join(folders[: max(len(folders) - levels, 0)])

    @property
    def is_opaque(self) -> bool:
        """Whether the module may hold names that its text does not show."""
        return "__getattr__" in self.symbols or any(name != "sys.path" for name in self.outline.dynamic)

    def definition(self, qualname: str) -> tuple[Unit, tuple[str, ...]] | None:
        """The unit that a name means once the body has run, and the qualnames of others it may mean."""
        units = self.definitions.get(qualname)
        if not units:
            return None
        if len(units) == 1:
            return units[0], ()
        units = [unit for unit in units if not _is_partial(unit)] or units
        certain = [index for index, unit in enumerate(units) if not unit.conditional]
        if not certain:
            return units[0], tuple(unit.qualname for unit in units[1:])
        last = certain[-1]
        return units[last], tuple(unit.qualname for unit in units[last + 1 :])

    def exports(self, name: str) -> bool:
        """Whether `from module import *` would bind a name, were the module to have it."""
        listed = self.outline.exports
        return name in listed if listed is not None else not name.startswith("_")


def _without_count(qualname: str) -> str:
    owner, dot, name = qualname.rpartition(".")
    return owner + dot + name.partition("#")[0]


def _is_partial(unit: Unit) -> bool:
    """Setters, deleters and overloads share the name of the function proper."""
    return any(
        decorator.rpartition(".")[2] in ("setter", "deleter", "overload") for decorator in unit.decorators
    )
