"""Transfers of functions that work element by element: views, arithmetic, activations, losses, clamps."""

from __future__ import annotations

import struct

import msgspec

from trainlint.analysis.numerics import lattice, origins
from trainlint.analysis.numerics.arithmetic import (
    added,
    divided,
    fresh,
    keep_origin,
    multiplied,
    negated,
    powered,
    root,
    squared,
    subtracted,
)
from trainlint.analysis.numerics.lattice import Gradient, Kind, Value
from trainlint.analysis.numerics.operation import Operation, transfer

replace = msgspec.structs.replace

_LARGEST_SINGLE = 3.4e38


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
    return op.typed(negated(op.value()))


@transfer
def _absolute(op: Operation) -> Value:
    value = op.value()
    if value.origin in origins.PROBABILITIES and value.low >= 0.0:
        return op.typed(value)
    result = op.typed(lattice.absolute(value))
    if result.can_be_zero:
        result = replace(result, origin=value.origin if value.origin in origins.SCALES else origins.MAGNITUDE)
    return result


@transfer
def _square(op: Operation) -> Value:
    return op.typed(squared(op.value(), op.term("input")))


@transfer
def _squared_difference(op: Operation) -> Value:
    return op.typed(squared(lattice.subtract(op.value(), op.value("other")), op.index))


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
def _any(op: Operation) -> Value:
    return op.typed(fresh(op.value()))


@transfer
def _bounded(op: Operation) -> Value:
    return replace(op.typed(fresh(op.value(), -1.0, 1.0)), origin=origins.BOUNDED)


@transfer
def _cosine(op: Operation) -> Value:
    return replace(op.typed(fresh(op.value(), -1.0, 1.0)), origin=origins.BOUNDED)


@transfer
def _positive(op: Operation) -> Value:
    return op.typed(fresh(op.value(), 0.0, zero=False))


@transfer
def _pooled(op: Operation) -> Value:
    value = op.value()
    return op.typed(keep_origin(fresh(value, value.low, value.high, zero=value.zero), value))


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
        if bound.kind is Kind.OTHER:
            return _clamped(op, -1, high)
        if bound.const is None and not bound.is_positive:
            above = op.value_of(high).high if high >= 0 else value.high
            return op.typed(fresh(value, high=min(above, value.high) if bound.high <= above else above))
        result = lattice.greatest(result, _as_single(bound))
    if high >= 0:
        result = lattice.least(result, _as_single(op.value_of(high)))
    result = op.typed(replace(result, grad=value.grad, roots=value.roots))
    if value.origin in origins.PROBABILITIES and _are_constant(op, low, high):
        return keep_origin(result, value)
    if not result.can_be_zero:
        return result
    if result.low == -1.0 and result.high == 1.0:
        return replace(result, origin=origins.CLAMPED_TO_ONE)
    # Somebody who clamps to 0 has thought of the root: newer versions give it a finite gradient there.
    clamped_for_root = low >= 0 and value.origin in origins.ROOT_HAZARDS
    if value.origin in origins.SCALES and value.low >= 0.0 and not clamped_for_root:
        return keep_origin(result, value)
    return replace(result, origin=origins.CLAMPED_AT_ZERO) if result.low == 0.0 else result


def _are_constant(op: Operation, low: int, high: int) -> bool:
    """Whether the bounds that a clamp has are known numbers."""
    return all(bound < 0 or op.value_of(bound).const is not None for bound in (low, high))


def _as_single(bound: Value) -> Value:
    """A constant as float32 holds it: `1 - 1e-8` is 1."""
    if bound.const is None or abs(bound.const) > _LARGEST_SINGLE:
        return bound
    number = struct.unpack("f", struct.pack("f", bound.const))[0]
    return replace(bound, low=number, high=number, zero=number == 0.0)


@transfer
def _normalized(op: Operation) -> Value:
    return replace(op.typed(fresh(op.value(), -1.0, 1.0)), origin=origins.BOUNDED)
