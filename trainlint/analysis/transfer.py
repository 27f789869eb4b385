"""What a framework function does to abstract values: one small function per transfer that the knowledge names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from trainlint.analysis import lattice, origins
from trainlint.analysis.lattice import INFINITY, Gradient, Kind, Value
from trainlint.knowledge.base import Entry

replace = msgspec.structs.replace

_LARGEST_EPS = 1e-2


class Operation:
    """A call of a framework function on terms. `bound` maps parameter names to term indices; "input" is the receiver.

    `same` says that "input" and "other" are the same value.
    """

    __slots__ = ("bound", "entry", "index", "kind", "same", "value_of")

    def __init__(
        self,
        index: int,
        entry: Entry,
        bound: Mapping[str, int],
        value_of: Callable[[int], Value],
        kind: Kind,
        same: bool,
    ) -> None:
        self.index = index
        self.entry = entry
        self.bound = bound
        self.value_of = value_of
        self.kind = kind
        self.same = same

    def term(self, name: str) -> int:
        """The argument's term, -1 where it is not given."""
        return self.bound.get(name, -1)

    def value(self, name: str = "input") -> Value:
        """The argument's value; unknown where it is not given."""
        term = self.bound.get(name, -1)
        return self.value_of(term) if term >= 0 else lattice.UNKNOWN

    def number(self, name: str) -> float | None:
        """The argument's constant, None where it is not one."""
        return self.value(name).const

    def typed(self, value: Value) -> Value:
        """`value` with the kind this operation's result has."""
        kind = Kind.TENSOR if value.kind is Kind.MASK and self.kind is Kind.UNKNOWN else self.kind
        return value if value.kind is kind else replace(value, kind=kind, const=None)


Transfer = Callable[[Operation], Value]
TRANSFERS: dict[str, Transfer] = {}


def _transfer(function: Transfer) -> Transfer:
    TRANSFERS[function.__name__.strip("_")] = function
    return function


def fresh(value: Value, low: float = -INFINITY, high: float = INFINITY, *, zero: bool = True) -> Value:
    """A value computed from `value` of which only these bounds are known."""
    return lattice.interval(low, high, zero=zero, like=value)


def keep_origin(result: Value, source: Value) -> Value:
    """`result`, which is still the kind of thing that `source` is."""
    if not source.origin or result.origin == source.origin:
        return result
    return replace(result, origin=source.origin, base=source.base)


@_transfer
def _same(op: Operation) -> Value:
    value = op.value()
    if value.kind is Kind.MASK:
        return value
    return op.typed(value)


@_transfer
def _pieces(op: Operation) -> Value:
    value = op.value()
    return replace(value, kind=Kind.TENSOR, elements=True, const=None)


@_transfer
def _joined(op: Operation) -> Value:
    value = op.value("tensors")
    return replace(op.typed(value), origin="" if value.origin not in origins.MASKS else value.origin, elements=False)


@_transfer
def _detach(op: Operation) -> Value:
    return replace(op.value(), grad=Gradient.NO)


@_transfer
def _integer(op: Operation) -> Value:
    value = op.value()
    if value.origin in origins.MASKS:
        return replace(value, kind=Kind.TENSOR, grad=Gradient.NO)
    return replace(value, kind=op.kind, grad=Gradient.NO, const=None)


@_transfer
def _boolean(op: Operation) -> Value:
    value = op.value()
    origin = value.origin if value.origin in origins.MASKS else ""
    return Value(Kind.MASK, 0.0, 1.0, True, Gradient.NO, origin, roots=value.roots)


@_transfer
def _item(op: Operation) -> Value:
    return replace(op.value(), kind=Kind.NUMBER, grad=Gradient.NO)


@_transfer
def _array(op: Operation) -> Value:
    return replace(op.value(), kind=Kind.ARRAY, grad=Gradient.NO)


@_transfer
def _add(op: Operation) -> Value:
    return op.typed(added(op.value(), op.value("other")))


@_transfer
def _subtract(op: Operation) -> Value:
    return op.typed(subtracted(op.value(), op.value("other")))


@_transfer
def _multiply(op: Operation) -> Value:
    if op.same:
        return op.typed(squared(op.value(), op.term("input")))
    return op.typed(multiplied(op.value(), op.value("other")))


