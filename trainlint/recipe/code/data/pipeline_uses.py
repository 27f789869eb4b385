"""What a method of a data pipeline works for: the calls of the function that builds it, with their roles."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Condition
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.observe import Call, Observations

_MAX_DEPTH = 3
_MAX_CALLERS = 8
_FLAGS = frozenset({"train", "training", "is_training", "is_train", "trains", "shuffle"})
"""Parameters that say by True or False whether a pipeline is for training."""


@dataclasses.dataclass(frozen=True, slots=True)
class PipelineUse:
    """A method of a pipeline in one calling context. `role` is train, eval, or "" where nothing tells."""

    frame: Frame
    role: str


def pipeline_uses(seen: Observations, call: Call, local: Iterator[str]) -> list[PipelineUse]:
    """The contexts in which a default run comes to a method of a pipeline.

    `local` are the names around the call itself: what it is bound to, the unit, the branches. They tell the
    role where the calls of the unit do not.
    """
    found = [
        PipelineUse(frame, role)
        for frame, role in _contexts(seen, call.frame, _MAX_DEPTH)
        if seen.happens(frame, call.event.conditions) is not False
    ]
    role = "" if any(use.role for use in found) else _role(local)
    return [PipelineUse(use.frame, use.role or role) for use in found]


def _contexts(seen: Observations, frame: Frame, depth: int) -> Iterator[tuple[Frame, str]]:
    """The frames of a unit in the calls that lead to it, as far as they tell its role."""
    place = (frame.facts.path, frame.facts.qualname)
    sites = seen.program.call_sites(*place) if frame.facts.params and depth else ()
    if not sites or len(sites) > _MAX_CALLERS:
        yield frame, ""
        return
    for caller, index in sites:
        if seen.happens(caller, _conditions(seen, caller, index)) is False:
            continue
        role = _role_of_call(seen, caller, index)
        outer = [(caller, role)] if role else _contexts(seen, caller, depth - 1)
        for around, known in outer:
            made = Resolved("object", frame=frame)
            inner = seen.evaluator.calls.in_call(made, around, index).frame
            if inner is not None:
                yield inner, known


def _conditions(seen: Observations, frame: Frame, call: int) -> tuple[Condition, ...]:
    events = (each for each in seen.program.events(frame.facts) if each.kind == "call" and each.term == call)
    return next((each.conditions for each in events), ())


def _role_of_call(seen: Observations, frame: Frame, call: int) -> str:
    """What a call says of the data it makes: by a flag, by the names it is bound to, by its arguments."""
    record = frame.term(call)
    for key, argument in zip(record.keys, record.args[1:], strict=True):
        value = seen.evaluator.value(frame, argument).default() if key in _FLAGS else None
        if value is not None and isinstance(value.value, bool):
            return "train" if value.value else "eval"
    role = _role(_bound(frame, call))
    if role:
        return role
    texts = [text for each in record.args[1:] for text in _named(seen, frame, each)]
    return _role(iter(texts))


def _bound(frame: Frame, call: int) -> Iterator[str]:
    """The names that a call's result gets; of several, the first."""
    for event in frame.facts.events:
        if event.kind == "bind":
            record = frame.term(event.term)
            first = record.op == "unpack" and record.args[0] == call and record.value == 0
            if event.term == call or first:
                yield event.name
    for name, term in frame.facts.bindings.items():
        if term == call:
            yield name


def _named(seen: Observations, frame: Frame, term: int) -> Iterator[str]:
    """What an argument names by itself: a text, an attribute, a name."""
    record = frame.term(term)
    value = seen.evaluator.value(frame, term).default()
    if value.kind == "const" and isinstance(value.value, str):
        yield value.value
    elif record.op in ("attr", "global", "param"):
        yield record.name.rpartition("::")[2].rpartition(".")[2]


def _role(texts: Iterator[str]) -> str:
    words = {word for text in texts for word in words_of(text)}
    if words & program_words("evaluate"):
        return "eval"
    return "train" if words & program_words("train") else ""
