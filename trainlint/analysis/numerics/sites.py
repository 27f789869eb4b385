"""Whether a root, a power or a quotient can go wrong, given what is known of its operand."""

from __future__ import annotations

import msgspec

from trainlint.analysis.facts import Precondition, Term
from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.abstract import AbstractValues
from trainlint.analysis.numerics.draws import is_drawn
from trainlint.analysis.numerics.guards import Knowing
from trainlint.analysis.numerics.lattice import Gradient, Kind, Value, gradient_of
from trainlint.analysis.numerics.logarithms import (
    ABSORBED_EPS,
    Verdict,
    is_tensor,
    of_arccosine,
    of_exponential,
    of_logarithm,
    of_power,
    of_softmax,
)
from trainlint.analysis.numerics.paths import Node, PathReader
from trainlint.analysis.numerics.singularities import vanish_together

replace = msgspec.structs.replace

_NOT_TENSORS = frozenset({Kind.NUMBER, Kind.INTEGER, Kind.ARRAY, Kind.SEQUENCE, Kind.OTHER})
_NEVER = frozenset({Kind.ARRAY, Kind.OTHER, Kind.SEQUENCE})
_LIKELY = frozenset({origins.PLAIN_COUNT, origins.MAGNITUDE, origins.DEGREE, origins.EDGE_COUNT})
_POSSIBLE = frozenset(
    {
        origins.NORM,
        origins.ABSOLUTE_SUM,
        origins.DISTANCE,
        origins.LENGTH_COUNT,
        origins.LEARNED,
        origins.DISPARITY,
        origins.ADJACENCY,
        origins.CLAMPED_AT_ZERO,
    }
)


_LENGTHS = frozenset({origins.NORM, origins.DISTANCE, origins.HAND_NORM})
_ONE_OPERAND = frozenset({"logarithm", "exponential", "arccosine"})


class Shape(msgspec.Struct, frozen=True):
    """A site as it is written: its kind, the operand that must not be zero.

    And a quotient's numerator (or -1). `gradient` is whether a derivative flows through a numerator that
    stands in another unit.
    """

    kind: str
    operand: int
    numerator: int = -1
    gradient: Gradient = Gradient.UNKNOWN


class RawCandidate(msgspec.Struct):
    """A site that may go wrong, in terms of its unit.

    `operand` is the origin of the value under the root or in the denominator, `operand_term` its term.
    `gradient` is whether a derivative flows through it. `guard` names a guard that does not protect: "after"
    the root, or a "where" around the quotient. `facts` are what only one kind carries. `trace` leads from
    the source of the operand to the site, `related` are further sites with it. `elsewhere` is the site in
    another function that an argument reaches.
    """

    term: int
    kind: str
    operand: str
    operand_term: int
    grade: str
    gradient: str
    base: int = -1
    numerator: int = -1
    guard: str = ""
    trace: list[tuple[int, str]] = msgspec.field(default_factory=list)
    related: list[int] = msgspec.field(default_factory=list)
    open: list[str] = msgspec.field(default_factory=list)
    facts: dict[str, str | int | float] = msgspec.field(default_factory=dict)
    elsewhere: Precondition | None = None


def shape_of_site(values: AbstractValues, index: int) -> Shape | None:
    """The site a term is, None where it is none."""
    term = values.terms[index]
    if term.op == "bin":
        if term.name == "/":
            return Shape("division", term.args[1], term.args[0])
        return _power(values, term.args[0], term.args[1]) if term.name == "**" else None
    return _call(values, term) if term.op == "call" else None


def _call(values: AbstractValues, term: Term) -> Shape | None:
    callee = values.terms[term.args[0]]
    if callee.op == "global":
        entry = values.knowledge.lookup(callee.name)
        receiver = -1
    elif callee.op == "attr":
        entry = values.calls.tensor_method(callee.name)
        receiver = callee.args[0]
    else:
        return None
    if entry is None or not entry.check:
        return None
    bound = values.calls.bind(term, entry, receiver)
    operand = bound.get("input", -1)
    if operand < 0:
        return None
    if entry.transfer in ("sqrt", "rsqrt"):
        return Shape("sqrt", operand)
    if entry.transfer in _ONE_OPERAND:
        return Shape(entry.transfer, operand)
    if entry.transfer == "reciprocal":
        return Shape("division", operand)
    if "other" in bound and entry.transfer == "divide":
        return Shape("division", bound["other"], operand)
    return _power(values, operand, bound["exponent"]) if "exponent" in bound else None


def _power(values: AbstractValues, base: int, exponent: int) -> Shape | None:
    power = values.value(exponent).const
    if power is None:
        return None
    if abs(power) == 0.5:
        return Shape("sqrt", base)
    if power < 0.0:
        return Shape("division", base)
    return Shape("power", base) if power < 1.0 else None


def judge(values: AbstractValues, paths: PathReader, path: Node, index: int) -> RawCandidate | None:
    """The candidate at a site on a path; None where the operand is safe, guarded or not known."""
    shape = shape_of_site(values, index)
    if shape is None or not (values.value(shape.operand).origin or shape.kind == "exponential"):
        return None
    return judged(values, paths.knowing(path), shape, index)


