"""What draws batches from a program's loaders: loops that train or evaluate, and trainers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainlint.analysis.branches import known_by
from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Condition
from trainlint.recipe.code.called_with import ruled_out
from trainlint.recipe.code.data.loader_draws import LoaderDraws
from trainlint.recipe.code.data.loader_roles import Consumer
from trainlint.recipe.code.observe import Identity, Observations, overlap
from trainlint.recipe.code.trainers.lightning_runs import handed_loaders, lightning_runs
from trainlint.recipe.code.training import Training

_MAX_CALLS = 40
_DEEPEST = 4


class LoaderConsumers:
    """Finds what consumes the loaders of one program."""

    def __init__(self, seen: Observations, training: Training, draws: LoaderDraws) -> None:
        self.seen = seen
        self.training = training
        self.draws = draws

    def all(self) -> list[Consumer]:
        """Each loop that trains or surely does not, with each loader it draws from; then trainers."""
        return [*self._loops(), *self._taken(), *self._handed()]

    def _loops(self) -> Iterator[Consumer]:
        for frame in self.seen.frames:
            for index, loop in enumerate(frame.facts.loops):
                if loop.kind != "for" or loop.at is None:
                    continue
                span = frame.loop_span(index)
                assert span is not None
                trains = self.training.verdict(frame.facts, index)
                if trains is None:
                    continue
                elsewhere = not self.seen.comes_to((frame.facts.path, frame.facts.qualname))
                drawn = self._trained_on(frame, index) if trains else self._drawn(frame, loop.source)
                for item in drawn:
                    yield Consumer(item.identity, span, trains, elsewhere)

    def _drawn(self, frame: Frame, source: int) -> list[Resolved]:
        return list(self.draws.of(self.seen.evaluator.value(frame, source)))

    def _trained_on(self, frame: Frame, loop: int) -> list[Resolved]:
        """The loaders whose batches a loop steps on: not those it draws from in calls, or on branches, in
        which it does not step."""
        source = frame.facts.loops[loop].source
        under = self.training.steps_under(frame.facts, loop)
        if not under:
            return self._drawn(frame, source)
        calls = self._calls(frame)
        stepping = [call for call in calls if not ruled_out(self.seen, call, under)]
        found = [item for call in (stepping if calls else [frame]) for item in self._drawn(call, source)]
        others = self._left_out(frame, source, under)
        return [item for item in found if not any(overlap(item.identity, each) for each in others)]

    def _calls(self, frame: Frame) -> list[Frame]:
        """The frames of a function's calls; none where it is a script, or where a call is not followed."""
        place = (frame.facts.path, frame.facts.qualname)
        sites = self.seen.program.call_sites(*place) if place[1] else []
        made = Resolved("object", frame=frame, term=0)
        found = [self.seen.evaluator.calls.in_call(made, *site).frame for site in sites[:_MAX_CALLS]]
        return [each for each in found if each is not None] if len(sites) <= _MAX_CALLS else []

    def _left_out(self, frame: Frame, source: int, under: Sequence[Condition]) -> list[Identity]:
        """The loaders of those branches of an expression that are not taken where the loop steps, unless they
        are those of the taken branches too."""
        taken, others = list[Resolved](), list[Resolved]()
        for term, is_taken in self._branches(frame, source, known_by(frame.facts.terms, under), 0):
            (taken if is_taken else others).extend(self._drawn(frame, term))
        kept = [item.identity for item in taken]
        left = [item.identity for item in others if item.identity]
        return [each for each in left if not any(overlap(each, other) for other in kept)]

    def _branches(
        self, frame: Frame, term: int, known: dict[int, bool], depth: int
    ) -> Iterator[tuple[int, bool]]:
        """The branches in an expression whose condition is known, and whether each is taken: also those in
        the arguments of `enumerate`, `tqdm` and the like."""
        record = frame.term(term)
        if record.op == "if":
            asked = known_by(frame.facts.terms, [Condition(record.args[0], True)])
            # `a if not test else b` asks for the opposite of what is known of `test`.
            truths = {known[each] is holds for each, holds in asked.items() if each in known}
            if len(truths) == 1:
                taken = truths.pop()
                yield record.args[1], taken
                yield record.args[2], not taken
        if depth < _DEEPEST and record.op in ("call", "if"):
            for each in record.args[1:]:
                yield from self._branches(frame, each, known, depth + 1)

    def _taken(self) -> Iterator[Consumer]:
        """Batches taken one at a time: `next(batches)` in a loop that trains."""
        for call in self.seen.calls:
            if call.name != "builtins.next" or call.event.loop < 0 or call.span is None:
                continue
            if self.training.verdict(call.frame.facts, call.event.loop) is not True:
                continue
            for argument in call.frame.term(call.term).args[1:2]:
                for item in self._drawn(call.frame, argument):
                    yield Consumer(item.identity, call.span, True)

    def _handed(self) -> Iterator[Consumer]:
        """Loaders that a trainer is given, to train on or to evaluate with: `trainer.fit(model, loader)`."""
        for run in lightning_runs(self.seen, self.training):
            for item, trains in handed_loaders(self.seen, run):
                if item.identity and run.call.span is not None:
                    yield Consumer(item.identity, run.call.span, trains)
