"""Transfers of masks, counts, selections and freshly made tensors."""

from __future__ import annotations

import msgspec

from trainlint.analysis.numerics import lattice, origins
from trainlint.analysis.numerics.arithmetic import fresh, total
from trainlint.analysis.numerics.lattice import INFINITY, Gradient, Kind, Value
from trainlint.analysis.numerics.masks import (
    compared,
    complemented,
    intersected,
    length_of,
    selected,
    selection,
    shape_of,
)
from trainlint.analysis.numerics.operation import Operation, transfer

replace = msgspec.structs.replace


@transfer
def _compare(op: Operation) -> Value:
    operator = str(op.entry.extra.get("operator", "=="))
    return compared(op.index, operator, op.value(), op.value("other"))


@transfer
def _test(op: Operation) -> Value:
    return Value(Kind.MASK, 0.0, 1.0, True, Gradient.NO, roots=frozenset({op.index}))


@transfer
def _both(op: Operation) -> Value:
    return intersected(op.value(), op.value("other"))


@transfer
def _either(op: Operation) -> Value:
    return intersected(op.value(), op.value("other"))


@transfer
def _complement(op: Operation) -> Value:
    return complemented(op.index, op.value())


@transfer
def _any_of(op: Operation) -> Value:
    return Value(Kind.MASK, 0.0, 1.0, True, Gradient.NO, roots=op.value().roots)


@transfer
def _all_of(op: Operation) -> Value:  # noqa: ARG001
    return Value(Kind.MASK, 0.0, 1.0, True, Gradient.NO)


@transfer
def _nonzero(op: Operation) -> Value:
    return selection(op.value())


@transfer
def _count(op: Operation) -> Value:
    value = op.value()
    origin = origins.COUNT_OF_MASK.get(value.origin, "")
    return Value(Kind.TENSOR, 0.0, INFINITY, True, Gradient.NO, origin, roots=value.roots)


@transfer
def _degree(op: Operation) -> Value:
    return _degrees(op)


def _degrees(op: Operation) -> Value:
    roots = frozenset({op.index})
    return Value(Kind.TENSOR, 0.0, INFINITY, True, Gradient.NO, origins.DEGREE, roots=roots)


@transfer
def _where(op: Operation) -> Value:
    if op.term("input") < 0:
        value = op.value("condition")
        return Value(
            Kind.TENSOR, 0.0, INFINITY, True, Gradient.NO, origins.SELECTION, roots=value.roots, elements=True
        )
    return op.typed(lattice.join(op.value(), op.value("other")))


@transfer
def _where_method(op: Operation) -> Value:
    return op.typed(lattice.join(op.value(), op.value("other")))


@transfer
def _masked_fill(op: Operation) -> Value:
    return op.typed(lattice.join(op.value(), op.value("value")))


@transfer
def _scattered(op: Operation) -> Value:
    value = op.value()
    fill = op.value("src")
    if value.origin == origins.ONES and fill.const == 0.0:
        return replace(value, low=0.0, zero=True, origin=origins.OFF_DIAGONAL)
    return op.typed(fresh(value))


@transfer
def _scatter_added(op: Operation) -> Value:
    value, source = op.value(), op.value("src")
    if value.const == 0.0 and source.const == 1.0:
        return Value(
            Kind.TENSOR, 0.0, INFINITY, True, Gradient.NO, origins.DEGREE, roots=frozenset({op.index})
        )
    low = 0.0 if value.low >= 0.0 and source.low >= 0.0 else -INFINITY
    return op.typed(lattice.combine(value, source, low, INFINITY, zero=True))


@transfer
def _gathered_sum(op: Operation) -> Value:
    """The sum of a segment, which may have no elements: of ones, the number of them."""
    value = op.value()
    if value.const == 1.0:
        return _degrees(op)
    return replace(op.typed(total(value)), zero=True)


@transfer
def _diagonal_fill(op: Operation) -> Value:
    value = op.value()
    if value.origin == origins.PAIR_MASK and op.number("value") == 0.0:
        return replace(value, origin=origins.LABEL_MASK)
    return op.typed(fresh(value))


@transfer
def _size(op: Operation) -> Value:
    if op.entry.name.rpartition(".")[2] == "size" and op.term("dim") < 0:
        return shape_of(op.value())
    return length_of(op.value())


@transfer
def _lengths(op: Operation) -> Value:
    return shape_of(op.value())


@transfer
def _extent(op: Operation) -> Value:
    return length_of(op.value())


@transfer
def _masked(op: Operation) -> Value:
    return selected(op.value(), op.value("mask"))


@transfer
def _rank(op: Operation) -> Value:  # noqa: ARG001
    return Value(Kind.INTEGER, 0.0, INFINITY, False, Gradient.NO)


@transfer
def _ones(op: Operation) -> Value:  # noqa: ARG001
    return Value(Kind.TENSOR, 1.0, 1.0, False, Gradient.NO, origins.ONES, const=1.0)


@transfer
def _zeros(op: Operation) -> Value:  # noqa: ARG001
    return Value(Kind.TENSOR, 0.0, 0.0, True, Gradient.NO, const=0.0)


@transfer
def _eye(op: Operation) -> Value:  # noqa: ARG001
    return Value(Kind.TENSOR, 0.0, 1.0, True, Gradient.NO, origins.IDENTITY)


@transfer
def _filled(op: Operation) -> Value:
    value = op.value("fill_value")
    return replace(value, kind=Kind.TENSOR, grad=Gradient.NO)


@transfer
def _fixed(op: Operation) -> Value:  # noqa: ARG001
    return Value(Kind.TENSOR, grad=Gradient.NO)


@transfer
def _literal(op: Operation) -> Value:
    value = op.value("data")
    if value.const is not None:
        return replace(value, kind=Kind.TENSOR, grad=Gradient.NO)
    return Value(Kind.TENSOR, grad=Gradient.NO, roots=frozenset({op.index}))


@transfer
def _drawn(op: Operation) -> Value:  # noqa: ARG001
    """Random numbers of a framework: another tensor each time."""
    return Value(Kind.TENSOR, grad=Gradient.NO, origin=origins.DRAWN)


@transfer
def _learned(op: Operation) -> Value:
    return Value(Kind.TENSOR, grad=Gradient.YES, origin=_origin_of_weight(op.value("data")))


@transfer
def _weight(op: Operation) -> Value:
    start = op.value("initializer") if op.term("initializer") >= 0 else lattice.constant(0.0)
    origin = _origin_of_weight(start)
    return Value(Kind.TENSOR, grad=Gradient.YES, origin=origin, roots=frozenset({op.index}))


def _origin_of_weight(start: Value) -> str:
    """What a trained tensor is in a denominator: one that starts at 0 or around it may be 0. One that starts
    elsewhere, or of whose start nothing is known, is taken for a scale that is meant to stay there."""
    return origins.LEARNED if start.const == 0.0 or start.origin == origins.DRAWN else ""


@transfer
def _fed(op: Operation) -> Value:
    return Value(Kind.TENSOR, grad=Gradient.UNKNOWN, roots=frozenset({op.index}))


@transfer
def _smallest(op: Operation) -> Value:  # noqa: ARG001
    return replace(lattice.constant(1e-7), kind=Kind.NUMBER)
