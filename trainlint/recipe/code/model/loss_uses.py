"""Losses that a program computes itself: which, and of what."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.knowledge.base import Entry
from trainlint.recipe.code.model.keras_losses import KerasLoss, keras_loss
from trainlint.recipe.code.observe import Call, Observations

_GIVEN = frozenset({"", "input", "pred", "x", "logits"})
_NAMED = frozenset({"logits", "predictions"})
"""What TensorFlow's losses call what they are given; by position it comes after the labels."""

_PREDICTED = frozenset({"y_pred", "output"})
"""What Keras's losses call it."""

_KINDS = {
    "CrossEntropyLoss": "cross-entropy", "cross_entropy": "cross-entropy",
    "BCEWithLogitsLoss": "binary-logits", "binary_cross_entropy_with_logits": "binary-logits",
    "NLLLoss": "log-likelihood", "nll_loss": "log-likelihood",
    "BCELoss": "binary", "binary_cross_entropy": "binary",
}  # fmt: skip
_TENSORFLOW = {
    "tensorflow.nn.softmax_cross_entropy_with_logits": "cross-entropy",
    "tensorflow.nn.softmax_cross_entropy_with_logits_v2": "cross-entropy",
    "tensorflow.nn.sparse_softmax_cross_entropy_with_logits": "cross-entropy",
    "tensorflow.losses.softmax_cross_entropy": "cross-entropy",
    "tensorflow.losses.sparse_softmax_cross_entropy": "cross-entropy",
    "tensorflow.nn.sigmoid_cross_entropy_with_logits": "binary-logits",
    "tensorflow.losses.sigmoid_cross_entropy": "binary-logits",
    "tensorflow.losses.log_loss": "binary",
}
_LOGITS_FIRST = ("tensorflow.nn.", "tensorflow.contrib.")
"""Where the logits come first by position: TensorFlow before 1.0, and TF-Slim."""

_SLIM = ("tensorflow.contrib.losses.", "tensorflow.contrib.layers.losses.")
_OPTAX = {
    "optax.softmax_cross_entropy": "cross-entropy",
    "optax.softmax_cross_entropy_with_integer_labels": "cross-entropy",
    "optax.sigmoid_binary_cross_entropy": "binary-logits",
}
_PADDLE = {
    f"paddle.nn.functional.{name}": _KINDS[name]
    for name in ("cross_entropy", "binary_cross_entropy_with_logits", "binary_cross_entropy", "nll_loss")
}
_FAULTS = {
    ("cross-entropy", "softmax"): "softmax-twice",
    ("cross-entropy", "sigmoid"): "squashed",
    ("cross-entropy", "relu"): "cut-off",
    ("binary-logits", "sigmoid"): "sigmoid-twice",
    ("binary-logits", "softmax"): "squashed",
    ("binary-logits", "relu"): "cut-off",
    ("log-likelihood", "softmax"): "no-logarithm",
    ("log-likelihood", "sigmoid"): "no-logarithm",
    ("log-likelihood", "affine"): "logits-as-logarithms",
    ("log-likelihood", "relu"): "logits-as-logarithms",
    ("binary", "affine"): "no-activation",
    ("binary", "relu"): "no-activation",
    ("of-probabilities", "affine"): "no-activation",
    ("of-probabilities", "relu"): "cut-off",
}
"""What is wrong where a value with this ending reaches a loss of this kind."""

_SWITCH = "use_softmax"
_COMPAT = "tensorflow.compat.v1."


@dataclasses.dataclass(frozen=True, slots=True)
class LossUse:
    """A loss that is computed: what of, and by which loss (`kind` as in `_KINDS`, or `keras`; `name` without
    package)."""

    frame: Frame
    call: int
    given: int
    name: str
    kind: str
    keras: KerasLoss | None = None

    def fault(self, ending: str) -> str:
        """What is wrong with a value that ends so (a kind of `knowledge.activations`); "" for nothing
        known."""
        if self.keras is not None:
            return "" if self.keras.is_distance else self.keras.fault(ending)
        return _FAULTS.get((self.kind, ending), "")


def loss_uses(seen: Observations) -> Iterator[LossUse]:
    """Every loss of PyTorch, Paddle, TensorFlow 1, Optax and Keras that a program calls, in order."""
    objects = any(call.name.rpartition(".")[2][:1].isupper() for call in seen.made("loss"))
    for call in (*seen.calls, *_in_methods(seen)):
        term = call.frame.term(call.term)
        if len(term.args) < 3 or seen.happens(call.frame, call.event.conditions) is False:
            continue
        plain = (
            ""
            if call.method
            else call.name.replace(_COMPAT, "tensorflow.").replace("optax.losses.", "optax.")
        )
        for before in _SLIM:
            plain = plain.replace(before, "tensorflow.losses.")
        if plain in _TENSORFLOW:
            yield from _of_tensorflow(call, _TENSORFLOW[plain])
        elif plain in _OPTAX:
            yield from _of_first(call, plain, _OPTAX[plain])
        elif plain in _PADDLE:
            yield from _of_switched(seen, call, plain, _PADDLE[plain])
        elif plain.startswith("keras.losses."):
            yield from _of_keras(call, _function(seen, call, plain))
        else:
            yield from _of_loss(seen, call, objects)


