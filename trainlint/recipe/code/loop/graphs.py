"""Which values of a unit carry the graph of a loss: by the backward passes that are called on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Event, Term, UnitFacts
from trainlint.recipe.code.loop.accumulators import reads
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.training import Training

BACKWARD = frozenset({"backward", "manual_backward"})
_KEEPING = frozenset(
    "sum mean cpu cuda to float double half clone view reshape squeeze unsqueeze abs contiguous".split()
)
"""Methods of a tensor whose result has its graph too."""
_CARRYING = frozenset("+ - * /".split())
_PASSING = frozenset("bin call loop if un item update tuple list attr comp elem unpack".split())
_MAX_USERS = 400
_DEPTH = 8


class Graphs:
    """The losses of one unit: the terms on which a backward pass is called."""

    def __init__(self, seen: Observations, training: Training, frame: Frame) -> None:
        self.seen = seen
        self.training = training
        self.frame = frame
        self.facts: UnitFacts = frame.facts
        self.events = [event for event in seen.program.events(frame.facts) if event.kind == "call"]

    @cached_property
    def backwards(self) -> dict[int, Event]:
        """The first backward pass of each loss, by the loss's term."""
        found: dict[int, Event] = {}
        for event in self.events:
            loss = self._loss_of(event)
            if loss is not None:
                found.setdefault(loss, event)
        return found

    def _loss_of(self, event: Event) -> int | None:
        """The term a backward pass starts from: of `loss.backward()`, `scaler.scale(loss).backward()`,
        `accelerator.backward(loss)`."""
        call = self.facts.terms[event.term]
        callee = self.facts.terms[call.args[0]]
        if callee.op != "attr" or callee.name not in BACKWARD:
            return None
        own = self._own(call.args[0])
        if own:
            return call.args[1] if len(call.args) > 1 and any(map(self._passes_on, own)) else None
        base = callee.args[0]
        receiver = self.facts.terms[base]
        if len(call.args) > 1 and not call.keys[0] and receiver.op in ("param", "global", "attr", "loop"):
            argument = self.facts.terms[call.args[1]]
            if argument.op != "const" and not self._is_gradient(argument.name):
                return call.args[1] if self._is_engine(base) else base
        return self._unscaled(base)

    def _own(self, callee: int) -> list[str]:
        """The methods of the project that are called; none where it may be one of a library."""
        leaves = self.seen.evaluator.value(self.frame, callee).alternatives()
        own = all(leaf.kind == "function" and leaf.frame is None for leaf in leaves)
        return [leaf.name for leaf in leaves] if own else []

    def _passes_on(self, name: str) -> bool:
        """Whether a method of the project calls backward on what it is given, as an engine does, or hands it
        to its base: not one in which an agent learns from a reward."""
        path, _, qualname = name.partition("::")
        body = self.seen.evaluator.root(path, qualname)
        if body is None:
            return True
        terms = body.facts.terms
        given = [place for place, term in enumerate(terms) if term.op == "param" and term.name != "self"]
        called = [terms[term.args[0]] for term in terms if term.op == "call"]
        bases = [callee.args[0] for callee in called if callee.op == "attr" and callee.name in BACKWARD]
        return any(
            _is_super(terms, base) or any(reads(body.facts, base, each) for each in given) for base in bases
        )

    def _is_engine(self, base: int) -> bool:
        """Whether what `backward(x)` is called on takes the loss as its argument, as an accelerator does."""
        value = self.seen.evaluator.value(self.frame, base)
        return any(leaf.kind in ("object", "instance", "param") for leaf in value.alternatives())

    @staticmethod
    def _is_gradient(name: str) -> bool:
        return name in ("ones_like", "ones", "gradient")

    def _unscaled(self, base: int) -> int:
        term = self.facts.terms[base]
        if term.op == "call":
            callee = self.facts.terms[term.args[0]]
            if callee.op == "attr" and callee.name == "scale" and len(term.args) == 2:
                return term.args[1]
        if term.op == "enter":
            manager = self.facts.terms[term.args[0]]
            if manager.op == "call" and len(manager.args) > 1:
                return manager.args[1]
        return base

    @cached_property
    def losses(self) -> frozenset[int]:
        """The terms that carry the graph of a loss: what backward is called on, and the sums that go into
        it."""
        found: set[int] = set()
        for loss in self.backwards:
            found |= set(self._summands(loss, 0))
        return frozenset(found)

    def _summands(self, term: int, depth: int) -> Iterator[int]:
        record = self.facts.terms[term]
        if record.op == "const" or depth > _DEPTH:
            return
        yield term
        if record.op == "bin" and record.name in _CARRYING:
            for each in record.args:
                if self.facts.terms[each].op in ("call", "bin", "unpack"):
                    yield from self._summands(each, depth + 1)

    def carries(self, term: int, depth: int = 0) -> int | None:
        """The loss whose graph a value still has: the loss itself, or what is computed from it without
        `item()`, `detach()` or `float()`; None where it has none, or where that is not known."""
        if term in self.backwards:
            return term
        record = self.facts.terms[term]
        if depth > _DEPTH:
            return None
        if record.op == "bin" and record.name in _CARRYING:
            return next(
                (loss for each in record.args if (loss := self.carries(each, depth + 1)) is not None), None
            )
        if record.op == "call":
            callee = self.facts.terms[record.args[0]]
            if callee.op == "attr" and callee.name in _KEEPING:
                return self.carries(callee.args[0], depth + 1)
        return None

    @cached_property
    def _users(self) -> dict[int, list[int]]:
        """The terms that a term is a part of, by the term."""
        found: dict[int, list[int]] = {}
        for index, record in enumerate(self.facts.terms):
            if record.op in _PASSING:
                for each in record.args:
                    found.setdefault(each, []).append(index)
        return found

    def is_trained_on(self, term: int) -> bool:
        """Whether a value goes into something that backward is called on."""
        waiting, visited = [term], set[int]()
        while waiting and len(visited) < _MAX_USERS:
            index = waiting.pop()
            if index in visited:
                continue
            visited.add(index)
            if index in self.backwards:
                return True
            waiting += self._users.get(index, ())
        return False

    def call_of(self, event: Event) -> Call:
        """A call event of the unit with what its callee is."""
        return self.seen.call_of(self.frame, event)


def _is_super(terms: Sequence[Term], base: int) -> bool:
    term = terms[base]
    return term.op == "call" and terms[term.args[0]].name == "builtins.super"
