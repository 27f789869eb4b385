"""Runs that measure nothing but the loss they train on."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.loop.acts import NO_GRADIENT
from trainlint.recipe.code.loop.evaluations import Evaluations
from trainlint.recipe.code.loop.faults import Element, fault
from trainlint.recipe.code.training import Training

_CLASSIFIES = frozenset({"CrossEntropyLoss", "cross_entropy", "NLLLoss", "nll_loss"})


class Validation:
    """Whether a program looks at data that it does not train on."""

    def __init__(self, found: Evaluations, training: Training) -> None:
        self.found = found
        self.seen = found.seen
        self.training = training

    def faults(self) -> Iterator[Element]:
        """At most one: of a classifier with one optimizer, all of whose loaders train."""
        uses = self.found.loaders.uses
        if self.training.fits or self.found.all or self.seen.unread.gap("evaluate") is not None:
            return
        if len(self.found.objects.optimizers) != 1 or not self._classifies():
            return
        trains = uses and all(self.found.role(use.made) == "train" for use in uses)
        if not trains or self._may_evaluate():
            return
        name = next(iter(self.seen.names(uses[0].made.identity)), "the loader")
        yield fault("no-validation", name, uses[0].span)

    def _classifies(self) -> bool:
        return any(call.name.rpartition(".")[2] in _CLASSIFIES for call in self.seen.calls)

    def _may_evaluate(self) -> bool:
        """Whether anything in reach may look at other data: by its names, modes or contexts."""
        words = program_words("evaluate")
        reach = self.seen.program.reach
        for place in reach.places:
            unit = reach.unit(place)
            names = [place[1], *unit.calls, *(param.name for param in unit.params)]
            if any(words & set(words_of(name)) for name in names):
                return True
        return any(
            not NO_GRADIENT.isdisjoint(event.contexts)
            for frame in self.seen.frames
            for event in frame.facts.events
        )
