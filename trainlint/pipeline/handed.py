"""Which files must be read beside the named ones: those that hand operands to where these are judged."""

from __future__ import annotations

from collections.abc import Iterable, Set

from trainlint.analysis.facts import UnitFacts
from trainlint.analysis.index.callers import callers_by_name, calls_to, last_name
from trainlint.analysis.index.project import ProjectIndex
from trainlint.pipeline.stages import Interpreted


def callers_of_told(index: ProjectIndex, facts: Iterable[UnitFacts], named: Set[str]) -> set[str]:
    """The files with callers of functions that are told what their callers hand to them: those of the named
    files that need something of their parameters, and those elsewhere that a named file hands something."""
    told: set[tuple[str, str]] = set()
    for each in facts:
        if each.path in named:
            if each.preconditions:
                told.add((each.path, each.qualname))
            told |= {(candidate.path, candidate.qualname) for candidate in each.candidates if candidate.path}
    found = {path for path, _ in told} - named
    for callee in told:
        for caller in callers_by_name(index).get(last_name(callee[1]), ()):
            if caller[0] not in found and caller[0] not in named and calls_to(index, caller, callee):
                found.add(caller[0])
    return found


def both(one: Interpreted, other: Interpreted) -> Interpreted:
    """Two readings as one, sorted; of a unit that both have the one with candidates."""
    facts: dict[tuple[str, str], UnitFacts] = {}
    for each in (*one.facts, *other.facts):
        key = (each.path, each.qualname)
        if key not in facts or each.candidates:
            facts[key] = each
    return Interpreted(
        [facts[key] for key in sorted(facts)],
        sorted([*one.programs, *other.programs], key=lambda each: each.entry),
        [*one.notices, *other.notices],
        [*one.kept, *other.kept],
    )
