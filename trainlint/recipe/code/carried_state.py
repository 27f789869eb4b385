"""Whether a recurrent network's state goes from batch to batch: then the batches must follow each other."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Frame
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.training import Training

_STATE = frozenset({"state", "states", "hidden", "hiddens", "h", "hx", "cx", "carry", "memory", "mems"})
_CUTS = ("detach", "detach_")
_REPACKS = "repackage"
_MAX_TERMS = 200


def carries_state(seen: Observations, training: Training) -> str:
    """Where a training loop cuts the gradient of a state and keeps its value for the next round; "" where
    none does."""
    for call in [*seen.methods(*_CUTS), *(call for call in seen.calls if _repacks(call))]:
        loop = call.event.loop
        if loop >= 0 and training.loop_trains(call.frame.facts, loop) and _is_carried(call):
            return seen.unread.shown(call.frame, call.term)
    return ""


def _repacks(call: Call) -> bool:
    return not call.method and _REPACKS in words_of(call.name.rpartition("::")[2].rpartition(".")[2])


def _is_carried(call: Call) -> bool:
    """Whether the result is part of what a variable named like a state holds in the next round."""
    return any(
        term.op == "loop"
        and len(term.args) > 1
        and _STATE & set(words_of(term.name))
        and call.term in _below(call.frame, term.args[1])
        for term in call.frame.facts.terms
    )


def _below(frame: Frame, root: int) -> set[int]:
    """The terms that a term is made of, itself included."""
    found: set[int] = set()
    waiting = [root]
    while waiting and len(found) < _MAX_TERMS:
        term = waiting.pop()
        if term >= 0 and term not in found:
            found.add(term)
            waiting += frame.term(term).args
    return found
