"""Stores: what assignments bind, change in place, or delete."""

from __future__ import annotations

from collections.abc import Callable

import libcst as cst

from trainlint.analysis.close.expression_terms import BINARY, ExpressionTerms
from trainlint.analysis.close.nodes import dotted_name, item_path
from trainlint.analysis.close.terms import NumericHooks, TermTable
from trainlint.analysis.facts import Event
from trainlint.analysis.index.names import Names
from trainlint.knowledge.base import Knowledge

_NAMED = frozenset({"call", "if", "unpack", "item", "attr", "comp"})


class Assignments(ExpressionTerms):
    """Binds targets. `module_path` is the file, for names that a `global` statement makes the module's."""

    def __init__(
        self,
        names: Names,
        knowledge: Knowledge,
        numerics: Callable[[TermTable], NumericHooks],
        module_path: str,
    ) -> None:
        super().__init__(names, knowledge, numerics)
        self.module_path = module_path
        self._globals: set[str] = set()
        self.replaced: dict[str, list[tuple[int, int]]] = {}

    def _delete(self, node: cst.Del) -> bool:
        targets = (
            [element.value for element in node.target.elements]
            if isinstance(node.target, cst.Tuple)
            else [node.target]
        )
        for target in targets:
            path = dotted_name(target)
            if path is not None:
                self.env.pop(path, None)
            elif isinstance(target, cst.Subscript):
                container = dotted_name(target.value)
                if container in self.env:
                    self.env[container] = self.unknown("an entry was deleted", target)
        return True

    def _assign(self, node: cst.Assign) -> bool:
        value = self.evaluate(node.value)
        for target in node.targets:
            self._store(target.target, value)
        return True

    def _annotated(self, node: cst.AnnAssign) -> bool:
        if node.value is not None:
            self._store(node.target, self.evaluate(node.value))
        return True

    def _augmented(self, node: cst.AugAssign) -> bool:
        current = self.evaluate(node.target)
        operator = BINARY.get(type(node.operator), "?")
        self._store(node.target, self.binary(operator, current, self.evaluate(node.value), node))
        return True

    def _store(self, target: cst.BaseExpression, value: int) -> None:
        if isinstance(target, cst.Name):
            self._store_name(target, value)
        elif isinstance(target, (cst.Tuple, cst.List)):
            self._store_parts(target, value)
        elif isinstance(target, cst.Attribute):
            base = self.evaluate(target.value)
            path = dotted_name(target)
            if path is not None:
                self.env[path] = value
            self.emit(Event("store-attr", base, value=value, name=target.attr.value), target)
        elif isinstance(target, cst.Subscript):
            self._store_item(target, value)
        elif isinstance(target, cst.StarredElement):
            self._store(target.value, self.unknown("starred target", target))

    def _store_name(self, target: cst.Name, value: int) -> None:
        self._forget_paths(target.value)
        earlier = self.env.get(target.value)
        if earlier is not None and earlier != value:
            self.replaced.setdefault(target.value, []).append((earlier, len(self.events)))
        self.env[target.value] = value
        self._note_binding(target.value, value, target)
        if target.value in self._globals:
            self.emit(
                Event("store-global", value, value=value, name=f"{self.module_path}::{target.value}"), target
            )

    def _note_binding(self, name: str, value: int, node: cst.CSTNode) -> None:
        if self.table.terms[value].op in _NAMED:
            self.emit(Event("bind", value, name=name), node)

    def _store_parts(self, target: cst.Tuple | cst.List, value: int) -> None:
        parts = [element.value for element in target.elements]
        whole = self.table.terms[value]
        starred = any(isinstance(element, cst.StarredElement) for element in target.elements)
        if whole.op in ("tuple", "list") and len(whole.args) == len(parts) and not starred:
            for part, piece in zip(parts, whole.args, strict=True):
                self._store(part, piece)
            return
        for position, part in enumerate(parts):
            if starred:
                self._store(part, self.unknown("starred target", part))
            else:
                self._store(part, self.term("unpack", (value,), value=position, node=part))

    def _store_item(self, target: cst.Subscript, value: int) -> None:
        container = self.evaluate(target.value)
        key = self.subscript_key(target)
        self.emit(Event("store-item", container, key=key, value=value), target)
        self.numerics.store_item(container, key, value)
        path = dotted_name(target.value)
        if path is not None and path in self.env:
            self._forget_paths(path)
            self.env[path] = self.term("setitem", (self.env[path], key, value), node=target)
            if self.table.terms[key].op == "const":
                self.env[item_path(path, self.table.terms[key].value)] = value


def assigned_names(suite: cst.BaseSuite) -> list[str]:
    """Names and dotted attribute paths that a suite's statements may rebind, in order, each once."""
    found: dict[str, None] = {}
    stack: list[cst.CSTNode] = [suite]
    while stack:
        node = stack.pop()
        if isinstance(node, (cst.FunctionDef, cst.ClassDef, cst.Lambda)):
            continue
        targets: list[cst.CSTNode] = []
        if isinstance(node, cst.Assign):
            targets = [target.target for target in node.targets]
        elif isinstance(node, (cst.AugAssign, cst.AnnAssign, cst.For, cst.NamedExpr)):
            targets = [node.target]
        elif isinstance(node, cst.AsName):
            targets = [node.name]
        while targets:
            target = targets.pop()
            if isinstance(target, (cst.Tuple, cst.List)):
                targets += [element.value for element in target.elements]
                continue
            if isinstance(target, cst.Subscript):
                target = target.value
            path = dotted_name(target)
            if path is not None:
                found[path] = None
        if not isinstance(node, cst.BaseExpression) or isinstance(node, cst.NamedExpr):
            stack.extend(
                child for child in node.children if not isinstance(child, cst.BaseParenthesizableWhitespace)
            )
    return list(found)
