"""What a module's statements bind: symbols, imports, `__all__`, the main guard, and the ways they defy
reading."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from trainlint.analysis.facts import Import
from trainlint.analysis.outline.scan import dotted

_DYNAMIC_CALLS = frozenset(
    {"exec", "eval", "__import__", "importlib.import_module", "import_module", "globals().update"}
)
_PATH_EDITS = frozenset({"sys.path.append", "sys.path.insert", "sys.path.extend"})
_NAMESPACES = frozenset({"globals", "locals", "vars"})


def absolute_import(module: str, is_package: bool, level: int, name: str) -> str:
    """The absolute dotted name of `from <level dots><name> import …` in a module. Beyond the top, the top."""
    if not level:
        return name
    parts = module.split(".") if module else []
    kept = len(parts) - level + is_package
    return ".".join([*parts[: max(kept, 0)], *([name] if name else [])])


class ImportTable:
    """Collects the imports of a file as bindings of absolute names."""

    def __init__(self, module: str, is_package: bool) -> None:
        self.module = module
        self.is_package = is_package
        self.found: list[Import] = []

    def add(self, statement: ast.stmt, unit: str) -> None:
        """Note an import statement that stands in `unit`; other statements are ignored."""
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                self._plain(alias, statement.lineno, unit)
        elif isinstance(statement, ast.ImportFrom):
            base = absolute_import(self.module, self.is_package, statement.level, statement.module or "")
            for alias in statement.names:
                if alias.name == "*":
                    entry = Import("*", base, statement.lineno, unit, statement.level > 0)
                else:
                    target = f"{base}.{alias.name}" if base else alias.name
                    local = alias.asname or alias.name
                    entry = Import(local, target, statement.lineno, unit, statement.level > 0)
                self.found.append(entry)

    def _plain(self, alias: ast.alias, line: int, unit: str) -> None:
        if alias.asname:
            self.found.append(Import(alias.asname, alias.name, line, unit))
            return
        top = alias.name.partition(".")[0]
        self.found.append(Import(top, top, line, unit))
        if top != alias.name:
            self.found.append(Import("", alias.name, line, unit))


class Bindings:
    """Accumulates what the statements of a module's body bind and do at import."""

    def __init__(self) -> None:
        self.symbols: dict[str, str] = {}
        self.exports: list[str] | None = None
        self.main_guard = False
        self.dynamic: dict[str, None] = {}

    def statement(self, node: ast.stmt, conditional: bool) -> None:
        """Note a statement of the module's body; `conditional` where it stands inside `if`, `try` and the
        like."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                if name != "*":
                    self.define(name, "import", conditional)
        elif isinstance(node, ast.If):
            self.main_guard = self.main_guard or is_main_guard(node.test)
        else:
            for name in _bound_names(node):
                self.symbols.setdefault(name, "variable")
            self._exports(node)
        self._namespace_edit(node)

    def define(self, name: str, kind: str, conditional: bool) -> None:
        """Note a function, class or import. An unconditional one replaces what was there, any replaces a
        variable."""
        if not conditional or self.symbols.get(name, "variable") == "variable":
            self.symbols[name] = kind

    def calls(self, calls: Iterable[ast.Call], at_import: bool) -> None:
        """Note calls that change what names mean: `exec` and its kin where they run at import, `sys.path`
        anywhere."""
        for call in calls:
            name = dotted(call.func)
            if name in _PATH_EDITS:
                self.dynamic["sys.path"] = None
            elif at_import and name in _DYNAMIC_CALLS:
                self.dynamic[name] = None
            elif at_import and name == "().update" and _is_namespace(call.func):
                self.dynamic["globals()"] = None
            elif at_import and name == "setattr" and call.args and self._is_module(call.args[0]):
                self.dynamic["setattr"] = None

    def _is_module(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Subscript):
            return dotted(node.value) == "sys.modules"
        return isinstance(node, ast.Name) and self.symbols.get(node.id) == "import"

    def _namespace_edit(self, node: ast.stmt) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AugAssign):
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Subscript):
                if isinstance(target.value, ast.Call) and dotted(target.value.func) in _NAMESPACES:
                    self.dynamic["globals()"] = None
                elif dotted(target.value) in ("sys.modules", "sys.path"):
                    self.dynamic[dotted(target.value)] = None
            elif isinstance(target, ast.Attribute) and dotted(target) == "sys.path":
                self.dynamic["sys.path"] = None

    def _exports(self, node: ast.stmt) -> None:
        """Follow `__all__`; anything but literal lists makes it unknown (None)."""
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(_is_all(target) for target in targets):
                self.exports = _literal_names(node.value)
        elif isinstance(node, ast.AugAssign) and _is_all(node.target):
            self._extend_exports(_literal_names(node.value))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            if dotted(call.func) == "__all__.extend" and call.args:
                self._extend_exports(_literal_names(call.args[0]))
            elif dotted(call.func) == "__all__.append" and call.args:
                self._extend_exports(_literal_names(ast.List(call.args[:1])))

    def _extend_exports(self, names: list[str] | None) -> None:
        self.exports = None if names is None or self.exports is None else [*self.exports, *names]


def _is_namespace(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Call)
        and dotted(function.value.func) in _NAMESPACES
    )


def _is_all(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "__all__"


def _literal_names(node: ast.expr) -> list[str] | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _literal_names(node.left), _literal_names(node.right)
        return None if left is None or right is None else [*left, *right]
    if not isinstance(node, ast.List | ast.Tuple | ast.Set):
        return None
    names = [
        item.value for item in node.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)
    ]
    return names if len(names) == len(node.elts) else None


def is_main_guard(test: ast.expr) -> bool:
    """Whether a condition holds only where the module is run as a script: `__name__ == "__main__"`."""
    if isinstance(test, ast.BoolOp):
        return any(is_main_guard(value) for value in test.values)
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return False
    sides = (test.left, test.comparators[0])
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides) and any(
        isinstance(side, ast.Constant) and side.value == "__main__" for side in sides
    )


def _bound_names(node: ast.stmt) -> Iterator[str]:
    """Names a statement assigns, imports and definitions aside."""
    targets: list[ast.expr]
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.For | ast.AsyncFor):
        targets = [node.target]
    elif isinstance(node, ast.With | ast.AsyncWith):
        targets = [item.optional_vars for item in node.items if item.optional_vars]
    elif node.__class__.__name__ == "TypeAlias":  # Python 3.12
        targets = [node.name]  # type: ignore[attr-defined]
    else:
        return
    waiting = list(reversed(targets))
    while waiting:
        target = waiting.pop()
        if isinstance(target, ast.Name):
            yield target.id
        elif isinstance(target, ast.Tuple | ast.List):
            waiting.extend(reversed(target.elts))
        elif isinstance(target, ast.Starred):
            waiting.append(target.value)
