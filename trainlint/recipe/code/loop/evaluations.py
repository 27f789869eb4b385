"""The loops of a program that evaluate a model it trains: over which data, in which mode, with gradients or
without."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.findings import Span
from trainlint.recipe.code.ancestry import Ancestry
from trainlint.recipe.code.data.loaders import Loaders
from trainlint.recipe.code.loop.acts import BACKWARD, NO_GRADIENT, OTHER, STEP, Act
from trainlint.recipe.code.loop.losses import Losses
from trainlint.recipe.code.loop.objects import Objects
from trainlint.recipe.code.loop.passes import Passes
from trainlint.recipe.code.observe import Call, Identity, Observations, overlap
from trainlint.recipe.code.reach import Place
from trainlint.recipe.model import Value

_HARMLESS = frozenset(
    "autocast staticmethod classmethod property enable_grad tqdm open as_default scope no_sync join".split()
)
"""Managers and decorators that leave gradients on."""
_GRADIENT_WORDS = frozenset(
    {"requires_grad", "requires_grad_", "grad", "backward", "vjp", "jvp", "attack", "fgsm"}
)
_VOLATILE = "volatile"
"""What PyTorch called `no_grad` before 0.4, as an argument of a Variable."""
_DEPTH = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Evaluation:
    """A loop that runs a trained model on evaluation data and computes no gradients there.

    `acts` are those of the pass it was seen in, that of a loop around it where there is one; `forward` is the
    call of the model among them, `frame` and `loop` the evaluating loop itself. `data`: where the model is
    run on evaluation data that is no loader's, in the midst of a training loop, that data.
    """

    frame: Frame
    loop: int
    forward: Act
    model: Resolved
    optimizer: Call
    acts: Sequence[Act]
    span: Span | None
    data: Span | None = None

    @property
    def place(self) -> Place:
        """The unit the loop stands in."""
        return (self.frame.facts.path, self.frame.facts.qualname)


class Evaluations:
    """Finds the evaluating loops of a program."""

    def __init__(
        self,
        seen: Observations,
        passes: Passes,
        objects: Objects,
        loaders: Loaders,
        elements: Sequence[dict[str, Value]],
        losses: Losses,
    ) -> None:
        self.seen = seen
        self.passes = passes
        self.objects = objects
        self.loaders = loaders
        self.losses = losses
        self._roles: list[tuple[Identity, object]] = [
            (use.made.identity, element["loader.role"].value)
            for use, element in zip(loaders.uses, elements, strict=True)
        ]
        self._names: list[tuple[Identity, object]] = [
            (use.made.identity, element["loader.named"].value)
            for use, element in zip(loaders.uses, elements, strict=True)
            if "loader.named" in element
        ]
        self.all = list(self._found())

    def _found(self) -> Iterator[Evaluation]:
        """Each evaluating loop once, as it is seen in the widest pass that comes to it."""
        best: dict[tuple[int, int], Evaluation] = {}
        for call in self._forwards():
            for evaluation in (*self._of(call), *self._on_test_data(call)):
                key = (id(evaluation.forward.event), id(evaluation.frame.facts) + evaluation.loop)
                known = best.get(key)
                if known is None or len(evaluation.acts) > len(known.acts):
                    best[key] = evaluation
        yield from best.values()

    def _forwards(self) -> Iterator[Call]:
        for call in self.seen.calls:
            if self._may_run_model(call):
                yield call

    def _may_run_model(self, call: Call) -> bool:
        """Whether a call may run a model: of a name that holds one, of an attribute, or by `forward`."""
        if not call.method:
            path, separator, name = call.name.partition("::")
            held = not call.name or (bool(separator) and self.seen.program.kind(path, name) == "variable")
            return held and call.entry is None
        return call.name == "forward" or bool(self.seen.program.attribute_stores(call.name))

    def is_forward(self, call: Call) -> bool:
        """Whether a call runs a model that the program trains."""
        return self._may_run_model(call) and self.objects.is_trained(self._model(call)) is not None

    def _on_test_data(self, call: Call) -> Iterator[Evaluation]:
        """A call of a model on data of a test split, in a training loop: `model(test_images)` now and then,
        whose result no loss is made of."""
        arguments = call.frame.term(call.term).args[1:]
        facts, loop = call.frame.facts, call.event.loop
        if not arguments or loop < 0 or not self.passes.trains(facts, loop):
            return
        model = self._model(call)
        optimizer = self.objects.is_trained(model)
        if optimizer is None or self.losses.graphs(call.frame).is_trained_on(call.term):
            return
        data = self._test_split(call.frame, arguments[0])
        acts = self.passes.of(call.frame, loop)
        act = next((act for act in acts if act.event is call.event), None)
        if data is not None and act is not None and not self._differentiates(acts):
            yield Evaluation(call.frame, loop, act, model, optimizer, acts, act.span, data)

    def _test_split(self, frame: Frame, term: int) -> Span | None:
        """Where the data that goes into an expression is asked for its test split; None where it is not, or
        where other data goes into it as well."""
        found: list[Span | None] = []
        for where, index in Ancestry(self.seen).of((frame, term)):
            if where.term(index).op != "call":
                continue
            made = self.seen.evaluator.value(where, index)
            entry = self.seen.evaluator.entry(made.name) if made.kind == "object" else None
            if entry is None or entry.kind != "dataset" or made.term != index:
                continue
            given = self.seen.evaluator.binder.arguments(made).get(entry.fields.get("split", ""))
            if given is None or given.value not in (False, "test", "val"):
                return None
            found.append(where.span(index))
        return found[0] if found else None

    def _trains_only(self, call: Call) -> bool:
        """Whether a call stands in a loop that trains, in a function that is called in one way only."""
        facts = call.frame.facts
        if call.event.loop < 0 or not self.passes.trains(facts, call.event.loop):
            return False
        return not facts.params or len(self.seen.program.call_sites(*call.place)) < 2

    def _of(self, call: Call) -> Iterator[Evaluation]:
        if self._trains_only(call):
            return
        for frame, loop in self.passes.around(call):
            acts = self.passes.of(frame, loop)
            for act in acts:
                if act.event is not call.event or act.kind != OTHER:
                    continue
                model = self._model(act.call)
                optimizer = self.objects.is_trained(model)
                if optimizer is None:
                    continue
                found = self._evaluating(act, acts, frame, loop)
                if found is not None:
                    yield Evaluation(*found, act, model, optimizer, acts, act.span)

    def _model(self, call: Call) -> Resolved:
        callee = call.frame.term(call.term).args[0]
        if call.name == "forward":
            callee = call.frame.term(callee).args[0]
        return self.seen.evaluator.value(call.frame, callee)

    def _evaluating(
        self, forward: Act, acts: Sequence[Act], frame: Frame, loop: int
    ) -> tuple[Frame, int] | None:
        """The innermost loop around a call of a model, where it evaluates: it draws from evaluation data
        only, and has no backward pass in it."""
        inner = forward.loops[-1] if forward.loops else None
        where, index = (self.passes.frames[inner[0]], inner[1]) if inner else (frame, loop)
        group = [act for act in acts if act.loops[: len(forward.loops)] == forward.loops]
        if any(act.kind in (BACKWARD, STEP) for act in group) or self._differentiates(group):
            return None
        if any(act.event.kind == "call" and _VOLATILE in act.frame.term(act.call.term).keys for act in group):
            return None
        if self.draws_for_evaluation(where, index):
            return where, index
        told = NO_GRADIENT & set(forward.contexts) and "train" not in self._roles_of(where, index)
        return (where, index) if told and self._is_shared(where, index) else None

    def _is_shared(self, frame: Frame, loop: int) -> bool:
        """Whether a loop trains as well, in another call of its function: `run(loader, train=False)`."""
        return frame.bindings is not None and self.passes.trains(frame.facts, loop)

    def draws_for_evaluation(self, frame: Frame, loop: int) -> bool:
        """Whether a loop draws its batches from loaders that are only used to evaluate."""
        return self._roles_of(frame, loop) == {"eval"}

    def _roles_of(self, frame: Frame, loop: int) -> set[object]:
        """What the loaders that a loop draws from are used for."""
        record = frame.facts.loops[loop]
        if record.kind != "for" or _takes_one(frame, record.source):
            return set()
        drawn = self.loaders.draws.of(self.seen.evaluator.value(frame, record.source))
        return {self.role(item) for item in drawn}

    def role(self, loader: Resolved) -> object:
        """What a loader is used for: "train", "eval", or None where that is not known."""
        roles = {role for identity, role in self._roles if overlap(identity, loader.identity)}
        return roles.pop() if len(roles) == 1 else None

    @staticmethod
    def _differentiates(group: Sequence[Act]) -> bool:
        """Whether something there asks for gradients by itself: an attack, a penalty, a saliency map."""
        return any(
            not _GRADIENT_WORDS.isdisjoint((act.call.name.rpartition(".")[2],)) and act.kind == OTHER
            for act in group
        )

    def is_named_for_evaluation(self, loader: Resolved) -> bool:
        """Whether a loader is only used to evaluate, or named for nothing else: one batch that is drawn in a
        training loop does not tell what it is for."""
        named = {name for identity, name in self._names if overlap(identity, loader.identity)}
        return self.role(loader) == "eval" or (self.role(loader) is None and named == {"eval"})

    def without_gradients(self, evaluation: Evaluation) -> bool | None:
        """Whether no graph is kept where the model is called: True, False, or None where that is not
        known."""
        around = set(evaluation.forward.contexts)
        verdicts = {_verdict(around)}
        place = evaluation.forward.places[0]
        verdicts |= self._above(place, ())
        if True in verdicts:
            return True
        return None if None in verdicts else False

    def _above(self, place: Place, seen: tuple[Place, ...]) -> set[bool | None]:
        """What the decorators of a unit, and the places it is called at, say of gradients."""
        if place[1] == "" or place in seen or len(seen) > _DEPTH:
            return set()
        names = {name.rpartition(".")[2] for name in self.seen.program.decorators(*place)}
        found = {_verdict(names)} if names else set()
        sites = self.seen.program.call_sites(*place)
        if not sites:
            found.add(None)
        for frame, term in sites:
            for event in self.seen.program.events(frame.facts):
                if event.kind == "call" and event.term == term:
                    found.add(_verdict(set(event.contexts)))
            found |= self._above((frame.facts.path, frame.facts.qualname), (*seen, place))
        return found


def _takes_one(frame: Frame, term: int, depth: int = _DEPTH) -> bool:
    """Whether what is gone through is a part of one batch: `zip(*next(iter(loader)))`."""
    record = frame.term(term)
    if record.op == "call" and frame.term(record.args[0]).name == "builtins.next":
        return True
    return depth > 0 and any(_takes_one(frame, each, depth - 1) for each in record.args)


def _verdict(names: set[str]) -> bool | None:
    """Whether contexts or decorators keep no graph; None where one is among them that is not known."""
    if names & NO_GRADIENT:
        return True
    return False if names <= _HARMLESS else None
