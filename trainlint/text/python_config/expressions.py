"""What the expressions of a Python config stand for, as nodes."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trainlint.text.document import Entry, Node, Place
from trainlint.text.python_config.nodes import (
    COMPUTED,
    REFERENCE,
    NotKnownError,
    absorb,
    constant,
    copied,
    find,
    scalar,
)
from trainlint.text.scalars import Scalar
from trainlint.text.source import Source

_LARGEST = 1_000
"""Elements of a sequence that is computed (`[x] * n`, `range(n)`), characters of such a text."""

_LONGEST = 10_000
"""Elements of any sequence: `x = x + x`, line after line, doubles it."""

_POWER_LIMIT = 64
_NUMBER_LIMIT = 10**18
"""Beyond it nothing is computed: `x = x * x`, line after line, doubles the digits."""

_NUMERIC: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_FUNCTIONS: Mapping[str, Callable[..., Scalar]] = {
    "int": int,
    "float": float,
    "str": str,
    "round": round,
    "abs": abs,
    "max": max,
    "min": min,
    "bool": bool,
}
_COPIES = frozenset({"copy.deepcopy", "deepcopy", "copy.copy", "copy"})


class Expressions:
    """Reads expressions under the names bound so far. What it cannot tell becomes a COMPUTED node."""

    def __init__(self, source: Source, names: dict[str, Node], imports: dict[str, str]) -> None:
        self.source = source
        self.names = names
        self.imports = imports
        self._ascii = source.text.isascii()

    def place(self, node: ast.AST) -> Place:
        """Where an expression stands."""
        line, end_line = getattr(node, "lineno", 1), getattr(node, "end_lineno", 1)
        start, end = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", 0)
        return line, self._column(line, start), end_line, self._column(end_line, end)

    def _column(self, line: int, offset: int) -> int:
        if self._ascii or line > len(self.source.lines):
            return offset + 1
        return len(self.source.lines[line - 1].encode()[:offset].decode(errors="replace")) + 1

    def read(self, node: ast.expr) -> Node:
        """The value of an expression; a COMPUTED node where only running it would tell."""
        try:
            return self._value(node)
        except (NotKnownError, ArithmeticError, ValueError, TypeError, LookupError):
            return self.computed(node)

    def computed(self, node: ast.AST) -> Node:
        """The stand-in for a value that is not known."""
        place = self.place(node)
        text = self.source.lines[place[0] - 1][place[1] - 1 :] if place[0] <= len(self.source.lines) else ""
        if place[0] == place[2]:
            text = text[: place[3] - place[1]]
        return Node("scalar", place, text[:80], tag=COMPUTED, path=self.source.path)

    def _value(self, node: ast.expr) -> Node:
        reader = _READERS.get(type(node))
        if reader is None:
            raise NotKnownError
        return reader(self, node)

    def key(self, node: ast.expr) -> Node:
        """A key of a mapping as a scalar node. Raises NotKnownError where it is not known."""
        found = self._value(node)
        constant(found)
        return found

    def constant(self, node: ast.Constant) -> Node:
        """A literal; numbers keep their spelling."""
        value = node.value
        if isinstance(value, str) or value is None or isinstance(value, bool):
            return scalar(value, self.place(node), self.source.path)
        if not isinstance(value, int | float):
            raise NotKnownError
        place = self.place(node)
        raw = self.source.lines[place[0] - 1][place[1] - 1 : place[3] - 1]
        return Node("scalar", place, raw, path=self.source.path)

    def name(self, node: ast.Name) -> Node:
        """A variable, or a class that was imported."""
        held = self.names.get(node.id)
        if held is not None:
            return held
        if node.id in self.imports:
            return Node("scalar", self.place(node), self.imports[node.id], REFERENCE, path=self.source.path)
        raise NotKnownError

    def attribute(self, node: ast.Attribute) -> Node:
        """`_base_.model.head`, `torch.optim.SGD`."""
        base = self._value(node.value)
        if base.kind == "scalar" and base.style == REFERENCE:
            name = f"{base.raw}.{node.attr}"
            return Node("scalar", self.place(node), name, REFERENCE, path=self.source.path)
        return find(base, node.attr)

    def subscript(self, node: ast.Subscript) -> Node:
        """`model['head']`, `stages[-1]`, `pipeline[1:3]`."""
        base = self._value(node.value)
        if base.kind == "mapping":
            return find(base, str(constant(self._value(node.slice))))
        if base.kind != "sequence":
            raise NotKnownError
        if isinstance(node.slice, ast.Slice):
            bounds = [self._bound(each) for each in (node.slice.lower, node.slice.upper, node.slice.step)]
            return self._sequence(node, base.children[slice(*bounds)])
        index = constant(self._value(node.slice))
        if not isinstance(index, int):
            raise NotKnownError
        return base.children[index]

    def _bound(self, node: ast.expr | None) -> int | None:
        if node is None:
            return None
        value = constant(self._value(node))
        if not isinstance(value, int):
            raise NotKnownError
        return value

    def _sequence(self, node: ast.AST, children: Sequence[Node]) -> Node:
        if len(children) > _LONGEST:
            raise NotKnownError
        return Node("sequence", self.place(node), children=list(children), path=self.source.path)

    def sequence(self, node: ast.List | ast.Tuple | ast.Set) -> Node:
        """A list, tuple or set; `{{_base_.x}}`, the older spelling of a reference to a base."""
        if isinstance(node, ast.Set) and len(node.elts) == 1 and isinstance(node.elts[0], ast.Set):
            inner = node.elts[0]
            if len(inner.elts) == 1 and isinstance(inner.elts[0], ast.Attribute):
                return self._value(inner.elts[0])
        children: list[Node] = []
        for each in node.elts:
            if isinstance(each, ast.Starred):
                spread = self._value(each.value)
                if spread.kind != "sequence":
                    raise NotKnownError
                children += spread.children
            else:
                children.append(self.read(each))
        return self._sequence(node, children)

    def mapping(self, node: ast.Dict) -> Node:
        """A dict display."""
        made = Node("mapping", self.place(node), path=self.source.path)
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                self._spread(made, value)
            else:
                made.items.append(Entry(self.key(key), self.read(value)))
        return made

    def _spread(self, made: Node, value: ast.expr) -> None:
        other = self._value(value)
        if other.kind != "mapping":
            raise NotKnownError
        absorb(made, other, deep=False)

    def call(self, node: ast.Call) -> Node:
        """`dict(…)`, copies, and what can be computed from constants."""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "copy" and not node.args:
            return copied(self._value(node.func.value))
        name = ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""
        if name == "dict":
            return self._dict(node)
        if name in _COPIES and len(node.args) == 1:
            return copied(self._value(node.args[0]))
        if name in ("list", "tuple") and len(node.args) == 1:
            return self._sequence(node, self._elements(node.args[0]))
        if name == "range":
            numbers = [self._bound(each) or 0 for each in node.args]
            values = range(*numbers)
            if len(values) > _LARGEST:
                raise NotKnownError
            place = self.place(node)
            return self._sequence(node, [scalar(each, place, self.source.path) for each in values])
        if name == "len" and len(node.args) == 1:
            return scalar(len(self._elements(node.args[0])), self.place(node), self.source.path)
        function = _FUNCTIONS.get(name)
        if function is None or node.keywords or name in self.names:
            raise NotKnownError
        arguments = [constant(self._value(each)) for each in node.args]
        return scalar(function(*arguments), self.place(node), self.source.path)

    def _elements(self, node: ast.expr) -> list[Node]:
        held = self._value(node)
        if held.kind != "sequence":
            raise NotKnownError
        return held.children

    def _dict(self, node: ast.Call) -> Node:
        made = Node("mapping", self.place(node), path=self.source.path)
        for positional in node.args:
            self._spread(made, positional)
        for keyword in node.keywords:
            if keyword.arg is None:
                self._spread(made, keyword.value)
                continue
            line, column = self.place(keyword)[:2]
            place = (line, column, line, column + len(keyword.arg))
            key = Node("scalar", place, keyword.arg, path=self.source.path)
            made.items.append(Entry(key, self.read(keyword.value)))
        return made

    def binary(self, node: ast.BinOp) -> Node:
        """Arithmetic on numbers, texts and lists."""
        left, right = self._value(node.left), self._value(node.right)
        if left.kind == right.kind == "sequence" and isinstance(node.op, ast.Add):
            return self._sequence(node, [*left.children, *right.children])
        if isinstance(node.op, ast.Mult) and "sequence" in (left.kind, right.kind):
            many, count = (left, right) if left.kind == "sequence" else (right, left)
            times = constant(count)
            if not isinstance(times, int) or len(many.children) * times > _LARGEST:
                raise NotKnownError
            return self._sequence(node, many.children * times)
        one, other = constant(left), constant(right)
        place = self.place(node)
        if isinstance(one, str) and isinstance(other, str) and isinstance(node.op, ast.Add):
            return scalar((one + other)[:_LARGEST], place, self.source.path)
        compute = _NUMERIC.get(type(node.op))
        if compute is None or not _is_number(one) or not _is_number(other):
            raise NotKnownError
        assert isinstance(one, int | float)
        assert isinstance(other, int | float)
        if max(abs(one), abs(other)) > _NUMBER_LIMIT:
            raise NotKnownError
        if isinstance(node.op, ast.Pow) and (abs(one) > _LARGEST or abs(other) > _POWER_LIMIT):
            raise NotKnownError
        return scalar(compute(one, other), place, self.source.path)

    def unary(self, node: ast.UnaryOp) -> Node:
        """`-1`, `not x`."""
        value = constant(self._value(node.operand))
        place = self.place(node)
        if isinstance(node.op, ast.Not):
            return scalar(not value, place, self.source.path)
        if isinstance(node.op, ast.USub) and _is_number(value):
            assert isinstance(value, int | float)
            return scalar(-value, place, self.source.path)
        raise NotKnownError

    def choice(self, node: ast.IfExp) -> Node:
        """`a if flag else b` with a known flag."""
        return self._value(node.body if constant(self._value(node.test)) else node.orelse)

    def text(self, node: ast.JoinedStr) -> Node:
        """An f-string of constants."""
        parts: list[str] = []
        for each in node.values:
            if isinstance(each, ast.FormattedValue):
                if each.format_spec is not None:
                    raise NotKnownError
                parts.append(str(constant(self._value(each.value))))
            else:
                parts.append(str(constant(self._value(each))))
        return scalar("".join(parts)[:_LARGEST], self.place(node), self.source.path)


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_READERS: Mapping[type[ast.expr], Callable[[Expressions, Any], Node]] = {
    ast.Constant: Expressions.constant,
    ast.Name: Expressions.name,
    ast.Attribute: Expressions.attribute,
    ast.Subscript: Expressions.subscript,
    ast.List: Expressions.sequence,
    ast.Tuple: Expressions.sequence,
    ast.Set: Expressions.sequence,
    ast.Dict: Expressions.mapping,
    ast.Call: Expressions.call,
    ast.BinOp: Expressions.binary,
    ast.UnaryOp: Expressions.unary,
    ast.IfExp: Expressions.choice,
    ast.JoinedStr: Expressions.text,
}
