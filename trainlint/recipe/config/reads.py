"""What code does with the configs it loads: which keys it asks for, and which parts it hands on whole.

The whole project is read at once, by names only: a name that ever holds a part of a config counts as holding
it everywhere in its scope, an attribute everywhere. So more is seen to be handed on than is, never less.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from trainlint.recipe.config.reads_flow import MODULE, Flow, Part, Reads, blocks

_ROUNDS = 8
_UNREADABLE = frozenset({"eval", "exec", "globals", "locals"})
_ELEMENT = "[]"


def project_reads(modules: Iterable[tuple[str, ast.Module]]) -> Reads:
    """What the modules of a project, by path, do with every config they load."""
    flow = Flow(list(modules))
    for _ in range(_ROUNDS):
        before = flow.size()
        for path, tree in flow.modules:
            _Walk(flow, path).block(tree.body, (MODULE,))
        if flow.size() == before:
            return flow.reads
    flow.reads.settled = False
    return flow.reads


class _Walk:
    """Goes through one file once."""

    def __init__(self, flow: Flow, path: str) -> None:
        self.flow = flow
        self.path = path

    def block(self, body: list[ast.stmt], scopes: tuple[str, ...]) -> None:
        """Statements in scopes, the innermost last."""
        for node in body:
            self._statement(node, scopes)

    def _statement(self, node: ast.stmt, scopes: tuple[str, ...]) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for default in (*node.args.defaults, *(each for each in node.args.kw_defaults if each)):
                self._hand_on(self._value(default, scopes))
            self.block(node.body, (*scopes, f"{scopes[-1]}.{node.name}"))
        elif isinstance(node, ast.ClassDef):
            self.block(node.body, (*scopes, f"{scopes[-1]}.{node.name}"))
        elif isinstance(node, ast.Assign):
            value = self._value(node.value, scopes)
            for target in node.targets:
                self._assign(target, value, scopes)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self._assign(node.target, self._value(node.value, scopes), scopes)
        elif isinstance(node, ast.Return):
            if node.value is not None:
                name = scopes[-1].rpartition(".")[2]
                self.flow.returned.setdefault(name, set()).update(self._value(node.value, scopes))
        elif isinstance(node, ast.For | ast.AsyncFor):
            self._hand_on(self._value(node.iter, scopes))
            self.block([*node.body, *node.orelse], scopes)
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                value = self._value(item.context_expr, scopes)
                if item.optional_vars is not None:
                    self._assign(item.optional_vars, value, scopes)
            self.block(node.body, scopes)
        elif isinstance(node, ast.If | ast.While):
            self._value(node.test, scopes)
            self.block([*node.body, *node.orelse], scopes)
        elif isinstance(node, ast.Expr):
            self._value(node.value, scopes)
        else:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self._hand_on(self._value(child, scopes))
            for block in blocks(node):
                self.block(block, scopes)

    def _assign(self, target: ast.expr, value: set[Part], scopes: tuple[str, ...]) -> None:
        if isinstance(target, ast.Name):
            if value:
                self.flow.names.setdefault((self.path, scopes[-1], target.id), set()).update(value)
                if scopes[-1] == MODULE or (self.path, target.id) in self.flow.shared:
                    self.flow.module_names.setdefault(target.id, set()).update(value)
        elif isinstance(target, ast.Attribute):
            if value and not self._value(target.value, scopes):
                self.flow.attributes.setdefault(target.attr, set()).update(value)
        elif isinstance(target, ast.Subscript) and self._value(target.value, scopes):
            return
        else:
            self._hand_on(value)

    def _hand_on(self, parts: set[Part]) -> None:
        self.flow.reads.whole |= parts

    def _named(self, name: str, scopes: tuple[str, ...]) -> set[Part]:
        for scope in reversed(scopes):
            found = self.flow.names.get((self.path, scope, name))
            if found:
                return set(found)
        return set(self.flow.module_names.get(name, ()))

    def _below(self, parts: set[Part], key: str) -> set[Part]:
        found = {(site, (*keys, key)) for site, keys in parts}
        self.flow.reads.asked |= found
        return found

    def _value(self, node: ast.expr, scopes: tuple[str, ...]) -> set[Part]:
        """The parts of configs that an expression may stand for. What it does with others is noted."""
        if isinstance(node, ast.Name):
            return self._named(node.id, scopes)
        if isinstance(node, ast.Attribute):
            parts = self._value(node.value, scopes)
            if parts:
                return self._below(parts, node.attr)
            held = self.flow.attributes.get(node.attr, set())
            return held | self.flow.module_names.get(node.attr, set())
        if isinstance(node, ast.Subscript):
            return self._subscript(node, scopes)
        if isinstance(node, ast.Call):
            return self._call(node, scopes)
        if isinstance(node, ast.IfExp):
            self._value(node.test, scopes)
            return self._value(node.body, scopes) | self._value(node.orelse, scopes)
        if isinstance(node, ast.BoolOp):
            return _union(self._value(each, scopes) for each in node.values)
        if isinstance(node, ast.Await):
            return self._value(node.value, scopes)
        if isinstance(node, ast.NamedExpr):
            value = self._value(node.value, scopes)
            self._assign(node.target, value, scopes)
            return value
        if isinstance(node, ast.Compare):
            return self._compared(node, scopes)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self._value(node.operand, scopes)
            return set()
        if isinstance(node, ast.JoinedStr):
            for child in ast.walk(node):
                if isinstance(child, ast.FormattedValue):
                    self._value(child.value, scopes)
            return set()
        self._others(node, scopes)
        return set()

    def _others(self, node: ast.AST, scopes: tuple[str, ...]) -> None:
        """What stands in any other expression is handed on."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._hand_on(self._value(child, scopes))
            elif isinstance(child, ast.comprehension | ast.keyword | ast.arguments):
                self._others(child, scopes)

    def _subscript(self, node: ast.Subscript, scopes: tuple[str, ...]) -> set[Part]:
        parts = self._value(node.value, scopes)
        if not parts:
            self._hand_on(self._value(node.slice, scopes))
            return set()
        if isinstance(node.slice, ast.Constant):
            key = node.slice.value
            return self._below(parts, key if isinstance(key, str) else _ELEMENT)
        self._value(node.slice, scopes)
        self._hand_on(parts)
        return set()

    def _compared(self, node: ast.Compare, scopes: tuple[str, ...]) -> set[Part]:
        """`"key" in cfg` asks for a key by name, `name in cfg` for any."""
        self._value(node.left, scopes)
        for operator, right in zip(node.ops, node.comparators, strict=True):
            parts = self._value(right, scopes)
            if not isinstance(operator, ast.In | ast.NotIn):
                continue
            if isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
                self._below(parts, node.left.value)
            else:
                self._hand_on(parts)
        return set()

    def _call(self, node: ast.Call, scopes: tuple[str, ...]) -> set[Part]:
        callee = _dotted(node.func)
        simple = callee.rpartition(".")[2]
        if self.flow.known.loads(callee):
            self._arguments(node, scopes)
            site = (self.path, node.lineno)
            self.flow.reads.sites.add(site)
            return {(site, ())}
        if isinstance(node.func, ast.Attribute):
            base = self._value(node.func.value, scopes)
            if base:
                return self._method(node, base, node.func.attr, scopes)
        elif not isinstance(node.func, ast.Name):
            self._hand_on(self._value(node.func, scopes))
        if simple in ("getattr", "hasattr") and len(node.args) > 1:
            return self._getattr(node, simple, scopes)
        given = self._arguments(node, scopes)
        if simple in self.flow.functions or simple in self.flow.classes:
            self._bind(simple, given)
            return set(self.flow.returned.get(simple, ()))
        if simple in self.flow.known.copies:
            return _union(parts for _, parts in given)
        if simple in _UNREADABLE and isinstance(node.func, ast.Name):
            self.flow.reads.settled = False
        if simple not in self.flow.known.inert:
            self._hand_on(_union(parts for _, parts in given))
        return set()

    def _method(self, node: ast.Call, base: set[Part], name: str, scopes: tuple[str, ...]) -> set[Part]:
        given = self._arguments(node, scopes)
        first = node.args[0] if node.args else None
        if name in self.flow.known.asking:
            for _, parts in given[1:]:
                self._hand_on(parts)
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                return self._below(base, first.value)
            self._hand_on(base)
            return set()
        for _, parts in given:
            self._hand_on(parts)
        if name in self.flow.known.copies:
            return base
        if name not in self.flow.known.changing:
            self._hand_on(base)
        return set()

    def _getattr(self, node: ast.Call, simple: str, scopes: tuple[str, ...]) -> set[Part]:
        base = self._value(node.args[0], scopes)
        for each in node.args[2:]:
            self._hand_on(self._value(each, scopes))
        name = node.args[1]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            found = self._below(base, name.value)
            return found if simple == "getattr" else set()
        self._hand_on(base)
        return set()

    def _arguments(self, node: ast.Call, scopes: tuple[str, ...]) -> list[tuple[str | int, set[Part]]]:
        """Position or keyword → parts; `*` and `**` for what is spread out."""
        given: list[tuple[str | int, set[Part]]] = []
        for index, each in enumerate(node.args):
            spread = isinstance(each, ast.Starred)
            value = self._value(each.value if isinstance(each, ast.Starred) else each, scopes)
            given.append(("*" if spread else index, value))
        given += [(each.arg or "**", self._value(each.value, scopes)) for each in node.keywords]
        return given

    def _bind(self, simple: str, given: list[tuple[str | int, set[Part]]]) -> None:
        """Hand arguments to every function of the project that is called so. A parameter has its own name, so
        what is spread over parameters is asked for by name."""
        for path, scope, arguments in self.flow.functions.get(simple, ()):
            names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
            names = names[1:] if names[:1] in (["self"], ["cls"]) else names
            every = {*names, *(each.arg for each in arguments.kwonlyargs)}
            for where, parts in given:
                if where == "**" and arguments.kwarg is None:
                    for name in every:
                        bound = self._below(parts, name)
                        self.flow.names.setdefault((path, scope, name), set()).update(bound)
                    continue
                target = names[where] if isinstance(where, int) and where < len(names) else str(where)
                if target in every:
                    self.flow.names.setdefault((path, scope, target), set()).update(parts)
                else:
                    self._hand_on(parts)


def _union(groups: Iterable[set[Part]]) -> set[Part]:
    return set().union(*groups)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr}" if inner else node.attr
    return ""
