"""Losses that are given something else than they are made for, and logits that are read as something else."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame
from trainlint.findings import Span
from trainlint.knowledge.activations import activation
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.model.compiled import Compiled, CompiledModels
from trainlint.recipe.code.model.endings import Ending, Endings
from trainlint.recipe.code.model.keras_layers import function_units
from trainlint.recipe.code.model.loss_uses import LossUse, loss_uses
from trainlint.recipe.code.model.thresholds import HALF, Thresholds
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.model import Link, Value

Element = dict[str, Value]
_ANY = "Activation"
"""The layer of Keras that stands for the activation it is told."""

_OPERATORS = (ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.UnaryOp)
_INPUTS = frozenset({"input", "x", "logits"})


class Outputs:
    """What is wrong with the values that a program's losses are given, as elements of its recipe."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self.endings = Endings(seen)

    def faults(self) -> Iterator[Element]:
        """Each pair of an activation and a loss once, at the first use."""
        said: set[tuple[object, ...]] = set()
        uses = list(loss_uses(self.seen))
        for use in uses:
            endings = self.endings.of(use.frame, use.given)
            faults = {self._fault(use, ending) for ending in endings}
            if len(faults) != 1 or "" in faults:
                continue
            ending = endings[0]
            key = (ending.frame and ending.frame.facts.path, ending.span, use.kind, use.keras)
            if key not in said:
                said.add(key)
                yield element(self.seen, faults.pop(), use.name, use.frame.span(use.call), ending)
        for model in CompiledModels(self.seen, self.endings).faults(self.seen.methods("compile")):
            yield compiled_element(self.seen, model)
        yield from Thresholds(self.seen, self.endings).faults(uses)

    def _fault(self, use: LossUse, ending: Ending) -> str:
        frame = ending.frame if ending.kind == "softmax" and not ending.layer else None
        if frame is not None and function_units(self.seen.evaluator, frame, ending.term) == 1:
            return "one-class"
        return use.fault(ending.kind)


def compiled_element(seen: Observations, model: Compiled) -> Element:
    """The mapping of `output.*` values for a Keras model that is compiled."""
    head = model.head
    found = element(seen, model.fault, model.loss.name, model.call.span, head.ending)
    if head.units is not None:
        found["output.units"] = derived(head.units, head.ending.span)
    if model.metric is not None:
        found["output.threshold"] = derived(HALF, model.metric)
        found["output.fault"] = derived(model.fault, model.metric)
    return found


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
    function = seen.evaluator.value(ending.frame, term.args[0]).kind == "external" or callee.op != "attr"
    return _activated(_text(seen, ending.frame, ending.term), function)


def _activated(text: str, function: bool) -> str:
    """What an activation is applied to, as its call is written: the argument of a function, or what a method
    is called on. A name stays a name: what it stands for may be computed elsewhere. "" where the text is no
    such call."""
    try:
        call = ast.parse(text, mode="eval").body
    except SyntaxError:
        return ""
    if not isinstance(call, ast.Call):
        return ""
    named = [each.value for each in call.keywords if each.arg in _INPUTS]
    method = call.func.value if isinstance(call.func, ast.Attribute) else None
    operand = next(iter([*call.args, *named]), None) if function else method
    if operand is None or isinstance(operand, ast.Starred):
        return ""
    written = ast.get_source_segment(text, operand) or ""
    return f"({written})" if isinstance(operand, _OPERATORS) else written


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
    name = callee.name.rpartition("::")[2].rpartition(".")[2]
    return ending.kind if not name or name == _ANY else name


def _links(ending: Ending) -> tuple[Link, ...]:
    said = "no activation follows here" if ending.kind == "affine" else f"{ending.kind} is applied here"
    return () if ending.span is None else (Link(ending.span, said),)