@_transfer
def _divide(op: Operation) -> Value:
    return op.typed(divided(op.value(), op.value("other")))


@_transfer
def _reciprocal(op: Operation) -> Value:
    return op.typed(divided(lattice.constant(1.0), op.value()))


@_transfer
def _negate(op: Operation) -> Value:
    return op.typed(lattice.negate(op.value()))


@_transfer
def _absolute(op: Operation) -> Value:
    value = op.value()
    result = op.typed(lattice.absolute(value))
    if result.can_be_zero:
        result = replace(result, origin=value.origin if value.origin in origins.SCALES else origins.MAGNITUDE)
    return result


@_transfer
def _square(op: Operation) -> Value:
    return op.typed(squared(op.value(), op.term("input")))


@_transfer
def _power(op: Operation) -> Value:
    return op.typed(powered(op.value(), op.value("exponent"), op.term("input")))


@_transfer
def _exponential(op: Operation) -> Value:
    return op.typed(lattice.exponential(op.value()))


@_transfer
def _cosh(op: Operation) -> Value:
    return op.typed(fresh(op.value(), 1.0))


@_transfer
def _logarithm(op: Operation) -> Value:
    return op.typed(fresh(op.value()))


@_transfer
def _any(op: Operation) -> Value:
    return op.typed(fresh(op.value()))


@_transfer
def _bounded(op: Operation) -> Value:
    return replace(op.typed(fresh(op.value(), -1.0, 1.0)), origin=origins.BOUNDED)


@_transfer
def _cosine(op: Operation) -> Value:
    return replace(op.typed(fresh(op.value(), -1.0, 1.0)), origin=origins.BOUNDED)


@_transfer
def _probability(op: Operation) -> Value:
    return op.typed(fresh(op.value(), 0.0, 1.0, zero=False))


@_transfer
def _relu(op: Operation) -> Value:
    value = op.value()
    result = lattice.greatest(value, lattice.constant(0.0))
    result = op.typed(replace(result, grad=value.grad))
    return replace(result, origin=origins.CLAMPED_AT_ZERO) if result.can_be_zero else result


@_transfer
def _softplus(op: Operation) -> Value:
    return op.typed(fresh(op.value(), 0.0, zero=False))


@_transfer
def _positive(op: Operation) -> Value:
    return op.typed(fresh(op.value(), 0.0, zero=False))


@_transfer
def _pooled(op: Operation) -> Value:
    value = op.value()
    return op.typed(keep_origin(fresh(value, value.low, value.high, zero=value.zero), value))


@_transfer
def _loss(op: Operation) -> Value:
    grad = lattice.gradient_of(op.value(), op.value("target"))
    return Value(Kind.TENSOR, 0.0, INFINITY, True, Gradient.UNKNOWN if grad is Gradient.NO else grad)


@_transfer
def _squared_error(op: Operation) -> Value:
    grad = lattice.gradient_of(op.value(), op.value("target"))
    return Value(Kind.TENSOR, 0.0, INFINITY, True, grad, origins.SQUARES)


@_transfer
def _sum(op: Operation) -> Value:
    return op.typed(total(op.value()))


@_transfer
def _mean(op: Operation) -> Value:
    value = op.value()
    result = total(value)
    return op.typed(replace(result, high=value.high) if value.low >= 0.0 else result)


@_transfer
def _variance(op: Operation) -> Value:
    value = op.value()
    return replace(op.typed(fresh(value, 0.0)), origin=origins.VARIANCE, base=op.term("input"))


@_transfer
def _standard_deviation(op: Operation) -> Value:
    value = op.value()
    return replace(op.typed(fresh(value, 0.0)), origin=origins.STD, base=op.term("input"))


@_transfer
def _variance_and_mean(op: Operation) -> Value:
    value = fresh(op.value())
    return replace(value, kind=Kind.SEQUENCE, origin=origins.VARIANCE_AND_MEAN, base=op.term("input"))


@_transfer
def _deviation_and_mean(op: Operation) -> Value:
    value = fresh(op.value())
    return replace(value, kind=Kind.SEQUENCE, origin=origins.DEVIATION_AND_MEAN, base=op.term("input"))


