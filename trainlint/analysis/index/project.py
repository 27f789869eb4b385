"""All outlines together: what a name in one file means in the project, and which files a program reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trainlint.analysis.facts import Import, Outline, Unit
from trainlint.analysis.index.classes import ClassTable
from trainlint.analysis.index.closure import ImportGraph
from trainlint.analysis.index.modules import (
    BUILTINS,
    FileTree,
    Found,
    folder_of,
    is_standard,
    join,
    module_name,
)
from trainlint.analysis.index.record import EVERYTHING, Recorder
from trainlint.analysis.index.recorded import Modules, Outlines
from trainlint.analysis.index.targets import ClosureResult, Module, Target
from trainlint.findings import Notice

__all__ = ["ClosureResult", "ProjectIndex", "Target", "module_name"]

Seen = set[tuple[str, str]]
"""(path, name) pairs a query has been to: what was unknown there once is not asked again, so cycles end."""


class ProjectIndex:
    """The project's files by path and name. Pure: the same outlines give the same answers, in any order.

    `broken` are files that exist and could not be read: imports may mean them, names in them are unknown.
    `notices` say why. `recorder` is told which files every answer rests on.
    """

    def __init__(
        self, outlines: Iterable[Outline], broken: Iterable[str] = (), notices: Iterable[Notice] = ()
    ) -> None:
        self.recorder = Recorder()
        self.outlines = Outlines(outlines, self.recorder)
        self._broken = frozenset(broken)
        self._why = {notice.path: (notice.line, notice.message) for notice in notices}
        scripts = {path for path, outline in self.outlines.items() if outline.main_guard}
        self._tree = FileTree({*self.outlines, *self._broken}, scripts, self.recorder)
        self._modules = Modules(self.outlines.values(), self.recorder)
        self._classes = ClassTable(self)
        self._graph = ImportGraph(self, self._tree, self._broken)

    def paths(self) -> list[str]:
        """The paths of all outlines, sorted."""
        return list(self.outlines)

    def why_broken(self, path: str) -> tuple[int, str]:
        """The line at which a file could not be read, and why not; line 1 and "" where that was not told."""
        self.recorder.content(path)
        return self._why.get(path, (1, ""))

    @property
    def unread(self) -> list[str]:
        """The files that could not be read, sorted."""
        self.recorder.other(EVERYTHING)
        return sorted(self._broken)

    def by_path(self, path: str) -> Outline | None:
        """The outline of a file."""
        return self.outlines.get(path)

    def unit(self, path: str, qualname: str) -> Unit | None:
        """A unit of a file."""
        self.recorder.content(path)
        return self.declared(path, qualname)

    def declared(self, path: str, qualname: str) -> Unit | None:
        """A unit of a file, of which only the head is used: its kind, bases, decorators, parameters."""
        module = self._modules.get(path)
        return module.units.get(qualname) if module else None

    def place_state(self, where: str) -> int:
        """What stands at a path without ending: a package (1), a module (2), a folder (4), or several."""
        return self._tree.state(where)

    def root_folders(self, folder: str, *, script: bool) -> list[tuple[str, bool]]:
        """Where the files of a folder may find modules, and which of these places are weak guesses."""
        return [(root.folder, root.weak) for root in self._tree.roots_of(folder, script=script)]

    def resolve(self, path: str, unit_qualname: str, dotted: str) -> Target:
        """What a dotted name written in a unit means, as far as imports, definitions and classes tell.

        Names that the unit's own statements bind are not known here: ask for those that its environment does
        not hold.
        """
        module = self._modules.get(path)
        parts = tuple(dotted.split("."))
        if module is None or parts[0] in ("", "()", "[]"):
            return Target("unknown", dotted)
        entry = module.unit_imports.get((unit_qualname, parts[0]))
        if entry:
            return self._imported(module, entry, parts[1:], set())
        unit = module.units.get(unit_qualname)
        found = self._in_unit(module, unit, parts) if unit and unit_qualname else None
        if found:
            return found
        target = self._member(module, parts, set())
        if target.kind == "unknown" and parts[0] in BUILTINS and parts[0] not in module.symbols:
            return Target("external", f"builtins.{dotted}", missed=target.missed)
        return target

    def _in_unit(self, module: Module, unit: Unit, parts: tuple[str, ...]) -> Target | None:
        """Parameters, attributes of `self` and, in a class's body, its members."""
        head = parts[0]
        if unit.kind == "class":
            return self._definition(module, f"{unit.qualname}.{head}", parts[1:])
        if not any(parameter.name == head for parameter in unit.params):
            return None
        owner = unit.qualname.rpartition(".")[0]
        if (
            owner
            and len(parts) == 2
            and head == unit.params[0].name
            and "staticmethod" not in unit.decorators
        ):
            method = self.method(module.path, owner, parts[1])
            if method.path:
                return method
        return Target("local", ".".join(parts))

    def binds(self, path: str, name: str) -> bool:
        """Whether a statement of the module's body binds a name."""
        module = self._modules.get(path)
        return module is not None and name in module.symbols

    def method(self, path: str, class_qualname: str, name: str) -> Target:
        """The method or nested class that an attribute of a class means, bases searched.

        With a single external base left: kind external, "torch.nn.Module.train"; with a base that is unknown:
        unknown.
        """
        return self._classes.method(path, class_qualname, name)

    def is_subclass_of(self, path: str, class_qualname: str, names: frozenset[str]) -> bool | None:
        """Whether a class is or derives from one of these absolute names; None where a base's own bases are
        not known."""
        return self._classes.is_subclass_of(path, class_qualname, names)

    def lineage(self, path: str, class_qualname: str) -> list[Target]:
        """A class and its ancestors in the order attributes are looked up; empty where there is none."""
        return self._classes.lineage(path, class_qualname)

    def target_of(self, path: str, unit: Unit) -> Target:
        """The target that means exactly this unit of a file."""
        module = self._modules[path].name
        absolute = f"{module}.{unit.qualname}" if module else unit.qualname
        return Target(unit.kind, absolute, path, unit.qualname)

    def define(self, path: str, qualname: str) -> Target | None:
        """The definition a qualname (without "#n" at its end) means in a file."""
        module = self._modules.get(path)
        return self._definition(module, qualname, ()) if module else None

    def _imported(self, module: Module, entry: Import, rest: tuple[str, ...], seen: Seen) -> Target:
        return self._absolute(module, (*entry.target.split("."), *rest), entry.relative, seen)

    def _absolute(self, module: Module, parts: tuple[str, ...], relative: bool, seen: Seen) -> Target:
        """What an absolute dotted name means to a file."""
        refused: Target | None = None
        for found, weak in self._candidates(module, parts, relative):
            target = self._follow(found, seen)
            if target.kind != "unknown":
                return target
            if not weak and refused is None:
                refused = target
        dotted = ".".join(parts)
        if relative:
            return refused or Target("unknown", dotted, missed=(dotted,))
        return refused or Target("external", dotted, missed=(parts[0],))

    def _candidates(
        self, module: Module, parts: tuple[str, ...], relative: bool
    ) -> Iterator[tuple[Found, bool]]:
        """The project's files a dotted name may start with, the likeliest first, and whether each is a weak
        guess."""
        if relative:
            found = self._tree.locate(module.home, parts)
            if found:
                yield found, False
            return
        for root in self._tree.roots(module.path):
            if root.weak and is_standard(parts[0]):
                continue
            found = self._tree.locate(root.folder, parts)
            if found and (module.outline.is_package or found.path != module.path):
                yield found, root.weak

    def _follow(self, found: Found, seen: Seen) -> Target:
        """The meaning of the names left after a file."""
        module = self._modules.get(found.path)
        if module is None:
            return Target("unknown", ".".join(found.rest), path=found.path)
        if found.rest:
            return self._member(module, found.rest, seen)
        return self._rebound(module, seen) or Target("module", module.name, module.path)

    def _rebound(self, module: Module, seen: Seen) -> Target | None:
        """What a package binds to its submodule's name instead: `from .train import train` in its
        `__init__`."""
        folder, _, name = module.path.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")
        package = self._modules.get(join(folder, "__init__.py"))
        if package is None or package is module or (package.path, name) in seen:
            return None
        kind = package.symbols.get(name)
        entry = package.imports.get(name)
        if kind == "import" and entry and entry.target == module.name:
            return None
        if kind not in ("function", "class", "import"):
            return None
        target = self._member(package, (name,), seen)
        return target if target.kind in ("function", "class", "variable") else None

    def _member(self, module: Module, parts: tuple[str, ...], seen: Seen) -> Target:
        """The meaning of a dotted name in a module's namespace."""
        head = parts[0]
        dotted = ".".join([module.name, *parts]) if module.name else ".".join(parts)
        if (module.path, head) in seen:
            return Target("unknown", dotted)
        seen.add((module.path, head))
        kind = module.symbols.get(head)
        entry = module.imports.get(head)
        if kind == "import" and entry:
            return self._imported(module, entry, parts[1:], seen)
        if kind == "variable":
            return Target("variable", dotted, module.path, head, ".".join(parts[1:]))
        definition = self._definition(module, head, parts[1:]) if kind else None
        if definition:
            return definition
        return self._unbound(module, parts, dotted, seen)

    def _unbound(self, module: Module, parts: tuple[str, ...], dotted: str, seen: Seen) -> Target:
        """A name that no statement of the module binds: star imports and submodules may."""
        external: list[str] = []
        for star in reversed(module.stars):
            target = self._absolute(module, tuple(star.target.split(".")), star.relative, seen)
            source = self._modules.get(target.path) if target.kind == "module" else None
            if source is None:
                external.append(star.target)
            elif source.exports(parts[0]):
                inner = self._member(source, parts, seen)
                if inner.kind != "unknown":
                    return inner
                external.extend(["?"] if source.is_opaque else [])
        if module.outline.is_package:
            found = self._tree.locate(folder_of(module.path), parts)
            if found and found.path in self._modules:
                return self._follow(found, seen)
        if len(external) == 1 and external != ["?"] and not module.is_opaque and parts[0] not in BUILTINS:
            return Target("external", f"{external[0]}.{'.'.join(parts)}", missed=(dotted,))
        return Target("unknown", dotted, module.path, missed=(dotted,))

    def _definition(self, module: Module, qualname: str, rest: tuple[str, ...]) -> Target | None:
        """A function or class of a module, or an attribute of one."""
        chosen = module.definition(qualname)
        if chosen is None:
            return None
        unit, others = chosen
        absolute = f"{module.name}.{qualname}" if module.name else qualname
        if not rest:
            return Target(unit.kind, absolute, module.path, unit.qualname, alternatives=others)
        if unit.kind == "class":
            method = self.method(module.path, unit.qualname, rest[0])
            if method.kind == "class" and len(rest) > 1:
                return self._definition(self._modules[method.path], method.qualname, rest[1:])
            if len(rest) == 1 and method.kind != "unknown":
                return method
        trailing = ".".join(rest)
        return Target("variable", f"{absolute}.{trailing}", module.path, unit.qualname, trailing)

    def import_closure(self, path: str) -> ClosureResult:
        """Every file that running or importing a file may read, transitively; imports inside functions count
        too."""
        return self._graph.closure(path)

    def reach(self, path: str, entry: Import) -> tuple[Found | None, bool]:
        """The file an import statement runs (None: no file of the project), and whether all of the name was
        found."""
        module = self._modules[path]
        parts = tuple(entry.target.split(".")) if entry.target else ()
        refused: Found | None = None
        for found, weak in self._candidates(module, parts, entry.relative):
            if not found.rest or self._follow(found, set()).kind != "unknown":
                return found, True
            if not weak and refused is None:
                refused = found
        opaque = (
            refused is not None and refused.path in self._modules and self._modules[refused.path].is_opaque
        )
        return refused, opaque
