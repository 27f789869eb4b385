"""What an evaluation measures: the last batch in the place of all, or one batch only."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import UnitFacts
from trainlint.recipe.code.ancestry import Ancestry
from trainlint.recipe.code.loop.accumulators import Carried, added, carried, reads
from trainlint.recipe.code.loop.acts import BACKWARD, STEP
from trainlint.recipe.code.loop.evaluations import Evaluations
from trainlint.recipe.code.loop.faults import Element, fault
from trainlint.recipe.code.loop.losses import contains
from trainlint.recipe.code.loop.objects import Objects
from trainlint.recipe.code.observe import Call, overlap

_GATHERING = frozenset({"append", "extend", "update", "add", "log", "write", "add_scalar"})
_NEXT = "builtins.next"
_LOOKING = frozenset(
    {"builtins.iter", "builtins.len", "builtins.next", "builtins.enumerate", "builtins.print"}
)


class Measures:
    """What is wrong with what is measured, as elements of a program's recipe."""

    def __init__(self, found: Evaluations, objects: Objects) -> None:
        self.found = found
        self.objects = objects
        self.seen = found.seen

    def faults(self) -> Iterator[Element]:
        """Each overwritten name once; the single batch of a program that evaluates on no more."""
        looped = False
        for frame in self.seen.frames:
            for loop in range(len(frame.facts.loops)):
                if self._evaluates(frame, loop):
                    looped = True
                    yield from self._overwritten(frame, loop)
        if looped or not all(each.data for each in self.found.all) or len(self.objects.optimizers) != 1:
            return
        if not self._goes_over_evaluation():
            yield from self._single()

    def _evaluates(self, frame: Frame, loop: int) -> bool:
        if frame.facts.loops[loop].kind != "for" or not self.found.draws_for_evaluation(frame, loop):
            return False
        return not any(act.kind in (BACKWARD, STEP) for act in self.found.passes.of(frame, loop))

    def _overwritten(self, frame: Frame, loop: int) -> Iterator[Element]:
        facts = frame.facts
        record = facts.loops[loop]
        if record.jumps:
            return
        for each in carried(facts):
            term = facts.terms[each.after]
            if term.op == "loop" or not contains(record.at, term.at) or self._is_in_inner(facts, loop, each):
                continue
            if not self._starts_at_zero(facts, each) or self._goes_on(facts, each):
                continue
            if self._is_gathered(frame, loop, each) or not self._is_used(facts, each, loop):
                continue
            if not self._is_number(frame, each.after):
                continue
            links = [
                (frame.span(each.before), "starts at 0"),
                (frame.loop_span(loop), "set in every round of this loop"),
            ]
            yield fault("overwritten", each.name, frame.span(each.after), *links)

    @staticmethod
    def _is_in_inner(facts: UnitFacts, loop: int, each: Carried) -> bool:
        place = facts.terms[each.after].at
        return any(other.parent == loop and contains(other.at, place) for other in facts.loops)

    @staticmethod
    def _starts_at_zero(facts: UnitFacts, each: Carried) -> bool:
        value = facts.terms[each.before]
        return value.op == "const" and not isinstance(value.value, (bool, str)) and value.value == 0

    @staticmethod
    def _goes_on(facts: UnitFacts, each: Carried) -> bool:
        """Whether the new value is made of the old one: summed up, or the larger of both."""
        return bool(added(facts, each)) or (each.start >= 0 and reads(facts, each.after, each.start))

    def _is_number(self, frame: Frame, term: int) -> bool:
        """Whether a value is computed from a batch, and is no count or index."""
        record = frame.term(term)
        if record.op in ("const", "param", "list", "dict", "tuple", "comp", "func"):
            return False
        return record.op in ("bin", "call", "attr", "unpack", "if", "item")

    def _is_gathered(self, frame: Frame, loop: int, each: Carried) -> bool:
        """Whether each round's value goes into something that outlives the round."""
        facts = frame.facts
        for event in self.seen.program.events(facts):
            if event.loop != loop:
                continue
            if event.kind == "call":
                call = facts.terms[event.term]
                callee = facts.terms[call.args[0]]
                named = callee.name.rpartition(".")[2] in _GATHERING
                if named and any(reads(facts, term, each.after) for term in call.args[1:]):
                    return True
            elif event.kind in ("store-item", "store-attr") and reads(facts, event.value, each.after):
                return True
        for other in carried(facts):
            if other.name != each.name and any(
                reads(facts, part, each.after) for _, part in added(facts, other)
            ):
                return True
        return False

    def _is_used(self, facts: UnitFacts, each: Carried, loop: int) -> bool:
        """Whether what the name holds behind the loop is looked at."""
        merged = each.merged
        if any(back.term == merged for back in facts.returns):
            return True
        return any(
            merged in term.args
            and term.op
            in ("call", "bin", "cmp", "if", "tuple", "dict", "un", "loop", "unknown", "attr", "item")
            and not contains(facts.loops[loop].at, term.at)
            for term in facts.terms
        ) or any(event.value == merged for event in facts.events)

    def _single(self) -> Iterator[Element]:
        """`next(iter(val_loader))`: the only evaluation that is done is on that batch."""
        ancestry = Ancestry(self.seen)
        draws = [call for call in self.seen.calls if call.name == _NEXT and self._draws_evaluation(call)]
        if not draws or self._is_handed_on():
            return
        forwards = [
            call
            for call in self.seen.calls
            if self.found.is_forward(call) and call.frame.term(call.term).args[1:]
        ]
        for call in draws:
            wanted = (*call.place, call.term)
            for forward in forwards:
                start = (forward.frame, forward.frame.term(forward.term).args[1])
                if any((w.facts.path, w.facts.qualname, t) == wanted for w, t in ancestry.of(start)):
                    links = [(forward.span, "the model is evaluated on it here")]
                    yield fault("single-batch", self._loader_name(call), call.span, *links)
                    return

    def _goes_over_evaluation(self) -> bool:
        """Whether any loop goes over a loader for evaluation, one that trains in other rounds too:
        `for batch in loaders[phase]`."""
        drawn = self.found.loaders.draws.all()
        return any(item.identity and self.found.is_named_for_evaluation(item) for item in drawn)

    def _is_handed_on(self) -> bool:
        """Whether a loader of evaluation data is passed to code that may go over all of it."""
        for call in self.seen.calls:
            if call.name in _LOOKING or (call.entry is not None and call.entry.kind == "loader"):
                continue
            for argument in call.frame.term(call.term).args[1:]:
                value = self.seen.evaluator.value(call.frame, argument)
                for leaf in value.alternatives():
                    made = leaf.identity and any(
                        overlap(leaf.identity, use.made.identity) for use in self.found.loaders.uses
                    )
                    if made and self.found.role(leaf) == "eval":
                        return True
        return False

    def _draws_evaluation(self, call: Call) -> bool:
        arguments = call.frame.term(call.term).args[1:2]
        if any(call.event.loop >= 0 and not self._begins_anew(call, each) for each in arguments):
            return False
        drawn = [
            item
            for each in arguments
            for item in self.found.loaders.draws.of(self.seen.evaluator.value(call.frame, each))
        ]
        return bool(drawn) and all(self.found.is_named_for_evaluation(item) for item in drawn)

    @staticmethod
    def _begins_anew(call: Call, iterator: int) -> bool:
        """Whether an iterator is made in the very loop that draws from it: each pass gets the first batch."""
        term = call.frame.term(iterator)
        made = term.op == "call" and call.frame.term(term.args[0]).name == "builtins.iter"
        return made and contains(call.frame.facts.loops[call.event.loop].at, term.at)

    def _loader_name(self, call: Call) -> str:
        for use in self.found.loaders.uses:
            arguments = call.frame.term(call.term).args[1:2]
            for each in arguments:
                for item in self.found.loaders.draws.of(self.seen.evaluator.value(call.frame, each)):
                    if overlap(item.identity, use.made.identity):
                        return next(iter(self.seen.names(use.made.identity)), "the loader")
        return "the loader"
