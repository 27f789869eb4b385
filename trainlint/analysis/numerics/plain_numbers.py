"""Python's and NumPy's mathematics on plain numbers: what is known of the number that comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trainlint.analysis.numerics import lattice
from trainlint.analysis.numerics.lattice import INFINITY, NUMBER, Gradient, Kind, Value

_HOMES = ("math.", "numpy.")
_NUMBERS = frozenset({Kind.NUMBER, Kind.INTEGER})


def _product(lengths: Value) -> Value:
    """A product of lengths: of numbers below 1 it may be anything."""
    return Value(Kind.NUMBER, lengths.low, INFINITY, lengths.zero) if lengths.low >= 1.0 else NUMBER


_BOUNDS: dict[str, Callable[[Value], Value]] = {
    "sqrt": lattice.square_root, "exp": lattice.exponential, "fabs": lattice.absolute,
    "abs": lattice.absolute, "square": lattice.square, "prod": _product, "float32": lambda number: number,
    "float64": lambda number: number,
}  # fmt: skip
_UNBOUNDED = frozenset({"ceil", "log", "log2", "log10", "power", "pow", "floor"})


def of_numbers(name: str, values: Sequence[Value]) -> Value | None:
    """The value of a call of this function with these arguments; None where that is no number for sure.

    `prod` is also taken of a shape: lengths, of which each is at least 1.
    """
    home = next((home for home in _HOMES if name.startswith(home)), "")
    function = name[len(home) :]
    if not home or not values or not (function in _BOUNDS or function in _UNBOUNDED):
        return None
    allowed = _NUMBERS | {Kind.SEQUENCE} if function == "prod" else _NUMBERS
    if any(value.kind not in allowed for value in values):
        return None
    if len(values) > 1 or function not in _BOUNDS:
        return NUMBER
    bounded = _BOUNDS[function](values[0])
    return Value(Kind.NUMBER, bounded.low, bounded.high, bounded.zero, Gradient.NO)
