"""How evaluation is done: in training mode, or with a graph that nothing needs."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.findings import Span
from trainlint.recipe.code.loop.evaluations import Evaluation, Evaluations
from trainlint.recipe.code.loop.faults import Element, add, fault, written
from trainlint.recipe.code.loop.mode_layers import ModeLayers
from trainlint.recipe.code.loop.modes import Modes
from trainlint.recipe.code.loop.places import function_place

_SWITCH = "set_grad_enabled"


class Evaluating:
    """What is wrong with the evaluation of a program's models, as elements of its recipe."""

    def __init__(self, found: Evaluations, modes: Modes, layers: ModeLayers) -> None:
        self.found = found
        self.modes = modes
        self.layers = layers
        self.seen = found.seen

    def faults(self) -> Iterator[Element]:
        """Each model and function once for its mode, each loop once for its gradients."""
        said: set[object] = set()
        for evaluation in self.found.all:
            element = self._in_training_mode(evaluation)
            if element is not None and evaluation.place not in said:
                said.add(evaluation.place)
                yield element
        yield from self._with_gradients()

    def _in_training_mode(self, evaluation: Evaluation) -> Element | None:
        model, forward = evaluation.model, evaluation.forward
        left = self.modes.mode_before(forward, evaluation.acts, model)
        if left is None and self._may_leave_training(evaluation):
            return None
        layer = self.layers.of(model)
        if layer is None or not layer.certain:
            return None
        links = [(layer.span, f"{layer.name} acts as in training")]
        if left is not None:
            links.append((left.span, "training mode is set here"))
        return fault("no-eval-mode", self._named(evaluation), evaluation.span, *links, layer=layer.name)

    def _may_leave_training(self, evaluation: Evaluation) -> bool:
        """Whether anything in reach may put the model into evaluation mode."""
        objects, reader = self.found.objects, self.found.passes.reader
        if self.seen.program.closure.broken:
            return True
        for call in self.seen.methods("eval", "train"):
            kind, on = reader.read(call)
            if kind in ("eval", "either-mode") and objects.may_hold(on, evaluation.model):
                return True
        return any(self.modes.is_handed_on(act, evaluation.model) for act in evaluation.acts)

    def _with_gradients(self) -> Iterator[Element]:
        if self._switched_by_statement():
            return
        said: set[object] = set()
        for evaluation in self.found.all:
            key = (evaluation.place, evaluation.loop)
            if key not in said and self.found.without_gradients(evaluation) is False:
                said.add(key)
                yield self._keeping_graphs(evaluation)

    def _keeping_graphs(self, evaluation: Evaluation) -> Element:
        span, block = evaluation.frame.loop_span(evaluation.loop), "the loop"
        link = (span, "a loop over evaluation data")
        if evaluation.data is not None:
            span, block = evaluation.span, "the call"
            link = (evaluation.data, "the data it is run on")
        element = fault(
            "graph-in-evaluation",
            self._named(evaluation),
            evaluation.span,
            link,
            value=f"{self._framework(evaluation)}.no_grad()",
        )
        add(element, "block", block, span)
        return add(element, "function", evaluation.place[1], self._decorable(evaluation))

    def _framework(self, evaluation: Evaluation) -> str:
        entry = evaluation.optimizer.entry
        assert entry is not None
        return self.seen.evaluator.knowledge.backend(entry.framework)

    def _switched_by_statement(self) -> bool:
        """Whether a call turns gradients on or off for all that follows, not as a manager of a block."""
        calls = [call for call in self.seen.calls if call.name.rpartition(".")[2] == _SWITCH]
        return any(not any(_SWITCH in event.contexts for event in call.frame.facts.events) for call in calls)

    def _decorable(self, evaluation: Evaluation) -> Span | None:
        """The definition of the function around a loop, where nothing in it computes gradients."""
        if evaluation.place in self.found.passes.training.units:
            return None
        return function_place(self.seen.program, *evaluation.place)

    @staticmethod
    def _named(evaluation: Evaluation) -> str:
        forward = evaluation.forward
        callee = forward.frame.term(forward.call.term).args[0]
        return written(forward.frame, callee) or "the model"
