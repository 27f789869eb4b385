"""Transfers of exponentials, logarithms, activations and losses: what overflows, and what becomes 0."""

from __future__ import annotations

import math

import msgspec

from trainlint.analysis.numerics import lattice, origins
from trainlint.analysis.numerics.arithmetic import fresh
from trainlint.analysis.numerics.lattice import INFINITY, Gradient, Kind, Value
from trainlint.analysis.numerics.operation import Operation, transfer

replace = msgspec.structs.replace

LARGEST_EXPONENT = 80.0
"""exp of 88.7 is infinite in float32 (and in bfloat16); a sum of many exponentials is so a little earlier."""

_GUESSED = origins.MASKS | frozenset({origins.ADJACENCY, origins.DISPARITY})
_BOUNDED = frozenset({origins.BOUNDED, origins.SCALED_COSINE, origins.SHIFTED})


@transfer
def _exponential(op: Operation) -> Value:
    value = op.value()
    result = op.typed(lattice.exponential(value))
    overflows = value.high > LARGEST_EXPONENT and value.origin not in _BOUNDED
    return replace(result, origin=origins.EXPONENTIAL, base=op.term("input")) if overflows else result


@transfer
def _exponential_minus_one(op: Operation) -> Value:
    return op.typed(fresh(op.value(), -1.0))


@transfer
def _cosh(op: Operation) -> Value:
    return op.typed(fresh(op.value(), 1.0))


@transfer
def _logarithm(op: Operation) -> Value:
    value = op.value()
    high = math.log(value.high) if 0.0 < value.high < INFINITY else INFINITY
    low = math.log(value.low) if 0.0 < value.low < INFINITY else -INFINITY
    return op.typed(fresh(value, low, high))


@transfer
def _log_probability(op: Operation) -> Value:
    return op.typed(fresh(op.value(), -INFINITY, 0.0))


@transfer
def _arccosine(op: Operation) -> Value:
    return op.typed(fresh(op.value()))


@transfer
def _softmax(op: Operation) -> Value:
    result = op.typed(fresh(op.value(), 0.0, 1.0, zero=False))
    return replace(result, origin=origins.SOFTMAX, base=op.term("input"))


@transfer
def _sigmoid(op: Operation) -> Value:
    value = op.value()
    # What a name alone says of a value (`adj` is not negative) holds before it became an activation.
    named = value.origin in _GUESSED
    low, high = (0.0, 1.0) if named else (_logistic(value.low), _logistic(value.high))
    result = op.typed(fresh(value, low, high, zero=False))
    return result if low > 0.0 else replace(result, origin=origins.SIGMOID, base=op.term("input"))


def _logistic(number: float) -> float:
    """1 / (1 + exp(-number)) as float32 has it: exactly 0 far below 0, exactly 1 far above."""
    if number < -LARGEST_EXPONENT:
        return 0.0
    return 1.0 if number > 16.0 else 1.0 / (1.0 + math.exp(-number))


@transfer
def _unit(op: Operation) -> Value:
    return op.typed(fresh(op.value(), 0.0, 1.0))


@transfer
def _relu(op: Operation) -> Value:
    value = op.value()
    result = lattice.greatest(value, lattice.constant(0.0))
    result = op.typed(replace(result, grad=value.grad))
    if not result.can_be_zero:
        return result
    # torch drops the gradient where its relu is 0, whatever it is: measured for roots and powers in 2.13.
    dropped = op.entry.framework == "torch"
    return replace(result, origin=origins.RECTIFIED if dropped else origins.CLAMPED_AT_ZERO)


@transfer
def _softplus(op: Operation) -> Value:
    return op.typed(fresh(op.value(), 0.0, zero=False))


@transfer
def _network(op: Operation) -> Value:
    """A layer with weights: anything may come out. An activation it ends in is applied by the caller."""
    result = op.typed(fresh(op.value()))
    return replace(result, grad=Gradient.YES, origin=origins.NETWORK_OUTPUT, roots=frozenset({op.index}))


@transfer
def _loss(op: Operation) -> Value:
    grad = lattice.gradient_of(op.value(), op.value("target"))
    return Value(Kind.TENSOR, 0.0, INFINITY, True, Gradient.UNKNOWN if grad is Gradient.NO else grad)


@transfer
def _squared_error(op: Operation) -> Value:
    grad = lattice.gradient_of(op.value(), op.value("target"))
    return Value(Kind.TENSOR, 0.0, INFINITY, True, grad, origins.SQUARES)
