"""Defaults that are written as a call: `lr: float = field(default=0.1)`, `lr: float = typer.Option(0.1)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.values import Frame, Resolved, unknown

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator
    from trainlint.knowledge.base import Entry

_NOTHING = frozenset({"Ellipsis"})
"""What stands for "no default" where a default is passed by position: `Field(...)`."""


def field_default(evaluator: Evaluator, entry: Entry, frame: Frame, index: int) -> Resolved:
    """What a field is that is declared by a call of kind option-field; unknown where it has no default."""
    made = Resolved("object", name=entry.name, frame=frame, term=index)
    arguments = evaluator.binder.arguments(made)
    shown = entry.name.rpartition(".")[2]
    default = arguments.get(entry.fields.get("default", ""))
    if default is not None and not (default.kind == "unknown" and default.name in _NOTHING):
        return default
    factory = arguments.get(entry.fields.get("factory", ""))
    if factory is not None and not (factory.kind == "const" and factory.value is None):
        return evaluator.calls.result_of(factory, frame, index)
    if not arguments.complete:
        return unknown(f"a default that is passed to {shown}() by a starred argument")
    return unknown(f"{shown}() gives no default")


def field_flags(evaluator: Evaluator, frame: Frame, term: int) -> tuple[str, ...]:
    """The flags that a declaring call names itself: `typer.Option(64, "--batch", "-b")`."""
    record = frame.term(term)
    if record.op != "call":
        return ()
    callee = evaluator.value(frame, record.args[0])
    entry = evaluator.entry(callee.name) if callee.kind == "external" else None
    if entry is None or entry.kind != "option-field" or "names" not in entry.fields:
        return ()
    texts = [frame.term(argument).value for argument in record.args[1:]]
    return tuple(text for text in texts if isinstance(text, str) and text.startswith("-"))
