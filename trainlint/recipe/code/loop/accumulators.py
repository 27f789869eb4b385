"""Names that a loop adds to in each pass, and names that it sets anew in each pass: from a unit's terms."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from trainlint.analysis.facts import Term, UnitFacts

_DEPTH = 12
_MOST = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Carried:
    """A name that a loop rebinds. `before` is its term when the loop begins, `start` what it stands for at
    the top of a pass, `after` its term at the end of one, `merged` what it stands for behind the loop."""

    name: str
    before: int
    start: int
    after: int
    merged: int


def carried(facts: UnitFacts) -> Iterator[Carried]:
    """Every name that some loop of a unit rebinds, in the order in which the loops end."""
    starts = {
        (term.name, term.args[0]): index
        for index, term in enumerate(facts.terms)
        if term.op == "loop" and len(term.args) == 1
    }
    for index, term in enumerate(facts.terms):
        if term.op == "loop" and len(term.args) > 1:
            before, after = term.args[0], term.args[1]
            yield Carried(term.name, before, starts.get((term.name, before), -1), after, index)


def added(facts: UnitFacts, each: Carried) -> list[tuple[int, int]]:
    """The sums by which a pass adds to a name, each with what is added: `total += loss`, on one branch or on
    all; empty where it does otherwise."""
    return list(_added(facts, each.after, each.start, each.name, 0))


def adds_itself(facts: UnitFacts, each: Carried, total: int) -> bool:
    """Whether a sum is made by the pass itself, not by a loop inside of it."""
    waiting = [each.after]
    for place in waiting:
        record = facts.terms[place]
        if place == total:
            return True
        if record.op in ("if", "bin") and len(waiting) < _MOST:
            waiting += record.args
    return False


def _added(facts: UnitFacts, term: int, start: int, name: str, depth: int) -> Iterator[tuple[int, int]]:
    record = facts.terms[term]
    if depth > _DEPTH or term == start:
        return
    if record.op == "if":
        for branch in record.args[1:]:
            yield from _added(facts, branch, start, name, depth + 1)
    elif record.op == "loop" and record.name == name and len(record.args) > 1:
        inner = _start_of(facts, name, record.args[0])
        yield from _added(facts, record.args[1], inner, name, depth + 1)
        yield from _added(facts, record.args[0], start, name, depth + 1)
    elif record.op == "bin" and record.name == "+":
        left, right = record.args
        if _is_running(facts, left, start, name, depth):
            yield term, right
            yield from _added(facts, left, start, name, depth + 1)
        elif _is_running(facts, right, start, name, depth):
            yield term, left


def _is_running(facts: UnitFacts, term: int, start: int, name: str, depth: int) -> bool:
    """Whether a term is what a name has been added up to so far."""
    if term == start and start >= 0:
        return True
    record = facts.terms[term]
    if depth > _DEPTH:
        return False
    if record.op == "bin" and record.name == "+":
        return any(_is_running(facts, each, start, name, depth + 1) for each in record.args)
    if record.op == "if":
        return any(_is_running(facts, each, start, name, depth + 1) for each in record.args[1:])
    return (
        record.op == "loop"
        and record.name == name
        and _is_running(facts, record.args[0], start, name, depth + 1)
    )


def _start_of(facts: UnitFacts, name: str, before: int) -> int:
    return next(
        (
            index
            for index, term in enumerate(facts.terms)
            if term.op == "loop" and term.name == name and term.args == (before,)
        ),
        -1,
    )


def reads(facts: UnitFacts, term: int, wanted: int, depth: int = 0) -> bool:
    """Whether a term is computed from another one."""
    if term == wanted:
        return True
    record: Term = facts.terms[term]
    return depth < _DEPTH and any(reads(facts, each, wanted, depth + 1) for each in record.args)