@_transfer
def _norm(op: Operation) -> Value:
    value = op.value()
    if not value.can_be_zero or value.origin == origins.IDENTITY:
        return op.typed(fresh(value, 0.0, zero=False))
    return replace(op.typed(fresh(value, 0.0)), origin=origins.NORM, base=op.term("input"), kind=Kind.TENSOR)


@_transfer
def _distance(op: Operation) -> Value:
    return replace(op.typed(fresh(op.value(), 0.0)), origin=origins.DISTANCE)


@_transfer
def _maximum(op: Operation) -> Value:
    return _extreme(op, origins.MAXIMUM, lattice.greatest)


@_transfer
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


@_transfer
def _clamp(op: Operation) -> Value:
    return _clamped(op, op.term("min"), op.term("max"))


@_transfer
def _clamp_min(op: Operation) -> Value:
    return _clamped(op, op.term("min"), -1)


@_transfer
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
    if value.origin in origins.SCALES and value.low >= 0.0:
        return keep_origin(result, value)
    return replace(result, origin=origins.CLAMPED_AT_ZERO) if result.low == 0.0 else result


@_transfer
def _matmul(op: Operation) -> Value:
    return op.typed(matrix_product(op.value(), op.value("other")))


@_transfer
def _dot(op: Operation) -> Value:
    value = op.value()
    if op.same:
        return replace(op.typed(fresh(value, 0.0)), origin=origins.SQUARES)
    return op.typed(total(lattice.multiply(value, op.value("other"))))


@_transfer
def _einsum(op: Operation) -> Value:
    value = op.value("operands")
    if value.origin == origins.ADJACENCY:
        return op.typed(replace(fresh(value, 0.0), origin=origins.DEGREE))
    if value.origin == origins.DEGREE:
        return op.typed(value)
    return op.typed(fresh(value))


@_transfer
def _trace(op: Operation) -> Value:
    value = op.value()
    return op.typed(keep_origin(fresh(value, value.low if value.low >= 0.0 else -INFINITY), value))


@_transfer
def _normalized(op: Operation) -> Value:
    return replace(op.typed(fresh(op.value(), -1.0, 1.0)), origin=origins.BOUNDED)


@_transfer
def _compare(op: Operation) -> Value:
    operator = str(op.entry.extra.get("operator", "=="))
    return compared(op.index, operator, op.value(), op.value("other"))


@_transfer
def _test(op: Operation) -> Value:
    return Value(Kind.MASK, 0.0, 1.0, True, Gradient.NO, roots=frozenset({op.index}))


@_transfer
def _both(op: Operation) -> Value:
    return intersected(op.value(), op.value("other"))


@_transfer
def _either(op: Operation) -> Value:
    return intersected(op.value(), op.value("other"))


@_transfer
def _complement(op: Operation) -> Value:
    return complemented(op.index, op.value())


@_transfer
def _any_of(op: Operation) -> Value:
    return Value(Kind.MASK, 0.0, 1.0, True, Gradient.NO, roots=op.value().roots)


@_transfer
def _all_of(op: Operation) -> Value:
    return Value(Kind.MASK, 0.0, 1.0, True, Gradient.NO)


@_transfer
def _nonzero(op: Operation) -> Value:
    value = op.value()
    return Value(Kind.TENSOR, 0.0, INFINITY, True, Gradient.NO, origins.SELECTION, roots=value.roots)


@_transfer
def _count(op: Operation) -> Value:
    value = op.value()
    origin = origins.COUNT_OF_MASK.get(value.origin, "")
    return Value(Kind.TENSOR, 0.0, INFINITY, True, Gradient.NO, origin, roots=value.roots)


@_transfer
def _degree(op: Operation) -> Value:
    return Value(Kind.TENSOR, 0.0, INFINITY, True, Gradient.NO, origins.DEGREE, roots=frozenset({op.index}))


@_transfer
def _where(op: Operation) -> Value:
    if op.term("input") < 0:
        value = op.value("condition")
        return Value(
            Kind.TENSOR, 0.0, INFINITY, True, Gradient.NO, origins.SELECTION, roots=value.roots, elements=True
        )
    return op.typed(lattice.join(op.value(), op.value("other")))


@_transfer
def _where_method(op: Operation) -> Value:
    return op.typed(lattice.join(op.value(), op.value("other")))


