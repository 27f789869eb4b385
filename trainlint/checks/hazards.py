"""Hazards of precision, branches and selections: candidates, judged by the role of their code."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from trainlint.analysis.facts import Candidate
from trainlint.checks.roles import (
    NEUTRAL,
    SILENT,
    TRAINING,
    holds_tensors,
    is_in_training,
    may_be_differentiated,
    role_of,
)
from trainlint.checks.view import UnitView
from trainlint.checks.written import operand_as_written
from trainlint.findings import Span
from trainlint.recipe.model import Hit, Link, State, Value

_LABELS = {
    "half": "made float16 here",
    "constant": "float16 cannot hold this number",
    "number": "float16 cannot hold this number",
    "condition": "this condition keeps the branch from being taken there",
    "where": "the gradient passes through both branches of this",
    "mask": "the mask is made here",
    "selection": "selected by the mask: nothing where it is false everywhere",
    "filled": "filled with −inf here",
}

# What a trace calls by the name of a fact is where that was written: fixes replace it there.
_FACTS = {
    "eps-lost-in-half": "operand number what text",
    "fully-masked-softmax": "operand grade text base",
    "mask-overflows-half": "operand number what text",
    "mean-of-empty-selection": "operand grade gradient call what",
    "nan-comparison": "operand what text library",
    "norm-gradient-at-zero": "operand grade framework what text",
    "one-sample-std": "operand text",
    "std-gradient-at-zero": "operand grade framework what text",
    "variance-by-subtraction": "operand role what text",
    "where-keeps-nan": "operand grade role gradient what text",
}
"""What the page of each kind of candidate declares."""


def eps_lost_in_half(unit: UnitView) -> Iterator[Hit]:
    """An eps below the least float16, on a value known to be float16."""
    yield from _hits(unit, "eps-lost-in-half", _any_role)


def mask_overflows_half(unit: UnitView) -> Iterator[Hit]:
    """A constant beyond the greatest float16, put into a value known to be float16."""
    yield from _hits(unit, "mask-overflows-half", _any_role)


def where_keeps_nan(unit: UnitView) -> Iterator[Hit]:
    """A function in a branch of `where` that is not finite where the branch is not taken.

    What is written inside of one `where` is told once, at the `where`.
    """
    told: set[Span] = set()
    for hit in _hits(unit, "where-keeps-nan", may_be_differentiated):
        outer = next((link.span for link in hit.related if link.label == _LABELS["where"]), hit.at)
        at = outer if _holds(outer, hit.at) else hit.at
        if at not in told:
            told.add(at)
            related = tuple(link for link in hit.related if link.span != at)
            if at is not hit.at:
                related = (Link(hit.at, "not finite where the branch is not taken"), *related)
            yield msgspec.structs.replace(hit, at=at, related=related)


def _holds(outer: Span, inner: Span) -> bool:
    """Whether one place lies within another of the same file."""
    starts = (outer.line, outer.column) <= (inner.line, inner.column)
    return starts and (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)


def norm_gradient_at_zero(unit: UnitView) -> Iterator[Hit]:
    """A norm whose gradient at zero the framework does not define."""
    yield from _hits(unit, "norm-gradient-at-zero", is_in_training)


def std_gradient_at_zero(unit: UnitView) -> Iterator[Hit]:
    """A standard deviation whose gradient at zero the framework does not define."""
    yield from _hits(unit, "std-gradient-at-zero", is_in_training)


def mean_of_empty_selection(unit: UnitView) -> Iterator[Hit]:
    """A mean over what a mask selected, where that may be nothing."""
    yield from _hits(unit, "mean-of-empty-selection", is_in_training)


def nan_comparison(unit: UnitView) -> Iterator[Hit]:
    """A comparison with NaN."""
    yield from _hits(unit, "nan-comparison", _any_role)


def fully_masked_softmax(unit: UnitView) -> Iterator[Hit]:
    """A softmax over scores that a mask may all have set to −inf."""
    yield from _hits(unit, "fully-masked-softmax", is_in_training)


def one_sample_std(unit: UnitView) -> Iterator[Hit]:
    """An unbiased deviation over the batch dimension."""
    yield from _hits(unit, "one-sample-std", is_in_training)


def variance_by_subtraction(unit: UnitView) -> Iterator[Hit]:
    """A variance as the difference of the mean square and the squared mean."""
    yield from _hits(unit, "variance-by-subtraction", may_be_differentiated)


def _any_role(_: UnitView, __: str) -> bool:
    return True


def _hits(unit: UnitView, kind: str, concerns: Callable[[UnitView, str], bool]) -> Iterator[Hit]:
    candidates = [candidate for candidate in unit.facts.candidates if candidate.kind == kind]
    if not candidates:
        return
    role = role_of(unit)
    if not concerns(unit, role):
        return
    for candidate in candidates:
        if "tensor" not in candidate.open or (role == TRAINING and holds_tensors(unit)):
            yield _hit(unit, candidate, role)


_AT_THE_SITE = frozenset(
    "eps-lost-in-half mask-overflows-half nan-comparison norm-gradient-at-zero std-gradient-at-zero "
    "where-keeps-nan".split()
)
"""Kinds whose operand stands at the site itself."""


def _operand_text(candidate: Candidate) -> str:
    written = ""
    if candidate.kind in _AT_THE_SITE:
        written = operand_as_written(candidate.text, candidate.operand)
    return written or candidate.operand_text or candidate.text


def _hit(unit: UnitView, candidate: Candidate, role: str) -> Hit:
    known: dict[str, str | int | float] = {
        "operand": candidate.operand,
        "grade": candidate.grade,
        "role": NEUTRAL if role == SILENT else role,
        "gradient": candidate.gradient,
        "text": candidate.text,
        "what": _operand_text(candidate),
        "base": candidate.base_text,
        **candidate.facts,
    }
    facts = {name: known[name] for name in _FACTS[candidate.kind].split()}
    path = unit.facts.path
    links = [Link(Span(path, *place), _LABELS[label]) for place, label in candidate.trace]
    written = {label: Span(path, *place) for place, label in candidate.trace if label in facts}
    links += [Link(Span(path, *place), "and here") for place in candidate.related]
    return Hit(
        at=Span(path, *candidate.at),
        facts={name: Value(value, State.DERIVED, span=written.get(name)) for name, value in facts.items()},
        related=tuple(links),
        symbol=unit.facts.qualname,
        evidence=candidate.text,
    )
