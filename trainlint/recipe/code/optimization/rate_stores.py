"""Where a program writes the rate of an optimizer by hand."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Event
from trainlint.findings import Span
from trainlint.recipe.code.observe import Observations

_RATE_SETTERS = ("set_lr", "set_lr_scheduler")
"""Methods of Paddle's optimizers that change the rate."""


def rate_stores(seen: Observations) -> Iterator[Span]:
    """The places where the rate of an optimizer is written by hand, in order."""
    for frame in seen.frames:
        for event in seen.program.events(frame.facts):
            if _writes_rate(frame, event) or _hands_rate_on(frame, event):
                span = frame.span(event.value) or frame.span(event.term)
                if span is not None:
                    yield span
    for call in seen.methods(*_RATE_SETTERS):
        if call.span is not None:
            yield call.span


def _writes_rate(frame: Frame, event: Event) -> bool:
    if event.kind == "store-item":
        return frame.facts.terms[event.key].value == "lr" and frame.facts.terms[event.term].op not in (
            "dict",
        )
    if event.kind == "store-attr":
        base = frame.facts.terms[event.term]
        return event.name in ("lr", "learning_rate") and "optim" in base.name.lower()
    return False


def _hands_rate_on(frame: Frame, event: Event) -> bool:
    """Whether a call takes an optimizer's rate as a variable: `K.set_value(model.optimizer.lr, 0.01)`."""
    if event.kind != "call":
        return False
    call = frame.facts.terms[event.term]
    callee = frame.facts.terms[call.args[0]]
    if callee.name.rpartition(".")[2] in ("assign", "assign_sub", "assign_add") and callee.op == "attr":
        return _is_rate(frame, callee.args[0])
    if callee.name.rpartition(".")[2] in ("set_value", "assign"):
        return any(_is_rate(frame, argument) for argument in call.args[1:2])
    return False


def _is_rate(frame: Frame, index: int) -> bool:
    term = frame.facts.terms[index]
    return term.op == "attr" and term.name in ("lr", "learning_rate")
