"""Turning resolved values into leaves of the recipe."""

from __future__ import annotations

import msgspec

from trainlint.analysis.evaluation.values import Origin, Resolved
from trainlint.findings import Span
from trainlint.recipe.code.observe import Call
from trainlint.recipe.model import Link, Scalar, State, Value


def unknown_value(reason: str, span: Span | None = None) -> Value:
    """A leaf that is not known, and why."""
    return Value(state=State.UNKNOWN, reason=reason, span=span)


def absent(span: Span | None = None) -> Value:
    """A leaf known to be off."""
    return Value(None, State.OFF, span=span)


def derived(value: Scalar, span: Span | None = None, chain: tuple[Link, ...] = (), unit: str = "") -> Value:
    """A leaf computed from others."""
    return Value(value, State.DERIVED, unit=unit, span=span, chain=chain)


def leaf(value: Resolved | None, call: Call, default: object = None, unit: str = "") -> Value:
    """The leaf of an argument. None means it was not passed: the default of the callee then holds.

    Where a choice hangs on a command-line option, the value without any flag is taken.
    """
    if value is None or value.kind == "absent":
        if default is None or default is msgspec.UNSET or isinstance(default, list):
            return unknown_value("it is not passed and has no known default", call.span)
        return Value(default, State.DEFAULT, unit=unit, span=call.span)  # type: ignore[arg-type]
    value = value.default()
    if value.kind == "const":
        origins = [origin for origin in value.origins if origin.span is not None]
        span = origins[0].span if origins else call.span
        state = State.DERIVED if value.derived else State.EXPLICIT
        return Value(
            value.value,
            state,
            unit=unit,
            span=span,
            chain=_links(origins[1:] if not origins or not origins[0].label else origins),
        )
    if value.kind == "choice":
        constants = tuple(item.value for item in value.items if item.kind == "const")
        return Value(
            state=State.UNKNOWN, reason="branches give different values", span=call.span, choices=constants
        )
    return unknown_value(value.name or f"a {value.kind}", call.span)


def _links(origins: list[Origin]) -> tuple[Link, ...]:
    return tuple(
        Link(origin.span, origin.label) for origin in origins if origin.span is not None and origin.label
    )
