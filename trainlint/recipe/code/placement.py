"""Where in the training something happens: once an epoch or once a batch, before the training or after it."""

from __future__ import annotations

import dataclasses

from trainlint.analysis.branches import is_main_guard
from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Condition, Event
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.training import Training
from trainlint.recipe.rate.formula_parts import Scope

EPOCH, BATCH, ONCE = "epoch", "batch", "once"
_BACKWARD = frozenset({"backward", "manual_backward"})
_MAX_CALLS = 8
_MAX_CLIMB = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Placement:
    """How often an event happens.

    `level`: epoch (in a round of the outermost training loop), batch (in a round of a loop below it), or once
    (outside of every training loop). `ahead`: before the round's training. `scope` is the event's unit
    in the call that leads here, `conditions` the branches on the way, each with its scope. `around`: the
    round holds another training loop, as an epoch holds its batches.
    """

    level: str
    ahead: bool
    scope: Scope
    conditions: tuple[tuple[Scope, tuple[Condition, ...]], ...]
    around: bool = False


class Placements:
    """Places the events of one program."""

    def __init__(self, seen: Observations, training: Training) -> None:
        self.seen = seen
        self.training = training

    def of(self, frame: Frame, event: Event) -> Placement | str:
        """Where an event happens, or why that is not known."""
        if event.nested >= 0:
            return "it stands in a local function"
        found = self._climb(frame, event, 0)
        inside = [each for each in found if each.level != ONCE]
        if len(inside) > 1:
            return "it happens at several places of the training"
        if inside:
            return inside[0]
        return found[0] if found else "no call of its function was found"

    def _climb(self, frame: Frame, event: Event, height: int) -> list[Placement]:
        scope = Scope(frame)
        loop = self._training_loop(frame, event.loop)
        ahead, branches = self._beside_training(frame, event, loop)
        conditions = ((scope, branches),)
        if loop >= 0:
            level = EPOCH if self._is_outermost(frame, loop) else BATCH
            around = self.training.depth(frame.facts, loop) >= 1
            return [Placement(level, ahead is not False, scope, conditions, around)]
        if not frame.facts.qualname or height >= _MAX_CLIMB:
            return [Placement(ONCE, ahead is not False, scope, conditions)]
        found = []
        for caller, call in self.seen.program.call_sites(frame.facts.path, frame.facts.qualname)[:_MAX_CALLS]:
            found += self._above(frame, event, caller, call, height)
        return found

    def _above(self, frame: Frame, event: Event, caller: Frame, call: int, height: int) -> list[Placement]:
        calling = next(
            (each for each in caller.facts.events if each.kind == "call" and each.term == call), None
        )
        if calling is None or calling.nested >= 0 or self.seen.happens(caller, calling.conditions) is False:
            return []
        ahead, branches = self._beside_training(frame, event, -1)
        found = []
        for outer in self._climb(caller, calling, height + 1):
            scope = Scope(frame, call=(outer.scope, call))
            here = outer.ahead if ahead is None else ahead
            conditions = (*outer.conditions, (scope, branches))
            found.append(Placement(outer.level, here, scope, conditions, outer.around))
        return found

    def _training_loop(self, frame: Frame, loop: int) -> int:
        """The innermost loop that trains around a place of a unit, -1 where there is none."""
        while loop >= 0 and not self.training.loop_trains(frame.facts, loop):
            loop = frame.facts.loops[loop].parent
        return loop

    def _is_outermost(self, frame: Frame, loop: int) -> bool:
        """Whether a training loop is the one over epochs, or the only one."""
        facts = frame.facts
        if self.training.depth(facts, loop) >= 1 or "epoch" in facts.loops[loop].target.lower():
            return True
        parent = facts.loops[loop].parent
        if parent >= 0 and self.training.loop_trains(facts, parent):
            return False
        return not self._called_in_training(frame, 0)

    def _called_in_training(self, frame: Frame, height: int) -> bool:
        facts = frame.facts
        if not facts.qualname or height >= _MAX_CLIMB:
            return False
        for caller, call in self.seen.program.call_sites(facts.path, facts.qualname)[:_MAX_CALLS]:
            calling = next(
                (each for each in caller.facts.events if each.kind == "call" and each.term == call), None
            )
            if calling is None:
                continue
            if self._training_loop(caller, calling.loop) >= 0 or self._called_in_training(caller, height + 1):
                return True
        return False

    def _beside_training(
        self, frame: Frame, event: Event, loop: int
    ) -> tuple[bool | None, tuple[Condition, ...]]:
        """Whether an event comes before its unit's training in a round, and the branches only it is in.

        None instead of a truth value where the unit trains nothing else.
        """
        events = self.seen.program.events(frame.facts)
        place = next((i for i, each in enumerate(events) if each is event), -1)
        trains = [
            i
            for i, each in enumerate(events)
            if each is not event
            and each.kind == "call"
            and self._within(frame, each.loop, loop)
            and self._trains(frame, each)
        ]
        shared = events[trains[0]].conditions if trains else ()
        branches = tuple(
            each
            for each in event.conditions
            if each not in shared and not is_main_guard(frame.facts.terms, each.term)
        )
        return (place < trains[0] if trains else None), branches

    def _trains(self, frame: Frame, event: Event) -> bool:
        call = self.seen.call_of(frame, event)
        if call.method and call.name in _BACKWARD:
            return True
        return any(target in self.training.units for target in self.training.targets(call))

    def _within(self, frame: Frame, loop: int, outer: int) -> bool:
        while loop >= 0 and loop != outer:
            loop = frame.facts.loops[loop].parent
        return loop == outer
