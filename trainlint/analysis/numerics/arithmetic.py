"""Arithmetic on abstract values that keeps track of what they were made from.

With the idioms that guard them.
"""

from __future__ import annotations

import msgspec

from trainlint.analysis.numerics import lattice, origins
from trainlint.analysis.numerics.lattice import INFINITY, Gradient, Kind, Value
from trainlint.analysis.numerics.masks import mask_origin

replace = msgspec.structs.replace

_LARGEST_EPS = 1e-2
_SHIFTED = frozenset({origins.TRACE})
"""What the argument of an arc cosine stays when a number is added to it or taken away."""

_COMPLEMENTED = frozenset({origins.SOFTMAX, origins.SIGMOID, origins.HAND_SOFTMAX})
"""Probabilities that may be 1, so that one minus them may be 0."""

_HALF_ULP = 2.0**-24
"""Half the distance from 1 to the next float32: what is added to 1 and smaller is lost."""


def fresh(value: Value, low: float = -INFINITY, high: float = INFINITY, *, zero: bool = True) -> Value:
    """A value computed from `value` of which only these bounds are known."""
    return lattice.interval(low, high, zero=zero, like=value)


def keep_origin(result: Value, source: Value) -> Value:
    """`result`, which is still the kind of thing that `source` is."""
    if not source.origin or result.origin == source.origin:
        return result
    return replace(result, origin=source.origin, base=source.base)


def total(value: Value) -> Value:
    """The sum (or mean) of a tensor's elements."""
    if value.kind is Kind.MASK or value.origin in origins.MASKS:
        origin = origins.COUNT_OF_MASK.get(value.origin, "")
        zero = value.origin != origins.PAIR_MASK
        return Value(Kind.TENSOR, 0.0, INFINITY, zero, Gradient.NO, origin, roots=value.roots)
    if value.origin == origins.ADJACENCY:
        return replace(fresh(value, 0.0), origin=origins.DEGREE)
    if value.origin == origins.DEGREE:
        return _all_degrees(value)
    low = value.low if value.low >= 0.0 else -INFINITY
    high = 0.0 if value.high <= 0.0 else INFINITY
    result = fresh(value, low, high, zero=value.zero if low >= 0.0 else True)
    if value.origin == origins.SQUARE:
        return replace(result, origin=origins.SQUARES, base=value.base)
    if value.origin == origins.MAGNITUDE:
        return replace(result, origin=origins.ABSOLUTE_SUM, base=value.base)
    if value.origin in (origins.EXPONENTIAL, origins.EXPONENTIALS):
        return replace(result, origin=origins.EXPONENTIALS, base=value.base)
    if value.origin in origins.SCALES or value.origin in (origins.DISPARITY, origins.CHOSEN_PROBABILITY):
        return keep_origin(result, value)
    return result


def _all_degrees(value: Value) -> Value:
    """All degrees of a graph together: as many as it has edges.

    Counts of indices add up to how many indices there are, which is not 0.
    """
    if value.grad is Gradient.NO:
        return fresh(value, 0.0, zero=False)
    return replace(fresh(value, 0.0), origin=origins.EDGE_COUNT)


def added(left: Value, right: Value) -> Value:
    """left + right. A hazard survives only the addition of another one or of nothing."""
    result = folded(lattice.add(left, right), left, right)
    if _is_offset(left) or _is_offset(right):
        result = replace(result, zero=False)
    exponentials = _sum_of_exponentials(left, right)
    if exponentials:
        base = left.base if left.origin in origins.OVERFLOWING else right.base
        return replace(result, origin=exponentials, base=base)
    for one, other in ((left, right), (right, left)):
        if one.origin == origins.NEGATED and other.const == 1.0:
            return replace(result, low=max(result.low, 0.0), origin=origins.COMPLEMENT, base=one.base)
        if one.origin == origins.ABSORBED or (one.origin in _SHIFTED and _is_number(other)):
            return replace(result, origin=one.origin, base=one.base)
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


def _sum_of_exponentials(left: Value, right: Value) -> str:
    """What a sum with an exponential is: 1 + exp(x), a sum of several, or the one there was and an eps."""
    for one, other in ((left, right), (right, left)):
        if one.origin == origins.EXPONENTIAL and other.const == 1.0:
            return origins.ONE_PLUS_EXPONENTIAL
        if one.origin in origins.OVERFLOWING and _is_offset(other):
            return one.origin
    both = {left.origin, right.origin}
    return origins.EXPONENTIALS if both <= {origins.EXPONENTIAL, origins.EXPONENTIALS} else ""


