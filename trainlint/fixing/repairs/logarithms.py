"""Logarithms of probabilities and exponentials, as the functions that compute them without the overflow."""

from __future__ import annotations

import ast

from trainlint.findings import Edit
from trainlint.fixing.making.calls import Applied, is_one, keywords, read_call
from trainlint.fixing.making.expressions import tightness
from trainlint.fixing.making.ground import Ground
from trainlint.fixing.making.library_names import put_named
from trainlint.fixing.making.syntax import Syntax

_LOG_SIGMOID = {
    "torch": "@torch.nn.functional.logsigmoid",
    "tensorflow": "@tensorflow.math.log_sigmoid",
    "jax": "@jax.nn.log_sigmoid",
}
_SOFTPLUS = {
    "torch": "@torch.nn.functional.softplus",
    "tensorflow": "@tensorflow.math.softplus",
    "jax": "@jax.nn.softplus",
}
_LOGSUMEXP = {
    "torch": "@torch.logsumexp",
    "tensorflow": "@tensorflow.reduce_logsumexp",
    "jax": "@jax.nn.logsumexp",
}
_NAMES = {
    "torch": {"dim", "axis", "keepdim"},
    "tensorflow": {"axis", "keepdims"},
    "jax": {"axis", "keepdims"},
}
"""The keywords of sums that the functions above have as well."""

_AS_TIGHT_AS_A_SIGN = 3


def log_of_softmax(ground: Ground) -> list[Edit] | None:
    """`log(softmax(x, d))` as `log_softmax(x, d)`, `log(sigmoid(x))` as `logsigmoid(x)`.

    None where the probability is not written under the logarithm."""
    logged, syntax = _natural_logarithm(ground), ground.syntax
    if logged is None or syntax is None:
        return None
    complement = _subtracted_from_one(logged.operand)
    inner = read_call(ground, complement or logged.operand)
    if inner is None or inner.framework != logged.framework:
        return None
    if inner.transfer == "softmax" and complement is None:
        return put_named(ground.material, syntax, logged.call, _log_softmax(ground, syntax, inner))
    function = _LOG_SIGMOID.get(inner.framework, "")
    if inner.transfer != "sigmoid" or not function or inner.rest or inner.keywords:
        return None
    argument = syntax.written(inner.operand)
    if complement is not None:
        argument = f"-{argument}" if tightness(inner.operand) > _AS_TIGHT_AS_A_SIGN else f"-({argument})"
    return put_named(ground.material, syntax, logged.call, f"{function}({argument})")


def softplus(ground: Ground) -> list[Edit] | None:
    """`log(1 + exp(x))` as `softplus(x)`; None where it is not written in one expression."""
    logged, syntax = _natural_logarithm(ground), ground.syntax
    exponential = read_call(ground, _more_than_one(ground, logged.operand)) if logged is not None else None
    if logged is None or syntax is None or exponential is None or exponential.name != "exp":
        return None
    function = _SOFTPLUS.get(logged.framework, "")
    text = f"{function}({syntax.written(exponential.operand)})" if function else ""
    return put_named(ground.material, syntax, logged.call, text)


def logsumexp(ground: Ground) -> list[Edit] | None:
    """`log(sum(exp(x), d))` as `logsumexp(x, d)`.

    None where it is not one expression, or where a sum over all elements would have to be told over which."""
    logged, syntax = _natural_logarithm(ground), ground.syntax
    total = read_call(ground, logged.operand) if logged is not None else None
    exponential = read_call(ground, total.operand) if total is not None and total.transfer == "sum" else None
    if logged is None or syntax is None or total is None or exponential is None or exponential.name != "exp":
        return None
    function, names = _LOGSUMEXP.get(logged.framework, ""), _NAMES.get(logged.framework, set())
    told = bool(total.rest) or bool({"dim", "axis"} & total.keywords.keys())
    if not function or not total.keywords.keys() <= names or (logged.framework == "torch" and not told):
        return None
    given = [syntax.written(exponential.operand), *(syntax.written(each) for each in total.rest)]
    renamed = {"axis": "dim"} if logged.framework == "torch" else {}
    given += keywords(syntax, total, renamed)
    return put_named(ground.material, syntax, logged.call, f"{function}({', '.join(given)})")


def _natural_logarithm(ground: Ground) -> Applied | None:
    """The logarithm the finding stands at, to base e."""
    read = read_call(ground, ground.call())
    return read if read is not None and read.name == "log" and not read.rest else None


def _subtracted_from_one(node: ast.expr) -> ast.expr | None:
    """p where an expression is `1 - p`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and is_one(node.left):
        return node.right
    return None


def _more_than_one(ground: Ground, node: ast.expr) -> ast.expr | None:
    """e where an expression is `1 + e`, `e + 1` or `e.add(1)`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = (node.left, node.right)
        return next((sides[1 - place] for place in (0, 1) if is_one(sides[place])), None)
    added = read_call(ground, node)
    one = added is not None and added.transfer == "add" and len(added.rest) == 1 and is_one(added.rest[0])
    return added.operand if added is not None and one and not added.keywords else None


def _log_softmax(ground: Ground, syntax: Syntax, inner: Applied) -> str:
    """The call of a softmax with the logarithm's name: both have the same parameters. "" where there is none,
    as for `gumbel_softmax`."""
    given = [*(syntax.written(each) for each in inner.rest), *keywords(syntax, inner)]
    operand = syntax.written(inner.operand)
    if inner.is_method:
        own = operand if tightness(inner.operand) > _AS_TIGHT_AS_A_SIGN + 1 else f"({operand})"
        return f"{own}.log_softmax({', '.join(given)})"
    owner, _, name = inner.absolute.rpartition(".")
    known = ground.material.knowledge.lookup(f"{owner}.log_{name}")
    if known is None or known.transfer != "log_probability":
        return ""
    return f"@{owner}.log_{name}({', '.join([operand, *given])})"
