"""Expressions of a program as functions of what changes while it trains: epoch, batch, the rate so far.

The evaluator says what an expression is in every run; a formula says what it is in the n-th epoch. Whatever
does not change is taken from the evaluator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from trainlint.analysis.evaluation.values import Resolved
from trainlint.analysis.facts import Condition, Term, UnitFacts
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.training import Training
from trainlint.recipe.rate.formula_calls import CallFormulas
from trainlint.recipe.rate.formula_loops import LoopFormulas
from trainlint.recipe.rate.formula_parts import (
    BASE,
    BATCHES,
    CONSTANTS,
    MAX_DEPTH,
    OPERATORS,
    RATE,
    Env,
    Node,
    Scope,
    UnresolvedError,
    Work,
    combine,
    constant,
    decided,
    numeric_name,
    settle,
    unresolved,
    variable,
)

MAX_NODES = 4_000

_BATCHES_OF_AN_EPOCH = frozenset(
    "steps_per_epoch num_steps_per_epoch iters_per_epoch batches_per_epoch updates_per_epoch".split()
)


class Formulas:
    """Compiles the expressions of one program. `names` collects the names that compiled expressions read.

    `by_updates`: the rate is a function of the number of updates, so that a parameter `steps_per_epoch` can
    only be the batches of an epoch.
    """

    def __init__(self, seen: Observations, training: Training) -> None:
        self.seen = seen
        self.training = training
        self.evaluator = seen.evaluator
        self.work = Work()
        self.loops = LoopFormulas(self)
        self.calls = CallFormulas(self)
        self.names: set[str] = set()
        self.by_updates = False
        self._nodes = 0
        self._depth = 0
        self._operations: dict[str, Callable[[Scope, int, Term], Node]] = {
            "const": self._const, "param": self._param, "global": self._global, "item": self._item,
            "attr": self._attr,
            "call": self.calls.call, "bin": self._operator, "cmp": self._operator, "un": self._unary,
            "bool": self._boolean, "if": self._if, "tuple": self._sequence, "list": self._sequence,
            "set": self._sequence, "elem": self.loops.element, "unpack": self.loops.unpack,
            "loop": self.loops.variable, "comp": self.loops.comprehension,
        }  # fmt: skip

    def compile(self, scope: Scope, term: int) -> Node:
        """The formula of a term; where something in it is not known, its node says so when it is run."""
        if term in scope.bound:
            return scope.bound[term]
        self._nodes += 1
        if self._nodes > MAX_NODES or self._depth > MAX_DEPTH:
            return unresolved("too much to follow")
        record = scope.frame.term(term)
        if record.op in ("attr", "param", "global"):
            self.names.add(record.name.rpartition("::")[2].rpartition(".")[2])
        operation = self._operations.get(record.op, self._unchanging)
        self._depth += 1
        try:
            return operation(scope, term, record)
        finally:
            self._depth -= 1

    def holds(self, scope: Scope, conditions: Sequence[Condition]) -> Node:
        """Whether all conditions hold."""
        tests = [(self.compile(scope, condition.term), condition.holds) for condition in conditions]

        def run(env: Env) -> bool:
            return all(bool(test.run(env)) is wanted for test, wanted in tests)

        return decided(run, [test for test, _ in tests])

    def value(self, resolved: Resolved) -> Node:
        """The node of a value that does not change."""
        value = resolved.default()
        self.names |= value.words
        if value.kind == "const":
            return constant(value.value)
        if value.kind == "sequence":
            return combine(lambda *items: items, [self.value(item) for item in value.items], self.work)
        if value.kind == "choice":
            return unresolved("branches give different values")
        length = self.calls.length(value)
        return unresolved(value.name or f"a {value.kind}") if length is None else length

    def leaf(self, scope: Scope, term: int) -> Node:
        """A term as the evaluator knows it."""
        return self.value(self.evaluator.value(scope.frame, term))

    def _unchanging(self, scope: Scope, term: int, _record: Term) -> Node:
        return self.leaf(scope, term)

    def _const(self, _scope: Scope, _term: int, record: Term) -> Node:
        return constant(record.value)

    def _global(self, scope: Scope, term: int, record: Term) -> Node:
        name = numeric_name(self.evaluator.knowledge.canonical(record.name))
        return constant(CONSTANTS[name]) if name in CONSTANTS else self.leaf(scope, term)

    def _param(self, scope: Scope, term: int, record: Term) -> Node:
        if record.name in scope.bound:
            return scope.bound[record.name]
        if self.by_updates and record.name in _BATCHES_OF_AN_EPOCH:
            known = self.evaluator.value(scope.frame, term).default()
            return self.value(known) if known.kind == "const" else variable(BATCHES)
        value = self.evaluator.value(scope.frame, term)
        if scope.frame.bindings is not None or " " in record.name or value.default().kind == "const":
            return self.value(value)
        call = scope.call or self._only_call(scope)
        if call is None:
            return self.value(value)
        passed = self._passed(call, scope.frame.facts, record.name)
        if passed is not None:
            return passed
        default = scope.frame.facts.defaults.get(record.name)
        return self.value(value) if default is None else self.compile(Scope(scope.frame), default)

    def _only_call(self, scope: Scope) -> tuple[Scope, int] | None:
        facts = scope.frame.facts
        sites = self.seen.program.call_sites(facts.path, facts.qualname)
        if len(sites) != 1 or scope.depth > MAX_DEPTH:
            return None
        frame, call = sites[0]
        return Scope(frame, depth=scope.depth + 1), call

    def _passed(self, call: tuple[Scope, int], facts: UnitFacts, name: str) -> Node | None:
        """What a call passes for a parameter."""
        caller, term = call
        params = facts.params
        callee = caller.frame.term(caller.frame.term(term).args[0])
        bound = callee.op == "attr" or facts.qualname.endswith("__init__")
        if bound and params and params[0].name in ("self", "cls"):
            params = params[1:]
        arguments = self.evaluator.binder.bind(caller.frame, term, params)
        if name in arguments.terms:
            return self.compile(caller, arguments.terms[name][1])
        found = arguments.get(name)
        return None if found is None else self.value(found)

    def _operator(self, scope: Scope, term: int, record: Term) -> Node:
        function = OPERATORS.get(record.name)
        if function is None:
            return self.leaf(scope, term)
        return combine(function, [self.compile(scope, argument) for argument in record.args], self.work)

    def _unary(self, scope: Scope, term: int, record: Term) -> Node:
        operand = self.compile(scope, record.args[0])
        if record.name == "not":
            return combine(lambda value: not value, [operand], self.work)
        if record.name in ("-", "+"):
            sign = -1 if record.name == "-" else 1
            return combine(lambda value: sign * value, [operand], self.work)
        return self.leaf(scope, term)

    def _boolean(self, scope: Scope, _term: int, record: Term) -> Node:
        left, right = (self.compile(scope, argument) for argument in record.args)
        decides = record.name == "or"

        def run(env: Env) -> object:
            first = left.run(env)
            return first if bool(first) is decides else right.run(env)

        return decided(run, [left, right])

    def _if(self, scope: Scope, _term: int, record: Term) -> Node:
        test = self.compile(scope, record.args[0])
        if test.fixed:
            try:
                return self.compile(scope, record.args[1] if settle(test) else record.args[2])
            except UnresolvedError as error:
                return unresolved(str(error))
        then, otherwise = (self.compile(scope, branch) for branch in record.args[1:3])
        return Node(lambda env: then.run(env) if test.run(env) else otherwise.run(env))

    def _sequence(self, scope: Scope, term: int, record: Term) -> Node:
        if any(scope.frame.term(item).op == "star" for item in record.args):
            return self.leaf(scope, term)
        return combine(lambda *items: items, [self.compile(scope, item) for item in record.args], self.work)

    def _attr(self, scope: Scope, term: int, record: Term) -> Node:
        """An attribute: what a trainer or an accelerator says of the run is known by its name."""
        updates = self.seen.updates
        if updates is not None and record.name == "estimated_stepping_batches":
            return Node(lambda env: updates.epochs * math.ceil(env[BATCHES] / updates.every))
        if updates is not None and record.name == "max_epochs" and _is_trainer(scope, record.args[0]):
            return constant(updates.epochs)
        if record.name == "num_processes" and self._is_accelerator(scope, record.args[0]):
            # A prepared schedule is stepped once for each process at every update.
            return constant(1)
        return self.leaf(scope, term)

    def _is_accelerator(self, scope: Scope, term: int) -> bool:
        value = self.evaluator.value(scope.frame, term)
        entry = self.evaluator.entry(value.name) if value.kind == "object" else None
        return entry is not None and entry.kind == "accelerator"

    def _item(self, scope: Scope, term: int, record: Term) -> Node:
        base, key = record.args
        name = scope.frame.term(key).value
        if name in ("lr", "initial_lr") and "param_groups" in self.seen.texts(scope.frame, base):
            return variable(RATE if name == "lr" else BASE)
        leaf = self.leaf(scope, term)
        if leaf.fixed:
            return leaf
        items, index = self.compile(scope, base), self.compile(scope, key)
        if not items.fixed:
            return leaf
        return combine(lambda values, position: values[position], [items, index], self.work)


def _is_trainer(scope: Scope, term: int) -> bool:
    record = scope.frame.term(term)
    return record.op == "attr" and record.name == "trainer"
