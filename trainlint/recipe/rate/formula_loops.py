"""Formulas of what loops change: counters, running variables, and what a round hands to the next."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from trainlint.analysis.facts import Loop, Term, UnitFacts
from trainlint.recipe.code.bounds import counted
from trainlint.recipe.rate.formula_parts import (
    BATCH,
    CLOCK,
    Env,
    Node,
    Scope,
    UnresolvedError,
    combine,
    constant,
    decided,
    unresolved,
    variable,
)

if TYPE_CHECKING:
    from trainlint.recipe.rate.formulas import Formulas

MAX_ROUNDS = 64


@dataclasses.dataclass(frozen=True, slots=True)
class Carried:
    """A variable that each round of the training loop hands to the next."""

    name: str
    first: Node
    after: Node


class LoopFormulas:
    """The part of the formulas that knows loops.

    `clocks` are the training loops whose counters are read, `carried` the variables they carry, by name.
    """

    def __init__(self, formulas: Formulas) -> None:
        self.formulas = formulas
        self.training = formulas.training
        self.clocks: set[tuple[str, str, int]] = set()
        self.carried: dict[str, Carried] = {}
        self._pending: set[str] = set()

    def element(self, scope: Scope, term: int, record: Term) -> Node:
        """A loop's variable: the counter of a training loop."""
        facts = scope.frame.facts
        for index, loop in enumerate(facts.loops):
            if loop.kind == "for" and loop.source == record.args[0]:
                return self._counter(scope, index, loop)
        return self.formulas.leaf(scope, term)

    def _counter(self, scope: Scope, index: int, loop: Loop) -> Node:
        facts = scope.frame.facts
        bounds = counted(self.formulas.seen, self.formulas.evaluator.value(scope.frame, loop.source))
        if bounds is None or not self.training.loop_trains(facts, index):
            return unresolved(f"{loop.target or 'an element'} of a loop")
        inner = loop.parent >= 0 and self.training.loop_trains(facts, loop.parent)
        start, step = (self.formulas.value(bound) for bound in (bounds.start, bounds.step))
        counter = self._ticks(facts, index, inner)
        return combine(lambda first, by, done: first + by * done, [start, step, counter], self.formulas.work)

    def _ticks(self, facts: UnitFacts, loop: int, inner: bool) -> Node:
        if inner:
            return variable(BATCH)
        self.clocks.add((facts.path, facts.qualname, loop))
        return variable(CLOCK)

    def unpack(self, scope: Scope, term: int, record: Term) -> Node:
        """A part of a loop's element: the running number that `enumerate` gives."""
        whole = scope.frame.term(record.args[0])
        if record.value == 0 and whole.op == "elem":
            source = scope.frame.term(whole.args[0])
            if source.op == "call" and scope.frame.term(source.args[0]).name == "builtins.enumerate":
                return self._number(scope, whole.args[0], source)
        return self.formulas.leaf(scope, term)

    def _number(self, scope: Scope, source: int, record: Term) -> Node:
        facts = scope.frame.facts
        loops = [i for i, each in enumerate(facts.loops) if each.kind == "for" and each.source == source]
        if not loops or not self.training.loop_trains(facts, loops[0]):
            return unresolved("the counter of a loop")
        loop = loops[0]
        outer = self.training.depth(facts, loop) > 0 or "epoch" in facts.loops[loop].target.lower()
        counter = self._ticks(facts, loop, not outer)
        start = self.formulas.compile(scope, record.args[2]) if len(record.args) > 2 else constant(0)
        return combine(lambda first, done: first + done, [start, counter], self.formulas.work)

    def variable(self, scope: Scope, term: int, record: Term) -> Node:
        """A variable that a loop changes: in a round of the training loop, or after another loop."""
        facts = scope.frame.facts
        ends = _ends(facts, record)
        inside = term if len(record.args) == 1 else _start_of_round(facts, record)
        place = facts.terms[inside].at if inside >= 0 else None
        loop = next((i for i, each in enumerate(facts.loops) if place is not None and each.at == place), -1)
        if loop < 0:
            return self.formulas.leaf(scope, term)
        if len(ends) != 1 or facts.loops[loop].jumps:
            return unresolved(f"{record.name} changes in a loop")
        if len(record.args) == 1:
            return self._carried(scope, record, loop, ends[0])
        if self.training.loop_trains(facts, loop):
            return unresolved(f"{record.name} changes in a loop")
        return self._after(scope, record, inside, facts.loops[loop])

    def _carried(self, scope: Scope, record: Term, loop: int, end: int) -> Node:
        facts = scope.frame.facts
        outer = facts.loops[loop].parent
        if not self.training.loop_trains(facts, loop) or (
            outer >= 0 and self.training.loop_trains(facts, outer)
        ):
            return unresolved(f"{record.name} changes in a loop")
        key = f"{record.name} of {facts.path}::{facts.qualname}"
        if key not in self.carried and key not in self._pending:
            self._pending.add(key)
            first = self.formulas.compile(scope, record.args[0])
            self.carried[key] = Carried(key, first, self.formulas.compile(scope, end))
            self._pending.discard(key)
        return variable(key)

    def _after(self, scope: Scope, record: Term, inside: int, loop: Loop) -> Node:
        """What a variable is after a loop over a known sequence: `for m in milestones: lr *= ...`."""
        before = self.formulas.compile(scope, record.args[0])
        items = self.items(scope, loop.source)
        key = f"{record.name} {inside}"
        element, bound = elements(scope.frame.facts, record.args[1], loop.source)
        after = self.formulas.compile(scope.binding({inside: variable(key), **bound}), record.args[1])

        def run(env: Env) -> object:
            state = before.run(env)
            for value in rounds(items.run(env)):
                self.formulas.work.spend()
                state = after.run({**env, key: state, element: value})
            return state

        return Node(run)

    def comprehension(self, scope: Scope, _term: int, record: Term) -> Node:
        """The elements of a comprehension over a known sequence: `[epoch >= m for m in milestones]`."""
        if record.value or record.name == "dict":
            return unresolved("a comprehension over a part of a sequence")
        result, source = record.args[-2:]
        element, bound = elements(scope.frame.facts, result, source)
        each = self.formulas.compile(scope.binding(bound), result)
        items = self.items(scope, source)

        def run(env: Env) -> object:
            self.formulas.work.spend()
            return tuple(each.run({**env, element: value}) for value in rounds(items.run(env)))

        return decided(run, [items]) if each.fixed else Node(run)

    def items(self, scope: Scope, source: int) -> Node:
        """What a loop or comprehension runs over, as a sequence."""
        bounds = counted(self.formulas.seen, self.formulas.evaluator.value(scope.frame, source))
        if bounds is None:
            return self.formulas.compile(scope, source)
        made = scope.frame.term(source)
        if made.op == "call" and scope.frame.term(made.args[0]).name == "builtins.range":
            parts = [self.formulas.compile(scope, argument) for argument in made.args[1:]]
        else:
            parts = [self.formulas.value(part) for part in (bounds.start, bounds.stop, bounds.step)]
        return combine(lambda *ends: tuple(range(*ends)[: MAX_ROUNDS + 1]), parts, self.formulas.work)


