"""The order that a sampler of the project's own gives: by the permutation its `__iter__` draws."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Resolved
from trainlint.recipe.code.observe import Observations


def draws_permutation(seen: Observations, sampler: Resolved) -> bool:
    """Whether every pass over an object of a project class certainly begins with a new random order."""
    if sampler.kind != "instance":
        return False
    path, _, qualname = sampler.name.partition("::")
    kind, where, member = seen.program.resolve(path, qualname, "__iter__")
    frame = seen.evaluator.calls.method_frame(sampler, where, member) if kind == "function" else None
    if frame is None:
        return False
    for event in seen.program.events(frame.facts):
        if event.kind != "call" or event.nested >= 0:
            continue
        entry = seen.call_of(frame, event).entry
        permutes = entry is not None and entry.kind == "shuffle" and entry.random is True
        if permutes and seen.happens(frame, event.conditions) is True:
            return True
    return False
