"""A run's learning rate, round by round: what steps the schedulers and what writes the rate, in order."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

from trainlint.recipe.code.placement import BATCH as EVERY_BATCH
from trainlint.recipe.code.placement import EPOCH, ONCE, Placement
from trainlint.recipe.rate.curve import MAX_POINTS, Curve
from trainlint.recipe.rate.formula_loops import Carried
from trainlint.recipe.rate.formula_parts import BASE, BATCH, BATCHES, CLOCK, RATE, Env, Node, UnresolvedError
from trainlint.recipe.rate.shapes import CurveError


@dataclasses.dataclass(slots=True)
class Counter:
    """How often a schedule was stepped so far."""

    done: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Action:
    """Something that changes the rate: where it happens, when, and the rate after it.

    `counter`: its rate follows from how often it happened, which is counted there; `written`: the rate is
    written by hand.
    """

    placement: Placement
    when: Node
    rate: Callable[[Env], float]
    counter: Counter | None = None
    written: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it happens exactly once an epoch and its rate follows from that."""
        return self.counter is not None and self.when.fixed and self.placement.level == EPOCH


@dataclasses.dataclass(frozen=True, slots=True)
class Played:
    """The rate of every batch of a run. `fed_back`: each rate written by hand is a multiple of the last."""

    curve: Curve
    fed_back: bool


def play(
    actions: Sequence[Action], carried: Sequence[Carried], base: float | None, rounds: int, batches: int
) -> Played:
    """A run of `rounds` epochs of `batches` batches. Raises CurveError."""
    if rounds * batches > MAX_POINTS * 2 or rounds <= 0:
        raise CurveError(
            "the run has too many steps to follow one by one" if rounds > 0 else "the run has no steps"
        )
    try:
        played = _Play(actions, carried, base, batches)
        rates = played.rates(rounds)
        return Played(Curve(tuple(range(len(rates))), tuple(rates)), played.feeds_back())
    except UnresolvedError as error:
        raise CurveError(str(error)) from error


class _Play:
    def __init__(
        self, actions: Sequence[Action], carried: Sequence[Carried], base: float | None, batches: int
    ) -> None:
        # Within a batch, what belongs to the epoch encloses what belongs to the batch.
        self.ahead = sorted(_of(actions, ahead=True), key=lambda each: each.placement.level == EVERY_BATCH)
        self.behind = sorted(_of(actions, ahead=False), key=lambda each: each.placement.level != EVERY_BATCH)
        self.written = [action for action in actions if action.written]
        self.carried = carried
        self.batches = batches
        self.sample: Env = {}
        self.env: Env = {CLOCK: 0, BATCH: 0, BATCHES: batches}
        if base is not None:
            self.env[RATE] = self.env[BASE] = base

    def rates(self, rounds: int) -> list[float]:
        self._act([each for each in self.ahead if each.placement.level == ONCE])
        self.env.update({variable.name: variable.first.run(self.env) for variable in self.carried})
        found = []
        for clock in range(rounds):
            for batch in range(self.batches):
                self.env[CLOCK], self.env[BATCH] = clock, batch
                if clock == batch + 1 == 1:
                    self.sample = dict(self.env)
                first, last = batch == 0, batch == self.batches - 1
                self._act([each for each in self.ahead if _is_due(each, first)])
                found.append(self._rate())
                self._act([each for each in self.behind if _is_due(each, last)])
            self.env.update({variable.name: variable.after.run(self.env) for variable in self.carried})
        return found

    def feeds_back(self) -> bool:
        """Whether twice the rate before a round makes every rate that is written in it twice as high."""
        before = self.sample.get(RATE)
        if not self.written or not isinstance(before, (int, float)) or not before:
            return False
        same = [each.name for each in self.carried if self.sample.get(each.name) == before]
        doubled = {**self.sample, RATE: 2 * before, **dict.fromkeys(same, 2 * before)}
        return all(
            math.isclose(action.rate(doubled), 2 * action.rate(self.sample), rel_tol=1e-6)
            for action in self.written
        )

    def _act(self, due: Sequence[Action]) -> None:
        for action in due:
            if action.when.run(self.env):
                self.env[RATE] = action.rate(self.env)

    def _rate(self) -> float:
        rate = self.env.get(RATE)
        if not isinstance(rate, (int, float)) or rate != rate or abs(rate) == float("inf"):
            raise UnresolvedError(
                "the rate is no finite number" if RATE in self.env else "the optimizer's rate is not known"
            )
        return float(rate)


def _of(actions: Sequence[Action], ahead: bool) -> list[Action]:
    return [each for each in actions if each.placement.ahead is ahead]


def _is_due(action: Action, edge: bool) -> bool:
    """Whether an action happens in a batch; `edge`: it is the first or last one of its epoch."""
    level = action.placement.level
    return level == EVERY_BATCH or (level != ONCE and edge)
