"""A Python config as one document: its module-level names, as running it would leave them.

Only the forms in which configs are written are followed: assignments, changes to dicts and lists, imports of
other configs. A name that anything else binds is COMPUTED.
"""

from __future__ import annotations

import ast
import functools
import warnings
from collections.abc import Callable

from trainlint.text.document import Broken, Document, Entry, Node, Place
from trainlint.text.guard import refusal
from trainlint.text.python_config.expressions import Expressions
from trainlint.text.python_config.nodes import (
    NotKnownError,
    absorb,
    constant,
    copied,
    drop,
    find,
    is_known,
    put,
)
from trainlint.text.source import Source

BASE = "_base_"
"""The variable that names the configs a config is based on, and by which their values are read."""

_READ_BASE = "read_base"

Imported = Callable[[int, str], "Node | None"]
"""From the dots and the module of a relative import to the root of that config; None where it is not read."""


def parse_python_config(
    source: Source, base: Node | None = None, imported: Imported | None = None
) -> tuple[list[Document], list[Broken]]:
    """The document of a Python config, or what is broken in it.

    `base` is what `_base_` names, merged; it may be changed. `imported` gives the configs that `read_base`
    imports. Without them, what depends on them is COMPUTED.
    """
    tree = _tree(source.path, source.text)
    if isinstance(tree, Broken):
        return [], [tree]
    return [Document(source.path, "python", _Module(source, base, imported).run(tree))], []


@functools.lru_cache(maxsize=16)
def _tree(path: str, text: str) -> ast.Module | Broken:
    """The parsed module: a config is read alone, then again over its bases."""
    refused = refusal(Source(path, text))
    if refused is not None:
        return refused
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        return Broken("config-syntax", error.lineno or 1, error.offset or 1, error.msg)
    except (ValueError, MemoryError, RecursionError):
        return Broken("config-syntax", 1, 1, "Python cannot parse this")


def imports_of(source: Source) -> list[tuple[int, str, Place]]:
    """The relative imports below `read_base()`: dots, module, place."""
    tree = _tree(source.path, source.text) if _READ_BASE in source.text else None
    if not isinstance(tree, ast.Module):
        return []
    places = Expressions(source, {}, {})
    return [
        (each.level, each.module or "", places.place(each))
        for statement in tree.body
        if isinstance(statement, ast.With) and _reads_base(statement)
        for each in statement.body
        if isinstance(each, ast.ImportFrom)
    ]


def _reads_base(node: ast.With) -> bool:
    calls = [item.context_expr for item in node.items]
    return any(isinstance(call, ast.Call) and ast.unparse(call.func).endswith(_READ_BASE) for call in calls)


