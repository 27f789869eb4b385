"""From a candidate of the analysis to a hit of its page."""

from __future__ import annotations

from collections.abc import Mapping

from trainlint.analysis.facts import Candidate
from trainlint.checks.operand_words import OPERAND_WORDS
from trainlint.checks.view import UnitView
from trainlint.findings import Span
from trainlint.recipe.model import Hit, Link, State, Value


def hit_of(
    unit: UnitView,
    candidate: Candidate,
    facts: Mapping[str, str | int | float],
    words: Mapping[str, str] = OPERAND_WORDS,
) -> Hit:
    """The hit at a candidate's site, with the way to it; `words` say what the labels of its trace mean.

    What the unit hands to a function of the project is told in that function, with the call as the way to it.
    """
    path = unit.facts.path
    links = [Link(Span(path, *place), words.get(label, label)) for place, label in candidate.trace]
    links += [Link(Span(path, *place), "the same again") for place in candidate.related]
    return Hit(
        at=Span(candidate.path or path, *candidate.at),
        facts={name: Value(value, State.DERIVED) for name, value in facts.items()},
        related=tuple(links),
        symbol=candidate.qualname if candidate.path else unit.facts.qualname,
        evidence=candidate.text,
    )
