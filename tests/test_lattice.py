"""Arithmetic on abstract values is sound: the result holds the real one, whatever the numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainlint.analysis.numerics import lattice
from trainlint.analysis.numerics.lattice import INFINITY, UNKNOWN, Gradient, Kind, Value

numbers = st.integers(min_value=-40, max_value=40).map(lambda n: n / 4)


@st.composite
def held(draw: st.DrawFn) -> tuple[Value, float]:
    """A value and a number that it holds."""
    number = draw(numbers)
    low = draw(st.sampled_from([-INFINITY, number, number - 1.0, min(number, 0.0)]))
    high = draw(st.sampled_from([INFINITY, number, number + 2.0, max(number, 0.0)]))
    zero = number == 0.0 or draw(st.booleans())
    value = Value(Kind.TENSOR, low, high, zero)
    assert value.contains(number)
    return value, number


@pytest.mark.parametrize(
    ("abstract", "concrete"),
    [
        (lattice.add, lambda a, b: a + b),
        (lattice.subtract, lambda a, b: a - b),
        (lattice.multiply, lambda a, b: a * b),
        (lattice.greatest, max),
        (lattice.least, min),
    ],
)
@given(left=held(), right=held())
def test_binary_operations_hold_the_result(
    abstract: Callable[[Value, Value], Value],
    concrete: Callable[[float, float], float],
    left: tuple[Value, float],
    right: tuple[Value, float],
) -> None:
    assert abstract(left[0], right[0]).contains(concrete(left[1], right[1]))


@given(left=held(), right=held())
def test_division_holds_the_quotient(left: tuple[Value, float], right: tuple[Value, float]) -> None:
    result = lattice.divide(left[0], right[0])
    if right[1] != 0.0:
        quotient = left[1] / right[1]
        assert result.low - 1e-9 <= quotient <= result.high + 1e-9
        assert result.zero or quotient != 0.0


@pytest.mark.parametrize(
    ("abstract", "concrete"),
    [
        (lattice.negate, lambda a: -a),
        (lattice.square, lambda a: a * a),
        (lattice.absolute, abs),
        (lattice.exponential, math.exp),
    ],
)
@given(operand=held())
def test_unary_operations_hold_the_result(
    abstract: Callable[[Value], Value], concrete: Callable[[float], float], operand: tuple[Value, float]
) -> None:
    assert abstract(operand[0]).contains(concrete(operand[1]))


@given(operand=held())
def test_square_root_holds_the_root(operand: tuple[Value, float]) -> None:
    value, number = operand
    if number >= 0.0:
        result = lattice.square_root(value)
        assert result.low - 1e-9 <= math.sqrt(number) <= result.high + 1e-9
        assert result.zero or number != 0.0


@given(left=held(), right=held())
def test_a_join_holds_both(left: tuple[Value, float], right: tuple[Value, float]) -> None:
    joined = lattice.join(left[0], right[0])
    assert joined.contains(left[1])
    assert joined.contains(right[1])


@given(operand=held(), bound=held())
def test_a_meet_holds_what_satisfies_it(operand: tuple[Value, float], bound: tuple[Value, float]) -> None:
    value, number = operand
    limits = bound[0]
    if limits.contains(number):
        met = lattice.meet(value, limits.low, limits.high, zero=limits.zero)
        assert met.contains(number)


def test_a_constant_is_itself() -> None:
    assert lattice.constant(2).contains(2.0)
    assert not lattice.constant(2).contains(1.0)
    assert not lattice.constant(2).can_be_zero
    assert lattice.constant(0.0).can_be_zero
    assert lattice.constant(math.nan).const is None


def test_adding_eps_to_something_nonnegative_excludes_zero() -> None:
    squares = lattice.interval(0.0, INFINITY)
    eps = lattice.interval(0.0, INFINITY, zero=False)
    assert squares.can_be_zero
    assert lattice.add(squares, eps).is_positive
    assert lattice.greatest(UNKNOWN, eps).is_positive


def test_a_hazard_on_one_branch_survives_the_join() -> None:
    hazard = Value(Kind.TENSOR, 0.0, INFINITY, True, origin="std")
    safe = Value(Kind.TENSOR, 1.0, 1.0, False)
    assert lattice.join(hazard, safe).origin == "std"
    assert lattice.join(safe, hazard).origin == "std"
    assert lattice.join(hazard, safe).can_be_zero


def test_the_gradient_of_a_result_is_that_of_its_most_differentiable_operand() -> None:
    yes, no = Value(grad=Gradient.YES), Value(grad=Gradient.NO)
    assert lattice.gradient_of(no, yes) is Gradient.YES
    assert lattice.gradient_of(no, no) is Gradient.NO
    assert lattice.gradient_of(no, UNKNOWN) is Gradient.UNKNOWN


def test_roots_stay_few() -> None:
    many = lattice.union_of_roots(frozenset(range(10)), frozenset(range(5, 40)))
    assert len(many) <= 12
    assert min(many) == 0
