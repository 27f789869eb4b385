"""Losses whose graph is kept from pass to pass, is cut before the backward pass, or that are added to
themselves."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Event, Loop, Place, Term, UnitFacts
from trainlint.findings import Span
from trainlint.recipe.code.data.loader_draws import LoaderDraws
from trainlint.recipe.code.loop.accumulators import Carried, added, adds_itself, carried, reads
from trainlint.recipe.code.loop.acts import NO_GRADIENT
from trainlint.recipe.code.loop.faults import Element, add, bound_name, fault, written
from trainlint.recipe.code.loop.graphs import Graphs
from trainlint.recipe.code.loop.places import added_place, stands_under
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.training import Training

_COPIES = frozenset(
    {"torch.tensor", "torch.as_tensor", "torch.FloatTensor", "torch.Tensor", "torch.from_numpy"}
)
_VARIABLES = frozenset({"torch.autograd.Variable", "torch.Tensor.detach"})
_CUTTING = frozenset({"detach", "item", "numpy", "tolist", "detach_"})
_HELD_IN = frozenset({"append", "extend"})
_DEPTH = 6


class Losses:
    """What is wrong with the losses of a program, as elements of its recipe."""

    def __init__(self, seen: Observations, training: Training) -> None:
        self.seen = seen
        self.training = training
        self._graphs: dict[int, Graphs] = {}
        self._draws = LoaderDraws(seen)

    def faults(self) -> Iterator[Element]:
        """Each statement once, unit by unit."""
        for frame in self._frames():
            graphs = self.graphs(frame)
            said: set[int] = set()
            for element, term in (*self._kept(graphs), *self._reused(graphs)):
                if term not in said:
                    said.add(term)
                    yield element
            yield from self._cut(graphs)

    def _frames(self) -> list[Frame]:
        """The units that call backward, and those that loop over calls of such units."""
        places = self.training.units
        return [frame for frame in self.seen.frames if (frame.facts.path, frame.facts.qualname) in places]

    def graphs(self, frame: Frame) -> Graphs:
        """The losses of a unit."""
        if id(frame) not in self._graphs:
            self._graphs[id(frame)] = Graphs(self.seen, self.training, frame)
        return self._graphs[id(frame)]

    def _kept(self, graphs: Graphs) -> Iterator[tuple[Element, int]]:
        facts = graphs.facts
        for each in carried(facts):
            for total, part in added(facts, each):
                loss = self._carries(graphs, part)
                if loss is None or graphs.is_trained_on(each.after) or graphs.is_trained_on(total):
                    continue
                if self._without_gradients(graphs.frame.span(total)) or self._ends_with_update(graphs, each):
                    continue
                if self._is_of_one_batch(graphs, each, total):
                    continue
                yield self._element(graphs, each.name, part, loss, total), total
        for event in self.seen.program.events(facts):
            yield from self._kept_by(graphs, event)

    def _kept_by(self, graphs: Graphs, event: Event) -> Iterator[tuple[Element, int]]:
        """A loss that an event puts into a list, a dict or an attribute that outlives the pass."""
        facts = graphs.facts
        if event.loop < 0:
            return
        if event.kind == "call":
            call = facts.terms[event.term]
            callee = facts.terms[call.args[0]]
            if callee.op != "attr" or callee.name not in _HELD_IN or len(call.args) != 2:
                return
            held, part, total = callee.args[0], call.args[1], event.term
        elif event.kind in ("store-item", "store-attr"):
            record = facts.terms[event.value]
            if record.op != "bin" or record.name != "+":
                return
            held, part, total = event.term, record.args[1], event.value
            if not self._is_read(facts.terms[record.args[0]], event):
                return
        else:
            return
        if NO_GRADIENT & set(event.contexts):
            return
        loss = self._carries(graphs, part)
        if loss is None or self._is_made_inside(graphs, held, event.loop):
            return
        if graphs.is_trained_on(total) or (event.kind == "call" and self._is_summed_up(graphs, held)):
            return
        name = written(graphs.frame, held) or "a list"
        yield self._element(graphs, name, part, loss, total), total

    def _is_of_one_batch(self, graphs: Graphs, each: Carried, total: int) -> bool:
        """Whether a total begins anew with each batch, and adds up what several steps on it give."""
        facts = graphs.facts
        if facts.terms[each.before].op == "loop" or not adds_itself(facts, each, total):
            return False
        inner = _innermost(facts, facts.terms[total].at)
        return inner is not None and self._goes_through_batch(graphs, inner)

    def _goes_through_batch(self, graphs: Graphs, inner: Loop) -> bool:
        """Whether a loop stands in one over batches, and goes over one of them: `for part in batch.chunk(4)`,
        `for _ in range(critic_steps)`."""
        facts = graphs.facts
        outer = facts.loops[inner.parent] if inner.parent >= 0 else None
        if outer is None or outer.kind != "for" or _counts(facts, outer.source):
            return False
        if facts.terms[outer.source].op in ("list", "tuple", "const"):
            return False
        if _counts(facts, inner.source):
            return True
        drawn = self._draws.of(self.seen.evaluator.value(graphs.frame, inner.source))
        elements = (
            place
            for place, term in enumerate(facts.terms)
            if term.op == "elem" and term.args[0] == outer.source
        )
        return next(drawn, None) is None and any(reads(facts, inner.source, each) for each in elements)

    def _ends_with_update(self, graphs: Graphs, each: Carried) -> bool:
        """Whether a total begins anew with each update: then it holds the graphs of one accumulation."""
        branches = set(_resets(graphs.facts, each.after))
        updates = (event for event in graphs.events if self._updates(graphs.facts, event))
        return any(
            condition.term in branches and condition.holds
            for event in updates
            for condition in event.conditions
        )

    @staticmethod
    def _updates(facts: UnitFacts, event: Event) -> bool:
        callee = facts.terms[facts.terms[event.term].args[0]]
        return callee.op == "attr" and callee.name in ("step", "zero_grad")

    def _without_gradients(self, statement: Span | None) -> bool:
        return statement is not None and stands_under(self.seen.program, statement, NO_GRADIENT)

    @staticmethod
    def _is_read(term: Term, event: Event) -> bool:
        """Whether the sum that is stored reads what is there: `totals["loss"] += loss`."""
        if event.kind == "store-attr":
            return (term.op == "attr" and term.name == event.name) or term.op in ("loop", "bin")
        return term.op in ("item", "loop", "bin")

    def _is_made_inside(self, graphs: Graphs, held: int, loop: int) -> bool:
        """Whether what holds the losses is made anew in each pass of the loop."""
        around = graphs.facts.loops[loop].at
        term = graphs.facts.terms[held]
        for _ in range(_DEPTH):
            if term.op not in ("update", "loop", "setitem"):
                break
            term = graphs.facts.terms[term.args[0]]
        if term.op not in ("list", "dict", "comp", "call"):
            return False
        inner = graphs.facts.loops[loop]
        if inner.parent >= 0 and self._goes_through_batch(graphs, inner):
            around = graphs.facts.loops[inner.parent].at
        return contains(around, term.at)

    def _is_summed_up(self, graphs: Graphs, held: int) -> bool:
        """Whether the losses of a list are put together and trained on: `torch.stack(losses).mean()`."""
        root = held
        while graphs.facts.terms[root].op in ("update", "loop") and graphs.facts.terms[root].args:
            root = graphs.facts.terms[root].args[0]
        return graphs.is_trained_on(root)

    def _carries(self, graphs: Graphs, part: int) -> int | None:
        loss = graphs.carries(part)
        if loss is not None and not self._without_graph(graphs, loss):
            return loss
        return part if self._is_returned_loss(graphs, part) else None

    @staticmethod
    def _without_graph(graphs: Graphs, loss: int) -> bool:
        return graphs.facts.terms[loss].op == "const"

    def _is_returned_loss(self, graphs: Graphs, part: int) -> bool:
        """Whether a value is what a project function returns after it called backward on it."""
        term = graphs.facts.terms[part]
        position: int | None = None
        if term.op == "unpack" and isinstance(term.value, int):
            position = term.value
            part = term.args[0]
            term = graphs.facts.terms[part]
        if term.op != "call":
            return False
        callee = self.seen.evaluator.value(graphs.frame, term.args[0])
        leaves = callee.alternatives()
        return bool(leaves) and all(
            leaf.kind == "function" and leaf.frame is None and self._returns_loss(leaf.name, position)
            for leaf in leaves
        )

    def _returns_loss(self, name: str, position: int | None) -> bool:
        path, _, qualname = name.partition("::")
        if (path, qualname) not in self.training.units:
            return False
        body = self.seen.evaluator.root(path, qualname)
        backs = [back for back in body.facts.returns if back.nested < 0] if body is not None else []
        if body is None or not backs:
            return False
        inner = self.graphs(body)
        for back in backs:
            term = back.term
            record = body.facts.terms[term]
            if position is not None:
                if record.op != "tuple" or position >= len(record.args):
                    return False
                term = record.args[position]
            if inner.carries(term) is None:
                return False
        return True

    def _element(self, graphs: Graphs, name: str, part: int, loss: int, total: int) -> Element:
        frame = graphs.frame
        span = added_place(self.seen.program, frame.span(total))
        text = self.seen.program.text(span) if span is not None else self._shown(frame, part)
        event = graphs.backwards.get(loss)
        back = frame.span(event.term) if event is not None else frame.span(loss)
        element = fault("graph-kept", name, frame.span(total), (back, "its graph is that of this loss"))
        return add(element, "added", text, span or frame.span(total))

    def _shown(self, frame: Frame, part: int) -> str:
        span = frame.span(part)
        return self.seen.program.text(span) if span is not None else "the loss"

    def _reused(self, graphs: Graphs) -> Iterator[tuple[Element, int]]:
        """`loss += loss.item()`: the loss that was trained on is added to itself."""
        for index, term in enumerate(graphs.facts.terms):
            if term.op != "bin" or term.name != "+" or term.args[0] not in graphs.backwards:
                continue
            if self._is_item_of(graphs, term.args[1], term.args[0]):
                name = bound_name(graphs.frame, term.args[0]) or "the loss"
                yield fault("loss-added-to-itself", name, graphs.frame.span(index)), index

    @staticmethod
    def _is_item_of(graphs: Graphs, term: int, loss: int) -> bool:
        record = graphs.facts.terms[term]
        if record.op == "bin" and record.name in ("*", "/"):
            return Losses._is_item_of(graphs, record.args[0], loss)
        if record.op != "call":
            return False
        callee = graphs.facts.terms[record.args[0]]
        return callee.op == "attr" and callee.name == "item" and callee.args[0] == loss

    def _cut(self, graphs: Graphs) -> Iterator[Element]:
        """Backward passes on copies of a loss, through which no gradient reaches the weights."""
        for loss, event in graphs.backwards.items():
            how = self._cut_by(graphs, loss)
            if how:
                frame = graphs.frame
                yield fault(
                    "loss-detached", how, frame.span(event.term), (frame.span(loss), "a copy without a graph")
                )

    def _cut_by(self, graphs: Graphs, loss: int) -> str:
        """What cuts a value off from its graph; "" where nothing is known to."""
        term = graphs.facts.terms[loss]
        if term.op == "attr" and term.name == "data":
            return ".data"
        if term.op == "if":
            ways = {self._cut_by(graphs, each) for each in term.args[1:]}
            return ways.pop() if len(ways) == 1 else ""
        if term.op != "call":
            return ""
        callee = graphs.facts.terms[term.args[0]]
        if callee.op == "attr" and callee.name in _CUTTING and len(term.args) == 1:
            return f".{callee.name}()"
        if callee.op == "global" and "::" not in callee.name and len(term.args) > 1:
            name = self.seen.evaluator.knowledge.canonical(callee.name)
            if name in _COPIES | _VARIABLES and self._is_computed(graphs, term.args[1]):
                return f"{name.rpartition('.')[2]}(…)"
        return ""

    def _is_computed(self, graphs: Graphs, term: int, depth: int = 0) -> bool:
        """Whether a value comes out of a call: a loss, not a number that is written there."""
        record = graphs.facts.terms[term]
        if record.op == "call":
            callee = graphs.facts.terms[record.args[0]]
            library = callee.op == "global" and "::" not in callee.name
            return not library or callee.name.startswith(("torch.nn.functional.", "torch.nn."))
        return (
            depth < _DEPTH
            and record.op in ("bin", "un", "attr", "if", "unpack", "item")
            and any(self._is_computed(graphs, each, depth + 1) for each in record.args)
        )


def _innermost(facts: UnitFacts, place: Place | None) -> Loop | None:
    """The innermost loop around a place."""
    around = [loop for loop in facts.loops if contains(loop.at, place)]
    return max(around, key=lambda loop: loop.at or (0, 0, 0, 0), default=None)


def _counts(facts: UnitFacts, source: int) -> bool:
    """Whether a loop goes through numbers: `range(n)`, also in a progress bar."""
    term = facts.terms[source]
    for _ in range(_DEPTH):
        if term.op != "call":
            break
        if facts.terms[term.args[0]].name == "builtins.range":
            return True
        if len(term.args) < 2:
            break
        term = facts.terms[term.args[1]]
    return False


def _resets(facts: UnitFacts, term: int, depth: int = 0) -> Iterator[int]:
    """The conditions under which a name is a number again at the end of a pass."""
    record = facts.terms[term]
    if record.op == "loop" and len(record.args) > 1 and depth <= _DEPTH:
        yield from _resets(facts, record.args[1], depth + 1)
    if record.op != "if" or depth > _DEPTH:
        return
    if facts.terms[record.args[1]].op == "const":
        yield record.args[0]
    for branch in record.args[1:]:
        yield from _resets(facts, branch, depth + 1)


def contains(outer: Place | None, inner: Place | None) -> bool:
    """Whether one place lies in another."""
    if outer is None or inner is None:
        return False
    return outer[:2] <= inner[:2] and inner[2:] <= outer[2:]
