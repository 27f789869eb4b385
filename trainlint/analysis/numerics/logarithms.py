"""Whether a logarithm, an exponential, an arc cosine or a fractional power can go wrong."""

from __future__ import annotations

import msgspec

from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.abstract import AbstractValues
from trainlint.analysis.numerics.activations import LARGEST_EXPONENT
from trainlint.analysis.numerics.lattice import Gradient, Kind, Value

LOG_OF_SOFTMAX = "log-of-softmax"
UNGUARDED_LOG = "unguarded-log"
SOFTPLUS = "softplus-by-hand"
LOGSUMEXP = "logsumexp-by-hand"
SOFTMAX = "softmax-by-hand"
ABSORBED_EPS = "absorbed-eps"
ARCCOS = "unclamped-arccos"
POWER = "fractional-power-at-zero"
EXP = "unbounded-exp"

_CERTAIN = frozenset({origins.CLAMPED_AT_ZERO, origins.CHOSEN_PROBABILITY})
_LOG_HAZARDS = (
    origins.COUNTS
    | _CERTAIN
    | frozenset(
        {
            origins.SQUARE, origins.SQUARES, origins.MAGNITUDE, origins.VARIANCE, origins.STD, origins.RANGE,
            origins.NORM, origins.DISTANCE, origins.HAND_NORM, origins.HAND_STD,
        }
    )
)  # fmt: skip
_POWER_HAZARDS = origins.PROBABILITIES | frozenset(
    {
        origins.SQUARE,
        origins.SQUARES,
        origins.MAGNITUDE,
        origins.VARIANCE,
        origins.CLAMPED_AT_ZERO,
        origins.STD,
    }
)
_COSINES = frozenset({origins.BOUNDED, origins.RATIO, origins.TRACE})
_LOG_NAMES = frozenset(
    "logvar log_var logvars log_vars logsigma log_sigma logstd log_std log_sigma_sq log_sigma2 log_scale "
    "log_variance logsig".split()
)


class Verdict(msgspec.Struct, frozen=True):
    """What is wrong at a site: the kind of candidate, what the operand is, and how sure that is."""

    kind: str
    operand: str
    grade: str


def of_logarithm(operand: Value) -> Verdict | None:
    """What is wrong with the logarithm of this; None where nothing is known to be."""
    origin = origins.CLAMPED_AT_ZERO if operand.origin == origins.RECTIFIED else operand.origin
    if origin == origins.ONE_PLUS_EXPONENTIAL:
        return Verdict(SOFTPLUS, origin, "certain")
    if origin == origins.EXPONENTIALS:
        return Verdict(LOGSUMEXP, origin, "certain")
    if operand.low > 0.0:
        return None
    if origin in origins.PROBABILITIES and origin != origins.CHOSEN_PROBABILITY:
        return Verdict(LOG_OF_SOFTMAX, origin, "certain")
    if origin in _CERTAIN and (operand.can_be_zero or origin == origins.CHOSEN_PROBABILITY):
        return Verdict(UNGUARDED_LOG, origin, "certain")
    # Distances between positions are magnitudes too: what is not known to be learned is not told.
    if origin in _LOG_HAZARDS and operand.can_be_zero and operand.grad is Gradient.YES:
        return Verdict(UNGUARDED_LOG, origin, "likely")
    return None


def of_exponential(values: AbstractValues, term: int, operand: Value) -> Verdict | None:
    """Whether this argument is a free output of a network, so that its exponential may overflow."""
    if operand.high <= LARGEST_EXPONENT or operand.grad is Gradient.NO:
        return None
    if operand.origin == origins.NETWORK_OUTPUT or _is_log_scale(values, term):
        return Verdict(EXP, origins.NETWORK_OUTPUT, "possible")
    return None


def _is_log_scale(values: AbstractValues, index: int) -> bool:
    """Whether a term is a value named like a logarithm, times a number."""
    for _ in range(4):
        term = values.terms[index]
        if term.op == "bin" and term.name in ("*", "/"):
            left, right = term.args
            index = right if values.value(left).const is not None else left
            continue
        return term.op in ("param", "attr") and term.name.lower().strip("_") in _LOG_NAMES
    return False


def of_arccosine(operand: Value) -> Verdict | None:
    """Whether rounding can take the argument of an arc cosine (or sine) to 1 or beyond."""
    if operand.low > -1.0 and operand.high < 1.0:
        return None
    if operand.origin == origins.CLAMPED_TO_ONE:
        return Verdict(ARCCOS, origins.CLAMPED_TO_ONE, "possible")
    if operand.origin in _COSINES:
        return Verdict(ARCCOS, operand.origin, "certain")
    return None


def of_power(operand: Value) -> Verdict | None:
    """Whether the base of a power between 0 and 1 can be 0, where the gradient is infinite."""
    if operand.origin in _POWER_HAZARDS and operand.low <= 0.0:
        return Verdict(POWER, operand.origin, "likely")
    return None


def of_softmax(values: AbstractValues, numerator: int, denominator: Value) -> Verdict | None:
    """Whether a quotient is a softmax written by hand, whose exponentials overflow."""
    if denominator.origin != origins.EXPONENTIALS or numerator < 0:
        return None
    return Verdict(SOFTMAX, denominator.origin, "certain") if _is_exponential(values, numerator) else None


def _is_exponential(values: AbstractValues, index: int) -> bool:
    """Whether a term is an exponential, views and masks aside."""
    if values.value(index).origin == origins.EXPONENTIAL:
        return True
    for _ in range(6):
        term = values.terms[index]
        if term.op == "item":
            index = term.args[0]
        elif term.op == "call":
            callee = values.terms[term.args[0]]
            name = callee.name.rpartition(".")[2]
            if name in ("exp", "exp2"):
                return True
            if callee.op != "attr" or name not in (
                "view",
                "reshape",
                "squeeze",
                "unsqueeze",
                "flatten",
                "sum",
            ):
                return False
            index = callee.args[0]
        else:
            return False
    return False


def is_tensor(value: Value) -> bool:
    """Whether a value may be a tensor that a derivative flows through."""
    plain = (Kind.NUMBER, Kind.INTEGER, Kind.ARRAY, Kind.SEQUENCE, Kind.OTHER)
    return value.kind not in plain and value.grad is not Gradient.NO
