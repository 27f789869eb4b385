"""The schedulers of a program as things of their own: whether anything steps them."""

from __future__ import annotations

from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.model import State, Value


def scheduler_elements(seen: Observations) -> list[dict[str, Value]]:
    """One mapping of `scheduler.*` values for each scheduler that a loop must step, in order."""
    found = []
    for call in seen.made("scheduler"):
        stepped_by_hand = call.entry is not None and call.entry.framework == "torch"
        if not stepped_by_hand or seen.happens(call.frame, call.event.conditions) is False:
            continue
        found.append(
            {
                "scheduler.name": Value(call.name.rpartition(".")[2], State.EXPLICIT, span=call.span),
                "scheduler.dropped": derived(is_dropped(call), call.span),
            }
        )
    return found


def is_dropped(call: Call) -> bool:
    """Whether nothing is done with what a call makes: no expression, store or return of its unit uses it."""
    facts = call.frame.facts
    if any(call.term in term.args for term in facts.terms) or call.term in facts.bindings.values():
        return False
    stored = any(event.kind != "bind" and event.value == call.term for event in facts.events)
    return not stored and all(back.term != call.term for back in facts.returns)
