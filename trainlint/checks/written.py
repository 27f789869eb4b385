"""The operand of a site as it is written there: a name, where the analysis knows the definition."""

from __future__ import annotations

import ast

_MODULES = frozenset({"torch", "th", "F", "nn", "paddle", "tf", "jnp", "np", "lax", "ops", "K", "keras"})


def operand_as_written(text: str, kind: str) -> str:
    """What a site's text operates on; "" where that cannot be told.

    Of a quotient it is the denominator, of a sum or comparison the side that is no number, of `where` the
    branch that is none, of another call what it is a method of or its first argument.
    """
    try:
        site = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    node = _operand(site, kind)
    return "" if node is None else ast.get_source_segment(text, node) or ""


def _operand(site: ast.expr, kind: str) -> ast.expr | None:
    if isinstance(site, ast.BinOp):
        if isinstance(site.op, ast.Div) and kind == "division":
            return site.right
        return site.right if _is_number(site.left) else site.left
    if isinstance(site, ast.Compare) and len(site.comparators) == 1:
        return site.comparators[0] if _is_number(site.left) else site.left
    if not isinstance(site, ast.Call):
        return None
    name = site.func.attr if isinstance(site.func, ast.Attribute) else getattr(site.func, "id", "")
    given = [*site.args, *(keyword.value for keyword in site.keywords if keyword.arg in ("input", "x"))]
    if isinstance(site.func, ast.Attribute) and not _is_module(site.func.value):
        return site.func.value
    if name == "where":
        return next((branch for branch in given[1:3] if not _is_number(branch)), None)
    return given[0] if given else None


def _is_number(node: ast.expr) -> bool:
    """Whether an expression is a number, a negative one, or NaN or infinity as they are spelt."""
    if isinstance(node, ast.UnaryOp):
        return _is_number(node.operand)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "float"
    if isinstance(node, ast.Attribute):
        return node.attr.lower() in ("nan", "inf")
    return isinstance(node, ast.Constant)


def _is_module(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in _MODULES