def rounds(values: object) -> Iterable[object]:
    """A known sequence of at most 64 values; UnresolvedError for anything else."""
    if not isinstance(values, (tuple, list)) or len(values) > MAX_ROUNDS:
        raise UnresolvedError("what a loop runs over")
    return values


def elements(facts: UnitFacts, term: int, source: int) -> tuple[str, dict[str | int, Node]]:
    """The name for an element of a sequence, and the nodes that read it wherever a term uses one."""
    name = f"element {source}"
    used = [
        i for i in _below(facts, term) if facts.terms[i].op == "elem" and facts.terms[i].args[0] == source
    ]
    return name, {index: variable(name) for index in used}


def _ends(facts: UnitFacts, record: Term) -> list[int]:
    """The terms of a loop's variable at the end of a round: several where loops share the start."""
    found = [
        each.args[1]
        for each in facts.terms
        if each.op == "loop"
        and len(each.args) == 2
        and each.name == record.name
        and each.args[0] == record.args[0]
    ]
    return list(dict.fromkeys(found))


def _start_of_round(facts: UnitFacts, record: Term) -> int:
    """The term of a loop's variable as a round starts; -1 where the round's end does not hang on it."""
    for index in _below(facts, record.args[1]):
        found = facts.terms[index]
        if found.op == "loop" and found.name == record.name and found.args == record.args[:1]:
            return index
    return -1


def _below(facts: UnitFacts, term: int) -> list[int]:
    """A term and everything it is made of, each once."""
    found: dict[int, None] = {}
    waiting = [term]
    while waiting:
        index = waiting.pop()
        if index not in found:
            found[index] = None
            waiting += facts.terms[index].args
    return list(found)
