"""Losses of PyTorch, Paddle and TensorFlow 1 that are given something else than they are made for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.findings import Span
from trainlint.knowledge.activations import activation
from trainlint.knowledge.base import Entry
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.model.compiled import CompiledModels
from trainlint.recipe.code.model.endings import Ending, Endings
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.model import Link, Value

Element = dict[str, Value]
_GIVEN = frozenset({"", "input", "pred", "x"})
_NAMED = frozenset({"logits", "predictions"})
"""What TensorFlow's losses call what they are given; by position it comes after the labels."""

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
}
"""What is wrong where a value with this ending reaches a loss of this kind."""
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
_OPERATORS = frozenset({"bin", "bool", "cmp", "if", "un"})
_COMPAT = "tensorflow.compat.v1."


@dataclasses.dataclass(frozen=True, slots=True)
class LossUse:
    """A loss that is computed: what of, and by which loss (`kind` as in `_KINDS`, `name` without package)."""

    frame: Frame
    call: int
    given: int
    name: str
    kind: str


def loss_uses(seen: Observations) -> Iterator[LossUse]:
    """Every loss of PyTorch, Paddle and TensorFlow 1 that a program computes, in order."""
    objects = any(call.name.rpartition(".")[2][:1].isupper() for call in seen.made("loss"))
    for call in (*seen.calls, *_in_methods(seen)):
        term = call.frame.term(call.term)
        if len(term.args) < 3 or seen.happens(call.frame, call.event.conditions) is False:
            continue
        kind = "" if call.method else _TENSORFLOW.get(call.name.replace(_COMPAT, "tensorflow."), "")
        if kind:
            yield from _of_tensorflow(call, kind)
            continue
        loss = _loss(seen, call, objects)
        given = next(
            (each for key, each in zip(term.keys, term.args[1:], strict=True) if key in _GIVEN), None
        )
        if loss is not None and given is not None:
            simple = loss.name.rpartition(".")[2]
            yield LossUse(call.frame, call.term, given, simple, _KINDS[simple])


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
    """A loss of TensorFlow 1: the logits by name, or after the labels where they come by position."""
    term = call.frame.term(call.term)
    named = [each for key, each in zip(term.keys, term.args[1:], strict=True) if key in _NAMED]
    if not named and ".losses." in call.name and term.keys[:2] == ("", ""):
        named = [term.args[2]]
    if len(named) == 1:
        yield LossUse(call.frame, call.term, named[0], call.name.rpartition(".")[2], kind)


def _loss(seen: Observations, call: Call, objects: bool) -> Entry | None:
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
    known = entry is not None and entry.kind == "loss" and entry.name.rpartition(".")[2] in _KINDS
    return entry if known and all(_as_usual(seen, leaf) for leaf in leaves) else None


def _as_usual(seen: Observations, loss: Resolved) -> bool:
    """Whether a loss was not told that it is given probabilities, as Paddle's can be."""
    return "use_softmax" not in seen.evaluator.binder.arguments(loss).bound


class Outputs:
    """What is wrong with the values that a program's losses are given, as elements of its recipe."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self.endings = Endings(seen)

    def faults(self) -> Iterator[Element]:
        """Each pair of an activation and a loss once, at the first use."""
        said: set[tuple[object, ...]] = set()
        for use in loss_uses(self.seen):
            endings = self.endings.of(use.frame, use.given)
            faults = {_FAULTS.get((use.kind, ending.kind), "") for ending in endings}
            if len(faults) != 1 or "" in faults:
                continue
            ending = endings[0]
            key = (ending.frame and ending.frame.facts.path, ending.span, use.kind)
            if key not in said:
                said.add(key)
                yield element(self.seen, faults.pop(), use.name, use.frame.span(use.call), ending)
        for model in CompiledModels(self.seen, self.endings).all():
            if model.fault:
                found = element(self.seen, model.fault, model.loss, model.call.span, model.ending)
                if model.units is not None:
                    found["output.units"] = derived(model.units, model.ending.span)
                yield found


def element(seen: Observations, fault: str, loss: str, at: Span | None, ending: Ending) -> Element:
    """One mapping of `output.*` values: what is wrong with which loss, where, and what the network ends
    with."""
    found = {
        "output.fault": derived(fault, at),
        "output.loss": derived(loss, at, _links(ending)),
        "output.ending": derived(_said(ending), ending.span),
        "output.activation": derived("none" if ending.kind == "affine" else ending.kind, ending.span),
    }
    instead = _instead(seen, ending)
    if instead:
        found["output.instead"] = derived(instead, ending.span)
    return found


def _instead(seen: Observations, ending: Ending) -> str:
    """What to write in the place of an activation that is too much: its argument, or a layer that does
    nothing; "" where that cannot be said in one short expression."""
    if ending.frame is None or ending.span is None or ending.span.line != ending.span.end_line:
        return ""
    term = ending.frame.term(ending.term)
    callee = ending.frame.term(term.args[0])
    if activation(callee.name.rpartition(".")[2]) != ending.kind:
        # The activation is an argument of the layer, which does more than that.
        return ""
    if ending.layer:
        owner = _text(seen, ending.frame, term.args[0]).rpartition(".")[0]
        return f"{owner}.Identity()" if owner else ""
    function = seen.evaluator.value(ending.frame, term.args[0]).kind == "external"
    argument = term.args[1] if function or callee.op != "attr" else callee.args[0]
    text = _text(seen, ending.frame, argument)
    return f"({text})" if text and ending.frame.term(argument).op in _OPERATORS else text


def _text(seen: Observations, frame: Frame, term: int) -> str:
    """An expression as it is written, where that is short; "" else."""
    span = frame.span(term)
    text = "" if span is None else seen.program.text(span)
    return "" if text.endswith("…") else text


def _said(ending: Ending) -> str:
    """How an activation or last layer is called in a message."""
    if ending.frame is None:
        return ending.kind
    callee = ending.frame.term(ending.frame.term(ending.term).args[0])
    return callee.name.rpartition("::")[2].rpartition(".")[2] or ending.kind


def _links(ending: Ending) -> tuple[Link, ...]:
    said = "no activation follows here" if ending.kind == "affine" else f"{ending.kind} is applied here"
    return () if ending.span is None else (Link(ending.span, said),)
