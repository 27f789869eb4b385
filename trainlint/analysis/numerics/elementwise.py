"""Transfers of functions that work element by element: views, arithmetic, activations, losses, clamps."""

from __future__ import annotations

import msgspec

from trainlint.analysis.numerics import lattice, origins
from trainlint.analysis.numerics.arithmetic import (
    added,
    divided,
    fresh,
    keep_origin,
    multiplied,
    powered,
    root,
    squared,
    subtracted,
)
from trainlint.analysis.numerics.lattice import INFINITY, Gradient, Kind, Value
from trainlint.analysis.numerics.operation import Operation, transfer

replace = msgspec.structs.replace


@transfer
def _same(op: Operation) -> Value:
    value = op.value()
    if value.kind is Kind.MASK:
        return value
    return op.typed(value)


@transfer
def _pieces(op: Operation) -> Value:
    value = op.value()
    return replace(value, kind=Kind.TENSOR, elements=True, const=None)


@transfer
def _joined(op: Operation) -> Value:
    value = op.value("tensors")
    return replace(
        op.typed(value), origin="" if value.origin not in origins.MASKS else value.origin, elements=False
    )


@transfer
def _detach(op: Operation) -> Value:
    return replace(op.value(), grad=Gradient.NO)


@transfer
def _integer(op: Operation) -> Value:
    value = op.value()
    if value.origin in origins.MASKS:
        return replace(value, kind=Kind.TENSOR, grad=Gradient.NO)
    return replace(value, kind=op.kind, grad=Gradient.NO, const=None)


@transfer
def _boolean(op: Operation) -> Value:
    value = op.value()
    origin = value.origin if value.origin in origins.MASKS else ""
    return Value(Kind.MASK, 0.0, 1.0, True, Gradient.NO, origin, roots=value.roots)


@transfer
def _item(op: Operation) -> Value:
    return replace(op.value(), kind=Kind.NUMBER, grad=Gradient.NO)


@transfer
def _array(op: Operation) -> Value:
    return replace(op.value(), kind=Kind.ARRAY, grad=Gradient.NO)


@transfer
def _add(op: Operation) -> Value:
    return op.typed(added(op.value(), op.value("other")))


@transfer
def _subtract(op: Operation) -> Value:
    return op.typed(subtracted(op.value(), op.value("other")))


@transfer
def _multiply(op: Operation) -> Value:
    if op.same:
        return op.typed(squared(op.value(), op.term("input")))
    return op.typed(multiplied(op.value(), op.value("other")))


@transfer
def _divide(op: Operation) -> Value:
    return op.typed(divided(op.value(), op.value("other")))


@transfer
def _reciprocal(op: Operation) -> Value:
    return op.typed(divided(lattice.constant(1.0), op.value()))


@transfer
def _negate(op: Operation) -> Value:
    return op.typed(lattice.negate(op.value()))


@transfer
def _absolute(op: Operation) -> Value:
    value = op.value()
    result = op.typed(lattice.absolute(value))
    if result.can_be_zero:
        result = replace(result, origin=value.origin if value.origin in origins.SCALES else origins.MAGNITUDE)
    return result


@transfer
def _square(op: Operation) -> Value:
    return op.typed(squared(op.value(), op.term("input")))


@transfer
def _power(op: Operation) -> Value:
    return op.typed(powered(op.value(), op.value("exponent"), op.term("input")))


@transfer
def _sqrt(op: Operation) -> Value:
    return op.typed(root(op.value()))


@transfer
def _rsqrt(op: Operation) -> Value:
    return op.typed(fresh(op.value(), 0.0, zero=False))


@transfer
def _exponential(op: Operation) -> Value:
    return op.typed(lattice.exponential(op.value()))


@transfer
def _cosh(op: Operation) -> Value:
    return op.typed(fresh(op.value(), 1.0))


@transfer
def _logarithm(op: Operation) -> Value:
    return op.typed(fresh(op.value()))


@transfer
def _any(op: Operation) -> Value:
    return op.typed(fresh(op.value()))


@transfer
def _bounded(op: Operation) -> Value:
    return replace(op.typed(fresh(op.value(), -1.0, 1.0)), origin=origins.BOUNDED)


@transfer
def _cosine(op: Operation) -> Value:
    return replace(op.typed(fresh(op.value(), -1.0, 1.0)), origin=origins.BOUNDED)


@transfer
def _probability(op: Operation) -> Value:
    return op.typed(fresh(op.value(), 0.0, 1.0, zero=False))


@transfer
def _relu(op: Operation) -> Value:
    value = op.value()
    result = lattice.greatest(value, lattice.constant(0.0))
    result = op.typed(replace(result, grad=value.grad))
    return replace(result, origin=origins.CLAMPED_AT_ZERO) if result.can_be_zero else result


@transfer
def _softplus(op: Operation) -> Value:
    return op.typed(fresh(op.value(), 0.0, zero=False))


@transfer
def _positive(op: Operation) -> Value:
    return op.typed(fresh(op.value(), 0.0, zero=False))


@transfer
def _pooled(op: Operation) -> Value:
    value = op.value()
    return op.typed(keep_origin(fresh(value, value.low, value.high, zero=value.zero), value))


@transfer
def _loss(op: Operation) -> Value:
    grad = lattice.gradient_of(op.value(), op.value("target"))
    return Value(Kind.TENSOR, 0.0, INFINITY, True, Gradient.UNKNOWN if grad is Gradient.NO else grad)


@transfer
def _squared_error(op: Operation) -> Value:
    grad = lattice.gradient_of(op.value(), op.value("target"))
    return Value(Kind.TENSOR, 0.0, INFINITY, True, grad, origins.SQUARES)


@transfer
def _clamp(op: Operation) -> Value:
    return _clamped(op, op.term("min"), op.term("max"))


@transfer
def _clamp_min(op: Operation) -> Value:
    return _clamped(op, op.term("min"), -1)


@transfer
def _clamp_max(op: Operation) -> Value:
    return _clamped(op, -1, op.term("max"))


def _clamped(op: Operation, low: int, high: int) -> Value:
    value = result = op.value()
    if low >= 0:
        bound = op.value_of(low)
        if bound.const is None and not bound.is_positive:
            return op.typed(fresh(value))
        result = lattice.greatest(result, bound)
    if high >= 0:
        result = lattice.least(result, op.value_of(high))
    result = op.typed(replace(result, grad=value.grad, roots=value.roots))
    if not result.can_be_zero:
        return result
    # Somebody who clamps to 0 has thought of the root: newer versions give it a finite gradient there.
    clamped_for_root = low >= 0 and value.origin in origins.ROOT_HAZARDS
    if value.origin in origins.SCALES and value.low >= 0.0 and not clamped_for_root:
        return keep_origin(result, value)
    return replace(result, origin=origins.CLAMPED_AT_ZERO) if result.low == 0.0 else result


@transfer
def _normalized(op: Operation) -> Value:
    return replace(op.typed(fresh(op.value(), -1.0, 1.0)), origin=origins.BOUNDED)
