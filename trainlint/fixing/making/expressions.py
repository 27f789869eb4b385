"""Expressions put in place of expressions, in parentheses where they are needed and only there."""

from __future__ import annotations

import ast

from trainlint.findings import Edit
from trainlint.fixing.making.syntax import Syntax

_ATOM, _POWER, _UNARY, _PRODUCT, _SUM, _LOOSE = 5, 4, 3, 2, 1, 0
"""How tightly an expression holds together. What is looser than a sum never needs to be told apart here."""

_OPERATORS: dict[type[ast.operator], int] = {
    ast.Pow: _POWER,
    ast.Mult: _PRODUCT,
    ast.MatMult: _PRODUCT,
    ast.Div: _PRODUCT,
    ast.FloorDiv: _PRODUCT,
    ast.Mod: _PRODUCT,
    ast.Add: _SUM,
    ast.Sub: _SUM,
}
_ATOMS = (
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Call,
    ast.List,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
)


def tightness(node: ast.expr) -> int:
    """How tightly an expression holds together: 5 a name or call, 1 a sum, 0 what is looser."""
    if isinstance(node, _ATOMS):
        return _ATOM
    if isinstance(node, ast.Constant):
        # `1.clamp` is no expression, and texts that follow each other are one only in parentheses.
        return _ATOM if isinstance(node.value, bool | None) else _POWER
    if isinstance(node, ast.BinOp):
        return _OPERATORS.get(type(node.op), _LOOSE)
    if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
        return _UNARY
    return _LOOSE


def put(syntax: Syntax, node: ast.expr, template: str) -> list[Edit] | None:
    """Edits that put the template's expression in a node's place; `…` in it stands for the node's own text.

    Both get parentheses where the text around them asks for it. None where the template is no expression, or
    holds `…` more than once.
    """
    holder = parsed_expression(template.replace("…", _STAND_IN))
    if holder is None or template.count("…") > 1:
        return None
    inner = [each for each in ast.walk(holder) if isinstance(each, ast.Name) and each.id == _STAND_IN]
    own = syntax.written(node)
    if inner and _needs_parentheses(node, _parent(holder, inner[0]), inner[0]):
        # In parentheses of its own a part of the whole stays what it is, also over several lines.
        own = f"({own})"
    text = template.replace("…", own)
    start, end = _with_parentheses(syntax, node)
    goes_on = start < syntax.start(node) and len(text.splitlines()) > 1
    if goes_on or _needs_parentheses(holder, syntax.parents.get(node), node):
        text = f"({text})"
    return [syntax.edit(start, end, text)]


_STAND_IN = "__node__"


def parsed_expression(text: str) -> ast.expr | None:
    """The tree of one expression; None where the text is none."""
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _parent(holder: ast.expr, child: ast.AST) -> ast.AST | None:
    return next((each for each in ast.walk(holder) if child in ast.iter_child_nodes(each)), None)


def _with_parentheses(syntax: Syntax, node: ast.expr) -> tuple[int, int]:
    """The offsets of a node with the parentheses around it alone; those of a call are the call's."""
    start, end = syntax.start(node), syntax.end(node)
    parent = syntax.parents.get(node)
    grouped = isinstance(parent, ast.expr) and not (isinstance(parent, ast.Call) and node is not parent.func)
    # Only on the same line: what stands between may be a comment.
    before, behind = len(syntax.text[:start].rstrip(" \t")), syntax.behind_spaces(end)
    if grouped and syntax.text[before - 1 : before] == "(" and syntax.text[behind : behind + 1] == ")":
        return before - 1, behind + 1
    return start, end


def _needs_parentheses(new: ast.expr, parent: ast.AST | None, place: ast.expr) -> bool:
    """Whether an expression in a place below `parent` reads as another one without parentheses."""
    if parent is None or isinstance(parent, ast.stmt | ast.keyword):
        return isinstance(new, ast.NamedExpr | ast.GeneratorExp)
    if isinstance(parent, ast.Call) and place is not parent.func:
        return isinstance(new, ast.GeneratorExp)
    if isinstance(parent, ast.Subscript) and place is parent.slice:
        return False
    if isinstance(parent, ast.Attribute | ast.Call | ast.Subscript | ast.Await | ast.Starred):
        return tightness(new) < _ATOM
    if isinstance(parent, ast.BinOp):
        return _in_operation(new, parent, place)
    if isinstance(parent, ast.UnaryOp):
        return tightness(new) < _UNARY
    return tightness(new) == _LOOSE


def _in_operation(new: ast.expr, parent: ast.BinOp, place: ast.expr) -> bool:
    around = _OPERATORS.get(type(parent.op), _LOOSE)
    if around == _LOOSE:
        return tightness(new) < _SUM
    if around == _POWER:
        return tightness(new) <= _POWER if place is parent.left else tightness(new) < _UNARY
    # `a - (b - c)` and `a / (b * c)`: the right side holds together more tightly than the operator.
    return tightness(new) < around if place is parent.left else tightness(new) <= around
