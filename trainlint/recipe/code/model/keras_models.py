"""What Keras models end in: the layers of sequential ones, the outputs of functional and subclassed ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Event, UnitFacts
from trainlint.recipe.code.model.endings import Ending, Endings
from trainlint.recipe.code.model.keras_layers import keras_layer
from trainlint.recipe.code.observe import Call, Observations

_SEQUENTIAL = "keras.models.Sequential"
_MODEL = "keras.Model"
_OUTPUTS = frozenset({"outputs", "output"})
_ADDING = "add"
_CHANGING = ("pop",)
_ACTIVATIONS = ("Activation", "Softmax", "ReLU")
_MOST_OUTPUTS = 8
_DEPTH = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """One output of a model: what it ends in, the units of its last layer with weights (None where they are
    not known), and the layer's name."""

    ending: Ending
    units: int | None = None
    name: str = ""


class KerasModels:
    """Reads the models of one program."""

    def __init__(self, seen: Observations, endings: Endings) -> None:
        self.seen = seen
        self.endings = endings
        self.evaluator = seen.evaluator

    def heads(self, model: Resolved, call: Call) -> Sequence[Head]:
        """The outputs of a model at a call of one of its methods, in order; none where they are not known."""
        if model.kind == "instance":
            endings = self.endings.of_model(model)
            return [Head(endings[0])] if len(endings) == 1 else []
        if model.kind != "object" or model.frame is None:
            return []
        if model.name == _SEQUENTIAL:
            layers = self.layers(model, call)
            head = None if layers is None else self._of_chain(layers)
            return [] if head is None else [head]
        return self._of_graph(model.frame, model.term) if model.name == _MODEL else []

    def layers(self, model: Resolved, call: Call) -> list[Resolved] | None:
        """The layers of a sequential model: what it is made with, then what is added, in order; None where
        one of them may not be there or that is not known."""
        if model.frame is None or self._is_changed_elsewhere(model, call):
            return None
        found = self.endings.layers(model)
        facts = model.frame.facts
        frame = self.evaluator.event_frame(facts)
        for event in self.seen.program.events(facts):
            term = facts.terms[event.term]
            if event.kind != "call" or facts.terms[term.args[0]].op != "attr":
                continue
            method = facts.terms[term.args[0]].name
            if method not in (_ADDING, *_CHANGING) or not self._is_of(facts, event, model):
                continue
            happens = self.seen.happens(frame, event.conditions)
            if happens is False:
                continue
            if method in _CHANGING or len(term.args) != 2:
                return None
            if happens is None and not set(event.conditions) <= set(call.event.conditions):
                # Whether this one is there is not known: what comes after it decides alone.
                found = [Resolved("unknown", name="a layer on a condition")]
                continue
            found.append(self.evaluator.value(frame, term.args[1]))
        return found

    def _of_chain(self, layers: list[Resolved]) -> Head | None:
        """The last layer, or the activation behind it, and the units of the layer with weights."""
        found: Ending | None = None
        for layer in reversed(layers):
            known = keras_layer(self.evaluator, layer)
            if known is None or not known.kind:
                return None if found is None else Head(found)
            if known.kind == "same":
                continue
            found = found or Ending(known.kind, layer.frame, layer.term, layer=True)
            if known.units is not None or not _is_activation(layer):
                return Head(found, known.units, self._layer_name(layer))
        return None if found is None else Head(found)

    def _is_changed_elsewhere(self, model: Resolved, call: Call) -> bool:
        """Whether layers may be added in another unit, or by a function of the project that is given the
        model."""
        assert model.frame is not None
        home = (model.frame.facts.path, model.frame.facts.qualname)
        for each in self.seen.methods(_ADDING, *_CHANGING):
            if each.place != home and self._is_of(each.frame.facts, each.event, model):
                return True
        frames = (self.evaluator.event_frame(model.frame.facts), call.frame)
        return any(self._hands_on(frame, model) for frame in frames)

    def _hands_on(self, frame: Frame, model: Resolved) -> bool:
        """Whether a unit hands the model to a function of the project that may add layers."""
        for event in self.seen.program.events(frame.facts):
            if event.kind != "call":
                continue
            term = frame.term(event.term)
            callee = frame.term(term.args[0])
            path, separator, qualname = callee.name.partition("::")
            if callee.op != "global" or not separator or not self._may_add((path, qualname)):
                continue
            values = (self.evaluator.value(frame, each) for each in term.args[1:])
            if any(leaf.site == model.site for value in values for leaf in value.alternatives() if leaf.site):
                return True
        return False

    def _may_add(self, place: tuple[str, str], depth: int = 0) -> bool:
        """Whether a function adds something, itself or by functions of the project that it calls."""
        unit = self.seen.program.index.unit(*place)
        if unit is None or unit.kind != "function" or depth > _DEPTH:
            return True
        if any(name.rpartition(".")[2] in (_ADDING, *_CHANGING) for name in unit.calls):
            return True
        targets = (self.seen.program.index.resolve(*place, name) for name in unit.calls)
        called = [(each.path, each.qualname) for each in targets if each.kind in ("function", "class")]
        return any(each != place and self._may_add(each, depth + 1) for each in called)

    def _is_of(self, facts: UnitFacts, event: Event, model: Resolved) -> bool:
        receiver = self.evaluator.receiver(facts, event)
        return any(leaf.site is not None and leaf.site == model.site for leaf in receiver.alternatives())

    def _of_graph(self, frame: Frame, term: int) -> list[Head]:
        """What the outputs of a functional model end in; none where one of them is not known."""
        record = frame.term(term)
        positional = [each for key, each in zip(record.keys, record.args[1:], strict=True) if not key]
        outputs = [each for key, each in zip(record.keys, record.args[1:], strict=True) if key in _OUTPUTS]
        outputs += positional[1:2]
        if not outputs:
            return []
        output = frame.term(outputs[0])
        if output.op in ("list", "tuple"):
            outputs = list(output.args)
        heads = [self._head(frame, each) for each in outputs[:_MOST_OUTPUTS]]
        known = [head for head in heads if head is not None]
        return known if len(known) == len(outputs) else []

    def _head(self, frame: Frame, output: int) -> Head | None:
        endings = self.endings.of(frame, output)
        if len(endings) != 1 or endings[0].frame is None:
            return None
        layer = self._made(endings[0])
        units, record = self._units(endings[0]), frame.term(output)
        if units is None and _is_activation(layer) and record.op == "call" and len(record.args) > 1:
            before = self.endings.of(frame, record.args[1])
            units = self._units(before[0]) if len(before) == 1 else None
        return Head(endings[0], units, self._layer_name(layer))

    def _made(self, ending: Ending) -> Resolved:
        """The layer that an output comes out of."""
        assert ending.frame is not None
        return self.evaluator.value(ending.frame, ending.term)

    def _units(self, ending: Ending) -> int | None:
        known = keras_layer(self.evaluator, self._made(ending)) if ending.frame is not None else None
        return known.units if known is not None else None

    def _layer_name(self, layer: Resolved) -> str:
        """What a layer is called in its model, by its argument `name`; "" where it is not told."""
        if layer.kind != "object" or layer.frame is None:
            return ""
        term = layer.frame.term(layer.term)
        given = next(
            (each for key, each in zip(term.keys, term.args[1:], strict=False) if key == "name"), None
        )
        value = None if given is None else self.evaluator.value(layer.frame, given)
        return value.value if value is not None and isinstance(value.value, str) else ""


def _is_activation(layer: Resolved) -> bool:
    """Whether a layer is nothing but an activation: the one before says the units."""
    return layer.name.rpartition(".")[2] in _ACTIVATIONS
