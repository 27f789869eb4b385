"""Whether a program tells anybody how its training goes: output, log files, trackers, histories."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.findings import Span
from trainlint.knowledge.records import keeps_no_record, may_record
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.programs import Program
from trainlint.recipe.code.reach import Place
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Value

_PRINTS = "builtins.print"


def recorded(seen: Observations, training: Training, at: Span | None) -> Value:
    """`train.recorded`: False only where every call in reach was looked at and none can record anything."""
    program = seen.program
    if training.fits or program.entry.endswith(".ipynb"):
        return derived(True, at)
    unread = seen.unread.value("record") or _hidden(program)
    if unread is not None:
        return unread
    fixed = frozenset(_fixed_texts(seen))
    for place in program.reach.places:
        for name in program.reach.unit(place).calls:
            if may_record(name) and not (name == "print" and place in fixed):
                return derived(True, at)
    if any(_yields(seen, place) for place in training.units):
        return unknown_value("the training loop hands its values on", at)
    return derived(False, at)


def _hidden(program: Program) -> Value | None:
    """An unknown leaf where names are bound in ways that do not show, or a package may keep a record; None
    without any."""
    for path, outline in sorted(program.outlines.items()):
        for name in outline.dynamic:
            line = program.reader.find(path, 1, name.removesuffix("()"))
            return unknown_value(f"{name} {path}:{line} may bring in what records the run", _line(path, line))
    for package, paths in sorted(program.closure.external.items()):
        if not keeps_no_record(package):
            path = paths[0]
            line = next(each.line for each in program.outlines[path].imports if each.target == package)
            return unknown_value(f"{package} {path}:{line} may record the run", _line(path, line))
    return None


def _line(path: str, line: int) -> Span:
    return Span(path, line, 1, line, 1)


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
