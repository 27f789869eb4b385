"""Abstract values across units: what is kept of one for the readers of other units."""

from __future__ import annotations

from collections.abc import Iterable

from trainlint.analysis.facts import NumericSummary
from trainlint.analysis.numerics import lattice, origins
from trainlint.analysis.numerics.lattice import INFINITY, Gradient, Kind, Value

_KINDS = {kind.value: kind for kind in Kind}


def from_summary(summary: NumericSummary, index: int) -> Value:
    """The value that a summary describes."""
    return Value(
        _KINDS.get(summary.kind, Kind.UNKNOWN),
        -INFINITY if summary.low is None else summary.low,
        INFINITY if summary.high is None else summary.high,
        not summary.nonzero,
        _summary_gradient(summary),
        summary.origin if summary.kind != "module" else "",
        roots=frozenset({index}),
    )


def _summary_gradient(summary: NumericSummary) -> Gradient:
    if summary.kind in ("number", "integer"):
        return Gradient.NO
    return Gradient.YES if summary.origin == origins.LEARNED else Gradient.UNKNOWN


def to_summary(values: Iterable[Value]) -> NumericSummary | None:
    """What the join of values tells a caller; None where that is nothing."""
    result: Value | None = None
    for value in values:
        result = value if result is None else lattice.join(result, value)
    if result is None:
        return None
    summary = NumericSummary(
        kind=result.kind.value,
        low=result.low if result.low > -INFINITY else None,
        high=result.high if result.high < INFINITY else None,
        nonzero=not result.can_be_zero,
        origin=result.origin,
    )
    return None if summary == NumericSummary() else summary


def joined(summaries: Iterable[NumericSummary]) -> NumericSummary | None:
    """What is known of a value that one of these describes; None where that is nothing."""
    return to_summary(from_summary(each, -1) for each in summaries)
