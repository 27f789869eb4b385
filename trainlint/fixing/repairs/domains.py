"""Arguments kept where a function is defined: clamped, chosen before it, or with an eps that lasts."""

from __future__ import annotations

import ast
import re

from trainlint.findings import Edit
from trainlint.fixing.making.calls import Applied, is_one, operands, read_call
from trainlint.fixing.making.expressions import parsed_expression, tightness
from trainlint.fixing.making.ground import Ground
from trainlint.fixing.making.library_names import put_named
from trainlint.fixing.making.syntax import Syntax

_HALF = re.compile(r"\b(?:float16|half|fp16|autocast|amp)\b")
_CLAMPS = {
    "torch": "@torch.clamp",
    "tensorflow": "@tensorflow.clip_by_value",
    "jax": "@jax.numpy.clip",
    "paddle": "@paddle.clip",
}
_WHERES = {
    "torch": "@torch.where",
    "tensorflow": "@tensorflow.where",
    "jax": "@jax.numpy.where",
    "paddle": "@paddle.where",
}
_HARMLESS = {
    "torch": "@torch.{}_like",
    "tensorflow": "@tensorflow.{}_like",
    "jax": "@jax.numpy.{}_like",
    "paddle": "@paddle.{}_like",
}
_BETWEEN = frozenset({"acos", "acos_", "arccos", "asin", "arcsin", "atanh", "arctanh"})
"""Functions that are defined, and have a finite derivative, strictly between -1 and 1."""

_AS_TIGHT_AS_A_SUM = 1
_EUCLIDEAN = (2, 2.0, "fro")


def clamp_strictly(ground: Ground) -> list[Edit] | None:
    """The argument of an arc cosine or sine clamped to less than 1, in place of a clamp to 1."""
    arc, syntax = read_call(ground, ground.call()), ground.syntax
    clamp = _CLAMPS.get(arc.framework) if arc is not None else None
    if arc is None or syntax is None or clamp is None or arc.name not in _BETWEEN or arc.name.endswith("_"):
        return None
    inner = read_call(ground, arc.operand)
    argument = inner.operand if inner is not None and inner.transfer == "clamp" else arc.operand
    eps = "1e-3" if _HALF.search(syntax.text) else "1e-6"
    return put_named(
        ground.material, syntax, arc.operand, f"{clamp}({syntax.written(argument)}, -1 + {eps}, 1 - {eps})"
    )


def choose_twice(ground: Ground) -> list[Edit] | None:
    """`where(c, f(x), other)` as `where(c, f(where(c, x, ones_like(x))), other)`; None where the function is
    not written inside of the `where`."""
    chosen, syntax = read_call(ground, ground.call()), ground.syntax
    if chosen is None or syntax is None or chosen.transfer != "where" or len(chosen.rest) != 2:
        return None
    for holds, branch in ((True, chosen.rest[0]), (False, chosen.rest[1])):
        operand = _operand_in(branch, ground)
        if operand is not None:
            return put_named(
                ground.material, syntax, operand, _harmless(syntax, chosen, operand, holds, _is_arc(ground))
            )
    return None


def _harmless(syntax: Syntax, chosen: Applied, operand: ast.expr, holds: bool, arc: bool) -> str:
    """The operand where the condition lets it through, else a number that the function takes: 1, or 0 for an
    arc cosine."""
    where, like = _WHERES.get(chosen.framework, ""), _HARMLESS.get(chosen.framework, "")
    if not where or chosen.keywords:
        return ""
    condition, own = syntax.written(chosen.operand), syntax.written(operand)
    other = f"{like.format('zeros' if arc else 'ones')}({own})"
    sides = (own, other) if holds else (other, own)
    return f"{where}({condition}, {sides[0]}, {sides[1]})"


def _operand_in(branch: ast.expr, ground: Ground) -> ast.expr | None:
    """The operand of the finding below a branch."""
    site, operand = parsed_expression(ground.text("text")), parsed_expression(ground.text("what"))
    if site is None or operand is None:
        return None
    sites = [each for each in ast.walk(branch) if ast.dump(each) == ast.dump(site)]
    if len(sites) != 1:
        return None
    return next((each for each in operands(sites[0]) if ast.dump(each) == ast.dump(operand)), None)


def _is_arc(ground: Ground) -> bool:
    return ground.text("operand") == "arc"


def eps_last(ground: Ground) -> list[Edit] | None:
    """`1 + eps - p` as `1 - p + eps`; None where the difference is not written at the finding."""
    syntax = ground.syntax
    site = syntax.expression(ground.finding.span, ast.expr) if syntax is not None else None
    found = [each for node in ast.walk(site) if (each := _absorbing(node))] if site is not None else []
    if syntax is None or len(found) != 1:
        return None
    difference, one, eps = found[0]
    taken = syntax.written(difference.right)
    if tightness(difference.right) <= _AS_TIGHT_AS_A_SUM:
        taken = f"({taken})"
    text = f"{syntax.written(one)} - {taken} + {syntax.written(eps)}"
    return put_named(ground.material, syntax, difference, text)


def _absorbing(node: ast.AST) -> tuple[ast.BinOp, ast.expr, ast.expr] | None:
    """The difference, its 1 and its eps where a node is `1 + eps - p`."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub):
        return None
    total = node.left
    if not isinstance(total, ast.BinOp) or not isinstance(total.op, ast.Add):
        return None
    if is_one(total.left):
        return node, total.left, total.right
    return (node, total.right, total.left) if is_one(total.right) else None


def normalize(ground: Ground) -> list[Edit] | None:
    """`x / x.norm(dim=d, keepdim=True)` as `F.normalize(x, dim=d)`; None for another norm or dimension."""
    syntax = ground.syntax
    quotient = syntax.expression(ground.finding.span, ast.BinOp) if syntax is not None else None
    if syntax is None or quotient is None or not isinstance(quotient.op, ast.Div):
        return None
    length = read_call(ground, quotient.right)
    if length is None or length.framework != "torch" or ast.dump(length.operand) != ast.dump(quotient.left):
        return None
    dim = _dimension(length)
    if dim is None:
        return None
    given = f"{syntax.written(quotient.left)}, dim={syntax.written(dim)}"
    return put_named(ground.material, syntax, quotient, f"@torch.nn.functional.normalize({given})")


def _dimension(length: Applied) -> ast.expr | None:
    """The one dimension of a Euclidean norm that keeps its place; None for any other norm."""
    given = dict(zip(("p", "dim", "keepdim"), length.rest, strict=False)) | length.keywords
    order = given.get("p", given.get("ord"))
    if (
        length.transfer != "norm"
        or length.name == "matrix_norm"
        or not given.keys() <= {"p", "ord", "dim", "keepdim"}
    ):
        return None
    if order is not None and _constant(order) not in _EUCLIDEAN:
        return None
    dim = given.get("dim")
    kept = "keepdim" in given and _constant(given["keepdim"]) is True
    return dim if dim is not None and kept and isinstance(_constant(dim), int) else None


def _constant(node: ast.expr) -> object:
    """The value of a literal; None where it is none."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
