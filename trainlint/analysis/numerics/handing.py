"""What a unit hands to functions that need something of it: judged here, told where it goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from trainlint.analysis.facts import Precondition, Term
from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.abstract import AbstractValues
from trainlint.analysis.numerics.lattice import Gradient
from trainlint.analysis.numerics.logarithms import LOG_OF_SOFTMAX, UNGUARDED_LOG
from trainlint.analysis.numerics.paths import Node, PathReader
from trainlint.analysis.numerics.sites import RawCandidate, Shape, judged

PreconditionsOf = Callable[[str], list[Precondition]]
"""What a function needs of its parameters, by its name as a term has it: "path::f", "self.f", "path::C()"."""

_HAZARDS = (
    origins.PROBABILITIES
    | origins.ROOT_HAZARDS
    | origins.DENOMINATOR_HAZARDS
    | frozenset({origins.RECTIFIED, origins.CLAMPED_AT_ZERO})
)
"""What no precondition is met by; a callee is not asked for them where nothing of it is handed over."""
_COMPLEMENTED = frozenset({origins.SOFTMAX, origins.SIGMOID, origins.HAND_SOFTMAX})
_BY_HAND = frozenset({origins.HAND_NORM, origins.HAND_STD})
"""Told at their root."""
_LOGARITHMS = frozenset({LOG_OF_SOFTMAX, UNGUARDED_LOG})
"""What is said of a logarithm whatever its argument is called; the others are repaired where the argument is
made."""


def handed_on(
    values: AbstractValues,
    reader: PathReader,
    calls: Iterable[tuple[int, Node]],
    preconditions_of: PreconditionsOf,
) -> Iterator[RawCandidate]:
    """Calls that hand over what the callee cannot take; each is told where the callee uses it."""
    for index, node in calls:
        term = values.terms[index]
        name = _callee(values, term)
        if not name or all(values.value(argument).origin not in _HAZARDS for argument in term.args[1:]):
            continue
        for each in preconditions_of(name):
            argument = _argument(term, each)
            found = _judged(values, reader, node, each, argument, index) if argument >= 0 else None
            if found is not None and found.operand not in _BY_HAND:
                label = "handed" if each.kind == "logarithm" else "handed-on"
                found.trace = [*found.trace[:-1], (argument, label)]
                found.elsewhere, found.numerator = each, -1
                yield found


def _judged(
    values: AbstractValues, reader: PathReader, node: Node, needed: Precondition, argument: int, index: int
) -> RawCandidate | None:
    """The candidate where an argument does not meet a precondition, None where it does or is not known."""
    known = reader.knowing(node)
    if needed.kind != "logarithm":
        shape = Shape(needed.kind, argument, gradient=Gradient(needed.gradient))
        return judged(values, known, shape, index)
    if not needed.complement:
        found = judged(values, known, Shape("logarithm", argument), index)
        return found if found is not None and found.kind in _LOGARITHMS else None
    value = values.refined(argument, known.bounds)
    if value.origin not in _COMPLEMENTED or value.high < 1.0 or value.grad is Gradient.NO:
        return None
    return RawCandidate(
        index, LOG_OF_SOFTMAX, origins.COMPLEMENT, argument, "certain", value.grad.value, open=["role"],
        trace=[(argument, value.origin)],
    )  # fmt: skip


def _callee(values: AbstractValues, term: Term) -> str:
    """The name of a function, method or object of the project that a term calls, "" for anything else."""
    callee = values.terms[term.args[0]]
    if callee.op == "global":
        return callee.name if "::" in callee.name else ""
    if callee.op == "attr":
        owner = values.terms[callee.args[0]]
        if owner.op != "param" or owner.name != "self":
            return ""
    elif callee.op != "call":
        return ""
    held = values.calls.applications.name(term.args[0])
    if "::" in held:
        return f"{held}()"
    return f"self.{callee.name}" if callee.op == "attr" and not held else ""


def _argument(term: Term, needed: Precondition) -> int:
    """The argument of a call that the parameter gets, -1 where that is not told."""
    given = list(zip(term.keys, term.args[1:], strict=True))
    for key, argument in given:
        if key == needed.parameter:
            return argument
    positional = [argument for key, argument in given if not key]
    starred = any(key in ("*", "**") for key, _ in given)
    return positional[needed.position] if needed.position < len(positional) and not starred else -1
