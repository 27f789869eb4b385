"""The numbers a loop counts: `range(start, stop, step)`, also inside a progress bar."""

from __future__ import annotations

import dataclasses

from trainlint.analysis.evaluation.values import Resolved
from trainlint.recipe.code.observe import Observations

_MAX_WRAPPERS = 4
_RANGES = frozenset({"builtins.range", "tqdm.trange", "tqdm.auto.trange"})


@dataclasses.dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of a range, as resolved values."""

    start: Resolved
    stop: Resolved
    step: Resolved


def counted(seen: Observations, iterated: Resolved) -> Bounds | None:
    """The bounds of what a loop iterates; None where that is no range, also not in a progress bar."""
    for _ in range(_MAX_WRAPPERS):
        if iterated.kind != "object" or iterated.frame is None:
            return None
        call = iterated.frame.term(iterated.term)
        given = [argument for key, argument in zip(call.keys, call.args[1:], strict=True) if not key]
        if any(key.startswith("*") for key in call.keys) or not given:
            return None
        values = [seen.evaluator.value(iterated.frame, argument) for argument in given[:3]]
        if iterated.name in _RANGES:
            zero, one = Resolved("const", value=0), Resolved("const", value=1)
            if len(values) == 1:
                return Bounds(zero, values[0], one)
            return Bounds(values[0], values[1], values[2] if len(values) == 3 else one)
        iterated = values[0]
    return None
