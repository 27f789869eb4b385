"""Operands kept away from 0: eps inside a root, a count of at least one."""

from __future__ import annotations

import ast
import re

from trainlint.findings import Edit
from trainlint.fixing.making.calls import operands
from trainlint.fixing.making.expressions import parsed_expression, put
from trainlint.fixing.making.ground import Ground
from trainlint.fixing.making.syntax import Syntax

_HALF = re.compile(r"\b(?:float16|half|fp16|autocast|amp)\b")
_EPS = re.compile(r"1e-(?:[5-9]|1\d)\b")
_LEAST_OF_HALF = "1e-4"
"""An eps whose reciprocal float16 can hold: 1 / 1e-5 is beyond 65504, its greatest number."""

_COUNTED = frozenset({"sum", "count_nonzero", "float", "long", "int", "double", "to", "type", "type_as"})
"""Methods that give a tensor of a tensor."""


def guard_operand(ground: Ground) -> list[Edit] | None:
    """The operand with the guard that the finding names, in its place; None where it is not found there."""
    syntax = ground.syntax
    what, fixed = ground.text("what"), ground.text("fixed")
    if syntax is None or ground.text("guard") == "where":
        return None
    operand = _operand(syntax, ground, what)
    template = _template(fixed, what)
    if operand is None or template is None:
        return None
    if ".clamp(" in template and not (_has_torch(ground) and _is_tensor(syntax, operand)):
        return None
    if _HALF.search(syntax.text):
        template = _EPS.sub(_LEAST_OF_HALF, template)
    return put(syntax, operand, template)


def _template(fixed: str, what: str) -> str | None:
    """`max(n, 1)` of `n` is `max(…, 1)`; parentheses come back where they are needed."""
    whole, part = parsed_expression(fixed), parsed_expression(what)
    if whole is None or part is None or "\n" in fixed:
        return None
    wanted = ast.dump(part)
    node = next((each for each in _expressions(whole) if ast.dump(each) == wanted), None)
    if node is None:
        return None
    line = fixed.encode()
    template = (line[: node.col_offset] + "…".encode() + line[node.end_col_offset :]).decode()
    inside = template.removeprefix("(").removesuffix(")")
    if len(inside) == len(template) - 2 and parsed_expression(inside.replace("…", "x")) is not None:
        template = inside
    return template.replace("(…).", "….")


def _expressions(whole: ast.expr) -> list[ast.expr]:
    return [each for each in ast.walk(whole) if isinstance(each, ast.expr)]


def _operand(syntax: Syntax, ground: Ground, what: str) -> ast.expr | None:
    """The operand below the site: what the finding calls it, where an operand of the site stands."""
    site: ast.AST | None = syntax.expression(ground.finding.span, ast.expr)
    if site is None:
        site = syntax.statement(ground.finding.span)
    wanted = parsed_expression(what)
    if wanted is None:
        return None
    same = [node for node in operands(site) if ast.dump(node) == ast.dump(wanted)]
    return same[-1] if same else None


def _has_torch(ground: Ground) -> bool:
    outline = ground.material.index.by_path(ground.path)
    return any(each.target.partition(".")[0] == "torch" for each in outline.imports) if outline else False


def _is_tensor(syntax: Syntax, node: ast.expr) -> bool:
    """Whether an operand is written as a tensor: a method's result, or a name that only such are given to."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in _COUNTED
    if isinstance(node, ast.BinOp):
        return _is_difference_of_extremes(syntax, node)
    if not isinstance(node, ast.Name):
        return False
    given = _given(syntax, node)
    return bool(given) and all(value is not node and _is_tensor(syntax, value) for value in given)


def _is_difference_of_extremes(syntax: Syntax, node: ast.BinOp) -> bool:
    """Whether both sides are maxima and minima, or the constant 1 less a product of tensors."""
    if not isinstance(node.op, ast.Sub):
        return False
    sides = [value for side in (node.left, node.right) for value in _given(syntax, side) or [side]]
    return any(
        isinstance(side, ast.Call)
        and isinstance(side.func, ast.Attribute)
        and side.func.attr in ("max", "min", "amax", "amin", "pow")
        for side in sides
    )


def _given(syntax: Syntax, node: ast.expr) -> list[ast.expr]:
    """The values that a name is given in its function; none where it is bound in another way as well."""
    if not isinstance(node, ast.Name):
        return []
    scopes = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.Module)
    scope = next((each for each in syntax.around(node) if isinstance(each, scopes)), None)
    values: list[ast.expr] = []
    for each in ast.walk(scope) if scope is not None else ():
        if isinstance(each, ast.arg) and each.arg == node.id:
            return []
        if isinstance(each, ast.Name) and each.id == node.id and not isinstance(each.ctx, ast.Load):
            value = _assigned(syntax, each)
            if value is None:
                return []
            values.append(value)
    return values


def _assigned(syntax: Syntax, target: ast.Name) -> ast.expr | None:
    """The value a name is given by `name = value`, or in a tuple of as many values."""
    parent = syntax.parents.get(target)
    if isinstance(parent, ast.Assign):
        return parent.value
    around = syntax.parents.get(parent) if parent is not None else None
    values = around.value if isinstance(around, ast.Assign) else None
    if (
        isinstance(parent, ast.Tuple)
        and isinstance(values, ast.Tuple)
        and len(values.elts) == len(parent.elts)
    ):
        return values.elts[parent.elts.index(target)]
    return None