@_transfer
def _masked_fill(op: Operation) -> Value:
    return op.typed(lattice.join(op.value(), op.value("value")))


@_transfer
def _scattered(op: Operation) -> Value:
    value = op.value()
    fill = op.value("src")
    if value.origin == origins.ONES and fill.const == 0.0:
        return replace(value, low=0.0, zero=True, origin=origins.OFF_DIAGONAL)
    return op.typed(fresh(value))


@_transfer
def _diagonal_fill(op: Operation) -> Value:
    value = op.value()
    if value.origin == origins.PAIR_MASK and op.number("value") == 0.0:
        return replace(value, origin=origins.LABEL_MASK)
    return op.typed(fresh(value))


@_transfer
def _size(op: Operation) -> Value:
    if op.entry.name.rpartition(".")[2] == "size" and op.term("dim") < 0:
        return shape_of(op.value())
    return length_of(op.value())


@_transfer
def _rank(op: Operation) -> Value:  # noqa: ARG001
    return Value(Kind.INTEGER, 0.0, INFINITY, False, Gradient.NO)


@_transfer
def _ordered(op: Operation) -> Value:
    return replace(fresh(op.value()), kind=Kind.TENSOR, elements=True)


@_transfer
def _ones(op: Operation) -> Value:  # noqa: ARG001
    return Value(Kind.TENSOR, 1.0, 1.0, False, Gradient.NO, origins.ONES, const=1.0)


@_transfer
def _zeros(op: Operation) -> Value:  # noqa: ARG001
    return Value(Kind.TENSOR, 0.0, 0.0, True, Gradient.NO, const=0.0)


@_transfer
def _scatter_added(op: Operation) -> Value:
    value, source = op.value(), op.value("src")
    if value.const == 0.0 and source.const == 1.0:
        return Value(Kind.TENSOR, 0.0, INFINITY, True, Gradient.NO, origins.DEGREE, roots=frozenset({op.index}))
    low = 0.0 if value.low >= 0.0 and source.low >= 0.0 else -INFINITY
    return op.typed(lattice.combine(value, source, low, INFINITY, zero=True))


@_transfer
def _eye(op: Operation) -> Value:  # noqa: ARG001
    return Value(Kind.TENSOR, 0.0, 1.0, True, Gradient.NO, origins.IDENTITY)


@_transfer
def _filled(op: Operation) -> Value:
    value = op.value("fill_value")
    return replace(value, kind=Kind.TENSOR, grad=Gradient.NO)


@_transfer
def _fixed(op: Operation) -> Value:  # noqa: ARG001
    return Value(Kind.TENSOR, grad=Gradient.NO)


@_transfer
def _literal(op: Operation) -> Value:
    value = op.value("data")
    if value.const is not None:
        return replace(value, kind=Kind.TENSOR, grad=Gradient.NO)
    return Value(Kind.TENSOR, grad=Gradient.NO, roots=frozenset({op.index}))


@_transfer
def _learned(op: Operation) -> Value:
    origin = origins.LEARNED if op.number("data") == 0.0 else ""
    return Value(Kind.TENSOR, grad=Gradient.YES, origin=origin)


def total(value: Value) -> Value:
    """The sum (or mean) of a tensor's elements."""
    if value.kind is Kind.MASK or value.origin in origins.MASKS:
        origin = origins.COUNT_OF_MASK.get(value.origin, "")
        zero = value.origin != origins.PAIR_MASK
        return Value(Kind.TENSOR, 0.0, INFINITY, zero, Gradient.NO, origin, roots=value.roots)
    if value.origin == origins.ADJACENCY:
        return replace(fresh(value, 0.0), origin=origins.DEGREE)
    low = value.low if value.low >= 0.0 else -INFINITY
    high = 0.0 if value.high <= 0.0 else INFINITY
    result = fresh(value, low, high, zero=value.zero if low >= 0.0 else True)
    if value.origin == origins.SQUARE:
        return replace(result, origin=origins.SQUARES, base=value.base)
    if value.origin in origins.SCALES or value.origin == origins.DISPARITY:
        return keep_origin(result, value)
    return result


