"""The calls that have a part in a pass of a training or evaluation loop, and what each of them does."""

from __future__ import annotations

import dataclasses

from trainlint.analysis.evaluation.operators import truthiness
from trainlint.analysis.evaluation.values import Frame, Resolved, unknown
from trainlint.analysis.facts import Condition, Event
from trainlint.findings import Span
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.reach import Place
from trainlint.recipe.code.steps import takes_step

BACKWARD, STEP, ZERO, TRAIN, EVAL, EITHER_MODE, OTHER = (
    "backward step zero train eval either-mode other".split()
)
MODES = frozenset({TRAIN, EVAL, EITHER_MODE})

_STEPS = frozenset({"step", "minimize"})
_ZEROES = frozenset({"zero_grad", "clear_grad", "clear_gradients"})
_FILLS = frozenset({"zero_", "fill_", "zero"})
_MODE_CALLS = frozenset({"train", "eval"})
NO_GRADIENT = frozenset({"no_grad", "inference_mode"})
"""Contexts and decorators that keep no graph."""
METHODS = frozenset({"backward", "manual_backward"}) | _STEPS | _ZEROES | _FILLS | _MODE_CALLS
"""Methods by whose calls it is told which units have a part in a pass."""

_GRADIENT = "grad"

Way = tuple[tuple[int, Condition], ...]
"""The branches that lead to an act, each with the frame its condition stands in, outermost first."""


@dataclasses.dataclass(frozen=True, slots=True)
class Act:
    """One thing a pass does.

    `on` is what it is done to: the optimizer of a step, the model of a mode. `loops` are the loops entered on
    the way, below the loop whose pass it is; `contexts` the managers around it that matter, those of the
    calls that lead here too; `places` the units on the way. `of_project`: it calls functions of the project,
    whose own acts are spelled out.
    """

    kind: str
    call: Call
    on: Resolved
    way: Way
    loops: tuple[tuple[int, int], ...]
    contexts: tuple[str, ...]
    places: tuple[Place, ...]
    of_project: bool = False

    @property
    def event(self) -> Event:
        """The event of its call."""
        return self.call.event

    @property
    def frame(self) -> Frame:
        """The calling context it happens in."""
        return self.call.frame

    @property
    def span(self) -> Span | None:
        """Where it is written."""
        return self.call.span


class ActReader:
    """Tells what a call does in a pass."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen

    def read(self, call: Call) -> tuple[str, Resolved]:
        """The kind of act a call is, and what it is done to; OTHER for calls without a part of their own."""
        if takes_step(self.seen.evaluator, call) and call.name != "minimize":
            return BACKWARD, self._argument(call)
        if not call.method:
            return self._function(call)
        if call.name in _MODE_CALLS:
            return self._mode(call)
        if call.name in _ZEROES:
            return ZERO, self._receiver(call)
        if call.name in _FILLS and self._of_gradient(call):
            return ZERO, unknown("a gradient that is set by hand")
        if call.name in _STEPS:
            return self._step(call)
        return OTHER, unknown("")

    def _function(self, call: Call) -> tuple[str, Resolved]:
        if call.name.rpartition(".")[2] == "optimizer_step":
            return STEP, self._argument(call)
        return OTHER, unknown("")

    def _step(self, call: Call) -> tuple[str, Resolved]:
        """A step of an optimizer: called on it, or on a loss scaler that is handed it."""
        receiver = self._receiver(call)
        entries = {self._kind(leaf) for leaf in receiver.alternatives()}
        if entries == {"scaler"}:
            return STEP, self._argument(call)
        if entries == {"scheduler"}:
            return OTHER, unknown("")
        return STEP, receiver

    def _kind(self, leaf: Resolved) -> str:
        entry = self.seen.evaluator.entry(leaf.name) if leaf.kind == "object" else None
        return entry.kind if entry is not None else ""

    def _mode(self, call: Call) -> tuple[str, Resolved]:
        receiver = self._receiver(call)
        arguments = call.frame.term(call.term).args[1:]
        if call.name == "eval":
            return (EVAL, receiver) if not arguments else (OTHER, unknown(""))
        if not arguments:
            return TRAIN, receiver
        truth = truthiness(self.seen.evaluator.value(call.frame, arguments[0]))
        if len(arguments) > 1 or truth is None:
            return EITHER_MODE, receiver
        return (TRAIN if truth else EVAL), receiver

    def _of_gradient(self, call: Call) -> bool:
        """Whether a method is called on a gradient: `weight.grad.data.zero_()`."""
        return _GRADIENT in set(self.seen.texts(call.frame, call.term, depth=4))

    def _receiver(self, call: Call) -> Resolved:
        callee = call.frame.term(call.frame.term(call.term).args[0])
        if callee.op != "attr":
            return unknown("not a method call")
        return self.seen.evaluator.value(call.frame, callee.args[0])

    def _argument(self, call: Call) -> Resolved:
        arguments = call.frame.term(call.term).args[1:2]
        if not arguments:
            return unknown("nothing is passed")
        return self.seen.evaluator.value(call.frame, arguments[0])


def stores_gradient(event: Event) -> bool:
    """Whether an event sets a gradient by hand: `weight.grad = None`."""
    return event.kind == "store-attr" and event.name in (_GRADIENT, "main_grad")


def together(first: Act, second: Act) -> bool:
    """Whether one pass may come to both: no condition holds for one and not for the other."""
    holds = {(frame, condition.term): condition.holds for frame, condition in first.way}
    return all(
        holds.get((frame, condition.term), condition.holds) is condition.holds
        for frame, condition in second.way
    )


def implied(first: Act, by: Act) -> bool:
    """Whether an act happens in every pass in which the other does: no branch and no loop of its own."""
    held = {(frame, condition.term, condition.holds) for frame, condition in by.way}
    needed = {(frame, condition.term, condition.holds) for frame, condition in first.way}
    return needed <= held and first.loops == by.loops[: len(first.loops)]
