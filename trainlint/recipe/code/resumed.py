"""Where the loop of a run starts that resumes nothing: the counter of a state that was just made is 0."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, unknown
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.while_loops import constant, fresh

_COUNTERS = frozenset(
    "step steps global_step start_step initial_step iteration iter epoch start_epoch step_offset".split()
)
"""What the states of training frameworks call the number of updates or epochs they have seen."""

_DEPTH = 6


def first_round(seen: Observations, frame: Frame, term: int, depth: int = _DEPTH) -> Resolved:
    """The number at which a fresh run starts to count, by the expression a range starts from.

    `int(state.step) + 1` is 1: a checkpoint that is not there leaves the state as it was made.
    """
    value = fresh(seen.evaluator.value(frame, term))
    if value.is_number or depth == 0:
        return value
    record = frame.term(term)
    if record.op == "attr" and record.name in _COUNTERS:
        return constant(0)
    if record.op == "item" and frame.term(record.args[1]).value in _COUNTERS:
        return constant(0)
    if record.op == "call" and frame.term(record.args[0]).name == "builtins.int" and len(record.args) == 2:
        return first_round(seen, frame, record.args[1], depth - 1)
    if record.op == "bin":
        left, right = (first_round(seen, frame, side, depth - 1) for side in record.args)
        return seen.evaluator.operators.arithmetic(record.name, left, right, Origin(None, ""))
    if record.op == "if":
        return _agreed([first_round(seen, frame, branch, depth - 1) for branch in record.args[1:]], value)
    return value


def _agreed(branches: list[Resolved], otherwise: Resolved) -> Resolved:
    """The one number that branches come to: with a checkpoint and without, a fresh run counts the same."""
    numbers = [branch for branch in branches if branch.is_number]
    if numbers and all(branch.is_number and branch.value == numbers[0].value for branch in branches):
        return numbers[0]
    return otherwise if otherwise.kind == "unknown" else unknown("where the run starts to count")
