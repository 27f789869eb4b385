"""The first look at a Python file: its units, symbols and imports, from one pass over the stdlib syntax tree.

It never judges. It also measures nesting: what would exhaust the close reader's parser is refused here.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from trainlint.analysis.close.slices import split_lines
from trainlint.analysis.facts import Outline, Parameter, Unit
from trainlint.analysis.outline import syntax
from trainlint.analysis.outline.bindings import Bindings, ImportTable, is_main_guard
from trainlint.analysis.outline.ranges import first_line, last_line, literals, own_ranges
from trainlint.analysis.outline.scan import MAX_WIDTH, Scan, TooDeepError, dotted
from trainlint.text.document import Broken

MAX_BRANCHES = 200
"""Longest `elif` chain: the close reader's tree nests one level for each."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
_BODIES = ("body", "handlers", "cases", "orelse", "finalbody")
_NOT_READ = frozenset(
    {*_BODIES, "name", "names", "level", "module", "op", "simple", "type_comment", "type_params", "returns"}
)
_EXPRESSIONS: dict[type, tuple[str, ...]] = {}
_BLOCKS: dict[type, tuple[str, ...]] = {}


def outline(
    path: str, text: str, module: str, is_package: bool, vocabulary: frozenset[str]
) -> Outline | Broken:
    """What a file holds at a glance, or why it cannot be read (kinds syntax, python2, too-deep).

    `vocabulary` are the identifiers the knowledge gives a meaning; units list the ones they mention.
    """
    text = text.removeprefix("\ufeff")
    tree = syntax.read_tree(path, text)
    if isinstance(tree, Broken):
        return tree
    lines = split_lines(text)
    collector = _Collector(lines, ImportTable(module, is_package), vocabulary)
    try:
        collector.module(tree.body)
    except TooDeepError as error:
        return syntax.too_deep(error.line)
    bindings = collector.bindings
    return Outline(
        path=path,
        module=module,
        is_package=is_package,
        units=collector.units,
        imports=collector.imports.found,
        symbols=bindings.symbols,
        exports=bindings.exports,
        main_guard=bindings.main_guard,
        lines=len(lines) - (not lines[-1]),
        dynamic=list(bindings.dynamic),
    )


