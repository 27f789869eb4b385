"""What `__post_init__` makes of a field: `if self.lr is None: self.lr = 0.1`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.operators import truthiness
from trainlint.analysis.evaluation.values import Frame, Resolved, join, unknown
from trainlint.analysis.facts import Event

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
            if not stores_own(frame, event, name):
                continue
            happens = self._happens(frame, event)
            if happens is False:
                continue
            value = self.evaluator.value(frame, event.value)
            if event.loop >= 0:
                value = unknown(f"{name} is set in a loop", frozenset({name}))
            found = value if happens else join([found, value])
        return found

    def _happens(self, frame: Frame, event: Event) -> bool | None:
        certain: bool | None = True
        for condition in event.conditions:
            truth = truthiness(self.evaluator.value(frame, condition.term).default())
            if truth is None:
                certain = None
            elif truth is not condition.holds:
                return False
        return certain


def stores_own(frame: Frame, event: Event, name: str) -> bool:
    """Whether a method stores this attribute of its own object."""
    if event.kind != "store-attr" or event.name != name or event.nested >= 0:
        return False
    owner = frame.term(event.term)
    return owner.op == "param" and owner.name == "self"
