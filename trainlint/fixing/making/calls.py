"""Calls of a framework's functions and of a tensor's methods, read alike."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import msgspec

from trainlint.fixing.making.ground import Ground
from trainlint.fixing.making.syntax import Syntax


class Applied(msgspec.Struct, frozen=True):
    """A call that is understood: `torch.softmax(x, 1)` and `x.softmax(1)` are the same, but for `is_method`.

    `absolute` is the function's full name, "" for a method; `operand` what it is applied to, `rest` the other
    positional arguments.
    """

    call: ast.Call
    framework: str
    transfer: str
    name: str
    absolute: str
    operand: ast.expr
    rest: list[ast.expr]
    keywords: dict[str, ast.expr]
    is_method: bool


def read_call(ground: Ground, node: ast.expr | None) -> Applied | None:
    """What a call does; None for what is no call, for other functions, and where arguments are unpacked."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
        return None
    if any(isinstance(each, ast.Starred) for each in node.args) or any(k.arg is None for k in node.keywords):
        return None
    given = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg is not None}
    entry = ground.entry(ground.path, node)
    if entry is not None:
        name = entry.name.rpartition(".")[2]
        named = next((key for key in given if entry.renamed.get(key, key) == "input"), "")
        operand = node.args[0] if node.args else given.pop(named, None)
        if not entry.transfer or operand is None:
            return None
        return Applied(
            node, entry.framework, entry.transfer, name, entry.name, operand, node.args[1:], given, False
        )
    if not isinstance(node.func, ast.Attribute):
        return None
    methods = ground.material.knowledge.methods(node.func.attr)
    method = next((each for each in methods if each.receiver == "tensor" and each.transfer), None)
    if method is None:
        return None
    return Applied(
        node, "torch", method.transfer, node.func.attr, "", node.func.value, list(node.args), given, True
    )


def keywords(syntax: Syntax, applied: Applied, renamed: Mapping[str, str] | None = None) -> list[str]:
    """The keyword arguments of a call as they are written, under other names where they have some."""
    others = renamed or {}
    return [f"{others.get(key, key)}={syntax.written(value)}" for key, value in applied.keywords.items()]


def is_one(node: ast.expr) -> bool:
    """Whether an expression is the number 1."""
    return isinstance(node, ast.Constant) and not isinstance(node.value, bool) and node.value == 1


def operands(site: ast.AST | None) -> list[ast.expr]:
    """What may stand under a root, in a denominator, or below another function; a call has several."""
    if isinstance(site, ast.AugAssign):
        return [site.value] if isinstance(site.op, ast.Div) else []
    if isinstance(site, ast.BinOp):
        return [site.right] if isinstance(site.op, ast.Div) else [site.left]
    if not isinstance(site, ast.Call):
        return []
    given = [*site.args, *(keyword.value for keyword in site.keywords)]
    if isinstance(site.func, ast.Attribute):
        # `x.sqrt_()` writes to x: an expression in its place would be written to instead.
        return [] if site.func.attr.endswith("_") else [site.func.value, *given]
    return given
