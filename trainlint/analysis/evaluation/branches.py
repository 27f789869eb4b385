"""Which branches a default run takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.operators import truthiness
from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Condition

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator


def taken(evaluator: Evaluator, frame: Frame, conditions: Iterable[Condition]) -> bool | None:
    """Whether a default run takes all of these branches: True, False, or None where a condition is not
    known."""
    certain: bool | None = True
    for condition in conditions:
        truth = truthiness(evaluator.value(frame, condition.term).default())
        if truth is None:
            certain = None
        elif truth is not condition.holds:
            return False
    return certain
