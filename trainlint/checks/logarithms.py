"""Logarithms, exponentials, powers and arc cosines that leave the range of their numbers: candidates of the
analysis, judged by the role of their code."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trainlint.analysis.facts import Candidate
from trainlint.checks.hits import hit_of
from trainlint.checks.roles import (
    SILENT,
    TRAINING,
    holds_tensors,
    is_in_training,
    may_be_differentiated,
    role_of_candidate,
)
from trainlint.checks.view import UnitView
from trainlint.knowledge.roles import load_roles, words_of
from trainlint.recipe.model import Hit

LOG_OF_SOFTMAX = "log-of-softmax"
_OF_EXPONENTIALS = frozenset({"softmax-by-hand", "logsumexp-by-hand"})

Concerns = Callable[[UnitView, str], bool]


def unguarded_log(unit: UnitView) -> Iterator[Hit]:
    """Logarithms of what can be exactly 0."""
    yield from _hits(unit, "unguarded-log", may_be_differentiated)


def log_of_softmax(unit: UnitView) -> Iterator[Hit]:
    """Logarithms of probabilities that a softmax or a sigmoid gave."""
    yield from _hits(unit, "log-of-softmax", _not_silent)


def softplus_by_hand(unit: UnitView) -> Iterator[Hit]:
    """log(1 + exp(x)) of an argument that nothing bounds."""
    yield from _hits(unit, "softplus-by-hand", _not_silent)


def logsumexp_by_hand(unit: UnitView) -> Iterator[Hit]:
    """log(sum(exp(x))) of arguments that nothing bounds."""
    yield from _hits(unit, "logsumexp-by-hand", _not_silent)


def softmax_by_hand(unit: UnitView) -> Iterator[Hit]:
    """exp(x) / sum(exp(x)) of arguments that nothing bounds."""
    yield from _hits(unit, "softmax-by-hand", _not_silent)


def absorbed_eps(unit: UnitView) -> Iterator[Hit]:
    """An eps that is added to 1 before it is needed."""
    yield from _hits(unit, "absorbed-eps", _not_silent)


def unclamped_arccos(unit: UnitView) -> Iterator[Hit]:
    """Arc cosines (and sines) of what rounding can take to 1 or beyond."""
    yield from _hits(unit, "unclamped-arccos", may_be_differentiated)


def fractional_power_at_zero(unit: UnitView) -> Iterator[Hit]:
    """Powers between 0 and 1 of what can be exactly 0."""
    yield from _hits(unit, "fractional-power-at-zero", may_be_differentiated)


def unbounded_exp(unit: UnitView) -> Iterator[Hit]:
    """Exponentials of free outputs of a network."""
    yield from _hits(unit, "unbounded-exp", is_in_training)


def _not_silent(_: UnitView, role: str) -> bool:
    return role != SILENT


def _hits(unit: UnitView, kind: str, concerns: Concerns) -> Iterator[Hit]:
    for candidate in unit.facts.candidates:
        if candidate.kind != kind:
            continue
        role = role_of_candidate(unit, candidate, of_value=concerns is _not_silent)
        known = "tensor" not in candidate.open or (role == TRAINING and holds_tensors(unit))
        if known and concerns(unit, role):
            yield _hit(unit, candidate, role)


def _grade(candidate: Candidate) -> str:
    """How sure it is; less for exponentials of what is named a similarity: embeddings may be normalised."""
    compared = load_roles().similarities.intersection(words_of(candidate.base_text))
    return "likely" if compared and candidate.kind in _OF_EXPONENTIALS else candidate.grade


def _uses_paddle(unit: UnitView) -> bool:
    return any(imported.target.partition(".")[0] == "paddle" for imported in unit.outline.imports)


def _hit(unit: UnitView, candidate: Candidate, role: str) -> Hit:
    facts: dict[str, str | int | float] = {
        "operand": candidate.operand,
        "grade": _grade(candidate),
        "role": role,
        "gradient": candidate.gradient,
        "text": candidate.text,
        "what": candidate.operand_text or candidate.text,
        "base": candidate.base_text or "x",
        "sites": 1 + len(candidate.related),
        **candidate.facts,
    }
    if candidate.kind == LOG_OF_SOFTMAX:
        facts["library"] = "paddle" if _uses_paddle(unit) else "other"
    return hit_of(unit, candidate, facts)