def judged(values: AbstractValues, known: Knowing, shape: Shape, index: int) -> RawCandidate | None:
    """The candidate at a site of this shape, where this is known; None as for `judge`."""
    operand = values.refined(shape.operand, known.bounds)
    if operand.kind in _NEVER:
        return None
    verdict = _verdict(values, shape, operand)
    if verdict is not None:
        return _found(values, shape, operand, index, verdict) if is_tensor(operand) else None
    if shape.kind not in ("sqrt", "division") or not operand.origin:
        return None
    if shape.kind == "sqrt" and operand.origin == origins.EXPONENTIAL:
        return _root(values, shape, operand, index) if operand.low <= 0.0 else None
    if not operand.can_be_zero:
        return None
    if shape.kind == "sqrt":
        return _root(values, shape, operand, index)
    return _quotient(values, known, shape, operand, index)


def _verdict(values: AbstractValues, shape: Shape, operand: Value) -> Verdict | None:
    """What is wrong with a logarithm, an exponential, an arc cosine, a power, or a softmax by hand."""
    if operand.origin == origins.ABSORBED and shape.kind != "exponential":
        return Verdict(ABSORBED_EPS, operand.origin, "certain")
    if shape.kind == "logarithm":
        return of_logarithm(operand)
    if shape.kind == "exponential":
        return of_exponential(values, shape.operand, operand)
    if shape.kind == "arccosine":
        return of_arccosine(operand)
    if shape.kind == "power":
        return of_power(operand)
    return of_softmax(values, shape.numerator, operand) if shape.kind == "division" else None


def _found(
    values: AbstractValues, shape: Shape, operand: Value, index: int, verdict: Verdict
) -> RawCandidate:
    candidate = _candidate(values, shape, operand, index, verdict.grade, operand.grad)
    candidate.kind, candidate.operand = verdict.kind, verdict.operand
    candidate.trace = trace(values, shape.operand, replace(operand, origin=verdict.operand))
    return candidate


def _root(values: AbstractValues, shape: Shape, operand: Value, index: int) -> RawCandidate | None:
    if operand.origin not in origins.ROOT_HAZARDS or operand.kind in _NOT_TENSORS:
        return None
    if operand.grad is Gradient.NO:
        return None
    grade = _grade(operand.origin, operand.grad)
    return _candidate(values, shape, operand, index, grade, operand.grad)


def _quotient(
    values: AbstractValues, known: Knowing, shape: Shape, operand: Value, index: int
) -> RawCandidate | None:
    if operand.origin not in origins.DENOMINATOR_HAZARDS:
        return None
    numerator = values.value(shape.numerator) if shape.numerator >= 0 else Value(grad=shape.gradient)
    gradient = gradient_of(numerator, operand)
    if operand.origin in origins.COUNTS:
        if operand.roots & known.nonempty:
            return None
        if operand.origin != origins.FILTERED_COUNT and numerator.grad is Gradient.NO:
            return None
        gradient = numerator.grad
    elif operand.kind in _NOT_TENSORS or _stays_as_drawn(values, shape, operand):
        return None
    grade = _grade(operand.origin, Gradient.YES)
    if operand.origin in _LENGTHS and vanish_together(values, shape.numerator, shape.operand):
        grade = "certain"
    if operand.origin == origins.LABEL_COUNT and not _is_made_here(values, operand):
        grade = "likely"
    return _candidate(values, shape, operand, index, grade, gradient)


def _stays_as_drawn(values: AbstractValues, shape: Shape, operand: Value) -> bool:
    """Whether an operand is random numbers that no training moves."""
    return operand.origin != origins.LEARNED and is_drawn(values.terms, shape.operand)


def _is_made_here(values: AbstractValues, count: Value) -> bool:
    """Whether a mask is made in this unit, on one path at least: one that was handed in may have been checked
    by the caller."""
    return any(values.terms[root].op in ("cmp", "call", "un", "bin") for root in count.roots)


def _grade(origin: str, gradient: Gradient) -> str:
    if origin in _POSSIBLE:
        return "possible"
    return "likely" if origin in _LIKELY or gradient is not Gradient.YES else "certain"


def _candidate(
    values: AbstractValues, shape: Shape, operand: Value, index: int, grade: str, gradient: Gradient
) -> RawCandidate:
    candidate = RawCandidate(
        index,
        shape.kind,
        operand.origin,
        shape.operand,
        grade,
        gradient.value,
        operand.base,
        shape.numerator,
        open=["role"],
    )
    if operand.kind is Kind.UNKNOWN:
        candidate.open.append("tensor")
    candidate.trace = trace(values, shape.operand, operand)
    return candidate


def trace(values: AbstractValues, term: int, operand: Value) -> list[tuple[int, str]]:
    """From the definition of an operand to the operand: terms, each with what it is."""
    steps: list[tuple[int, str]] = []
    if operand.origin in origins.COUNTS:
        steps += [(root, "mask") for root in sorted(operand.roots)[:2] if values.terms[root].op != "param"]
    elif operand.base >= 0 and operand.base != term:
        steps.append((operand.base, "source"))
    steps.append((term, operand.origin))
    return steps
