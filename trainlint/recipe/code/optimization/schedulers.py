"""The schedulers of a program as things of their own: what they are, and whether anything steps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trainlint.recipe.code.leaves import derived, leaf
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.derived import number
from trainlint.recipe.model import State, Value


def scheduler_elements(
    seen: Observations, cadence: Callable[[Call], Mapping[str, Value]]
) -> list[dict[str, Value]]:
    """One mapping of `scheduler.*` values for each schedule, those that a loop must step first.

    `cadence` gives what is known of how one is stepped.
    """
    found = []
    for call in seen.made("scheduler", "schedule"):
        if seen.happens(call.frame, call.event.conditions) is False or call.entry is None:
            continue
        element = {
            "scheduler.name": Value(call.name.rpartition(".")[2], State.EXPLICIT, span=call.span),
            "scheduler.shape": derived(call.entry.shape, call.span),
            **_bounds(seen, call),
        }
        if call.entry.kind == "scheduler" and call.entry.framework == "torch":
            element["scheduler.dropped"] = seen.unread.value("replace") or derived(
                is_dropped(call), call.span
            )
            element.update(cadence(call))
        found.append(element)
    return found


def _bounds(seen: Observations, call: Call) -> dict[str, Value]:
    """The two rates between which a schedule swings."""
    low, high = seen.argument(call, "base_lr"), seen.argument(call, "max_lr")
    if low is None or high is None or call.entry is None or call.entry.shape != "cyclic":
        return {}
    found = {
        "scheduler.base_lr": leaf(low, call, unit="rate"),
        "scheduler.max_lr": leaf(high, call, unit="rate"),
    }
    base, peak = number(found["scheduler.base_lr"]), number(found["scheduler.max_lr"])
    if base is not None and peak is not None and peak > 0:
        found["scheduler.bounds_ratio"] = derived(base / peak, call.span, unit="ratio")
    return found


def is_dropped(call: Call) -> bool:
    """Whether nothing is done with what a call makes: no expression, store or return of its unit uses it."""
    facts = call.frame.facts
    if any(call.term in term.args for term in facts.terms) or call.term in facts.bindings.values():
        return False
    stored = any(event.kind != "bind" and event.value == call.term for event in facts.events)
    return not stored and all(back.term != call.term for back in facts.returns)
