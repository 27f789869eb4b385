"""Quotients whose numerator is 0 where the denominator is: `sin(t) / t`, `(1 - cos(t)) / t ** 2`.

On paper they have a limit there; in floating point they are 0/0. Whoever writes one has a zero in mind that
is ordinary: no rotation, no motion, no displacement.
"""

from __future__ import annotations

from trainlint.analysis.facts import Term
from trainlint.analysis.numerics.abstract import AbstractValues

_ODD = frozenset(
    {"sin", "tan", "asin", "arcsin", "atan", "arctan", "sinh", "tanh", "asinh", "atanh", "expm1", "log1p"}
)
"""Functions that are 0 at 0 and only there near it."""
_DEPTH = 8


def vanish_together(values: AbstractValues, numerator: int, denominator: int) -> bool:
    """Whether a numerator is known to be 0 wherever the base of its denominator's power is."""
    if numerator < 0:
        return False
    base = _base(values, denominator)
    return _is_zero_with(values, numerator, base, _DEPTH)


def _base(values: AbstractValues, index: int) -> int:
    """The canonical term that a term is a positive power or a multiple of, views aside."""
    for _ in range(_DEPTH):
        below = _below(values, values.terms[index])
        if below < 0:
            break
        index = below
    return values.canonical(index)


def _below(values: AbstractValues, term: Term) -> int:
    """What a term is a power, a multiple or a view of; -1 where it is none."""
    if term.op == "item":
        return term.args[0] if _is_view(values, term.args[1]) else -1
    if term.op != "bin":
        return -1
    left, right = term.args
    if term.name == "**":
        return left if _is_positive(values, right) else -1
    if term.name != "*":
        return -1
    if _same(values, left, right):
        return left
    return right if values.value(left).const is not None else -1


def _is_view(values: AbstractValues, key: int) -> bool:
    """Whether a subscript only adds dimensions: `[..., None]`."""
    parts = values.terms[key].args if values.terms[key].op == "tuple" else [key]
    terms = [values.terms[part] for part in parts]
    return all(
        each.name == "Ellipsis" or (each.op == "const" and each.value is None) or each.op == "slice"
        for each in terms
    )


def _is_zero_with(values: AbstractValues, index: int, base: int, depth: int) -> bool:
    if depth == 0:
        return False
    if _base(values, index) == base:
        return True
    term = values.terms[index]
    if term.op == "call":
        name, argument = _applied(values, term)
        return name in _ODD and argument >= 0 and _base(values, argument) == base
    if term.op == "item" and _is_view(values, term.args[1]):
        return _is_zero_with(values, term.args[0], base, depth - 1)
    if term.op != "bin":
        return False
    left, right = term.args
    if term.name == "*":
        return any(_is_zero_with(values, each, base, depth - 1) for each in (left, right))
    if term.name not in ("+", "-"):
        return False
    if all(_is_zero_with(values, each, base, depth - 1) for each in (left, right)):
        return not _same(values, left, right)
    return term.name == "-" and (
        _is_one_less(values, left, right, base) or _is_one_less(values, right, left, base)
    )


def _is_one_less(values: AbstractValues, one: int, cosine: int, base: int) -> bool:
    """Whether these are 1 and the cosine of the base."""
    term = values.terms[cosine]
    if values.value(one).const != 1.0 or term.op != "call":
        return False
    name, argument = _applied(values, term)
    return name in ("cos", "cosh") and argument >= 0 and _base(values, argument) == base


def _applied(values: AbstractValues, term: Term) -> tuple[str, int]:
    """The last name of a function of a framework or a tensor's method, and the term it is applied to."""
    callee = values.terms[term.args[0]]
    if callee.op == "attr":
        return callee.name, callee.args[0]
    return callee.name.rpartition(".")[2], term.args[1] if callee.op == "global" and len(
        term.args
    ) > 1 else -1


def _is_positive(values: AbstractValues, index: int) -> bool:
    power = values.value(index).const
    return power is not None and power > 0.0


def _same(values: AbstractValues, left: int, right: int) -> bool:
    return values.canonical(left) == values.canonical(right)
