"""What Keras layers are told of their activation and their units."""

from __future__ import annotations

import dataclasses

from trainlint.analysis.evaluation.evaluate import Evaluator
from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.knowledge.activations import activation

_LAYERS = "keras.layers."
_AFFINE = frozenset(
    "Dense Conv1D Conv2D Conv3D Convolution1D Convolution2D Convolution3D Conv2DTranspose".split()
)
_ACTIVATIONS = {"Softmax": "softmax", "ReLU": "relu"}
_PLAIN = ("tensorflow.layers.", "tensorflow.compat.v1.layers.")
_PER_STEP = "TimeDistributed"
_FUNCTIONS = {"dense": 2}
"""Layers that are functions, with the position of their activation."""

_TOLD = frozenset({"fully_connected", "conv2d", "convolution2d"})
"""Layers of TF-Slim that are functions; without an `activation_fn` an argument scope decides."""

_UNITS = frozenset({"units", "output_dim"})


@dataclasses.dataclass(frozen=True, slots=True)
class KerasLayer:
    """What a layer of Keras ends with (a kind of `knowledge.activations`, "same" where it keeps what it is
    given, "" where that is not known), and how many units it has."""

    kind: str
    units: int | None = None


def keras_layer(evaluator: Evaluator, layer: Resolved) -> KerasLayer | None:
    """What a layer does last; None for what is no layer of Keras."""
    if layer.kind != "object" or not layer.name.startswith(_LAYERS) or layer.frame is None:
        return None
    simple = layer.name.rpartition(".")[2]
    term = layer.frame.term(layer.term)
    written = list(zip(term.keys, term.args[1:], strict=True))
    positional = [evaluator.value(layer.frame, each) for key, each in written if not key]
    named = {key: evaluator.value(layer.frame, each) for key, each in written if key}
    if "*" in named or "**" in named:
        return KerasLayer("")
    if simple == _PER_STEP:
        inner = named.get("layer") or (positional[0] if positional else None)
        return (keras_layer(evaluator, inner) if inner is not None else None) or KerasLayer("")
    if simple == "Activation":
        given = named.get("activation") or (positional[0] if positional else None)
        kind = "" if given is None else _activation(given)
        return KerasLayer("same" if kind == "affine" else kind)
    if simple in _AFFINE:
        units = [*(named[key] for key in sorted(_UNITS & named.keys())), *positional][:1]
        number = units[0].value if units and units[0].is_number and simple == "Dense" else None
        given = named.get("activation") or _second(positional)
        kind = "affine" if given is None else _activation(given)
        return KerasLayer(kind, number if isinstance(number, int) else None)
    for name, kind in _ACTIVATIONS.items():
        if simple == name:
            return KerasLayer(kind)
    return KerasLayer("same" if activation(layer.name) == "same" else "")


def layer_function(evaluator: Evaluator, frame: Frame, index: int, name: str) -> str:
    """What a layer that TensorFlow 1 or TF-Slim makes and applies in one call ends with:
    `tf.layers.dense(x, 10)`."""
    simple = name.rpartition(".")[2]
    if simple in _TOLD and not name.startswith(_PLAIN):
        term = frame.term(index)
        told = dict(zip(term.keys, term.args[1:], strict=True)).get("activation_fn")
        return "" if told is None else _activation(evaluator.value(frame, told))
    if simple not in _FUNCTIONS:
        return "same" if activation(simple) == "same" else ""
    term = frame.term(index)
    named = dict(zip(term.keys, term.args[1:], strict=True))
    positional = [each for key, each in zip(term.keys, term.args[1:], strict=True) if not key]
    if "*" in named or "**" in named:
        return ""
    after = _FUNCTIONS[simple]
    given = named.get("activation", positional[after] if len(positional) > after else None)
    return "affine" if given is None else _activation(evaluator.value(frame, given))


def function_units(evaluator: Evaluator, frame: Frame, index: int) -> int | None:
    """How many units a layer has that TensorFlow 1 makes and applies in one call; None where that is not
    known, or the call is another."""
    term = frame.term(index)
    if not evaluator.value(frame, term.args[0]).name.endswith(".layers.dense"):
        return None
    named = dict(zip(term.keys, term.args[1:], strict=True))
    positional = [each for key, each in zip(term.keys, term.args[1:], strict=True) if not key]
    given = named.get("units", positional[1] if len(positional) > 1 else None)
    units = evaluator.value(frame, given).value if given is not None else None
    return units if isinstance(units, int) and not isinstance(units, bool) else None


def _second(positional: list[Resolved]) -> Resolved | None:
    """The activation where it is passed by position: as the second argument, which named the initialisation
    in Keras 1."""
    given = positional[1] if len(positional) > 1 else None
    return given if given is not None and _activation(given) else None


def _activation(given: Resolved) -> str:
    """The kind of activation that an argument stands for: a name, or a function."""
    if given.kind == "const" and given.value in (None, "linear"):
        return "affine"
    if given.kind == "const" and isinstance(given.value, str):
        kind = activation(given.value.lower())
    else:
        kind = activation(given.name) if given.kind == "external" else ""
    return "" if kind in ("affine", "same") else kind
