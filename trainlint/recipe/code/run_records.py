"""Whether a program tells anybody how its training goes: output, log files, trackers, histories."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.findings import Span
from trainlint.knowledge.records import keeps_no_record, may_record
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.reach import Place
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Value

_PRINTS = "builtins.print"


def recorded(seen: Observations, training: Training, at: Span | None) -> Value:
    """`train.recorded`: False only where every call in reach was looked at and none can record anything."""
    program = seen.program
    if training.fits or program.entry.endswith(".ipynb"):
        return derived(True, at)
    closure = program.closure
    if closure.broken or closure.unresolved:
        return unknown_value("a module in reach was not read", at)
    for path, outline in sorted(program.outlines.items()):
        if outline.dynamic:
            return unknown_value(f"{path} uses {outline.dynamic[0]}", at)
    other = next((name for name in sorted(closure.external) if not keeps_no_record(name)), "")
    if other:
        return unknown_value(f"{other} may record the run", at)
    fixed = frozenset(_fixed_texts(seen))
    for place in program.reach.places:
        for name in program.reach.unit(place).calls:
            if may_record(name) and not (name == "print" and place in fixed):
                return derived(True, at)
    if any(_yields(seen, place) for place in training.units):
        return unknown_value("the training loop hands its values on", at)
    return derived(False, at)


def _fixed_texts(seen: Observations) -> Iterator[Place]:
    """Units that print nothing but texts that are always the same: they say nothing of the loss."""
    prints: dict[Place, list[Call]] = {}
    for call in seen.calls:
        if call.name == _PRINTS:
            prints.setdefault(call.place, []).append(call)
    for place, calls in prints.items():
        if all(_is_fixed(call) for call in calls):
            yield place


def _is_fixed(call: Call) -> bool:
    return all(call.frame.term(each).op == "const" for each in call.frame.term(call.term).args[1:])


def _yields(seen: Observations, place: Place) -> bool:
    """Whether a unit that trains is a generator: who goes through it may keep what it yields."""
    facts = seen.program.facts(*place)
    return facts is not None and any(back.yields for back in facts.returns)
