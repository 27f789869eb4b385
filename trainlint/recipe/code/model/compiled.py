"""Losses that Keras models are compiled with, against what their last layers give."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.findings import Span
from trainlint.recipe.code.model.endings import Endings
from trainlint.recipe.code.model.keras_losses import KerasLoss, keras_loss
from trainlint.recipe.code.model.keras_models import Head, KerasModels
from trainlint.recipe.code.model.targets import Targets
from trainlint.recipe.code.observe import Call, Observations

_LOSS = 1
_METRICS = 2
_ACCURACY = frozenset({"accuracy", "acc"})
_BINARY_ACCURACY = "binary_accuracy"
_BINARY_ACCURACIES = frozenset({"keras.metrics.BinaryAccuracy"})
_THRESHOLD = "threshold"
_THRESHOLD_AT = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Compiled:
    """One output of a model that is compiled, with its loss and what is wrong with the two together; `metric`
    is where it is measured, for faults of that."""

    call: Call
    loss: KerasLoss
    head: Head
    fault: str
    metric: Span | None = None


class CompiledModels:
    """The models of a program that are compiled with known losses and end in known layers."""

    def __init__(self, seen: Observations, endings: Endings) -> None:
        self.seen = seen
        self.models = KerasModels(seen, endings)
        self.targets = Targets(seen)
        self.evaluator = seen.evaluator

    def faults(self, calls: Iterable[Call]) -> Iterator[Compiled]:
        """What is wrong with the models that some calls of `compile` are about, in order."""
        for call in calls:
            models = self.evaluator.receiver(call.frame.facts, call.event).alternatives()
            if len(models) != 1:
                continue
            given = loss_argument(call)
            if given is None or self.targets.are_of_others(models[0]):
                continue
            heads = self.models.heads(models[0], call)
            losses = self._losses(call.frame, given, heads) if heads else []
            for head, loss in zip(heads, losses, strict=False):
                if loss is None:
                    continue
                fault = self._fault(models[0], call, loss, head)
                if fault:
                    yield Compiled(call, loss, head, fault)
                elif loss.is_binary and loss.logits and head.ending.kind == "affine" and len(heads) == 1:
                    metric = self._accuracy(call, head)
                    if metric is not None:
                        yield Compiled(call, loss, head, "compared-as-probability", metric)

    def _losses(self, frame: Frame, given: int, heads: Sequence[Head]) -> list[KerasLoss | None]:
        """The loss of each output: one for all, one each in order, or by the names of the layers."""
        record = frame.term(given)
        if record.op in ("list", "tuple"):
            found = [keras_loss(self.evaluator, self.evaluator.value(frame, each)) for each in record.args]
            return found if len(found) == len(heads) else []
        value = self.evaluator.value(frame, given)
        if value.kind == "mapping":
            named = [value.entries.get(head.name) for head in heads]
            return [None if each is None else keras_loss(self.evaluator, each) for each in named]
        loss = keras_loss(self.evaluator, value)
        return [] if loss is None else [loss] * len(heads)

    def _fault(self, model: Resolved, call: Call, loss: KerasLoss, head: Head) -> str:
        fault = loss.fault(head.ending.kind, head.units)
        if fault or not loss.is_distance:
            return fault
        if head.ending.kind in ("affine", "sigmoid") and self.targets.are_one_hot(model):
            return "squared-error-of-one-hot"
        measured = (
            head.ending.kind == "sigmoid" and head.units == 1 and self._accuracy(call, head) is not None
        )
        return "squared-error-of-sigmoid" if measured and not self.targets.judges_another(model) else ""

    def _accuracy(self, call: Call, head: Head) -> Span | None:
        """Where a metric compares what a model gives with one half; None where none is known to do so."""
        given = _argument(call, "metrics", _METRICS)
        if given is None:
            return None
        record = call.frame.term(given)
        terms = record.args if record.op in ("list", "tuple") else (given,)
        for term in terms:
            if self._halves(self.evaluator.value(call.frame, term), head):
                return call.frame.span(term)
        return None

    def _halves(self, metric: Resolved, head: Head) -> bool:
        """Whether a metric calls what is above one half right: `accuracy` does so with one unit."""
        if metric.kind == "const":
            return metric.value == _BINARY_ACCURACY or (metric.value in _ACCURACY and head.units == 1)
        if metric.kind != "object" or metric.name not in _BINARY_ACCURACIES or metric.frame is None:
            return False
        term = metric.frame.term(metric.term)
        plain = [key for key in term.keys if not key]
        return len(plain) <= _THRESHOLD_AT and not {_THRESHOLD, "*", "**"} & set(term.keys)


def loss_argument(call: Call) -> int | None:
    """The term of the loss that `compile` is given; None where it is given none."""
    return _argument(call, "loss", _LOSS)


def _argument(call: Call, name: str, position: int) -> int | None:
    """The term of an argument of `compile`, by name or position."""
    term = call.frame.term(call.term)
    for key, argument in zip(term.keys, term.args[1:], strict=True):
        if key == name:
            return argument
    positional = [each for key, each in zip(term.keys, term.args[1:], strict=True) if not key]
    return positional[position] if len(positional) > position else None