def folded(result: Value, left: Value, right: Value) -> Value:
    """`result`, as a constant where both operands are numbers that are."""
    known = left.const is not None and right.const is not None and result.low == result.high
    numbers = {left.kind, right.kind} <= {Kind.NUMBER, Kind.INTEGER}
    return replace(result, const=result.low) if known and numbers else result


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
    result = folded(lattice.subtract(left, right), left, right)
    if left.const is not None and 0.0 < left.const - 1.0 < _HALF_ULP and right.kind is not Kind.NUMBER:
        return replace(result, origin=origins.ABSORBED, base=right.base)
    if left.origin in _SHIFTED and _is_number(right):
        return replace(result, origin=left.origin, base=left.base)
    if left.const == 1.0:
        if right.origin in (origins.SQUARE, origins.SQUARES) and right.high <= 1.0:
            return replace(result, origin=origins.ONE_MINUS_SQUARE, base=right.base)
        if right.origin == origins.IDENTITY:
            return replace(result, origin=origins.OFF_DIAGONAL)
        if right.origin in _COMPLEMENTED:
            return replace(result, low=max(result.low, 0.0), origin=origins.COMPLEMENT, base=right.base)
        if right.kind is Kind.MASK or right.origin in origins.MASKS:
            return replace(result, origin=origins.PLAIN_MASK, roots=frozenset())
    return result


def negated(value: Value) -> Value:
    """-value."""
    result = lattice.negate(value)
    if value.origin in _COMPLEMENTED:
        return replace(result, origin=origins.NEGATED, base=value.base)
    return keep_origin(result, value) if value.origin in origins.SCALES else result


def shifted(left: Value, right: Value) -> Value:
    """left - right, where right is the greatest element of left."""
    return replace(lattice.subtract(left, right), high=0.0, origin=origins.SHIFTED)


def multiplied(left: Value, right: Value) -> Value:
    """left * right. A hazard times a positive number or a mask stays one."""
    result = folded(lattice.multiply(left, right), left, right)
    for one, other in ((left, right), (right, left)):
        if one.origin == origins.PAIR_MASK:
            origin = origins.LABEL_MASK if other.origin == origins.OFF_DIAGONAL else ""
            return replace(result, origin=origin, roots=one.roots)
    masks = [v for v in (left, right) if v.kind is Kind.MASK or v.origin in origins.MASKS]
    if len(masks) == 2:
        return replace(result, origin=mask_origin(left, right), kind=Kind.TENSOR)
    for one, other in ((left, right), (right, left)):
        scale = other.low >= 0.0 and (other.is_positive or other in masks or other.origin in origins.SCALES)
        if one.origin in origins.SCALES and one.low >= 0.0 and (scale or _is_number(other)):
            low = 0.0 if _is_number(other) else result.low
            return keep_origin(replace(result, low=low, zero=True), one)
        if one.origin == origins.ADJACENCY and not _is_number(other):
            return keep_origin(result, one)
        kept = _scaled(one, other, is_mask=other in masks or other.origin == origins.LABELS)
        if kept:
            return replace(result, origin=kept, base=one.base)
    return result


def _scaled(value: Value, factor: Value, *, is_mask: bool) -> str:
    """What probabilities, exponentials and cosines are when a number or a mask multiplies them.

    What the maximum was taken from stays so under any factor: one that is learned is meant to be positive.
    """
    if value.origin == origins.SHIFTED:
        return origins.SHIFTED
    if is_mask:
        chosen = value.origin in (origins.SOFTMAX, origins.HAND_SOFTMAX)
        return origins.CHOSEN_PROBABILITY if chosen else _kept_under(value.origin)
    if not _is_number(factor):
        return ""
    if value.origin in (origins.BOUNDED, origins.SCALED_COSINE):
        return origins.SCALED_COSINE
    return _kept_under(value.origin) if factor.low > 0.0 or factor.const is None else ""


def _kept_under(origin: str) -> str:
    kept = {origins.EXPONENTIAL, origins.EXPONENTIALS, origins.NETWORK_OUTPUT} | _SHIFTED
    return origin if origin in kept else ""


def divided(left: Value, right: Value) -> Value:
    """left / right, where right is not zero."""
    result = folded(lattice.divide(left, right), left, right)
    if left.origin in (origins.EXPONENTIAL, origins.CHOSEN_PROBABILITY) and (
        right.origin == origins.EXPONENTIALS and left.base == right.base >= 0
    ):
        return replace(result, low=0.0, high=1.0, zero=False, origin=origins.HAND_SOFTMAX, base=left.base)
    if right.origin in (origins.NORM, origins.HAND_NORM) and left.origin in ("", origins.LEARNED):
        return replace(result, origin=origins.RATIO, base=right.base)
    kept = _scaled(left, right, is_mask=False)
    if kept:
        return replace(result, origin=kept, base=left.base)
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


def matrix_product(left: Value, right: Value) -> Value:
    """left @ right."""
    if origins.ADJACENCY in (left.origin, right.origin):
        result = lattice.combine(left, right, -INFINITY, INFINITY, zero=True)
        return replace(result, origin=origins.ADJACENCY)
    if left.origin == right.origin == origins.BOUNDED:
        return replace(lattice.combine(left, right, -1.0, 1.0, zero=True), origin=origins.BOUNDED)
    if origins.SCALED_COSINE in (left.origin, right.origin) and origins.BOUNDED in (
        left.origin,
        right.origin,
    ):
        return replace(
            lattice.combine(left, right, -INFINITY, INFINITY, zero=True), origin=origins.SCALED_COSINE
        )
    low = 0.0 if left.low >= 0.0 and right.low >= 0.0 else -INFINITY
    return lattice.combine(left, right, low, INFINITY, zero=left.zero or right.zero or low < 0.0)