def _of_loss(seen: Observations, call: Call, objects: bool) -> Iterator[LossUse]:
    """A loss that is a function of PyTorch or Paddle, or an object that is called."""
    loss = _loss(seen, call, objects)
    if loss is None:
        return
    if isinstance(loss, KerasLoss):
        yield from _of_keras(call, loss)
        return
    simple = loss.name.rpartition(".")[2]
    yield from _of_switched(seen, call, simple, _KINDS[simple])


def _of_switched(seen: Observations, call: Call, name: str, kind: str) -> Iterator[LossUse]:
    """A loss that takes the softmax itself, unless it is told not to, as Paddle's can be."""
    switch = _switch(seen, call) if kind == "cross-entropy" else True
    if switch is not None:
        yield from _of_first(call, name, kind if switch else "of-probabilities")


def _of_first(call: Call, name: str, kind: str) -> Iterator[LossUse]:
    """A loss whose first argument is what the network gives."""
    term = call.frame.term(call.term)
    given = next((each for key, each in zip(term.keys, term.args[1:], strict=True) if key in _GIVEN), None)
    if given is not None:
        yield LossUse(call.frame, call.term, given, name.rpartition(".")[2], kind)


def _of_keras(call: Call, loss: KerasLoss | None) -> Iterator[LossUse]:
    """A loss of Keras: what the network gives comes after the labels."""
    term = call.frame.term(call.term)
    named = [each for key, each in zip(term.keys, term.args[1:], strict=True) if key in _PREDICTED]
    if not named and term.keys[:2] == ("", ""):
        named = [term.args[2]]
    if loss is not None and len(named) == 1:
        yield LossUse(call.frame, call.term, named[0], loss.name, "keras", loss)


def _function(seen: Observations, call: Call, name: str) -> KerasLoss | None:
    """The loss that a function of Keras computes; None where it is told something that is not known."""
    term = call.frame.term(call.term)
    named = dict(zip(term.keys, term.args[1:], strict=True))
    if not name.rpartition(".")[2][:1].islower() or "**" in named or term.keys[2:3] == ("",):
        return None
    given = named.get("from_logits")
    logits = seen.evaluator.value(call.frame, given).value if given is not None else False
    return KerasLoss(name.rpartition(".")[2], logits) if isinstance(logits, bool) else None


def _in_methods(seen: Observations) -> Iterator[Call]:
    """The calls in the other methods of classes that make a loss as they are made: `self.loss(logits, y)`."""
    swept = {(frame.facts.path, frame.facts.qualname) for frame in seen.frames}
    for loss in seen.made("loss"):
        owner, _, method = loss.place[1].rpartition(".")
        if not owner or method != "__init__":
            continue
        for place in seen.program.methods(loss.place[0], owner):
            frame = None if place in swept else seen.evaluator.root(*place)
            swept.add(place)
            if frame is not None:
                events = seen.program.events(frame.facts)
                yield from (seen.call_of(frame, event) for event in events if event.kind == "call")


def _of_tensorflow(call: Call, kind: str) -> Iterator[LossUse]:
    """A loss of TensorFlow 1: the logits by name; by position after the labels, first in old releases."""
    term = call.frame.term(call.term)
    named = [each for key, each in zip(term.keys, term.args[1:], strict=True) if key in _NAMED]
    if not named and term.keys[:2] == ("", ""):
        named = [term.args[1 if call.name.startswith(_LOGITS_FIRST) else 2]]
    if len(named) == 1:
        yield LossUse(call.frame, call.term, named[0], call.name.rpartition(".")[2], kind)


def _loss(seen: Observations, call: Call, objects: bool) -> Entry | KerasLoss | None:
    """The loss that a call computes: a function, or an object that is called; None for all else."""
    if call.entry is not None:
        simple = call.name.rpartition(".")[2]
        function = call.entry.kind == "loss" and simple[:1].islower() and not call.method
        return call.entry if function and simple in _KINDS else None
    callee = call.frame.term(call.frame.term(call.term).args[0])
    if not objects or (callee.op == "global" and "::" not in callee.name):
        return None
    leaves = seen.evaluator.value(call.frame, call.frame.term(call.term).args[0]).alternatives()
    found = {leaf.name for leaf in leaves if leaf.kind == "object"}
    if len(found) != 1 or any(leaf.kind != "object" for leaf in leaves):
        return None
    entry = seen.evaluator.entry(found.pop())
    if entry is None or entry.kind != "loss":
        return None
    if entry.name.startswith("keras."):
        told = {keras_loss(seen.evaluator, leaf) for leaf in leaves}
        return told.pop() if len(told) == 1 else None
    return entry if entry.name.rpartition(".")[2] in _KINDS else None


def _switch(seen: Observations, call: Call) -> bool | None:
    """Whether a loss takes the softmax itself; None where it is told what is not known."""
    term = call.frame.term(call.term)
    here = dict(zip(term.keys, term.args[1:], strict=True)).get(_SWITCH)
    values: list[Resolved | None]
    if here is not None:
        values = [seen.evaluator.value(call.frame, here)]
    else:
        callee = seen.evaluator.value(call.frame, term.args[0])
        made = [leaf for leaf in callee.alternatives() if leaf.kind == "object"]
        values = [seen.evaluator.binder.arguments(leaf).bound.get(_SWITCH) for leaf in made] or [None]
    told = {True if value is None else value.value for value in values}
    found = told.pop() if len(told) == 1 else None
    return found if isinstance(found, bool) else None
