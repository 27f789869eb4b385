"""Which units may hold numeric sites, and may need something of their parameters, told from their outline."""

from __future__ import annotations

from trainlint.analysis.facts import Unit
from trainlint.analysis.numerics.hazards.words import may_hold_hazards

SITE_WORDS = frozenset(
    "sqrt sqrt_ rsqrt rsqrt_ pow pow_ power float_power div div_ divide divide_ true_divide true_divide_ "
    "truediv realdiv reciprocal reciprocal_ hypot".split()
)
"""Names of the functions and methods whose sites the numeric rules judge."""

_LOGARITHMS = frozenset({"log", "log_", "log2", "log10"})
_CALLED_WORDS = _LOGARITHMS | frozenset(
    "exp exp_ exp2 exponential acos arccos acos_ asin arcsin acosh arccosh atanh arctanh".split()
)
_OTHER_OWNERS = frozenset({"", "self", "math", "np", "numpy", "logger", "logging", "cls"})
"""Whose `log` and `exp` are none of a tensor's: Python numbers, arrays, Lightning's `self.log`."""


def has_sites(unit: Unit) -> bool:
    """Whether a unit may hold what a numeric rule judges."""
    if _divides(unit) or may_hold_hazards(unit):
        return True
    return any(_names_a_site(call) for call in unit.calls)


def has_needs(unit: Unit) -> bool:
    """Whether a function may take the logarithm or root of a parameter, or divide by it."""
    if unit.kind != "function" or not unit.params:
        return False
    return _divides(unit) or any(_is_of_tensors(call, _LOGARITHMS) for call in unit.calls)


def _divides(unit: Unit) -> bool:
    return unit.divides or not SITE_WORDS.isdisjoint(unit.mentions)


def _names_a_site(call: str) -> bool:
    """Whether a call as written may be a logarithm, an exponential or an arc cosine of a tensor."""
    name = call.rpartition(".")[2]
    return "softmax" in name or "sigmoid" in name or _is_of_tensors(call, _CALLED_WORDS)


def _is_of_tensors(call: str, names: frozenset[str]) -> bool:
    owner, _, name = call.rpartition(".")
    return name in names and owner not in _OTHER_OWNERS
