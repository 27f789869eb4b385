"""What a constant rate of the optimizer hides: callbacks that were not read, weights moved by hand."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Resolved
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.training import Training

_CALLBACKS = "callbacks"
_CALLBACK_KINDS = frozenset({"callback", "callback-base", "scheduler"})
_PUT_BACK = {"set_weights": "get_weights", "load_state_dict": "state_dict"}
"""Methods that write the weights of a model, and those that read what they write."""


def unread_callback(seen: Observations) -> str:
    """Why a callback may change the rate: the first one that was not read; "" where all were.

    Callbacks are handed the model with its optimizer by `fit` and by trainers.
    """
    for call in seen.calls:
        record = call.frame.term(call.term)
        if _CALLBACKS not in record.keys or seen.runs(call) is False:
            continue
        given = record.args[1 + record.keys.index(_CALLBACKS)]
        for leaf in _leaves(seen.evaluator.value(call.frame, given)):
            if _may_change_rate(seen, leaf):
                shown = seen.unread.shown(leaf.frame or call.frame, leaf.term if leaf.frame else given)
                return f"the callback {shown}, which was not read, may change the rate"
    return ""


def _leaves(value: Resolved) -> Iterator[Resolved]:
    for made in value.default().alternatives():
        if made.kind in ("sequence", "choice"):
            for item in made.items:
                yield from item.default().alternatives()
        else:
            yield made


def _may_change_rate(seen: Observations, callback: Resolved) -> bool:
    if callback.kind in ("object", "external"):
        entry = seen.evaluator.entry(callback.name)
        if entry is not None and entry.kind in _CALLBACK_KINDS:
            return False
        return not seen.evaluator.knowledge.inert(callback.name, "schedule")
    return callback.kind in ("unknown", "part")


def weights_put_back(seen: Observations, training: Training) -> str:
    """Why the optimizer's rate is not that of the training: every pass of a training loop takes the weights
    and puts others in their place, as Reptile does after its inner steps. "" where none does."""
    for call in seen.methods(*_PUT_BACK):
        loop = call.event.loop
        if loop < 0 or not training.loop_trains(call.frame.facts, loop):
            continue
        if any(_of_same_model(seen, call, other) for other in seen.methods(_PUT_BACK[call.name])):
            shown = seen.unread.shown(call.frame, call.term)
            return f"{shown} puts other weights in the place of the trained ones"
    return ""


def _of_same_model(seen: Observations, writes: Call, reads: Call) -> bool:
    """Whether weights are read in the loop they are written in, from what they are written to."""
    if writes.place != reads.place or writes.event.loop != reads.event.loop:
        return False
    mine, theirs = (
        list(seen.texts(call.frame, call.frame.term(call.frame.term(call.term).args[0]).args[0]))
        for call in (writes, reads)
    )
    return bool(mine) and mine == theirs
