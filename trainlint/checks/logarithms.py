"""Logarithms, exponentials, powers and arc cosines that leave the range of their numbers: candidates of the
analysis, judged by the role of their code."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trainlint.analysis.facts import Candidate
from trainlint.checks.roles import (
    SILENT,
    TRAINING,
    holds_tensors,
    is_in_training,
    may_be_differentiated,
    role_of_candidate,
)
from trainlint.checks.view import UnitView
from trainlint.findings import Span
from trainlint.knowledge.roles import load_roles, words_of
from trainlint.recipe.model import Hit, Link, State, Value

_LABELS = {
    "mask": "the mask is made here",
    "source": "made from this",
    "handed": "this probability is handed on to where its logarithm is taken",
    "softmax": "a softmax: a class far behind the others gets exactly 0",
    "sigmoid": "a sigmoid: exactly 0 far below 0, exactly 1 far above",
    "hand-made-softmax": "a softmax by hand: a class far behind the others gets exactly 0",
    "one-minus-probability": "one minus a probability: exactly 0 where the probability is 1",
    "chosen-probability": "a softmax at chosen classes: exactly 0 for a class far behind",
    "sum-of-exponentials": "a sum of exponentials: infinite where one argument is above 88",
    "one-plus-exponential": "one plus an exponential: infinite where the argument is above 88",
    "exponential": "an exponential: exactly 0 far below 0, infinite above 88",
    "absorbed-eps": "the eps is added to 1 first, and lost: 1 + eps is 1 in float32",
    "network-output": "nothing bounds this from above",
    "free-output": "a layer's output: below 0 and above 1 as well as between",
    "bounded": "a cosine: 1 for equal directions",
    "ratio": "a quotient by a norm: rounding may take it beyond 1",
    "trace": "a trace: rounding may take the quotient beyond 1",
    "clamped-to-one": "clamped to 1, not below it",
    "clamped-at-zero": "exactly 0 for every negative input",
    "square": "a square: 0 where its base is 0",
    "sum-of-squares": "a sum of squares: 0 where every element is 0",
    "sum-of-magnitudes": "a sum of magnitudes: 0 where every element is 0",
    "magnitude": "a magnitude: 0 is possible",
    "variance": "a variance: 0 where all values are equal",
    "std": "a standard deviation: 0 where all values are equal",
    "max-min": "max − min: 0 where all values are equal",
    "norm": "a norm: 0 for a zero vector",
    "distance": "a distance: 0 for equal points",
    "hand-made-norm": "a norm: 0 for a zero vector",
    "hand-made-std": "a standard deviation: 0 where all values are equal",
    "label-mask-count": "a count that the labels decide: 0 when none match",
    "length-mask-count": "a count of valid positions: 0 for an empty sequence",
    "mask-count": "the sum of a mask: 0 when nothing is selected",
    "filtered-count": "the size of a selection: 0 when nothing is selected",
    "degree": "a node's degree: 0 for an isolated node",
}

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
    path = unit.facts.path
    links = [Link(Span(path, *place), _LABELS.get(label, label)) for place, label in candidate.trace]
    links += [Link(Span(path, *place), "the same again") for place in candidate.related]
    return Hit(
        at=Span(path, *candidate.at),
        facts={name: Value(value, State.DERIVED) for name, value in facts.items()},
        related=tuple(links),
        symbol=unit.facts.qualname,
        evidence=candidate.text,
    )
