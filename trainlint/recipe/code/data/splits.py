"""Random divisions of data, and whether each comes out the same in every run."""

from __future__ import annotations

from collections.abc import Mapping

from trainlint.knowledge.base import Entry
from trainlint.recipe.code.leaves import absent, derived, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.seeds.seeding import Seeding
from trainlint.recipe.model import State, Value

_GLOBAL = ("numpy", "torch")
_SEED_FIELDS = ("seed", "generator")


def splits(seen: Observations, program: Seeding, facts: Mapping[str, Value]) -> list[dict[str, Value]]:
    """One mapping of `split.*` values for each call that divides data, in order.

    `program` is what seeds the framework, `facts` holds the `repro.*` values that came of it.
    """
    unseeded = facts["repro.seeded"].value is False and facts["repro.partial"].state is State.OFF
    seedings: dict[str, Seeding] = {}
    elements = []
    for call in seen.made("split"):
        if call.entry is None or seen.happens(call.frame, call.event.conditions) is False:
            continue
        generator = seen.evaluator.knowledge.generator(call.entry.framework)
        if generator not in _GLOBAL:
            continue
        if generator not in seedings:
            seedings[generator] = Seeding(seen, generator, call.span)
        element = _element(seen, call, call.entry, seedings[generator], generator)
        follows = unseeded and generator == program.backend
        element["split.follows_program"] = derived(follows, call.span)
        elements.append(element)
    return elements


def _element(
    seen: Observations, call: Call, entry: Entry, seeding: Seeding, generator: str
) -> dict[str, Value]:
    draws = _draws(seen, call, entry)
    element = {
        "split.call": derived(call.name.rpartition(".")[2], call.span),
        "split.random": draws,
        "split.generator": derived(generator, call.span),
        "split.seed_argument": derived("generator" if "generator" in entry.fields else "random_state"),
        "split.seeded": absent(call.span),
    }
    if draws.value is True:
        element["split.seeded"] = _seeded(seen, call, seeding, generator)
    return element


def _draws(seen: Observations, call: Call, entry: Entry) -> Value:
    if entry.random is not None:
        return derived(entry.random, call.span)
    given = seen.argument(call, "shuffle")
    if given is None:
        if not seen.complete(call):
            return unknown_value("a starred argument may set shuffle", call.span)
        return derived(entry.default("shuffle") is True, call.span)
    if given.kind == "const" and not given.option:
        return derived(bool(given.value), call.span)
    return unknown_value("whether it shuffles is not known", call.span)


def _seeded(seen: Observations, call: Call, seeding: Seeding, generator: str) -> Value:
    """Whether a state of its own or the global generator's is given before a split draws."""
    if not seen.complete(call):
        return unknown_value("a starred argument may seed it", call.span)
    for field in _SEED_FIELDS:
        given = seen.argument(call, field)
        if given is not None and not (given.kind == "const" and given.value is None and not given.option):
            return derived(True, call.span)
    for other, generators in seeding.seeds:
        if generator in generators and not _comes_later(seen, other, call):
            return derived(True, other.span)
    reason = seeding.open_world()
    return unknown_value(reason, call.span) if reason else derived(False, call.span)


def _comes_later(seen: Observations, seed: Call, split: Call) -> bool:
    if seed.place != split.place:
        return False
    events = seen.program.events(split.frame.facts)
    return events.index(seed.event) > events.index(split.event)
