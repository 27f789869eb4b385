"""What expressions of the stdlib tree mention, call and divide: the inner loop of the outline.

Expressions are scanned level by level, so their depth comes for free and no recursion limit is ever met.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from trainlint.analysis.outline.hints import Hints

MAX_DEPTH = 200
"""Deepest expression that is read closely; hand-written code stays far below."""

MAX_WIDTH = 300
"""Most operands of one `and`, `or` or comparison, and most adjacent string literals: libcst nests one level
for each."""

_LEAVES = frozenset(
    {"ctx", "op", "ops", "kind", "conversion", "is_async", "type_comment", "annotation", "returns"}
)
_SELECTORS = frozenset({ast.Name, ast.Attribute, ast.Call, ast.Compare, ast.UnaryOp, ast.BinOp})
_FIELDS: dict[type, tuple[str, ...]] = {}


class TooDeepError(Exception):
    """An expression or branch chain would exhaust libcst's parser; `line` is where it starts."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def dotted(node: Any) -> str:
    """An expression as a dotted name: "a.b.c", "().c" on a call or another expression, "[].c" on a subscript.

    "" for methods of string literals (`", ".join`): they name nothing.
    """
    names: list[str] = []
    while node.__class__ is ast.Attribute:
        names.append(node.attr)
        node = node.value
    kind = node.__class__
    if kind is ast.Name:
        head = node.id
    elif kind is ast.Subscript:
        head = "[]"
    elif kind is ast.Constant or kind is ast.JoinedStr:
        return ""
    else:
        head = "()"
    if not names:
        return str(head)
    names.append(head)
    names.reverse()
    return ".".join(names)


