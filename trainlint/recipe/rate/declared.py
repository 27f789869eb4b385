"""Schedules whose curve is not simulated: what their arguments alone say of warmup, length and shape."""

from __future__ import annotations

from trainlint.knowledge.base import Entry
from trainlint.recipe.code.leaves import absent, derived, leaf, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.optimization.factories import shape_of
from trainlint.recipe.derived import number
from trainlint.recipe.model import State, Value

PACKAGES = ("timm.", "transformers.", "diffusers.")
"""Libraries whose schedules begin with a linear warmup, as long as they are told."""

_DECAYS = frozenset({"cosine", "tanh", "step", "multistep", "polynomial", "wsd", "linear-decay"})


def declared(seen: Observations, call: Call) -> dict[str, Value]:
    """`warmup.*`, `schedule.length` and `schedule.shape` as the arguments of a schedule's call say them."""
    entry = call.entry
    if entry is None or not call.name.startswith(PACKAGES):
        return {}
    if not seen.complete(call):
        return {"warmup.length": unknown_value(f"{_plain(call)}(…) is given a starred argument", call.span)}
    unit = _unit(seen, call, entry)
    found = {"warmup.length": _warmup(seen, call, entry, unit)}
    shape = shape_of(seen, call)
    if shape in _DECAYS:
        found["schedule.shape"] = derived("decaying", call.span)
        found["optimizer.schedule.decays"] = derived(True, call.span)
    return found


def _warmup(seen: Observations, call: Call, entry: Entry, unit: str) -> Value:
    found = leaf(seen.argument(call, "warmup"), call, default=entry.default("warmup"), unit=unit)
    count = number(found)
    if count is None:
        return unknown_value(
            f"the warmup that {_plain(call)}(…) is given: {found.reason or found.value}", found.span
        )
    if count == 0:
        return absent(found.span)
    if not unit:
        return unknown_value("whether its lengths are epochs or steps", call.span)
    return Value(_whole(count), found.state, unit, found.span, found.chain)


def _unit(seen: Observations, call: Call, entry: Entry) -> str:
    """What the lengths are counted in; "" where that is not known."""
    if "in_epochs" not in entry.fields:
        return str(entry.extra.get("unit", ""))
    value = leaf(seen.argument(call, "in_epochs"), call, default=entry.default("in_epochs"))
    if value.state is State.UNKNOWN:
        return ""
    return "epochs" if value.value else "steps"


def _plain(call: Call) -> str:
    return call.name.rpartition(".")[2]


def _whole(value: float) -> int | float:
    return int(value) if value == int(value) else value
