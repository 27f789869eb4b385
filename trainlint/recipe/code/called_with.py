"""What the arguments of one call of a function say of the branches in it."""

from __future__ import annotations

from collections.abc import Iterable

from trainlint.analysis.evaluation.operators import truthiness
from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Condition
from trainlint.recipe.code.observe import Observations

_DEEPEST = 3


def ruled_out(seen: Observations, frame: Frame, conditions: Iterable[Condition]) -> bool:
    """Whether what this call of the function passes keeps it from a branch: no option, no default. False
    where the frame is that of no call in particular."""
    if frame.bindings is None:
        return False
    for condition in conditions:
        if not _asks_parameter(frame, condition.term):
            continue
        value = seen.evaluator.value(frame, condition.term)
        truth = truthiness(value)
        if truth is not None and truth is not condition.holds and not is_optional(value):
            return True
    return False


def is_optional(value: Resolved) -> bool:
    """Whether an option of the command line has a say in a value."""
    return bool(value.option) or any(origin.label.startswith("default") for origin in value.origins)


def _asks_parameter(frame: Frame, term: int, depth: int = _DEEPEST) -> bool:
    record = frame.term(term)
    if record.op == "param":
        return record.name not in ("self", "cls")
    return depth > 0 and any(_asks_parameter(frame, each, depth - 1) for each in record.args)