def added(left: Value, right: Value) -> Value:
    """left + right. A hazard survives only the addition of another one or of nothing."""
    result = lattice.add(left, right)
    if _is_offset(left) or _is_offset(right):
        result = replace(result, zero=False)
    if left.origin in origins.MASKS and right.origin in origins.MASKS:
        return replace(result, origin=left.origin)
    if left.low < 0.0 or right.low < 0.0 or not result.can_be_zero:
        return result
    if {left.origin, right.origin} <= {origins.SQUARE, origins.SQUARES} and left.origin:
        return replace(result, origin=origins.SQUARES)
    if left.origin in origins.SCALES and (right.origin in origins.SCALES or right.const == 0.0):
        return keep_origin(result, left)
    if left.const == 0.0 and right.origin in origins.SCALES:
        return keep_origin(result, right)
    return result


def _is_offset(value: Value) -> bool:
    """Whether a value is an eps: adding it to anything is taken to keep the sum away from exactly 0."""
    if value.kind not in (Kind.NUMBER, Kind.INTEGER) or not value.is_positive:
        return False
    return value.const is None or value.const <= _LARGEST_EPS


def subtracted(left: Value, right: Value) -> Value:
    """left - right: the range of one tensor, one minus a square, a mask's complement, or nothing known."""
    if left.origin == origins.MAXIMUM and right.origin == origins.MINIMUM and left.base == right.base >= 0:
        result = lattice.combine(left, right, 0.0, INFINITY, zero=True)
        return replace(result, origin=origins.RANGE, base=left.base)
    result = lattice.subtract(left, right)
    if left.const == 1.0:
        if right.origin in (origins.SQUARE, origins.SQUARES) and right.high <= 1.0:
            return replace(result, origin=origins.ONE_MINUS_SQUARE, base=right.base)
        if right.origin == origins.IDENTITY:
            return replace(result, origin=origins.OFF_DIAGONAL)
        if right.kind is Kind.MASK or right.origin in origins.MASKS:
            return replace(result, origin=origins.PLAIN_MASK, roots=frozenset())
    return result


def multiplied(left: Value, right: Value) -> Value:
    """left * right. A hazard times a positive number or a mask stays one."""
    result = lattice.multiply(left, right)
    for one, other in ((left, right), (right, left)):
        if one.origin == origins.PAIR_MASK:
            origin = origins.LABEL_MASK if other.origin == origins.OFF_DIAGONAL else ""
            return replace(result, origin=origin, roots=one.roots)
    masks = [v for v in (left, right) if v.kind is Kind.MASK or v.origin in origins.MASKS]
    if len(masks) == 2:
        return replace(result, origin=_mask_origin(left, right), kind=Kind.TENSOR)
    for one, other in ((left, right), (right, left)):
        scale = other.low >= 0.0 and (other.is_positive or other in masks or other.origin in origins.SCALES)
        if one.origin in origins.SCALES and one.low >= 0.0 and (scale or _is_number(other)):
            low = 0.0 if _is_number(other) else result.low
            return keep_origin(replace(result, low=low, zero=True), one)
        if one.origin == origins.ADJACENCY and not _is_number(other):
            return keep_origin(result, one)
    return result


def divided(left: Value, right: Value) -> Value:
    """left / right, where right is not zero."""
    result = lattice.divide(left, right)
    if left.origin in origins.SCALES and left.low >= 0.0 and (_is_number(right) or right.low >= 0.0):
        return keep_origin(replace(result, low=0.0, high=INFINITY, zero=left.zero), left)
    return result


def _is_number(value: Value) -> bool:
    return value.kind in (Kind.NUMBER, Kind.INTEGER) and value.const != 0.0


def squared(value: Value, term: int) -> Value:
    """value * value, where both are the same term."""
    if value.kind is Kind.MASK or value.origin in origins.MASKS:
        return value
    result = lattice.square(value)
    if not result.can_be_zero or value.kind in (Kind.NUMBER, Kind.INTEGER):
        return result
    origin = value.origin if value.origin in origins.SCALES - {origins.MAGNITUDE} else origins.SQUARE
    return replace(result, origin=origin, base=term)


