"""Evaluating expressions to terms: one method per libcst node type, dispatched by type."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import libcst as cst

from trainlint.analysis.close.nodes import dotted_name, formal_parameters, item_path, left_out_keys
from trainlint.analysis.close.terms import NumericHooks, TermTable
from trainlint.analysis.close.unit_state import UnitState
from trainlint.analysis.facts import Condition, Event, Nested, Return, Scalar
from trainlint.analysis.index.names import Names
from trainlint.knowledge.base import Knowledge

MAX_TERMS = 20_000
BINARY: dict[type[cst.CSTNode], str] = {
    cst.Add: "+", cst.AddAssign: "+", cst.Subtract: "-", cst.SubtractAssign: "-", cst.Multiply: "*",
    cst.MultiplyAssign: "*", cst.Divide: "/", cst.DivideAssign: "/", cst.FloorDivide: "//",
    cst.FloorDivideAssign: "//", cst.Modulo: "%", cst.ModuloAssign: "%", cst.Power: "**",
    cst.PowerAssign: "**", cst.MatrixMultiply: "@", cst.MatrixMultiplyAssign: "@", cst.BitAnd: "&",
    cst.BitAndAssign: "&", cst.BitOr: "|", cst.BitOrAssign: "|", cst.BitXor: "^", cst.BitXorAssign: "^",
    cst.LeftShift: "<<", cst.LeftShiftAssign: "<<", cst.RightShift: ">>", cst.RightShiftAssign: ">>",
}  # fmt: skip
_UNARY: dict[type[cst.CSTNode], str] = {cst.Minus: "-", cst.Plus: "+", cst.BitInvert: "~", cst.Not: "not"}
_COMPARE: dict[type[cst.CSTNode], str] = {
    cst.Equal: "==", cst.NotEqual: "!=", cst.LessThan: "<", cst.LessThanEqual: "<=", cst.GreaterThan: ">",
    cst.GreaterThanEqual: ">=", cst.In: "in", cst.NotIn: "not-in", cst.Is: "is", cst.IsNot: "is-not",
}  # fmt: skip
_SITES = frozenset({"/", "**"})
_MUTATORS = frozenset({"append", "extend", "update", "insert", "add"})
_LITERALS: dict[str, Scalar] = {"True": True, "False": False, "None": None}


class ExpressionTerms(UnitState):
    """Evaluates the expressions of one unit where the walk stands."""

    def __init__(
        self, names: Names, knowledge: Knowledge, numerics: Callable[[TermTable], NumericHooks]
    ) -> None:
        super().__init__(names, knowledge, numerics)
        self._evaluators: dict[type[cst.CSTNode], Callable[[Any], int]] = {
            cst.Name: self._name, cst.Attribute: self._attribute, cst.Call: self._call,
            cst.Integer: self._number, cst.Float: self._number, cst.Imaginary: self._opaque,
            cst.SimpleString: self._string, cst.ConcatenatedString: self._string,
            cst.FormattedString: self._formatted, cst.BinaryOperation: self._binary,
            cst.UnaryOperation: self._unary, cst.BooleanOperation: self._boolean,
            cst.Comparison: self._comparison, cst.IfExp: self._conditional, cst.Subscript: self._subscript,
            cst.Tuple: self._tuple, cst.List: self._list, cst.Set: self._set, cst.Dict: self._dict,
            cst.ListComp: self._comprehension, cst.SetComp: self._comprehension,
            cst.GeneratorExp: self._comprehension, cst.DictComp: self._dict_comprehension,
            cst.Lambda: self._lambda, cst.Await: self._await, cst.Yield: self._yield,
            cst.NamedExpr: self._named, cst.StarredElement: self._starred,
        }  # fmt: skip

    def evaluate(self, node: cst.CSTNode) -> int:
        """The term of an expression; an unknown term for syntax that carries no value we follow."""
        evaluator = self._evaluators.get(type(node))
        if evaluator is None:
            return self._opaque(node)
        if len(self.table.terms) > MAX_TERMS:
            if not self.limits:
                self.limits.append(f"more than {MAX_TERMS} terms")
            return self._opaque(node)
        return evaluator(node)

    def _opaque(self, node: cst.CSTNode) -> int:
        return self.unknown(type(node).__name__, node)

    def _name(self, node: cst.Name) -> int:
        bound = self.env.get(node.value)
        if bound is not None:
            return bound
        if node.value in _LITERALS:
            return self.constant(_LITERALS[node.value], node)
        return self._global(node.value, node)

    def _global(self, dotted: str, node: cst.CSTNode) -> int:
        target = self.names.absolute(dotted)
        if target.kind in ("unknown", "local"):
            return self.term("unknown", name=f"name {dotted}", node=node)
        name = f"{target.path}::{target.qualname}" if target.path else target.absolute
        return self.term("global", name=name, node=node)

    def _attribute(self, node: cst.Attribute) -> int:
        dotted = dotted_name(node)
        if dotted is None:
            return self.attribute(self.evaluate(node.value), node.attr.value, node)
        bound = self.env.get(dotted)
        if bound is not None:
            return bound
        root = dotted.partition(".")[0]
        if root not in self.env and self.names.absolute(root).kind in (
            "module",
            "external",
            "class",
            "function",
        ):
            target = self.names.absolute(dotted)
            if target.kind not in ("unknown", "local") and not target.rest:
                return self._global(dotted, node)
        return self.attribute(self.evaluate(node.value), node.attr.value, node)

    def attribute(self, base: int, name: str, node: cst.CSTNode) -> int:
        """The term of `base.name`."""
        return self.table.make("attr", (base,), name, node=node)

    def _call(self, node: cst.Call) -> int:
        callee = self.evaluate(node.func)
        args: list[int] = [callee]
        keys: list[str] = []
        for argument in node.args:
            args.append(self.evaluate(argument.value))
            keys.append(argument.star or (argument.keyword.value if argument.keyword else ""))
        pure = self._is_pure(callee)
        index = self.term("call", tuple(args), keys=tuple(keys), node=node, unique=not pure)
        if pure:
            self.numerics.site(index)
        elif keys:
            self.numerics.handing(index)
        self.emit(Event("call", index), node)
        self._mutate(node, index, args)
        return index

    def _is_pure(self, callee: int) -> bool:
        term = self.table.terms[callee]
        if term.op == "global":
            entry = self.knowledge.lookup(term.name) if "::" not in term.name else None
        elif term.op == "attr":
            entry = self.knowledge.method(term.name)
        else:
            return False
        # A draw of random numbers is another value each time.
        return entry is not None and entry.transfer not in ("", "drawn") and not entry.random

    def _mutate(self, node: cst.Call, call: int, args: Sequence[int]) -> None:
        if not isinstance(node.func, cst.Attribute):
            return
        method = node.func.attr.value
        if method.endswith("_") and not method.startswith("_"):
            receiver = self.table.terms[args[0]].args
            if receiver:
                self.numerics.inplace(receiver[0], method, args[1:])
        if method in _MUTATORS and len(args) > 1:
            path = dotted_name(node.func.value)
            if path is not None and path in self.env:
                keys = self.table.terms[call].keys
                self.env[path] = self.term("update", (self.env[path], *args[1:]), method, keys=keys)
                self._note_change(path, node)
        self._lay_over(node.func, method)

    def _lay_over(self, callee: cst.Attribute, method: str) -> None:
        """Forget what was stored in settings that others are laid over: `cfg.merge_from_file(…)`."""
        path = dotted_name(callee.value)
        if path is not None and path in self.env:
            entry = self.knowledge.method(method, receiver="config-tree")
            if entry is not None and entry.effect.startswith("merge-"):
                self._forget_paths(path)

    def _number(self, node: cst.Integer | cst.Float) -> int:
        try:
            return self.constant(ast.literal_eval(node.value), node)
        except (ValueError, SyntaxError):
            return self._opaque(node)

    def _string(self, node: cst.SimpleString | cst.ConcatenatedString) -> int:
        try:
            value = node.evaluated_value
        except (ValueError, SyntaxError):
            value = None
        return self.constant(value, node) if isinstance(value, str) else self._opaque(node)

    def _formatted(self, node: cst.FormattedString) -> int:
        for part in node.parts:
            if isinstance(part, cst.FormattedStringExpression):
                self.evaluate(part.expression)
        return self.unknown("f-string", node)

    def _binary(self, node: cst.BinaryOperation) -> int:
        left = self.evaluate(node.left)
        return self.binary(BINARY[type(node.operator)], left, self.evaluate(node.right), node)

    def binary(self, operator: str, left: int, right: int, node: cst.CSTNode) -> int:
        """The term of `left operator right`; divisions and powers are sites of the numeric analysis."""
        index = self.term("bin", (left, right), operator, node=node)
        if operator in _SITES:
            self.numerics.site(index)
        return index

    def _unary(self, node: cst.UnaryOperation) -> int:
        operand = self.evaluate(node.expression)
        operator = _UNARY[type(node.operator)]
        term = self.table.terms[operand]
        if operator == "-" and term.op == "const" and isinstance(term.value, (int, float)):
            return self.constant(-term.value, node)
        return self.term("un", (operand,), operator, node=node)

    def _boolean(self, node: cst.BooleanOperation) -> int:
        left = self.evaluate(node.left)
        conjunction = isinstance(node.operator, cst.And)
        self.numerics.push()
        self.numerics.assume(left, conjunction)
        right = self.evaluate(node.right)
        self.numerics.pop()
        return self.term("bool", (left, right), "and" if conjunction else "or", node=node)

    def _comparison(self, node: cst.Comparison) -> int:
        left = self.evaluate(node.left)
        result = -1
        for target in node.comparisons:
            right = self.evaluate(target.comparator)
            one = self.term("cmp", (left, right), _COMPARE[type(target.operator)], node=node)
            result = one if result < 0 else self.term("bool", (result, one), "and", node=node)
            left = right
        return result

    def _conditional(self, node: cst.IfExp) -> int:
        test = self.evaluate(node.test)
        branches = []
        outer = self.conditions
        for holds, branch in ((True, node.body), (False, node.orelse)):
            self.numerics.push()
            self.numerics.assume(test, holds)
            self.conditions = (*outer, Condition(test, holds))
            branches.append(self.evaluate(branch))
            self.numerics.pop()
        self.conditions = outer
        return self.term("if", (test, *branches), node=node)

    def _subscript(self, node: cst.Subscript) -> int:
        base = self.evaluate(node.value)
        key = self.subscript_key(node)
        path = dotted_name(node.value)
        if path is not None and self.table.terms[key].op == "const":
            bound = self.env.get(item_path(path, self.table.terms[key].value))
            if bound is not None:
                return bound
        return self.term("item", (base, key), node=node)

    def subscript_key(self, node: cst.Subscript) -> int:
        """The term of what stands between the brackets; several elements make a tuple."""
        elements = [self._slice(element.slice) for element in node.slice]
        return elements[0] if len(elements) == 1 else self.term("tuple", tuple(elements), node=node)

    def _slice(self, node: cst.BaseSlice) -> int:
        if isinstance(node, cst.Index):
            return self.evaluate(node.value)
        assert isinstance(node, cst.Slice)
        bounds = [
            self.evaluate(part) if part else self.constant(None)
            for part in (node.lower, node.upper, node.step)
        ]
        return self.term("slice", tuple(bounds))

    def _elements(self, node: cst.Tuple | cst.List | cst.Set) -> tuple[int, ...]:
        return tuple(
            self._starred(element)
            if isinstance(element, cst.StarredElement)
            else self.evaluate(element.value)
            for element in node.elements
        )

    def _tuple(self, node: cst.Tuple) -> int:
        return self.term("tuple", self._elements(node), node=node)

    def _list(self, node: cst.List) -> int:
        return self.term("list", self._elements(node), node=node, unique=True)

    def _set(self, node: cst.Set) -> int:
        return self.term("set", self._elements(node), node=node)

    def _dict(self, node: cst.Dict) -> int:
        args: list[int] = []
        for element in node.elements:
            if isinstance(element, cst.DictElement):
                args += (self.evaluate(element.key), self.evaluate(element.value))
            else:
                args += (self.term("const", name="**"), self.evaluate(element.value))
        return self.term("dict", tuple(args), node=node, unique=True)

    def _comprehension(self, node: cst.ListComp | cst.SetComp | cst.GeneratorExp) -> int:
        kind = {cst.ListComp: "list", cst.SetComp: "set"}.get(type(node), "generator")
        return self._generate(node, node.for_in, [node.elt], kind)

    def _dict_comprehension(self, node: cst.DictComp) -> int:
        return self._generate(node, node.for_in, [node.key, node.value], "dict")

    def _generate(
        self, node: cst.CSTNode, clause: cst.CompFor, results: Sequence[cst.BaseExpression], kind: str
    ) -> int:
        outer_env, outer_conditions = dict(self.env), self.conditions
        source = self.evaluate(clause.iter)
        self.numerics.push()
        inner: cst.CompFor | None = clause
        while inner is not None:
            iterable = source if inner is clause else self.evaluate(inner.iter)
            self.bind_element(inner.target, iterable)
            for test in inner.ifs:
                condition = self.evaluate(test.test)
                self.numerics.assume(condition, True)
                self.conditions = (*self.conditions, Condition(condition, True))
            inner = inner.inner_for_in
        values = tuple(self.evaluate(result) for result in results)
        self.numerics.pop()
        self.env, self.conditions = outer_env, outer_conditions
        partial = bool(clause.ifs) or clause.inner_for_in is not None
        left_out = left_out_keys(clause) if kind == "dict" else ()
        return self.term(
            "comp", (*values, source), kind, value=partial or None, keys=left_out, node=node, unique=True
        )

    def bind_element(self, target: cst.BaseExpression, iterable: int) -> None:
        """Bind a loop's target to an element of what is iterated."""
        element = self.term("elem", (iterable,), node=target)
        if isinstance(target, (cst.Tuple, cst.List)):
            self._bind_parts(target, element)
        else:
            self._bind_name(target, element)

    def _bind_parts(self, target: cst.Tuple | cst.List, value: int) -> None:
        for position, part in enumerate(target.elements):
            piece = self.term("unpack", (value,), value=position, node=part.value)
            if isinstance(part.value, (cst.Tuple, cst.List)):
                self._bind_parts(part.value, piece)
            else:
                self._bind_name(part.value, piece)

    def _bind_name(self, target: cst.BaseExpression, value: int) -> None:
        path = dotted_name(target)
        if path is not None:
            self.env[path] = value

    def _lambda(self, node: cst.Lambda) -> int:
        saved = dict(self.env)
        params = formal_parameters(node.params)
        for parameter in params:
            self.env[parameter.name] = self.term(
                "param", name=f"lambda {parameter.name}", node=node, unique=True
            )
        record = len(self.nested)
        self.nested.append(Nested("<lambda>", params))
        outer, self.scope = self.scope, record
        self.numerics.push()
        self.nested[record].result = self.evaluate(node.body)
        self.numerics.pop()
        self.scope, self.env = outer, saved
        return self.term("func", name="<lambda>", value=record, node=node)

    def _await(self, node: cst.Await) -> int:
        return self.evaluate(node.expression)

    def _yield(self, node: cst.Yield) -> int:
        if node.value is not None:
            inner = node.value.item if isinstance(node.value, cst.From) else node.value
            self.returns.append(Return(self.evaluate(inner), self.conditions, yields=True, nested=self.scope))
        return self.unknown("yield", node)

    def _named(self, node: cst.NamedExpr) -> int:
        value = self.evaluate(node.value)
        self._bind_name(node.target, value)
        return value

    def _starred(self, node: cst.StarredElement) -> int:
        return self.term("star", (self.evaluate(node.value),), node=node)
