"""Gradients that are accumulated over several batches: when the update comes, how the losses are scaled."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Condition
from trainlint.recipe.code.loop.acts import BACKWARD, STEP, ZERO, Act
from trainlint.recipe.code.loop.faults import Element, add, fault
from trainlint.recipe.code.loop.losses import Losses
from trainlint.recipe.code.loop.objects import Objects
from trainlint.recipe.code.loop.passes import Passes
from trainlint.recipe.code.observe import Observations

_DEPTH = 4
_SCALES = frozenset({"/", "*"})


class Accumulation:
    """What is wrong with a program's accumulation of gradients, as elements of its recipe."""

    def __init__(self, seen: Observations, passes: Passes, objects: Objects, losses: Losses) -> None:
        self.seen = seen
        self.passes = passes
        self.objects = objects
        self.losses = losses

    def faults(self) -> Iterator[Element]:
        """Each update under a count of batches once for its beginning and once for its scale."""
        for call in self.seen.methods("step"):
            if call.event.loop < 0 or self.seen.runs(call) is False:
                continue
            acts = self.passes.of(call.frame, call.event.loop)
            step = next((act for act in acts if act.event is call.event and act.kind == STEP), None)
            if step is None or self.objects.optimizer(step.on) is None:
                continue
            for condition in call.event.conditions:
                counted = self._counted(call.frame, condition, call.event.loop)
                if counted is not None and self._accumulates(acts, step, condition):
                    yield from self._judged(step, acts, condition, *counted)
                    break

    def _judged(
        self, step: Act, acts: list[Act], condition: Condition, offset: int, every: int | None
    ) -> Iterator[Element]:
        frame = step.frame
        span = frame.span(condition.term)
        name = self._shown(frame, condition)
        if offset == 0 and every != 1:
            links = [(step.span, "the update that this lets through")]
            counter, modulo, rest = name.partition(" % ")
            element = fault("accumulates-off-by-one", name, span, *links, every=every or 0)
            plain = counter.isidentifier() and bool(modulo)
            yield add(element, "value", f"({counter} + 1) % {rest}", span if plain else None)
        backward = next(act for act in acts if act.kind == BACKWARD)
        if every is not None and every > 1 and self._is_unscaled(backward):
            links = [(span, f"an update for every {every} batches")]
            yield fault("accumulates-unscaled", name, backward.span, *links, every=every)

    def _shown(self, frame: Frame, condition: Condition) -> str:
        span = frame.span(condition.term)
        return self.seen.program.text(span) if span is not None else "the condition"

    def _counted(self, frame: Frame, condition: Condition, loop: int) -> tuple[int, int | None] | None:
        """For `(index + offset) % every == 0` over the loop's own index, from 0: offset and `every`, which is
        None where it is not known."""
        term = frame.term(condition.term)
        if not condition.holds:
            return None
        if term.op == "un" and term.name == "not":
            remainder = term.args[0]
        elif term.op == "cmp" and term.name == "==" and frame.term(term.args[1]).value == 0:
            if isinstance(frame.term(term.args[1]).value, bool):
                return None
            remainder = term.args[0]
        else:
            return None
        record = frame.term(remainder)
        if record.op != "bin" or record.name != "%":
            return None
        offset = self._offset(frame, record.args[0], loop)
        if offset is None:
            return None
        every = self.seen.evaluator.value(frame, record.args[1]).default()
        number = every.value if every.is_number and isinstance(every.value, int) else None
        return offset, number

    def _offset(self, frame: Frame, term: int, loop: int) -> int | None:
        """What is added to the loop's index, which begins at 0; None for other counts."""
        record = frame.term(term)
        if record.op == "bin" and record.name == "+":
            for index, other in (record.args, record.args[::-1]):
                number = frame.term(other).value
                inner = self._offset(frame, index, loop)
                if inner == 0 and isinstance(number, int) and not isinstance(number, bool):
                    return number
            return None
        if record.op != "unpack" or record.value != 0:
            return None
        element = frame.term(record.args[0])
        if element.op != "elem" or element.args[0] != frame.facts.loops[loop].source:
            return None
        return self._starts_at(frame, element.args[0])

    def _starts_at(self, frame: Frame, source: int, depth: int = 0) -> int | None:
        """Where `enumerate` begins to count; None for what does not count."""
        record = frame.term(source)
        if record.op != "call" or depth > _DEPTH:
            return None
        callee = frame.term(record.args[0])
        if callee.op == "global" and callee.name == "builtins.enumerate":
            given = zip(record.keys, record.args[1:], strict=True)
            starts = [
                arg for place, (key, arg) in enumerate(given) if key == "start" or (not key and place == 1)
            ]
            if not starts:
                return 0
            number = self.seen.evaluator.value(frame, starts[0])
            return number.value if number.is_number and isinstance(number.value, int) else None
        if callee.name.rpartition(".")[2] in ("tqdm", "track") and len(record.args) > 1:
            return self._starts_at(frame, record.args[1], depth + 1)
        return None

    @staticmethod
    def _accumulates(acts: list[Act], step: Act, condition: Condition) -> bool:
        """Whether batches without an update add to the gradients: backward is outside of the condition, zero
        inside of it."""

        def under(act: Act) -> bool:
            return act.frame is step.frame and any(
                each.term == condition.term and each.holds for each in act.event.conditions
            )

        backwards = [act for act in acts if act.kind == BACKWARD]
        zeroes = [act for act in acts if act.kind == ZERO]
        plain = bool(backwards) and not any(
            each.term == condition.term for act in backwards for each in act.event.conditions
        )
        return plain and bool(zeroes) and all(under(act) for act in zeroes)

    def _is_unscaled(self, backward: Act) -> bool:
        """Whether a loss goes into backward as a loss function of the library gives it, or a sum of such."""
        if backward.event.kind != "call" or "accumulate" in backward.contexts:
            return False
        graphs = self.losses.graphs(backward.frame)
        loss = next((term for term, event in graphs.backwards.items() if event is backward.event), None)
        return loss is not None and self._is_plain(backward.frame, loss)

    def _is_plain(self, frame: Frame, term: int, depth: int = 0) -> bool:
        record = frame.term(term)
        if depth > _DEPTH:
            return False
        if record.op == "bin" and record.name == "+":
            return all(self._is_plain(frame, each, depth + 1) for each in record.args)
        if record.op != "call":
            return False
        callee = self.seen.evaluator.value(frame, record.args[0])
        names = {leaf.name for leaf in callee.alternatives() if leaf.kind in ("object", "external")}
        losses = len(names) == len(callee.alternatives()) and all(_is_mean_loss(name) for name in names)
        return losses and not self._reduces_otherwise(frame, term, record.args[0])

    def _reduces_otherwise(self, frame: Frame, call: int, callee: int) -> bool:
        """Whether a loss function is told how to reduce, in its call or where it is made."""
        made = self.seen.evaluator.value(frame, callee)
        keys = set(frame.term(call).keys)
        for leaf in made.alternatives():
            if leaf.kind == "object" and leaf.frame is not None:
                keys |= set(leaf.frame.term(leaf.term).keys)
        return bool(keys & {"reduction", "size_average", "reduce", "**", "*"})


def _is_mean_loss(name: str) -> bool:
    """Whether a function or class of a library is a loss that is the mean over a batch."""
    package, _, simple = name.rpartition(".")
    if package == "torch.nn":
        return simple.endswith("Loss")
    return package == "torch.nn.functional" and (simple.endswith("_loss") or "cross_entropy" in simple)
