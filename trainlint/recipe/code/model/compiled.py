"""Losses that Keras models are compiled with, against what their last layer gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Event, UnitFacts
from trainlint.recipe.code.model.endings import Ending, Endings
from trainlint.recipe.code.model.keras_layers import KerasLayer, keras_layer
from trainlint.recipe.code.observe import Call, Observations

_SEQUENTIAL = "keras.models.Sequential"
_MODEL = "keras.Model"
_OUTPUTS = frozenset({"outputs", "output"})
_ADDING = "add"
_CHANGING = ("pop",)
_CATEGORICAL = frozenset({"categorical_crossentropy", "sparse_categorical_crossentropy"})
_SQUARED = frozenset({"mse", "mean_squared_error"})
_CLASSES = {
    "CategoricalCrossentropy": "categorical_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
    "BinaryCrossentropy": "binary_crossentropy",
    "MeanSquaredError": "mean_squared_error",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Compiled:
    """A model that is compiled: the loss's name, whether it is told that it gets logits, and what the model
    ends with."""

    call: Call
    loss: str
    logits: bool
    ending: Ending
    units: int | None

    @property
    def fault(self) -> str:
        """What is wrong, "" where nothing is known to be."""
        kind, bounded = self.ending.kind, ("softmax", "sigmoid")
        if self.units == 1 and (kind == "softmax" or (self.loss in _CATEGORICAL and not self.logits)):
            return "one-class"
        if self.loss in _SQUARED:
            return "squared-error" if kind == "softmax" and (self.units or 0) > 1 else ""
        if self.loss not in _CATEGORICAL and self.loss != "binary_crossentropy":
            return ""
        if self.logits:
            return "given-probabilities" if kind in bounded else ""
        if kind in ("affine", "tanh"):
            return "no-activation"
        if kind == "relu":
            return "cut-off"
        return "exclusive" if kind == "sigmoid" and self.loss in _CATEGORICAL else ""


class CompiledModels:
    """The models of a program that are compiled with one loss, and end with one layer."""

    def __init__(self, seen: Observations, endings: Endings) -> None:
        self.seen = seen
        self.endings = endings
        self.evaluator = seen.evaluator

    def all(self) -> Iterator[Compiled]:
        """Every one, in order."""
        for call in self.seen.methods("compile"):
            loss = self._loss(call)
            models = self.evaluator.receiver(call.frame.facts, call.event).alternatives()
            if loss is None or len(models) != 1:
                continue
            ending, units = self._last(models[0], call)
            if ending is not None and ending.kind:
                yield Compiled(call, *loss, ending, units)

    def _loss(self, call: Call) -> tuple[str, bool] | None:
        """The name of the loss, and whether it is told that it gets logits; None where that is not known."""
        term = call.frame.term(call.term)
        positional = [each for key, each in zip(term.keys, term.args[1:], strict=True) if not key]
        named = dict(zip(term.keys, term.args[1:], strict=True))
        index = named.get("loss", positional[1] if len(positional) > 1 else None)
        if index is None:
            return None
        value = self.evaluator.value(call.frame, index)
        if value.kind == "const" and isinstance(value.value, str):
            return value.value, False
        simple = value.name.rpartition(".")[2]
        if value.kind == "external" and value.name.startswith("keras."):
            return simple, False
        if value.kind != "object" or simple not in _CLASSES or not value.name.startswith("keras."):
            return None
        arguments = self.evaluator.binder.arguments(value)
        given = arguments.bound.get("from_logits")
        logits = given.value if given is not None and given.kind == "const" else None
        if (given is not None and not isinstance(logits, bool)) or not arguments.complete:
            return None
        return _CLASSES[simple], bool(logits)

    def _last(self, model: Resolved, call: Call) -> tuple[Ending | None, int | None]:
        """What a model ends with, and the units of its last layer with weights."""
        if model.kind == "object" and model.name == _SEQUENTIAL and model.frame is not None:
            layers = self._layers(model, call)
            return (None, None) if layers is None else self._of_chain(layers)
        if model.kind == "object" and model.name == _MODEL and model.frame is not None:
            return self._of_graph(model.frame, model.term)
        if model.kind == "instance":
            endings = self.endings.of_model(model)
            return (endings[0], None) if len(endings) == 1 else (None, None)
        return None, None

    def _of_chain(self, layers: list[Resolved]) -> tuple[Ending | None, int | None]:
        kind = ""
        found: Ending | None = None
        for layer in reversed(layers):
            known = keras_layer(self.evaluator, layer)
            if known is None or not known.kind:
                return found, None
            if known.kind == "same":
                continue
            if found is None or (kind == "" and known.kind == "affine"):
                kind = known.kind if found is None else kind
                found = found or Ending(known.kind, layer.frame, layer.term, layer=True)
            if known.units is not None or not _is_activation(layer):
                return found, known.units
        return found, None

    def _layers(self, model: Resolved, call: Call) -> list[Resolved] | None:
        """The layers of a sequential model: what it is made with, then what is added, in order; None where
        one of them may not be there or that is not known."""
        assert model.frame is not None
        found = self.endings.layers(model)
        facts = model.frame.facts
        if self._is_changed_elsewhere(model, call):
            return None
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
        """Whether a unit hands the model to a function of the project."""
        for event in self.seen.program.events(frame.facts):
            if event.kind != "call":
                continue
            term = frame.term(event.term)
            callee = frame.term(term.args[0])
            if callee.op != "global" or "::" not in callee.name:
                continue
            values = (self.evaluator.value(frame, each) for each in term.args[1:])
            if any(leaf.site == model.site for value in values for leaf in value.alternatives() if leaf.site):
                return True
        return False

    def _is_of(self, facts: UnitFacts, event: Event, model: Resolved) -> bool:
        receiver = self.evaluator.receiver(facts, event)
        return any(leaf.site is not None and leaf.site == model.site for leaf in receiver.alternatives())

    def _of_graph(self, frame: Frame, term: int) -> tuple[Ending | None, int | None]:
        """What a functional model's only output ends with."""
        record = frame.term(term)
        positional = [each for key, each in zip(record.keys, record.args[1:], strict=True) if not key]
        outputs = [each for key, each in zip(record.keys, record.args[1:], strict=True) if key in _OUTPUTS]
        outputs += positional[1:2]
        if not outputs:
            return None, None
        output = frame.term(outputs[0])
        if output.op in ("list", "tuple"):
            if len(output.args) != 1:
                return None, None
            outputs = list(output.args)
        endings = self.endings.of(frame, outputs[0])
        if len(endings) != 1 or endings[0].frame is None:
            return None, None
        layer = self.evaluator.value(endings[0].frame, endings[0].term)
        known: KerasLayer | None = keras_layer(self.evaluator, layer)
        return endings[0], known.units if known is not None else None


def _is_activation(layer: Resolved) -> bool:
    """Whether a layer is nothing but an activation: the one before says the units."""
    return layer.name.rpartition(".")[2] in ("Activation", "Softmax", "ReLU")
