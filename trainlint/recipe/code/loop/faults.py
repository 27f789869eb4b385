"""The faults of a program's loops as elements of its recipe."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Frame
from trainlint.findings import Span
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.model import Link, State, Value

Element = dict[str, Value]
_LONGEST = 60


def fault(
    kind: str,
    subject: str,
    at: Span | None,
    *links: tuple[Span | None, str],
    **others: str | int | bool,
) -> Element:
    """One mapping of `loop.*` values: what is wrong, with what, and where; `links` are places that explain
    it, `others` further values by the last part of their path."""
    chain = tuple(Link(span, label) for span, label in links if span is not None and span != at)
    element = {
        "loop.fault": derived(kind, at),
        "loop.subject": Value(subject, State.EXPLICIT, span=at, chain=chain),
    }
    element.update({f"loop.{name}": derived(value, at) for name, value in others.items()})
    return element


def add(element: Element, name: str, value: str, at: Span | None) -> Element:
    """The element with one more value that has a place of its own, where that is known."""
    if at is not None:
        element[f"loop.{name}"] = derived(value, at)
    return element


def written(frame: Frame, term: int, depth: int = 3) -> str:
    """How an expression is written, as far as it is names: `self.optimizer`; else the name it is bound to, or
    ""."""
    record = frame.term(term)
    if record.op == "param":
        return record.name.rpartition(" ")[2]
    if record.op == "loop":
        return record.name
    if record.op == "global":
        return record.name.rpartition("::")[2].rpartition(".")[2]
    if record.op == "attr" and depth:
        base = written(frame, record.args[0], depth - 1)
        return f"{base}.{record.name}" if base else ""
    return bound_name(frame, term)


def receiver_name(frame: Frame, call: int) -> str:
    """What a method is called on, as it is written where that is a name; "" else."""
    callee = frame.term(frame.term(call).args[0])
    if callee.op != "attr":
        return ""
    name = written(frame, callee.args[0])
    return name if len(name) <= _LONGEST else ""


def bound_name(frame: Frame, term: int) -> str:
    """The name a term is bound to in its unit."""
    for event in frame.facts.events:
        if event.kind == "bind" and event.term == term:
            return event.name
    return next((name for name, bound in frame.facts.bindings.items() if bound == term), "")
