"""Abstract values: what is known of a symbolic value without running the program.

A value is an interval with a separate answer to "may it be exactly zero", a kind, a differentiability and an
origin. Arithmetic here is sound for real numbers: a concrete result always lies in the abstract one.
"""

from __future__ import annotations

import enum
import math

import msgspec

from trainlint.analysis.numerics import origins

INFINITY = math.inf

_NO_ROOTS: frozenset[int] = frozenset()
_ROOT_LIMIT = 12


class Kind(str, enum.Enum):
    """What sort of Python object a value is. An array is never differentiated, a mask is a boolean tensor."""

    UNKNOWN = "unknown"
    NUMBER = "number"
    INTEGER = "integer"
    TENSOR = "tensor"
    MASK = "mask"
    ARRAY = "array"
    SEQUENCE = "sequence"
    OTHER = "other"


class Gradient(str, enum.Enum):
    """Whether a derivative can flow through a value."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Value(msgspec.Struct, frozen=True, gc=False):
    """An abstract value.

    `low` and `high` are closed bounds, `zero` whether exactly 0 may occur between them. `origin` names what
    the value was made from where that is a hazard or the way to one; `base` is the term it was made from.
    `roots` are the terms that define it, so that a guard on one count protects another of the same
    definition. `elements` marks a sequence whose every element is described by the other fields.
    """

    kind: Kind = Kind.UNKNOWN
    low: float = -INFINITY
    high: float = INFINITY
    zero: bool = True
    grad: Gradient = Gradient.UNKNOWN
    origin: str = ""
    base: int = -1
    roots: frozenset[int] = _NO_ROOTS
    const: float | None = None
    half: bool = False
    elements: bool = False

    @property
    def can_be_zero(self) -> bool:
        """Whether 0 is one of the possible values."""
        return self.zero and self.low <= 0.0 <= self.high

    @property
    def is_positive(self) -> bool:
        """Whether every possible value is above 0."""
        return self.low > 0.0 or (self.low == 0.0 and not self.zero)

    @property
    def is_negative(self) -> bool:
        """Whether every possible value is below 0."""
        return self.high < 0.0 or (self.high == 0.0 and not self.zero)

    def contains(self, number: float) -> bool:
        """Whether a concrete number is one of the possible values."""
        return self.low <= number <= self.high and (number != 0.0 or self.zero)


UNKNOWN = Value()
OTHER = Value(kind=Kind.OTHER)
TENSOR = Value(kind=Kind.TENSOR)
NUMBER = Value(kind=Kind.NUMBER, grad=Gradient.NO)


def constant(number: float) -> Value:
    """The value of a literal number."""
    kind = Kind.INTEGER if isinstance(number, int) else Kind.NUMBER
    value = float(number)
    if math.isnan(value):
        return NUMBER
    return Value(kind, value, value, value == 0.0, Gradient.NO, const=value)


def interval(low: float, high: float, *, zero: bool = True, like: Value = NUMBER) -> Value:
    """A value with new bounds that keeps the kind, gradient and roots of `like`, but not its origin."""
    inside = zero and low <= 0.0 <= high
    return Value(
        like.kind, low, high, inside, like.grad, roots=like.roots, half=like.half, elements=like.elements
    )


def _kind_of_result(left: Value, right: Value) -> Kind:
    kinds = {left.kind, right.kind}
    for kind in (Kind.TENSOR, Kind.UNKNOWN):
        if kind in kinds:
            return kind
    if Kind.MASK in kinds:
        return Kind.TENSOR
    if Kind.ARRAY in kinds:
        return Kind.ARRAY
    if kinds == {Kind.INTEGER}:
        return Kind.INTEGER
    return Kind.NUMBER if kinds <= {Kind.INTEGER, Kind.NUMBER} else Kind.UNKNOWN


def gradient_of(*values: Value) -> Gradient:
    """Whether a result of these operands is differentiable: as soon as one is; not, if none is."""
    result = Gradient.NO
    for value in values:
        if value.grad is Gradient.YES:
            return Gradient.YES
        if value.grad is Gradient.UNKNOWN:
            result = Gradient.UNKNOWN
    return result


def union_of_roots(left: frozenset[int], right: frozenset[int]) -> frozenset[int]:
    """The roots of both, at most a dozen: the earliest definitions stay."""
    if not right or left is right:
        return left
    if not left:
        return right
    both = left | right
    return both if len(both) <= _ROOT_LIMIT else frozenset(sorted(both)[:_ROOT_LIMIT])


def combine(left: Value, right: Value, low: float, high: float, zero: bool) -> Value:
    """The result of an operation of two values with these bounds: kind.

    Gradient and roots come from the operands.
    """
    if math.isnan(low):
        low = -INFINITY
    if math.isnan(high):
        high = INFINITY
    return Value(
        _kind_of_result(left, right),
        low,
        high,
        zero and low <= 0.0 <= high,
        gradient_of(left, right),
        roots=union_of_roots(left.roots, right.roots),
        half=left.half or right.half,
    )


def add(left: Value, right: Value) -> Value:
    """left + right."""
    zero = True
    if (left.low >= 0.0 and right.low >= 0.0) or (left.high <= 0.0 and right.high <= 0.0):
        zero = left.zero and right.zero
    return combine(left, right, left.low + right.low, left.high + right.high, zero)


def negate(value: Value) -> Value:
    """-value."""
    return interval(-value.high, -value.low, zero=value.zero, like=value)


def subtract(left: Value, right: Value) -> Value:
    """left - right."""
    return add(left, negate(right))


def _product(a: float, b: float) -> float:
    return 0.0 if a == 0.0 or b == 0.0 else a * b


def multiply(left: Value, right: Value) -> Value:
    """left * right."""
    corners = [_product(a, b) for a in (left.low, left.high) for b in (right.low, right.high)]
    return combine(left, right, min(corners), max(corners), left.zero or right.zero)


def divide(left: Value, right: Value) -> Value:
    """left / right, where right is not zero."""
    if right.low >= 0.0 or right.high <= 0.0:
        reciprocal = _reciprocal(right)
        corners = [_product(a, b) for a in (left.low, left.high) for b in reciprocal]
        return combine(left, right, min(corners), max(corners), left.zero)
    return combine(left, right, -INFINITY, INFINITY, True)


def _reciprocal(value: Value) -> tuple[float, float]:
    if value.low >= 0.0:
        return (
            1.0 / value.high if value.high > 0.0 else INFINITY,
            1.0 / value.low if value.low > 0.0 else INFINITY,
        )
    return (-INFINITY if value.high == 0.0 else 1.0 / value.high, 1.0 / value.low)


def square(value: Value) -> Value:
    """value * value."""
    ends = (value.low * value.low, value.high * value.high)
    low = 0.0 if value.low <= 0.0 <= value.high else min(ends)
    return interval(low, max(ends), zero=value.zero, like=value)


def absolute(value: Value) -> Value:
    """abs(value)."""
    low = 0.0 if value.low <= 0.0 <= value.high else min(abs(value.low), abs(value.high))
    return interval(low, max(abs(value.low), abs(value.high)), zero=value.zero, like=value)


def square_root(value: Value) -> Value:
    """sqrt(value), where value is not negative."""
    low = math.sqrt(max(value.low, 0.0))
    high = math.sqrt(max(value.high, 0.0))
    return interval(low, high, zero=value.zero or value.low < 0.0, like=value)


def exponential(value: Value) -> Value:
    """exp(value): never zero, though it may underflow."""
    return interval(_exp(value.low), _exp(value.high), zero=False, like=value)


def _exp(number: float) -> float:
    try:
        return math.exp(number)
    except OverflowError:
        return INFINITY


def greatest(left: Value, right: Value) -> Value:
    """The elementwise maximum of two values."""
    low, high = max(left.low, right.low), max(left.high, right.high)
    zero = (left.zero and not right.is_positive) or (right.zero and not left.is_positive)
    return combine(left, right, low, high, zero)


def least(left: Value, right: Value) -> Value:
    """The elementwise minimum of two values."""
    low, high = min(left.low, right.low), min(left.high, right.high)
    zero = (left.zero and not right.is_negative) or (right.zero and not left.is_negative)
    return combine(left, right, low, high, zero)


def join(left: Value, right: Value) -> Value:
    """The least value that holds both: what a name is after two branches meet.

    A hazard on one branch stays one, whatever the other branch does: the origin of the value that can be zero
    wins.
    """
    if left == right:
        return left
    return Value(
        _joined_kind(left.kind, right.kind),
        min(left.low, right.low),
        max(left.high, right.high),
        left.can_be_zero or right.can_be_zero,
        _joined_gradient(left, right),
        _joined_origin(left, right),
        left.base if left.base == right.base else -1,
        union_of_roots(left.roots, right.roots),
        left.const if left.const == right.const else None,
        left.half or right.half,
        left.elements and right.elements,
    )


def _joined_kind(left: Kind, right: Kind) -> Kind:
    if left is right:
        return left
    pair = {left, right}
    if Kind.UNKNOWN in pair or Kind.OTHER in pair or Kind.SEQUENCE in pair:
        return Kind.UNKNOWN
    if Kind.TENSOR in pair or Kind.MASK in pair:
        return Kind.TENSOR
    return Kind.ARRAY if Kind.ARRAY in pair else Kind.NUMBER


def _joined_gradient(left: Value, right: Value) -> Gradient:
    """A hazard that no gradient flows through on its own branch has none where the branches meet."""
    if left.grad is right.grad:
        return left.grad
    hazards = [value for value in (left, right) if value.origin and value.origin not in origins.WEAK]
    if len(hazards) == 1 and hazards[0].grad is Gradient.NO:
        return Gradient.NO
    return Gradient.YES if Gradient.YES in (left.grad, right.grad) else Gradient.UNKNOWN


def _joined_origin(left: Value, right: Value) -> str:
    candidates = [
        value.origin
        for value in (left, right)
        if value.origin and (value.can_be_zero or value.origin in origins.PROBABILITIES | origins.OVERFLOWING)
    ]
    strong = [origin for origin in candidates if origin not in origins.WEAK]
    if strong or candidates:
        return (strong or candidates)[0]
    return left.origin if left.origin == right.origin else ""


def meet(value: Value, low: float, high: float, *, zero: bool) -> Value:
    """`value` where it is also known to lie in [low, high] (and not to be 0, unless `zero`)."""
    new_low, new_high = max(value.low, low), min(value.high, high)
    if new_low > new_high:
        return value
    return msgspec.structs.replace(
        value, low=new_low, high=new_high, zero=value.zero and zero and new_low <= 0.0 <= new_high
    )