class Scan:
    """Accumulates, over the expressions of one unit: callees in order of evaluation, mentions, and whether it
    divides or has subscripts that may be masks.

    `names` are the plain names read, `handed` the attributes passed as arguments: functions may be handed on
    under both.
    `texts` collects string literals long enough to be many adjacent ones; the tree does not tell. `stores`
    are the attributes and constant keys that are assigned.
    """

    __slots__ = (
        "calls",
        "divides",
        "handed",
        "hints",
        "mentions",
        "names",
        "selects",
        "stores",
        "texts",
        "vocabulary",
    )

    def __init__(self, vocabulary: frozenset[str]) -> None:
        self.vocabulary = vocabulary
        self.calls: dict[str, None] = {}
        self.mentions: set[str] = set()
        self.names: set[str] = set()
        self.handed: set[str] = set()
        self.stores: set[str] = set()
        self.texts: list[ast.expr] = []
        self.divides = False
        self.selects = False
        self.hints = Hints()

    def read(self, roots: Iterable[Any]) -> list[ast.Call]:
        """Scan the expressions of one statement; its calls in order of evaluation.

        Raises TooDeepError where the nesting is more than the close reader can take.
        """
        vocabulary, mention, name_read = self.vocabulary, self.mentions.add, self.names.add
        hand = self.handed.add
        calls: list[ast.Call] = []
        level: list[Any] = [root for root in roots if root is not None]
        first = level[0] if level else None
        depth = 0
        while level:
            below: list[Any] = []
            push, extend = below.append, below.extend
            for node in level:
                kind = node.__class__
                if kind is ast.Name:
                    name_read(node.id)
                elif kind is ast.Constant:
                    if node.value.__class__ is str:
                        self._text(node)
                elif kind is ast.Attribute:
                    if node.attr in vocabulary:
                        mention(node.attr)
                    push(node.value)
                elif kind is ast.Call:
                    calls.append(node)
                    push(node.func)
                    extend(node.args)
                    for argument in node.args:
                        if argument.__class__ is ast.Attribute:
                            hand(argument.attr)
                    for keyword in node.keywords:
                        if keyword.arg in vocabulary:
                            mention(keyword.arg)
                        if keyword.value.__class__ is ast.Attribute:
                            hand(keyword.value.attr)
                        push(keyword.value)
                elif kind is ast.Subscript:
                    push(node.value)
                    push(node.slice)
                    if node.slice.__class__ in _SELECTORS and not self.selects:
                        self.selects = _may_be_mask(node.slice)
                elif kind is ast.Tuple or kind is ast.List:
                    extend(node.elts)
                elif kind is ast.BinOp:
                    push(node.left)
                    push(node.right)
                    self._operation(node.op, node.right)
                    if node.op.__class__ is ast.Pow:
                        self.hints.power(node)
                else:
                    self._others(node, below)
            level = below
            depth += 1
        if depth > MAX_DEPTH:
            raise TooDeepError(getattr(first, "lineno", 1))
        if len(calls) > 1:
            calls.sort(key=_end)
        for call in calls:
            name = dotted(call.func)
            if name:
                self.calls[name] = None
                self.hints.call(call, name)
        return calls

    def take_in(self, other: Scan) -> list[str]:
        """Add all that another scan found; the calls and names that only it did, sorted."""
        found = {*other.calls, *other.names, *other.handed}
        added = sorted(found - self.calls.keys() - self.names - self.handed)
        self.calls.update(other.calls)
        self.mentions |= other.mentions
        self.names |= other.names
        self.handed |= other.handed
        self.stores |= other.stores
        self.texts += other.texts
        self.divides = self.divides or other.divides
        self.selects = self.selects or other.selects
        self.hints.found |= other.hints.found
        return added

    def augmented(self, node: ast.AugAssign) -> None:
        """Take note of `x /= y` and `x **= y`."""
        self._operation(node.op, node.value)

    def stored(self, targets: Iterable[ast.expr]) -> None:
        """Take note of the attributes and constant keys among the targets of an assignment."""
        for target in targets:
            kind = target.__class__
            if kind is ast.Attribute:
                self.stores.add(target.attr)  # type: ignore[attr-defined]
            elif kind is ast.Subscript:
                key = target.slice  # type: ignore[attr-defined]
                if key.__class__ is ast.Constant and key.value.__class__ is str:
                    self.stores.add(key.value)
            elif kind is ast.Tuple or kind is ast.List:
                self.stored(target.elts)  # type: ignore[attr-defined]

    def parameters(self, arguments: ast.arguments) -> None:
        """Take note of the names of a function's parameters."""
        for group in (arguments.posonlyargs, arguments.args, arguments.kwonlyargs):
            for argument in group:
                if argument.arg in self.vocabulary:
                    self.mentions.add(argument.arg)

    def _text(self, node: ast.Constant) -> None:
        if node.value in self.vocabulary:
            self.mentions.add(str(node.value))
        if node.end_lineno != node.lineno or (node.end_col_offset or 0) - node.col_offset > 2 * MAX_WIDTH:
            self.texts.append(node)

    def _operation(self, operator: ast.operator, right: ast.expr) -> None:
        if operator.__class__ is ast.Div:
            self.divides = self.divides or not _is_number(right)
        elif operator.__class__ is ast.Pow:
            self.divides = self.divides or not _is_whole_number(right)

    def _others(self, node: Any, below: list[Any]) -> None:
        """Push the children of the less common nodes."""
        kind = node.__class__
        if kind is ast.JoinedStr:
            self.texts.append(node)
            below.extend(value for value in node.values if value.__class__ is not ast.Constant)
            return
        if (kind is ast.BoolOp and len(node.values) > MAX_WIDTH) or (
            kind is ast.Compare and len(node.comparators) > MAX_WIDTH
        ):
            raise TooDeepError(node.lineno)
        fields = _FIELDS.get(kind)
        if fields is None:
            fields = _FIELDS[kind] = tuple(name for name in kind._fields if name not in _LEAVES)
        for name in fields:
            value = getattr(node, name)
            if value.__class__ is list:
                below.extend(item for item in value if isinstance(item, ast.AST))
            elif isinstance(value, ast.AST):
                below.append(value)


def _end(call: ast.Call) -> tuple[int, int]:
    return (call.end_lineno or 0, call.end_col_offset or 0)


def _unsigned(node: ast.expr) -> ast.expr:
    return (
        node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd) else node
    )


def _is_number(node: ast.expr) -> bool:
    return isinstance(_unsigned(node), ast.Constant)


def _may_be_mask(key: object) -> bool:
    """Whether a subscript of one of these kinds may be a mask and not only an index."""
    if isinstance(key, ast.UnaryOp):
        return isinstance(key.op, ast.Invert)
    return not isinstance(key, ast.BinOp) or isinstance(key.op, (ast.BitAnd, ast.BitOr))


def _is_whole_number(node: ast.expr) -> bool:
    """Whether an exponent neither takes a root nor divides: 2, but not 0.5, -1 or n."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int)
