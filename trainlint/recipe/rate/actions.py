"""What changes a program's rate while it trains, as actions: scheduler steps and rates written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Event
from trainlint.recipe.code.observe import Call, Driven, Observations
from trainlint.recipe.code.optimization.schedulers import is_dropped
from trainlint.recipe.code.placement import BATCH as BATCH_LEVEL
from trainlint.recipe.code.placement import EPOCH, ONCE, Placement, Placements
from trainlint.recipe.rate.formula_parts import (
    BATCH,
    RATE,
    Env,
    Node,
    Scope,
    UnresolvedError,
    constant,
    unresolved,
)
from trainlint.recipe.rate.formulas import Formulas
from trainlint.recipe.rate.run import Action, Counter
from trainlint.recipe.rate.shapes import CurveError, Schedule

_MAX_STEPPERS = 12
_CLOSED_FORMS = frozenset({"step", "multistep", "exponential", "polynomial", "cosine"})
"""Shapes of PyTorch's schedulers that have a closed form, which `step(epoch)` takes."""

_EVERY = (1, 2, 4, 8)
"""Numbers of accumulated batches that divide a stand-in epoch."""


class RateActions:
    """The actions of one program on its optimizer's rate. Methods raise CurveError where one is not known."""

    def __init__(self, seen: Observations, placements: Placements, formulas: Formulas) -> None:
        self.seen = seen
        self.placements = placements
        self.formulas = formulas

    def steps(self, call: Call) -> list[tuple[Call, Placement]]:
        """Where the scheduler that a call makes is stepped in a default run."""
        found = []
        for step in self.seen.methods("step"):
            receiver = self.seen.evaluator.receiver(step.frame.facts, step.event)
            made = (leaf for leaf in receiver.alternatives() if leaf.kind in ("object", "instance"))
            if not any(leaf.site == call.site for leaf in made):
                continue
            if self.seen.happens(step.frame, step.event.conditions) is False:
                continue
            placement = self.placements.of(step.frame, step.event)
            if isinstance(placement, str):
                raise CurveError(f"where the schedule is stepped: {placement}")
            found.append((step, placement))
        if not found and not is_dropped(call):
            raise CurveError(f"no step of {call.name.rpartition('.')[2]} was found")
        unread = "" if found else self.seen.unread.reason("schedule")
        if unread:
            raise CurveError(unread)
        if len(found) > _MAX_STEPPERS or any(place.level == ONCE and not place.ahead for _, place in found):
            raise CurveError("the schedule is stepped outside of the training")
        if any(place.level == ONCE and step.event.loop >= 0 for step, place in found):
            raise CurveError("the schedule is stepped in a loop outside of the training")
        return found

    def stepped(self, calls: Sequence[Call], schedules: Sequence[Schedule]) -> Iterator[Action]:
        """The steps of schedules that act on one rate."""
        alone = len(schedules) == 1
        for call, schedule in zip(calls, schedules, strict=True):
            counter = Counter()
            if call.site in self.seen.driven:
                yield self._driven(call, schedule, counter, alone)
                continue
            for step, placement in self.steps(call):
                if len(step.frame.facts.terms[step.term].args) > 1 and (alone or _sets_rate(call)):
                    rate = self._jump(step, placement, schedule, counter)
                else:
                    rate = self._one_step(step, schedule, counter, alone)
                told = len(step.frame.facts.terms[step.term].args) > 1
                when = self._at_update(call, placement)
                yield Action(placement, when, rate, None if told else counter)

    def _at_update(self, call: Call, placement: Placement) -> Node:
        """When a step counts: always, or at updates only where an accelerator sees to that."""
        taken, counts = self.when(placement), self.seen.counted.get(call.site)
        if counts is None or placement.level != BATCH_LEVEL or counts == Driven("step"):
            return taken
        if not counts.level or counts.every not in _EVERY:
            raise CurveError("an update takes a number of batches that is not known, or too many to follow")
        return Node(lambda env: (env[BATCH] + 1) % counts.every == 0 and taken.run(env))

    def _driven(self, call: Call, schedule: Schedule, counter: Counter, alone: bool) -> Action:
        """The steps of a schedule that a library steps by itself, after each epoch or each update."""
        driven = self.seen.driven[call.site]
        if not driven.level:
            raise CurveError("how often the schedule is stepped is not known")
        if driven.every not in _EVERY:
            raise CurveError(f"an update takes {driven.every} batches, more than are followed")
        placement = Placement(EPOCH if driven.level == "epoch" else BATCH_LEVEL, False, Scope(call.frame), ())
        every = constant(True)
        if driven.every > 1:
            every = Node(lambda env: (env[BATCH] + 1) % driven.every == 0)
        return Action(placement, every, self._advance(schedule, counter, alone), counter)

    def _jump(
        self, step: Call, placement: Placement, schedule: Schedule, counter: Counter
    ) -> Callable[[Env], float]:
        """A step that is told which one it is: `scheduler.step(epoch)`."""
        place = self.formulas.compile(placement.scope, step.frame.facts.terms[step.term].args[1])

        def jump(env: Env) -> float:
            value = place.run(env)
            if not isinstance(value, (int, float)):
                raise UnresolvedError("the argument of step")
            counter.done = int(value)
            return schedule.between(value) if schedule.between is not None else schedule.at(counter.done)

        return jump

    def _one_step(
        self, step: Call, schedule: Schedule, counter: Counter, alone: bool
    ) -> Callable[[Env], float]:
        if len(step.frame.facts.terms[step.term].args) > 1:
            return unresolved("the argument of step").run
        return self._advance(schedule, counter, alone)

    @staticmethod
    def _advance(schedule: Schedule, counter: Counter, alone: bool) -> Callable[[Env], float]:
        def advance(env: Env) -> float:
            counter.done += 1
            if alone:
                return schedule.at(counter.done)
            if schedule.follow is None:
                raise UnresolvedError("one of the schedulers cannot share its optimizer")
            return schedule.follow(env[RATE], counter.done)

        return advance

    def written(self) -> Iterator[Action]:
        """The rates that are written into the optimizer's parameter groups, in the order of the code."""
        places: dict[str, set[tuple[str, str]]] = {}
        for frame, event in self._stores():
            placement = self.placements.of(frame, event)
            if isinstance(placement, str):
                raise CurveError(f"where the rate is written: {placement}")
            if placement.level == ONCE and not placement.ahead:
                continue
            units = places.setdefault(f"{placement.level} {placement.ahead}", set())
            units.add((frame.facts.path, frame.facts.qualname))
            if len(units) > 1:
                raise CurveError("the rate is written in several places")
            value = self.formulas.compile(placement.scope, event.value)
            yield Action(placement, self.when(placement), value.run, written=True)

    def _stores(self) -> Iterator[tuple[Frame, Event]]:
        for frame in self.seen.frames:
            for event in self.seen.program.events(frame.facts):
                if event.kind != "store-item" or frame.facts.terms[event.key].value != "lr":
                    continue
                if self.seen.happens(frame, event.conditions) is False:
                    continue
                if "param_groups" not in self.seen.texts(frame, event.term):
                    raise CurveError("whether this is the optimizer's rate is not known")
                if self._other_group(frame, event.term):
                    raise CurveError("parameter groups have rates of their own")
                yield frame, event

    def _other_group(self, frame: Frame, container: int) -> bool:
        record = frame.term(container)
        return record.op == "item" and frame.term(record.args[1]).value != 0

    def when(self, placement: Placement) -> Node:
        """Whether the branches on the way to a place are taken."""
        tests = [self.formulas.holds(scope, conditions) for scope, conditions in placement.conditions]

        def run(env: Env) -> bool:
            return all(test.run(env) for test in tests)

        return Node(run, fixed=all(test.fixed for test in tests))


def _sets_rate(call: Call) -> bool:
    """Whether a scheduler that is told the epoch computes the rate anew: what others did is gone."""
    return call.entry is None or (call.name.startswith("torch.") and call.entry.shape in _CLOSED_FORMS)


def level_of(actions: Sequence[Action]) -> str:
    """How often the rate changes: epoch, or batch where something changes it within an epoch."""
    levels = {action.placement.level for action in actions} - {ONCE}
    return EPOCH if levels <= {EPOCH} else "batch"
