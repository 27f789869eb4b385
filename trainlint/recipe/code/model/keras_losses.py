"""Losses of Keras: by name, as functions and as objects, and what each makes of an output."""

from __future__ import annotations

import dataclasses

from trainlint.analysis.evaluation.evaluate import Evaluator
from trainlint.analysis.evaluation.values import Resolved

_LOSSES = "keras.losses."
_BACKEND = "keras.backend."
_CATEGORICAL = frozenset({"categorical_crossentropy", "sparse_categorical_crossentropy"})
_BINARY = "binary_crossentropy"
_DISTANCES = frozenset({"mse", "mean_squared_error", "mae", "mean_absolute_error"})
_CLASSES = {
    "CategoricalCrossentropy": "categorical_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
    "BinaryCrossentropy": "binary_crossentropy",
    "MeanSquaredError": "mean_squared_error",
    "MeanAbsoluteError": "mean_absolute_error",
}
_SHORT = {"MSE": "mse", "MAE": "mae"}
_BOUNDED = frozenset({"softmax", "sigmoid"})
_SEVERAL = 2


@dataclasses.dataclass(frozen=True, slots=True)
class KerasLoss:
    """A loss by its name in Keras, and whether it is told that it gets logits."""

    name: str
    logits: bool = False

    @property
    def is_distance(self) -> bool:
        """Whether it is the mean of squared or absolute differences."""
        return self.name in _DISTANCES

    @property
    def is_binary(self) -> bool:
        """Whether it judges each unit by itself."""
        return self.name == _BINARY

    def fault(self, ending: str, units: int | None = None) -> str:
        """What is wrong with an output that ends so (a kind of `knowledge.activations`), in the last layer's
        units; "" where nothing is known to be."""
        if units == 1 and (ending == "softmax" or (self.name in _CATEGORICAL and not self.logits)):
            return "one-class"
        if self.is_distance:
            return "squared-error" if ending == "softmax" and (units or 0) >= _SEVERAL else ""
        if self.name not in _CATEGORICAL and not self.is_binary:
            return ""
        if self.logits:
            return "given-probabilities" if ending in _BOUNDED else ""
        if ending in ("affine", "tanh"):
            return "no-activation"
        if ending == "relu":
            return "cut-off"
        return "exclusive" if ending == "sigmoid" and self.name in _CATEGORICAL else ""


def keras_loss(evaluator: Evaluator, value: Resolved) -> KerasLoss | None:
    """The loss that a value stands for: a name, a function or an object of Keras; None where that is not
    known."""
    if value.kind == "const" and isinstance(value.value, str):
        return KerasLoss(value.value)
    simple = value.name.rpartition(".")[2]
    if value.kind == "external" and value.name.startswith((_LOSSES, _BACKEND)):
        return KerasLoss(_SHORT.get(simple, simple))
    if value.kind != "object" or simple not in _CLASSES or not value.name.startswith("keras."):
        return None
    arguments = evaluator.binder.arguments(value)
    given = arguments.bound.get("from_logits")
    logits = given.value if given is not None and given.kind == "const" else None
    if (given is not None and not isinstance(logits, bool)) or not arguments.complete:
        return None
    return KerasLoss(_CLASSES[simple], bool(logits))
