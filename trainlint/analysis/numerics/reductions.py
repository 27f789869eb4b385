"""Transfers of functions that reduce a tensor or combine its elements: sums, norms, extremes, products."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from trainlint.analysis.numerics import lattice, origins
from trainlint.analysis.numerics.arithmetic import fresh, keep_origin, matrix_product, total
from trainlint.analysis.numerics.lattice import INFINITY, Kind, Value
from trainlint.analysis.numerics.operation import Operation, transfer

replace = msgspec.structs.replace


@transfer
def _sum(op: Operation) -> Value:
    return op.typed(total(op.value()))


@transfer
def _mean(op: Operation) -> Value:
    value = op.value()
    result = total(value)
    return op.typed(replace(result, high=value.high) if value.low >= 0.0 else result)


@transfer
def _variance(op: Operation) -> Value:
    value = op.value()
    return replace(op.typed(fresh(value, 0.0)), origin=origins.VARIANCE, base=op.term("input"))


@transfer
def _standard_deviation(op: Operation) -> Value:
    value = op.value()
    return replace(op.typed(fresh(value, 0.0)), origin=origins.STD, base=op.term("input"))


@transfer
def _variance_and_mean(op: Operation) -> Value:
    value = fresh(op.value())
    return replace(value, kind=Kind.SEQUENCE, origin=origins.VARIANCE_AND_MEAN, base=op.term("input"))


@transfer
def _deviation_and_mean(op: Operation) -> Value:
    value = fresh(op.value())
    return replace(value, kind=Kind.SEQUENCE, origin=origins.DEVIATION_AND_MEAN, base=op.term("input"))


@transfer
def _mean_and_variance(op: Operation) -> Value:
    value = fresh(op.value())
    return replace(value, kind=Kind.SEQUENCE, origin=origins.MEAN_AND_VARIANCE, base=op.term("input"))


@transfer
def _norm(op: Operation) -> Value:
    value = op.value()
    if not value.can_be_zero or value.origin == origins.IDENTITY:
        return op.typed(fresh(value, 0.0, zero=False))
    return replace(op.typed(fresh(value, 0.0)), origin=origins.NORM, base=op.term("input"), kind=Kind.TENSOR)


@transfer
def _hypotenuse(op: Operation) -> Value:
    return replace(op.typed(fresh(op.value(), 0.0)), origin=origins.NORM, base=op.term("input"))


@transfer
def _range(op: Operation) -> Value:
    return replace(op.typed(fresh(op.value(), 0.0)), origin=origins.RANGE, base=op.term("input"))


@transfer
def _distance(op: Operation) -> Value:
    return replace(op.typed(fresh(op.value(), 0.0)), origin=origins.DISTANCE)


@transfer
def _maximum(op: Operation) -> Value:
    return _extreme(op, origins.MAXIMUM, lattice.greatest)


@transfer
def _pooled_maximum(op: Operation) -> Value:
    value = op.value()
    reduced = op.typed(fresh(value, value.low, value.high, zero=value.zero))
    whole = op.number("output_size") == 1.0
    return replace(reduced, origin=origins.MAXIMUM, base=op.term("input")) if whole else reduced


@transfer
def _minimum(op: Operation) -> Value:
    return _extreme(op, origins.MINIMUM, lattice.least)


def _extreme(op: Operation, origin: str, of_two: Callable[[Value, Value], Value]) -> Value:
    value, other = op.value(), op.value("other")
    if op.term("other") >= 0 and not _is_dimension(other):
        result = op.typed(of_two(value, other))
        return keep_origin(result, value) if result.can_be_zero and value.origin in origins.SCALES else result
    reduced = fresh(value, value.low, value.high, zero=value.zero)
    if value.origin in origins.SCALES - origins.COUNTS:
        origin = value.origin
    elements = op.term("other") >= 0 or op.term("dim") >= 0
    return replace(op.typed(reduced), origin=origin, base=op.term("input"), elements=elements)


def _is_dimension(value: Value) -> bool:
    return value.const is not None and value.const == int(value.const) and value.kind is Kind.INTEGER


@transfer
def _matmul(op: Operation) -> Value:
    return op.typed(matrix_product(op.value(), op.value("other")))


@transfer
def _dot(op: Operation) -> Value:
    value = op.value()
    if op.same:
        return replace(op.typed(fresh(value, 0.0)), origin=origins.SQUARES)
    return op.typed(total(lattice.multiply(value, op.value("other"))))


@transfer
def _einsum(op: Operation) -> Value:
    value = op.value("operands")
    if value.origin == origins.ADJACENCY:
        return op.typed(replace(fresh(value, 0.0), origin=origins.DEGREE))
    if value.origin == origins.DEGREE:
        return op.typed(total(value))
    return op.typed(fresh(value))


@transfer
def _trace(op: Operation) -> Value:
    value = op.value()
    result = fresh(value, value.low if value.low >= 0.0 else -INFINITY)
    return op.typed(keep_origin(result, value) if value.origin else replace(result, origin=origins.TRACE))


@transfer
def _ordered(op: Operation) -> Value:
    return replace(fresh(op.value()), kind=Kind.TENSOR, elements=True)
