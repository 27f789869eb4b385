"""The order in which a program comes to certain calls: from its entry's first statement, through the
functions it calls."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Condition, Event
from trainlint.findings import Span
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.reach import Place
from trainlint.recipe.code.training import Training

MAX_MOMENTS = 4_000
_MAX_NESTED = 6

Way = tuple[tuple[int, Condition], ...]
"""The conditions under which a moment comes, each with the frame it stands in."""


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """Something the program comes to. `call` is None for a store; `off`: a default run does not come here."""

    frame: Frame
    event: Event
    call: Call | None
    off: bool
    way: Way

    @property
    def span(self) -> Span | None:
        """Where it is written: a call, or the value that is stored."""
        if self.call is not None:
            return self.call.span
        return self.frame.span(self.event.value) or self.frame.span(self.event.term)

    def is_call(self, call: Call) -> bool:
        """Whether this is that call."""
        return self.event is call.event


def together(first: Moment, second: Moment) -> bool:
    """Whether one run may come to both: no condition holds for one and not for the other."""
    holds = {(frame, condition.term): condition.holds for frame, condition in first.way}
    return all(
        holds.get((frame, condition.term), condition.holds) is condition.holds
        for frame, condition in second.way
    )


class RunOrder:
    """What a program does, in order, as far as it leads to the units in `wanted`.

    Modules that are imported come first. Functions that only a framework calls are not come to. A function
    that leads to none of the wanted units is stepped over; one is entered once, and again only where a
    default run first comes to it later.
    """

    def __init__(self, seen: Observations, training: Training, wanted: Iterable[Place]) -> None:
        self.seen = seen
        self.training = training
        self.entry = seen.program.entry
        self._leading = seen.program.with_users(wanted)
        self._entered: set[tuple[Place, bool]] = set()

    def moments(self) -> Iterator[Moment]:
        """Calls and stores to attributes, in order, at most `MAX_MOMENTS`."""
        for count, moment in enumerate(self._all()):
            if count >= MAX_MOMENTS:
                return
            yield moment

    def _all(self) -> Iterator[Moment]:
        program = self.seen.program
        for path in program.closure.paths:
            if path != program.entry and (path, "") in self._leading:
                yield from self._unit((path, ""), False, ())
        yield from self._unit((program.entry, ""), False, ())

    def _unit(self, place: Place, off: bool, way: Way) -> Iterator[Moment]:
        if (place, off) in self._entered or (place, False) in self._entered:
            return
        self._entered.add((place, off))
        frame = self.seen.evaluator.root(*place)
        if frame is not None:
            yield from self._body(frame, -1, off, way, 0)

    def _body(self, frame: Frame, nested: int, off: bool, way: Way, depth: int) -> Iterator[Moment]:
        for event in self.seen.program.events(frame.facts):
            if event.nested != nested or event.kind not in ("call", "store-attr"):
                continue
            off_here = off or self.seen.happens(frame, event.conditions) is False
            way_here = (*way, *((id(frame), condition) for condition in event.conditions))
            if event.kind == "store-attr":
                yield Moment(frame, event, None, off_here, way_here)
                continue
            call = self.seen.call_of(frame, event)
            for target in self.training.targets(call):
                if target in self._leading:
                    yield from self._unit(target, off_here, way_here)
            if depth < _MAX_NESTED:
                for inner in self._nested(frame, event):
                    yield from self._body(frame, inner, off_here, way_here, depth + 1)
            yield Moment(frame, event, call, off_here, way_here)

    def _nested(self, frame: Frame, event: Event) -> Iterator[int]:
        """The functions of its own unit that a call runs: `def seed(): …` inside of `main`."""
        callee = frame.term(event.term).args[0]
        if frame.term(callee).op not in ("func", "loop", "if"):
            return
        for leaf in self.seen.evaluator.value(frame, callee).alternatives():
            local = leaf.kind == "function" and leaf.frame is not None and leaf.frame.facts is frame.facts
            if local and isinstance(leaf.value, int) and not isinstance(leaf.value, bool):
                yield leaf.value
