"""What `__post_init__` makes of a field: `if self.lr is None: self.lr = 0.1`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.branches import taken
from trainlint.analysis.evaluation.values import Frame, Resolved, join, unknown
from trainlint.analysis.facts import Event, UnitFacts

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

POST_INIT = "__post_init__"


class PostInit:
    """Runs the stores of `__post_init__` over a field, in frames apart from those that read the result."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._frames: list[Frame] = []

    def field(self, base: Resolved, path: str, qualname: str, name: str, before: Resolved) -> Resolved:
        """A field after `__post_init__`; `before` is what was passed, or its default."""
        kind, where, method = self.evaluator.scope.resolve(path, qualname, POST_INIT)
        facts = self.evaluator.scope.facts(where, method) if kind == "function" else None
        if facts is None:
            return before
        frame = Frame(facts, None, base)
        self._frames.append(frame)
        found = before
        for event in facts.events:
            if event.name != name or not stores_own(facts, event):
                continue
            happens = taken(self.evaluator, frame, event.conditions)
            if happens is False:
                continue
            value = self.evaluator.value(frame, event.value)
            if event.loop >= 0:
                value = unknown(f"{name} is set in a loop", frozenset({name}))
            found = value if happens else join([found, value])
        return found


def stores_own(facts: UnitFacts, event: Event) -> bool:
    """Whether a method stores an attribute of its own object."""
    if event.kind != "store-attr" or event.nested >= 0:
        return False
    owner = facts.terms[event.term]
    return owner.op == "param" and owner.name == "self"