class _Collector:
    """Walks statements, with a stack of its own inside a unit, and sorts what it sees into units."""

    def __init__(self, lines: Sequence[str], imports: ImportTable, vocabulary: frozenset[str]) -> None:
        self.lines = lines
        self.imports = imports
        self.vocabulary = vocabulary
        self.units: list[Unit] = []
        self.bindings = Bindings()
        self.taken: dict[str, int] = {}
        self.read_names: dict[str, set[str]] = {}

    def module(self, statements: list[ast.stmt]) -> None:
        """Make the units of a whole file."""
        unit = Unit("", "module", own_ranges(statements, 0, self.lines))
        self._members(unit, Scan(self.vocabulary), statements, False)
        self._refer()

    def _refer(self) -> None:
        """Keep, of the names each unit reads, those that may mean a function or class of the project."""
        defined = {name for name, kind in self.bindings.symbols.items() if kind != "variable"}
        defined.update(entry.local for entry in self.imports.found)
        defined.update(
            unit.qualname.rpartition(".")[2].partition("#")[0] for unit in self.units if unit.kind != "module"
        )
        for unit in self.units:
            unit.references = sorted(self.read_names[unit.qualname] & defined)

    def _members(self, unit: Unit, scan: Scan, statements: list[ast.stmt], conditional: bool) -> None:
        """Fill the unit of a module's or class's body; functions and classes in it become units of their
        own."""
        self.units.append(unit)
        guard = Scan(self.vocabulary)
        stack = [(statement, conditional, scan) for statement in reversed(statements)]
        while stack:
            statement, inside, into = stack.pop()
            kind = statement.__class__
            if kind is ast.FunctionDef or kind is ast.AsyncFunctionDef:
                self._function(statement, unit, inside)  # type: ignore[arg-type]
            elif kind is ast.ClassDef:
                self._class(statement, unit, inside)  # type: ignore[arg-type]
            else:
                children = self._statement(statement, unit, into)
                guarded = _guarded(statement) if unit.kind == "module" else ()
                stack.extend((each, True, guard if each in guarded else into) for each in reversed(children))
                if unit.kind == "module":
                    self.bindings.statement(statement, inside)
        unit.guarded = scan.take_in(guard)
        self._close(unit, scan)

    def _class(self, node: ast.ClassDef, owner: Unit, conditional: bool) -> None:
        unit = Unit(
            self._name(node, owner, "class", conditional),
            "class",
            own_ranges(node.body, node.lineno, self.lines),
            decorators=_names(node.decorator_list),
            bases=_names(node.bases),
            conditional=conditional,
            metaclass=next((dotted(each.value) for each in node.keywords if each.arg == "metaclass"), ""),
        )
        scan = Scan(self.vocabulary)
        self._read(scan, unit, [*node.decorator_list, *node.bases, *node.keywords])
        self._members(unit, scan, node.body, conditional)

    def _function(self, node: Function, owner: Unit, conditional: bool) -> None:
        unit = Unit(
            self._name(node, owner, "function", conditional),
            "function",
            [(first_line(node), last_line(node, self.lines))],
            params=_parameters(node.args),
            decorators=_names(node.decorator_list),
            conditional=conditional,
        )
        self.units.append(unit)
        scan = Scan(self.vocabulary)
        stack: list[ast.stmt] = [node]
        while stack:
            stack.extend(reversed(self._statement(stack.pop(), unit, scan)))
        self._close(unit, scan)
        unit.structure = sorted(scan.hints.of_method(node.name, owner.bases))

    def _name(self, node: Function | ast.ClassDef, owner: Unit, kind: str, conditional: bool) -> str:
        """A qualified name that no other unit of the file has: the second `f` is "f#2"."""
        if owner.kind == "module":
            self.bindings.define(node.name, kind, conditional)
        qualname = f"{owner.qualname}.{node.name}" if owner.qualname else node.name
        count = self.taken[qualname] = self.taken.get(qualname, 0) + 1
        return qualname if count == 1 else f"{qualname}#{count}"

    def _statement(self, node: Any, unit: Unit, scan: Scan) -> list[ast.stmt]:
        """Read the expressions of one statement into the unit and return the statements of its blocks."""
        kind = node.__class__
        if kind is ast.Import or kind is ast.ImportFrom:
            self.imports.add(node, unit.qualname)
            return []
        if kind is ast.Assign:
            scan.stored(node.targets)
            scan.hints.assigned(node.targets[0], node.value)
        elif kind is ast.AugAssign:
            scan.augmented(node)
            scan.stored((node.target,))
        elif kind is ast.AnnAssign:
            scan.stored((node.target,))
            scan.hints.assigned(node.target, node.value)
        elif kind is ast.If:
            _check_branches(node)
        names = _EXPRESSIONS.get(kind)
        if names is None:
            names = _EXPRESSIONS[kind] = tuple(name for name in kind._fields if name not in _NOT_READ)
            _BLOCKS[kind] = tuple(name for name in _BODIES if name in kind._fields)
        roots: list[Any] = []
        for name in names:
            value = getattr(node, name)
            if value.__class__ is list:
                roots.extend(value)
            elif value.__class__ is ast.arguments:
                scan.parameters(value)
                roots.extend(value.defaults)
                roots.extend(value.kw_defaults)
            else:
                roots.append(value)
        if roots:
            self._read(scan, unit, roots)
        blocks = _BLOCKS[kind]
        return [child for name in blocks for child in getattr(node, name)] if blocks else []

    def _read(self, scan: Scan, unit: Unit, roots: list[Any]) -> None:
        calls = scan.read(roots)
        if calls:
            self.bindings.calls(calls, at_import=unit.kind != "function")

    def _close(self, unit: Unit, scan: Scan) -> None:
        for text in scan.texts:
            if literals(text, self.lines, MAX_WIDTH) > MAX_WIDTH:
                raise TooDeepError(text.lineno)
        unit.calls = list(scan.calls)
        unit.mentions = sorted(scan.mentions | (scan.names & self.vocabulary))
        unit.divides = scan.divides
        unit.selects = scan.selects
        unit.stores = sorted(scan.stores)
        unit.structure = sorted(scan.hints.of_method("", ()))
        self.read_names[unit.qualname] = scan.names | scan.handed
        unit.handed = sorted(scan.handed)


def _guarded(statement: ast.stmt) -> Sequence[ast.stmt]:
    """The statements that only run where the module is the script."""
    return statement.body if isinstance(statement, ast.If) and is_main_guard(statement.test) else ()


def _check_branches(node: ast.If) -> None:
    branches = 0
    branch: ast.stmt = node
    while isinstance(branch, ast.If) and len(branch.orelse) == 1:
        branches += 1
        branch = branch.orelse[0]
        if branches > MAX_BRANCHES:
            raise TooDeepError(node.lineno)


def _names(nodes: list[ast.expr]) -> list[str]:
    """Decorators or bases as dotted names, without arguments: `@no_grad()`, `Generic[T]`."""
    found = []
    for node in nodes:
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript):
            node = node.value
        found.append(dotted(node))
    return found


def _parameters(arguments: ast.arguments) -> list[Parameter]:
    plain = [*arguments.posonlyargs, *arguments.args]
    first_default = len(plain) - len(arguments.defaults)
    found = [
        Parameter(
            argument.arg,
            "positional-only" if index < len(arguments.posonlyargs) else "normal",
            index >= first_default,
        )
        for index, argument in enumerate(plain)
    ]
    if arguments.vararg:
        found.append(Parameter(arguments.vararg.arg, "star"))
    found.extend(
        Parameter(argument.arg, "keyword-only", default is not None)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    )
    if arguments.kwarg:
        found.append(Parameter(arguments.kwarg.arg, "double-star"))
    return found
