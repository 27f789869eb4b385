"""Reading single values of a config for an adapter, with where they stand and how they came there."""

from __future__ import annotations

from trainlint.knowledge.format_model import Scalar
from trainlint.recipe.config.fields import Reading
from trainlint.recipe.config.scalars import typed
from trainlint.recipe.model import Link, State, Value
from trainlint.text.document import Node


def value_of(reading: Reading, node: Node | None) -> Scalar:
    """The value of a scalar; None where there is none, or it is not known."""
    if node is None or node.kind != "scalar":
        return None
    scalar = typed(node, reading.loader)
    return scalar.value if scalar.known else None


def number_of(reading: Reading, node: Node | None) -> float | None:
    """The number a scalar holds, None where it holds none."""
    value = value_of(reading, node)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def is_unread(node: Node | None) -> bool:
    """Whether something stands there that only running the config would tell."""
    return node is not None and node.kind == "scalar" and bool(node.tag)


def made(
    reading: Reading,
    value: Scalar,
    node: Node,
    unit: str = "",
    *,
    state: State = State.EXPLICIT,
    reason: str = "",
) -> Value:
    """A value that a node gives: explicit in the config itself, inherited where a base wrote it."""
    chain: tuple[Link, ...] = ()
    if reading.is_inherited(node):
        chain = reading.chains.get(node.path, ())
        state = State.INHERITED if state is State.EXPLICIT else state
    return Value(value, state, unit, reading.span(node), chain, reason)


def unread(reading: Reading, node: Node, reason: str) -> Value:
    """An unknown value, with where it stands and why."""
    return Value(span=reading.span(node), reason=reason)