class _Module:
    """Runs the statements of one config."""

    def __init__(self, source: Source, base: Node | None, imported: Imported | None) -> None:
        self.source = source
        self.imported = imported
        self.names: dict[str, Node] = {}
        self.keys: dict[str, Node] = {}
        self.modules: dict[str, str] = {}
        self.base = base
        if base is not None:
            self.names[BASE] = base
        self.read = Expressions(source, self.names, self.modules)

    def run(self, tree: ast.Module) -> Node:
        """The mapping of the names that are values."""
        for statement in tree.body:
            self._statement(statement)
        root = Node("mapping", (1, 1, max(1, len(self.source.lines)), 1), path=self.source.path)
        for name, value in self.names.items():
            if not name.startswith("__") and (name != BASE or self.base is None):
                root.items.append(Entry(self.keys[name], value))
        return root

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign):
            value = self.read.read(node.value)
            for target in node.targets:
                self._assign(target, value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assign(node.target, self.read.read(node.value))
        elif isinstance(node, ast.AugAssign):
            combined = ast.BinOp(_loaded(node.target), node.op, node.value)
            self._assign(node.target, self.read.read(ast.copy_location(combined, node)))
        elif isinstance(node, ast.Expr):
            self._change(node.value)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self._delete(target)
        elif isinstance(node, ast.With) and _reads_base(node):
            for each in node.body:
                if isinstance(each, ast.ImportFrom):
                    self._take_in(each)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node)
        else:
            self._forget(node)

    def _assign(self, target: ast.expr, value: Node) -> None:
        if isinstance(target, ast.Name):
            self._bind(target, value)
        elif isinstance(target, ast.Tuple | ast.List):
            same = value.kind == "sequence" and len(value.children) == len(target.elts)
            for position, each in enumerate(target.elts):
                self._assign(each, value.children[position] if same else self.read.computed(each))
        elif isinstance(target, ast.Subscript | ast.Attribute):
            self._set_item(target, value)

    def _bind(self, target: ast.Name, value: Node) -> None:
        self.names[target.id] = value
        self.keys[target.id] = Node("scalar", self.read.place(target), target.id, path=self.source.path)
        if target.id == BASE and self.base is not None:
            self.names[BASE] = self.base

    def _set_item(self, target: ast.Subscript | ast.Attribute, value: Node) -> None:
        holder = self.read.read(target.value)
        try:
            if holder.kind == "sequence" and isinstance(target, ast.Subscript):
                index = constant(self.read.read(target.slice))
                holder.children[index] = value  # type: ignore[index]  # TypeError is caught
                return
            if isinstance(target, ast.Attribute):
                key = Node("scalar", self.read.place(target), target.attr, path=self.source.path)
            else:
                key = self.read.key(target.slice)
            if holder.kind == "mapping":
                put(holder, key, value)
                return
        except (NotKnownError, LookupError, TypeError):
            pass
        self._spoil(target)

    def _change(self, node: ast.expr) -> None:
        """`model.update(…)`, `pipeline.append(…)`; any other call on a value leaves it COMPUTED."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return
        holder = self.read.read(node.func.value)
        try:
            if not self._changed(holder, node.func.attr, node):
                self._spoil(node.func)
        except (NotKnownError, LookupError, TypeError, ValueError):
            self._spoil(node.func)

    def _changed(self, holder: Node, method: str, node: ast.Call) -> bool:
        arguments = [self.read.read(each) for each in node.args]
        if holder.kind == "mapping":
            if method in ("update", "merge", "_merge_a_into_b"):
                for each in arguments:
                    absorb(holder, _mapping(each), deep=method != "update")
                inner = ast.Call(ast.Name("dict", ast.Load()), [], node.keywords)
                absorb(holder, _mapping(self.read.read(ast.copy_location(inner, node))), deep=False)
                return True
            if method == "pop" and arguments:
                drop(holder, str(constant(arguments[0])))
                return True
        if holder.kind == "sequence":
            if method == "append":
                holder.children.append(arguments[0])
                return True
            if method == "extend" and arguments[0].kind == "sequence":
                holder.children.extend(arguments[0].children)
                return True
            if method == "insert":
                holder.children.insert(int(str(constant(arguments[0]))), arguments[1])
                return True
            if method == "pop":
                holder.children.pop(int(str(constant(arguments[0]))) if arguments else -1)
                return True
        return not is_known(holder)

    def _spoil(self, target: ast.expr) -> None:
        """What a change could not be followed in is not known any more."""
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        # Without its base, a config that changes it still names it.
        named = self.base is None and isinstance(target, ast.Name) and target.id == BASE
        if isinstance(target, ast.Name) and target.id in self.names and not named:
            self.names[target.id] = self.read.computed(target)

    def _delete(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.names.pop(target.id, None)
        elif isinstance(target, ast.Subscript):
            try:
                holder = self.read.read(target.value)
                key = str(constant(self.read.read(target.slice)))
                find(holder, key)
                drop(holder, key)
            except NotKnownError:
                self._spoil(target)

    def _take_in(self, node: ast.ImportFrom) -> None:
        """The names of a config that `read_base` imports."""
        root = self.imported(node.level, node.module or "") if self.imported is not None else None
        wanted = {alias.name: alias.asname or alias.name for alias in node.names}
        if root is None:
            for name in wanted.values():
                if name != "*":
                    self._bind(ast.copy_location(ast.Name(name, ast.Store()), node), self.read.computed(node))
            return
        for entry in copied(root).items:
            name = entry.key.raw if "*" in wanted else wanted.get(entry.key.raw, "")
            if name and name != BASE:
                self.names[name] = entry.value
                self.keys[name] = entry.key

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        module = f"{'.' * node.level}{node.module or ''}." if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            self.modules[name] = module + (alias.name if alias.asname or module else name)

    def _forget(self, node: ast.stmt) -> None:
        """What a loop, a branch or a definition binds or changes is not followed."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.names.pop(node.name, None)
            return
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                self._bind(each, self.read.computed(each))
            elif isinstance(each, ast.Subscript | ast.Attribute) and isinstance(each.ctx, ast.Store):
                self._spoil(each)
            elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
                self._spoil(each.func)


def _loaded(target: ast.expr) -> ast.expr:
    loaded = ast.parse(ast.unparse(target), mode="eval").body
    return ast.copy_location(loaded, target)


def _mapping(node: Node) -> Node:
    if node.kind != "mapping":
        raise NotKnownError
    return node
