"""Which weights of a run are kept: the best are looked for, and never saved."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.loop.accumulators import Carried, carried
from trainlint.recipe.code.loop.evaluations import Evaluations
from trainlint.recipe.code.loop.faults import Element, fault
from trainlint.recipe.code.loop.losses import contains
from trainlint.recipe.code.observe import Call
from trainlint.recipe.code.training import Training

_BEST = frozenset({"best", "max", "min", "lowest", "highest", "optimal"})
_TELLING = frozenset(
    {
        "print",
        "info",
        "debug",
        "format",
        "round",
        "item",
        "float",
        "log",
        "write",
        "add_scalar",
        "warning",
        "set_postfix",
    }
)
_ORDERS = frozenset({"<", "<=", ">", ">="})


class Checkpoints:
    """What is wrong with which weights are kept, as elements of a program's recipe."""

    def __init__(self, found: Evaluations, training: Training) -> None:
        self.found = found
        self.seen = found.seen
        self.training = training

    def faults(self) -> Iterator[Element]:
        """At most one: a best result that nothing is saved for; else the last weights saved in place of the
        best."""
        if self.seen.program.closure.broken or self.training.fits or self._keeps_otherwise():
            return
        tracked = next(self._tracked(), None)
        if tracked is not None:
            yield tracked
            return
        yield from self._only_last()

    def _keeps_otherwise(self) -> bool:
        """Whether weights are kept in memory, or by anything whose name says that it saves."""
        return any(
            {"save", "checkpoint", "ckpt", "deepcopy", "stopping", "stop"}
            & set(words_of(call.name.rpartition(".")[2]))
            for call in self.seen.calls
            if call.entry is None or call.entry.kind != "save"
        )

    def _tracked(self) -> Iterator[Element]:
        for frame in self.seen.frames:
            for each in carried(frame.facts):
                if "best" not in words_of(each.name):
                    continue
                condition = self._when_better(frame, each)
                loop = self._training_loop(frame, each)
                if condition is None or loop is None or self._does_more(frame, condition):
                    continue
                if not self._saves_in_loops():
                    yield fault("best-unsaved", each.name, frame.span(condition), tracked=True)
                    return

    def _when_better(self, frame: Frame, each: Carried) -> int | None:
        """The comparison under which a pass sets the best value anew."""
        record = frame.term(each.after)
        if record.op != "if":
            return None
        condition = frame.term(record.args[0])
        ordered = condition.op == "cmp" and condition.name in _ORDERS
        return record.args[0] if ordered and each.start in condition.args else None

    def _training_loop(self, frame: Frame, each: Carried) -> int | None:
        place = frame.term(frame.term(each.after).args[0]).at
        for index, loop in enumerate(frame.facts.loops):
            if contains(loop.at, place) and self.training.loop_trains(frame.facts, index):
                return index
        return None

    def _does_more(self, frame: Frame, condition: int) -> bool:
        """Whether what is done for a better result is more than to remember and to tell it."""
        for event in self.seen.program.events(frame.facts):
            if not any(each.term == condition and each.holds for each in event.conditions):
                continue
            if event.kind == "call":
                callee = frame.term(frame.term(event.term).args[0])
                if callee.name.rpartition("::")[2].rpartition(".")[2] not in _TELLING:
                    return True
            elif event.kind in ("store-attr", "store-item", "store-global"):
                return True
        return False

    def _saves_in_loops(self) -> bool:
        return any(self._in_training_loop(call) for call in self.seen.made("save"))

    def _in_training_loop(self, call: Call) -> bool:
        around = self.found.passes.around(call)
        return any(self.training.loop_trains(frame.facts, loop) for frame, loop in around)

    def _only_last(self) -> Iterator[Element]:
        """The one saving of a program that evaluates in its training loop, where it comes after the loop."""
        saves = self.seen.made("save")
        evaluated = any(any(act.kind == "backward" for act in each.acts) for each in self.found.all)
        if not evaluated or not saves or any(self._in_training_loop(call) for call in saves):
            return
        yield fault("best-unsaved", "the last weights", saves[0].span, tracked=False)