def powered(value: Value, exponent: Value, term: int) -> Value:
    """value ** exponent."""
    power = exponent.const
    if power is None:
        return lattice.combine(value, exponent, 0.0 if value.low >= 0.0 else -INFINITY, INFINITY, value.zero)
    if power == 1.0:
        return value
    if power == 0.5:
        return root(value)
    if power > 0.0 and power % 2 == 0:
        result = squared(value, term)
        return result if power == 2 else replace(result, high=INFINITY, low=min(result.low, 1.0) and 0.0)
    if value.low >= 0.0:
        result = fresh(value, 0.0, zero=value.zero and power > 0.0)
        return keep_origin(result, value) if power > 0.0 and value.origin in origins.SCALES else result
    return fresh(value)


def root(value: Value) -> Value:
    """sqrt(value), where value is not negative."""
    result = lattice.square_root(value)
    if not result.can_be_zero:
        return result
    origin = {
        origins.SQUARE: origins.HAND_NORM,
        origins.SQUARES: origins.HAND_NORM,
        origins.VARIANCE: origins.HAND_STD,
    }.get(value.origin, value.origin)
    return replace(result, origin=origin, base=value.base)


@_transfer
def _sqrt(op: Operation) -> Value:
    return op.typed(root(op.value()))


@_transfer
def _rsqrt(op: Operation) -> Value:
    return op.typed(fresh(op.value(), 0.0, zero=False))


def matrix_product(left: Value, right: Value) -> Value:
    """left @ right."""
    if origins.ADJACENCY in (left.origin, right.origin):
        result = lattice.combine(left, right, -INFINITY, INFINITY, zero=True)
        return replace(result, origin=origins.ADJACENCY)
    if left.origin == right.origin == origins.BOUNDED:
        return replace(lattice.combine(left, right, -1.0, 1.0, zero=True), origin=origins.BOUNDED)
    low = 0.0 if left.low >= 0.0 and right.low >= 0.0 else -INFINITY
    return lattice.combine(left, right, low, INFINITY, zero=left.zero or right.zero or low < 0.0)


def compared(index: int, operator: str, left: Value, right: Value) -> Value:
    """A comparison of tensors: a mask that is its own root."""
    origin = ""
    labels = [value.origin == origins.LABELS for value in (left, right)]
    if all(labels):
        origin = origins.PAIR_MASK if operator == "==" else origins.PLAIN_MASK
    elif any(labels):
        origin = origins.LABEL_MASK
    elif Kind.TENSOR in (left.kind, right.kind):
        origin = origins.PLAIN_MASK
    masks = {value.origin for value in (left, right)} & origins.MASKS
    if masks and not any(labels):
        origin = min(masks)
    return Value(Kind.MASK, 0.0, 1.0, True, Gradient.NO, origin, roots=frozenset({index}))


def intersected(left: Value, right: Value) -> Value:
    """Two masks combined by `&` or `|`."""
    roots = lattice.union_of_roots(left.roots, right.roots)
    return Value(Kind.MASK, 0.0, 1.0, True, Gradient.NO, _mask_origin(left, right), roots=roots)


def _mask_origin(left: Value, right: Value) -> str:
    for origin in (origins.LABEL_MASK, origins.PLAIN_MASK, origins.LENGTH_MASK, origins.PAIR_MASK):
        if origin in (left.origin, right.origin):
            return origin
    return ""


def complemented(index: int, value: Value) -> Value:
    """The complement of a mask: its own root, since a guard on the mask says nothing about it."""
    origin = value.origin if value.origin != origins.PAIR_MASK else origins.LABEL_MASK
    return Value(Kind.MASK, 0.0, 1.0, True, Gradient.NO, origin, roots=frozenset({index}))


def selected(value: Value, mask: Value) -> Value:
    """value[mask]: the same bounds, and a length that may be 0."""
    return replace(value, origin=origins.SELECTION, base=-1, roots=mask.roots, const=None)


def length_of(value: Value) -> Value:
    """len(x), x.numel(), x.size(0), x.shape[0]: at least 1 unless x was selected by a mask."""
    if value.origin == origins.SELECTION:
        return Value(
            Kind.INTEGER, 0.0, INFINITY, True, Gradient.NO, origins.FILTERED_COUNT, roots=value.roots
        )
    return Value(Kind.INTEGER, 1.0, INFINITY, False, Gradient.NO)


def shape_of(value: Value) -> Value:
    """x.shape or x.size(): a sequence of lengths."""
    return replace(length_of(value), kind=Kind.SEQUENCE)
