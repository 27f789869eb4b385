"""Expressions of a program as functions of what changes while it trains: the epoch, the batch, the rate so far.

The evaluator says what an expression is in every run; a formula says what it is in the n-th epoch. Whatever does not
change is taken from the evaluator.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from trainlint.analysis.facts import Condition, Loop, Term, UnitFacts
from trainlint.analysis.values import Frame, Resolved
from trainlint.recipe.formula_parts import (
    CONSTANTS,
    FUNCTIONS,
    OPERATORS,
    Env,
    Node,
    UnresolvedError,
    Work,
    combine,
    constant,
    settle,
    unresolved,
    variable,
)
from trainlint.recipe.bounds import counted
from trainlint.recipe.observe import Observations
from trainlint.recipe.training import Training

MAX_DEPTH = 60
MAX_NODES = 4_000
MAX_ROUNDS = 64
CLOCK, BATCH, BATCHES, RATE, BASE = (
    "the training loop's index",
    "the batch's index",
    "the number of batches",
    "the rate",
    "the first rate",
)


@dataclasses.dataclass(slots=True, eq=False)
class Scope:
    """A unit while one of its expressions is compiled.

    `call` is the call that runs the unit, with the scope it stands in. `bound` gives parameters and, by term index,
    loop variables their nodes.
    """

    frame: Frame
    call: tuple[Scope, int] | None = None
    bound: Mapping[str | int, Node] = dataclasses.field(default_factory=dict)
    depth: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Carried:
    """A variable that each round of the training loop hands to the next."""

    name: str
    first: Node
    after: Node


class Formulas:
    """Compiles a program's expressions. `carried` fills with the loop-carried variables they read, by name."""

    def __init__(self, seen: Observations, training: Training) -> None:
        self.seen = seen
        self.training = training
        self.evaluator = seen.evaluator
        self.work = Work()
        self.clocks: set[tuple[str, str, int]] = set()
        self.carried: dict[str, Carried] = {}
        self._pending: set[str] = set()
        self._nodes = 0
        self._depth = 0
        self._operations = {
            "const": self._const, "param": self._param, "global": self._global, "item": self._item,
            "call": self._call, "bin": self._operator, "cmp": self._operator, "un": self._unary,
            "bool": self._boolean, "if": self._if, "tuple": self._sequence, "list": self._sequence,
            "set": self._sequence, "elem": self._element, "unpack": self._unpack, "loop": self._loop,
        }  # fmt: skip

    def compile(self, scope: Scope, term: int) -> Node:
        """The formula of a term; where something in it is not known, its node says so when it is run."""
        if term in scope.bound:
            return scope.bound[term]
        self._nodes += 1
        if self._nodes > MAX_NODES or self._depth > MAX_DEPTH:
            return unresolved("too much to follow")
        record = scope.frame.term(term)
        operation = self._operations.get(record.op)
        self._depth += 1
        try:
            return operation(scope, term, record) if operation else self._leaf(scope, term)
        finally:
            self._depth -= 1

    def holds(self, scope: Scope, conditions: Sequence[Condition]) -> Node:
        """Whether all conditions hold."""
        tests = [(self.compile(scope, condition.term), condition.holds) for condition in conditions]

        def run(env: Env) -> bool:
            return all(bool(test.run(env)) is wanted for test, wanted in tests)

        return _settled(run, [test for test, _ in tests])

    def value(self, resolved: Resolved) -> Node:
        """The node of a value that does not change."""
        value = resolved.default()
        if value.kind == "const":
            return constant(value.value)
        if value.kind == "sequence":
            return combine(lambda *items: items, [self.value(item) for item in value.items], self.work)
        if value.kind == "object" and value.frame is not None and self._is_length(value):
            return self._length(value.frame, value.frame.term(value.term).args[1])
        if value.kind == "choice":
            return unresolved("branches give different values")
        return unresolved(value.name or f"a {value.kind}")

    def apply(
        self, function: Resolved, arguments: list[Node], keywords: Mapping[str, Node] | None = None
    ) -> Node:
        """The result of a project's function or lambda for arguments that are nodes."""
        function = function.default()
        if function.kind == "object" and function.name == "functools.partial" and function.frame is not None:
            return self._partial(function, arguments, dict(keywords or {}))
        if function.kind != "function":
            return unresolved(function.name or "a function that was not read")
        if function.frame is not None:
            return self._nested(Scope(function.frame), function, arguments, keywords or {})
        path, _, qualname = function.name.partition("::")
        return self._inline(
            path, qualname, function.items[0] if function.items else None, arguments, keywords or {}
        )

    def _leaf(self, scope: Scope, term: int) -> Node:
        return self.value(self.evaluator.value(scope.frame, term))

    def _const(self, scope: Scope, term: int, record: Term) -> Node:  # noqa: ARG002
        return constant(record.value)

    def _global(self, scope: Scope, term: int, record: Term) -> Node:
        name = self.evaluator.knowledge.canonical(record.name)
        return constant(CONSTANTS[name]) if name in CONSTANTS else self._leaf(scope, term)

    def _param(self, scope: Scope, term: int, record: Term) -> Node:
        if record.name in scope.bound:
            return scope.bound[record.name]
        leaf = self.evaluator.value(scope.frame, term)
        if scope.frame.bindings is not None or " " in record.name or leaf.default().kind == "const":
            return self.value(leaf)
        call = scope.call or self._only_call(scope)
        if call is None:
            return self.value(leaf)
        passed = self._passed(call, scope.frame.facts, record.name)
        if passed is not None:
            return passed
        default = scope.frame.facts.defaults.get(record.name)
        return self.value(leaf) if default is None else self.compile(Scope(scope.frame), default)

    def _only_call(self, scope: Scope) -> tuple[Scope, int] | None:
        facts = scope.frame.facts
        sites = self.seen.program.call_sites(facts.path, facts.qualname)
        if len(sites) != 1 or scope.depth > MAX_DEPTH:
            return None
        frame, call = sites[0]
        return Scope(frame, depth=scope.depth + 1), call

    def _passed(self, call: tuple[Scope, int], facts: UnitFacts, name: str) -> Node | None:
        caller, term = call
        params = facts.params
        callee = caller.frame.term(caller.frame.term(term).args[0])
        if (
            params
            and params[0].name in ("self", "cls")
            and (callee.op == "attr" or facts.qualname.endswith("__init__"))
        ):
            params = params[1:]
        arguments = self.evaluator.calls.bind(caller.frame, term, params)
        if name in arguments.terms:
            return self.compile(caller, arguments.terms[name][1])
        found = arguments.get(name)
        return None if found is None else self.value(found)

    def _operator(self, scope: Scope, term: int, record: Term) -> Node:
        function = OPERATORS.get(record.name)
        if function is None:
            return self._leaf(scope, term)
        left, right = (self.compile(scope, argument) for argument in record.args)
        return combine(function, [left, right], self.work)

    def _unary(self, scope: Scope, term: int, record: Term) -> Node:
        operand = self.compile(scope, record.args[0])
        if record.name == "not":
            return combine(lambda value: not value, [operand], self.work)
        if record.name in ("-", "+"):
            sign = -1 if record.name == "-" else 1
            return combine(lambda value: sign * value, [operand], self.work)
        return self._leaf(scope, term)

    def _boolean(self, scope: Scope, term: int, record: Term) -> Node:  # noqa: ARG002
        left, right = (self.compile(scope, argument) for argument in record.args)
        decides = record.name == "or"

        def run(env: Env) -> object:
            first = left.run(env)
            return first if bool(first) is decides else right.run(env)

        return _settled(run, [left, right])

    def _if(self, scope: Scope, term: int, record: Term) -> Node:  # noqa: ARG002
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
            return self._leaf(scope, term)
        return combine(lambda *items: items, [self.compile(scope, item) for item in record.args], self.work)

    def _item(self, scope: Scope, term: int, record: Term) -> Node:
        base, key = record.args
        name = scope.frame.term(key).value
        if name in ("lr", "initial_lr") and "param_groups" in self.seen.texts(scope.frame, base):
            return variable(RATE if name == "lr" else BASE)
        leaf = self._leaf(scope, term)
        if leaf.fixed:
            return leaf
        items, index = self.compile(scope, base), self.compile(scope, key)
        if not items.fixed:
            return leaf
        return combine(lambda values, position: values[position], [items, index], self.work)

    def _element(self, scope: Scope, term: int, record: Term) -> Node:
        facts = scope.frame.facts
        for index, loop in enumerate(facts.loops):
            if loop.kind == "for" and loop.source == record.args[0]:
                return self._loop_variable(scope, index, loop)
        return self._leaf(scope, term)

    def _loop_variable(self, scope: Scope, index: int, loop: Loop) -> Node:
        facts = scope.frame.facts
        bounds = counted(self.seen, self.evaluator.value(scope.frame, loop.source))
        if bounds is None or not self.training.loop_trains(facts, index):
            return unresolved(f"{loop.target or 'an element'} of a loop")
        inner = loop.parent >= 0 and self.training.loop_trains(facts, loop.parent)
        if not inner:
            self.clocks.add((facts.path, facts.qualname, index))
        start, step = (self.value(bound) for bound in (bounds.start, bounds.step))
        counter = variable(BATCH if inner else CLOCK)
        return combine(lambda first, by, done: first + by * done, [start, step, counter], self.work)

    def _unpack(self, scope: Scope, term: int, record: Term) -> Node:
        whole = scope.frame.term(record.args[0])
        if record.value == 0 and whole.op == "elem":
            source = scope.frame.term(whole.args[0])
            if source.op == "call" and scope.frame.term(source.args[0]).name == "builtins.enumerate":
                return self._counter(scope, whole.args[0], source)
        return self._leaf(scope, term)

    def _counter(self, scope: Scope, source: int, record: Term) -> Node:
        """The running number that `enumerate` gives the batches."""
        facts = scope.frame.facts
        loop = next(
            (i for i, each in enumerate(facts.loops) if each.kind == "for" and each.source == source), -1
        )
        if loop < 0 or not self.training.loop_trains(facts, loop):
            return unresolved("the counter of a loop")
        if self.training.depth(facts, loop) > 0 or "epoch" in facts.loops[loop].target.lower():
            self.clocks.add((facts.path, facts.qualname, loop))
            counter = variable(CLOCK)
        else:
            counter = variable(BATCH)
        start = self.compile(scope, record.args[2]) if len(record.args) > 2 else constant(0)
        return combine(lambda first, done: first + done, [start, counter], self.work)

    def _loop(self, scope: Scope, term: int, record: Term) -> Node:
        facts = scope.frame.facts
        before = record.args[0]
        inside = term if len(record.args) == 1 else self._inside(facts, before, record.name, record.args[1])
        loop = next(
            (
                i
                for i, each in enumerate(facts.loops)
                if each.at is not None and inside >= 0 and each.at == facts.terms[inside].at
            ),
            -1,
        )
        if loop < 0:
            return self._leaf(scope, term)
        if len(record.args) == 1:
            return self._carried(scope, term, record, loop)
        if facts.loops[loop].jumps or self.training.loop_trains(facts, loop):
            return unresolved(f"{record.name} changes in a loop")
        return self._rounds(scope, record, inside, facts.loops[loop])

    def _inside(self, facts: UnitFacts, before: int, name: str, after: int) -> int:
        """The term of a loop's variable at the start of a round, -1 where the round's end does not hang on it."""
        for index in _below(facts, after):
            found = facts.terms[index]
            if found.op == "loop" and found.name == name and found.args == (before,):
                return index
        return -1

    def _rounds(self, scope: Scope, record: Term, inside: int, loop: Loop) -> Node:
        """What a variable is after a loop over a known sequence: `for m in milestones: lr *= ...`."""
        facts = scope.frame.facts
        before = self.compile(scope, record.args[0])
        items = self._items(scope, loop.source)
        elements = [
            i
            for i in _below(facts, record.args[1])
            if facts.terms[i].op == "elem" and facts.terms[i].args[0] == loop.source
        ]
        key, element = f"{record.name} {inside}", f"element {loop.source}"
        bound = {**scope.bound, inside: variable(key), **{index: variable(element) for index in elements}}
        after = self.compile(Scope(scope.frame, scope.call, bound, scope.depth), record.args[1])

        def run(env: Env) -> object:
            values = items.run(env)
            if not isinstance(values, (tuple, list)) or len(values) > MAX_ROUNDS:
                raise UnresolvedError(f"what {record.name} loops over")
            state = before.run(env)
            for value in values:
                self.work.spend()
                state = after.run({**env, key: state, element: value})
            return state

        return _settled(run, [before, items], settled=False)

    def _items(self, scope: Scope, source: int) -> Node:
        bounds = counted(self.seen, self.evaluator.value(scope.frame, source))
        if bounds is None:
            return self.compile(scope, source)
        parts = [self.value(part) for part in (bounds.start, bounds.stop, bounds.step)]
        return combine(
            lambda start, stop, step: tuple(range(start, stop, step)[: MAX_ROUNDS + 1]), parts, self.work
        )

    def _carried(self, scope: Scope, term: int, record: Term, loop: int) -> Node:
        """A variable of the training loop that each round changes."""
        facts = scope.frame.facts
        outer = facts.loops[loop].parent
        if not self.training.loop_trains(facts, loop) or (
            outer >= 0 and self.training.loop_trains(facts, outer)
        ):
            return unresolved(f"{record.name} changes in a loop")
        key = f"{record.name} of {facts.path}::{facts.qualname}"
        if key not in self.carried and key not in self._pending:
            after = [
                each.args[1]
                for each in facts.terms
                if each.op == "loop"
                and each.name == record.name
                and len(each.args) == 2
                and each.args[0] == record.args[0]
            ]
            if len(after) != 1 or facts.loops[loop].jumps:
                return unresolved(f"{record.name} changes in a loop")
            self._pending.add(key)
            first = self.compile(scope, record.args[0])
            self.carried[key] = Carried(key, first, self.compile(scope, after[0]))
            self._pending.discard(key)
        _ = term
        return variable(key)

    def _call(self, scope: Scope, term: int, record: Term) -> Node:
        callee = self.evaluator.value(scope.frame, record.args[0])
        if callee.kind == "external":
            return self._external(scope, term, record, callee.name)
        if any(key.startswith("*") for key in record.keys):
            return self._leaf(scope, term)
        arguments = [
            self.compile(scope, arg) for key, arg in zip(record.keys, record.args[1:], strict=True) if not key
        ]
        keywords = {
            key: self.compile(scope, arg)
            for key, arg in zip(record.keys, record.args[1:], strict=True)
            if key
        }
        if callee.kind == "function" and callee.frame is scope.frame:
            return self._nested(scope, callee, arguments, keywords)
        if callee.kind == "function":
            return self.apply(callee, arguments, keywords)
        if scope.frame.term(record.args[0]).name == "item" and not arguments:
            return self.compile(scope, scope.frame.term(record.args[0]).args[0])
        return self._leaf(scope, term)

    def _external(self, scope: Scope, term: int, record: Term, name: str) -> Node:
        if name == "builtins.len" and len(record.args) == 2:
            leaf = self._leaf(scope, term)
            return leaf if leaf.fixed else self._length(scope.frame, record.args[1])
        if (
            name in ("numpy.array", "numpy.asarray", "builtins.list", "builtins.tuple", "builtins.sorted")
            and len(record.args) == 2
        ):
            return self.compile(scope, record.args[1])
        function = FUNCTIONS.get(name)
        if function is None or any(record.keys):
            return self._leaf(scope, term)
        if name == "builtins.sum" and scope.frame.term(record.args[1]).op == "comp":
            return self._sum(scope, scope.frame.term(record.args[1]))
        return combine(function, [self.compile(scope, argument) for argument in record.args[1:]], self.work)

    def _sum(self, scope: Scope, comp: Term) -> Node:
        """The sum of a generator over a known sequence: `sum(epoch >= m for m in milestones)`."""
        facts = scope.frame.facts
        result, source = comp.args[-2], comp.args[-1]
        elements = [
            i
            for i in _below(facts, result)
            if facts.terms[i].op == "elem" and facts.terms[i].args[0] == source
        ]
        key = f"element {source}"
        bound = {**scope.bound, **{index: variable(key) for index in elements}}
        each = self.compile(Scope(scope.frame, scope.call, bound, scope.depth), result)
        items = self._items(scope, source)

        def run(env: Env) -> object:
            values = items.run(env)
            if not isinstance(values, tuple) or len(values) > MAX_ROUNDS:
                raise UnresolvedError("what a sum runs over")
            self.work.spend()
            return sum(each.run({**env, key: value}) for value in values)

        return Node(run)

    def _is_length(self, value: Resolved) -> bool:
        return (
            value.name == "builtins.len"
            and value.frame is not None
            and len(value.frame.term(value.term).args) == 2
        )

    def _length(self, frame: Frame, argument: int) -> Node:
        """`len(loader)` is how many batches an epoch has."""
        made = self.evaluator.value(frame, argument)
        for leaf in made.alternatives():
            entry = self.evaluator.entry(leaf.name) if leaf.kind == "object" else None
            if entry is not None and entry.kind == "loader":
                return variable(BATCHES)
        if any("loader" in text.lower() for text in self.seen.texts(frame, argument)):
            return variable(BATCHES)
        return unresolved(f"the length of {made.name or 'something'}")

    def _partial(self, made: Resolved, arguments: list[Node], keywords: dict[str, Node]) -> Node:
        assert made.frame is not None
        record = made.frame.term(made.term)
        scope = Scope(made.frame)
        given = list(zip(record.keys, record.args[1:], strict=True))
        if not given or any(key.startswith("*") for key, _ in given):
            return unresolved("a partial function")
        first = [self.compile(scope, arg) for key, arg in given[1:] if not key]
        named = {key: self.compile(scope, arg) for key, arg in given[1:] if key}
        function = self.evaluator.value(made.frame, given[0][1])
        return self.apply(function, [*first, *arguments], {**named, **keywords})

    def _nested(
        self, scope: Scope, function: Resolved, arguments: list[Node], keywords: Mapping[str, Node]
    ) -> Node:
        assert isinstance(function.value, int)
        facts = scope.frame.facts
        nested = facts.nested[function.value]
        prefix = "lambda " if nested.result >= 0 else f"{nested.name} "
        names = [prefix + param.name for param in nested.params]
        bound = {
            **scope.bound,
            **dict(zip(names, arguments, strict=False)),
            **{prefix + key: node for key, node in keywords.items()},
        }
        inner = Scope(scope.frame, scope.call, bound, scope.depth + 1)
        if inner.depth > MAX_DEPTH:
            return unresolved("calls too deep to follow")
        if nested.result >= 0:
            return self.compile(inner, nested.result)
        return self._returned(inner, function.value)

    def _inline(
        self,
        path: str,
        qualname: str,
        receiver: Resolved | None,
        arguments: list[Node],
        keywords: Mapping[str, Node],
    ) -> Node:
        frame = self.evaluator.root(path, qualname)
        if frame is None:
            return unresolved(f"{qualname} could not be read")
        facts = frame.facts
        params = [param.name for param in facts.params if param.kind in ("normal", "positional-only")]
        if params[:1] in (["self"], ["cls"]) and "." in qualname:
            params = params[1:]
            frame = Frame(facts, receiver=receiver) if receiver is not None else frame
        bound: dict[str | int, Node] = {**dict(zip(params, arguments, strict=False)), **keywords}
        for name in params:
            if name not in bound and name in facts.defaults:
                bound[name] = self.compile(Scope(frame), facts.defaults[name])
        return self._returned(Scope(frame, bound=bound, depth=self._depth), -1)

    def _returned(self, scope: Scope, nested: int) -> Node:
        """What a function returns: the first return whose conditions hold."""
        returns = [back for back in scope.frame.facts.returns if back.nested == nested]
        if not returns or any(back.yields for back in returns):
            return unresolved(f"what {scope.frame.facts.qualname or 'a function'} returns")
        choices = [(self.holds(scope, back.conditions), self.compile(scope, back.term)) for back in returns]

        def run(env: Env) -> object:
            self.work.spend()
            for taken, value in choices:
                if taken.run(env):
                    return value.run(env)
            raise UnresolvedError("a function that returns nothing")

        return _settled(run, [node for choice in choices for node in choice])


def _settled(run: object, nodes: Sequence[Node], settled: bool = True) -> Node:
    """A node of a function that is run at once where everything it reads is fixed."""
    assert callable(run)
    if not settled or not all(node.fixed for node in nodes):
        return Node(run)
    try:
        return constant(run({}))
    except UnresolvedError as error:
        return unresolved(str(error))


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
