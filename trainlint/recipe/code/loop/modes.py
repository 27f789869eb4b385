"""Training and evaluation mode by control flow: where a model is left in the wrong one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.recipe.code.loop.acts import BACKWARD, EVAL, MODES, OTHER, TRAIN, Act, implied, together
from trainlint.recipe.code.loop.faults import Element, fault, receiver_name
from trainlint.recipe.code.loop.mode_layers import ModeLayers
from trainlint.recipe.code.loop.objects import Objects
from trainlint.recipe.code.loop.passes import Passes
from trainlint.recipe.code.observe import Call, Observations


class Modes:
    """What is wrong with the modes of a program's models, as elements of its recipe."""

    def __init__(self, seen: Observations, passes: Passes, objects: Objects, layers: ModeLayers) -> None:
        self.seen = seen
        self.passes = passes
        self.objects = objects
        self.layers = layers

    def faults(self) -> Iterator[Element]:
        """Models that are put into evaluation mode in a loop, and trained on in it: each model once."""
        said: set[object] = set()
        for call in self.seen.methods("eval", "train"):
            for element, model in self._never_left(call):
                if model not in said:
                    said.add(model)
                    yield element

    def _never_left(self, call: Call) -> Iterator[tuple[Element, object]]:
        for frame, loop in self.passes.around(call):
            acts = self.passes.of(frame, loop)
            index = next(
                (place for place, act in enumerate(acts) if act.event is call.event and act.kind == EVAL), -1
            )
            if index < 0 or not any(act.kind == BACKWARD for act in acts):
                continue
            if runs_once(self.seen, frame, loop):
                continue
            left = acts[index]
            optimizer = self.objects.is_trained(left.on)
            backward = self._trained_in_it(acts, index, left.on)
            if optimizer is None or backward is None:
                return
            layer = self.layers.of(left.on)
            if layer is not None:
                name = receiver_name(call.frame, call.term) or "the model"
                links = [(backward.span, "trained on here, in evaluation mode"), (layer.span, layer.name)]
                yield (
                    fault("eval-mode-kept", name, call.span, *links, layer=layer.name, certain=layer.certain),
                    tuple(self.objects.keys(left.on)),
                )
            return

    def _trained_in_it(self, acts: Sequence[Act], index: int, model: Resolved) -> Act | None:
        """The backward pass that a model comes to in evaluation mode, in the next pass of the loop.

        None where something may bring it back, or where the mode seems meant: set for this very backward
        pass."""
        left = acts[index]
        for act in acts[index + 1 :]:
            if not together(left, act):
                continue
            if act.kind == BACKWARD or self._may_return(act, model):
                return None
        for act in acts[:index]:
            if act.kind == BACKWARD:
                return act
            if self._may_return(act, model):
                return None
        return None

    def _may_return(self, act: Act, model: Resolved) -> bool:
        """Whether an act may put a model back into training mode."""
        if act.kind in MODES and act.kind != EVAL:
            return self.objects.may_hold(act.on, model)
        return act.kind == OTHER and self.is_handed_on(act, model)

    def is_handed_on(self, act: Act, model: Resolved) -> bool:
        """Whether a call into code that was not read is handed a model, or is one of its own methods."""
        call, evaluator = act.call, self.seen.evaluator
        if act.of_project:
            return False
        wanted = set(self.objects.keys(model))
        if not call.method and (
            call.entry is not None or not call.name or evaluator.knowledge.inert(call.name, "schedule")
        ):
            return False
        for argument in call.frame.term(call.term).args[1:]:
            value = evaluator.value(call.frame, argument)
            if any(key in wanted and key[2] is not None for key in self.objects.keys(value)):
                return True
        return False

    def mode_before(self, act: Act, acts: Sequence[Act], model: Resolved) -> Act | None:
        """The act that certainly leaves a model in training mode when a pass comes to another act; None where
        that is not known. A pass that sets no mode begins as the pass before ended."""
        index = next(place for place, each in enumerate(acts) if each is act)
        for each in (*reversed(acts[:index]), *reversed(acts[index:])):
            if each.kind in MODES and together(each, act):
                if not self.objects.may_hold(each.on, model):
                    continue
                certain = self.objects.is_trained(each.on) is not None and implied(each, act)
                return each if each.kind == TRAIN and certain else None
            if each.kind == OTHER and together(each, act) and self.is_handed_on(each, model):
                return None
        return None


def runs_once(seen: Observations, frame: Frame, loop: int) -> bool:
    """Whether a loop is known to make one pass only."""
    source = seen.evaluator.value(frame, frame.facts.loops[loop].source)
    if source.name != "builtins.range" or source.frame is None:
        return False
    arguments = source.frame.term(source.term).args[1:]
    values = [seen.evaluator.value(source.frame, each) for each in arguments]
    return len(values) == 1 and values[0].is_number and values[0].value == 1 and not values[0].option
