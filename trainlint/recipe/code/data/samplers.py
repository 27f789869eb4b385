"""Samplers that draw a new order only when they are told the epoch, and whether they are told."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.recipe.code.data.loader_use import Use
from trainlint.recipe.code.data.loaders import Loaders
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.length import loop_count
from trainlint.recipe.code.observe import Call
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Link, State, Value

_SELVES = frozenset("accelerate lightning transformers ignite trl ray composer fastai determined".split())
"""Packages whose loops tell the sampler the epoch."""


class Samplers:
    """The samplers of a program's training loaders that need `set_epoch`."""

    def __init__(self, loaders: Loaders, training: Training) -> None:
        self.loaders = loaders
        self.seen = loaders.seen
        self.training = training

    def elements(self) -> list[dict[str, Value]]:
        """One mapping of `sampler.*` values for each such sampler, in order."""
        found: dict[object, dict[str, Value]] = {}
        for use in self.loaders.uses:
            for made in self._per_epoch(use):
                call = self._call(made)
                if call is not None and call.site not in found:
                    found[call.site] = self._element(use, made, call)
        return list(found.values())

    def _per_epoch(self, use: Use) -> Iterator[Resolved]:
        for field in ("sampler", "batch_sampler"):
            given = use.argument(field)
            for leaf in given.alternatives() if given is not None else ():
                entry = self.seen.evaluator.entry(leaf.name) if leaf.kind == "object" else None
                if entry is not None and entry.kind == "sampler" and entry.extra.get("per_epoch"):
                    yield leaf

    def _call(self, made: Resolved) -> Call | None:
        return next((call for call in self.seen.made("sampler") if call.site == made.site), None)

    def _element(self, use: Use, made: Resolved, call: Call) -> dict[str, Value]:
        shuffle = self.seen.evaluator.binder.arguments(made).get("shuffle")
        draws = shuffle is None or (shuffle.kind == "const" and bool(shuffle.value))
        return {
            "sampler.name": Value(call.name.rpartition(".")[2], State.EXPLICIT, span=call.span),
            "sampler.draws": derived(draws, call.span),
            "sampler.role": self.loaders.roles.role(use.call, use.made, use.argument("dataset")),
            "sampler.reused": self._reused(use, call),
            "sampler.told_epoch": self._told(use, made, call),
        }

    def _reused(self, use: Use, call: Call) -> Value:
        """Whether the loader is gone through again and again: its loop stands in another."""
        for frame, _, loop in self.training.loops():
            drawn = self.loaders.draws.of(self.seen.evaluator.value(frame, loop.source))
            if not any(item.site == use.made.site for item in drawn):
                continue
            outer = self._around(frame, loop.parent)
            return derived(True, outer.span, (outer,)) if outer else derived(False, call.span)
        return unknown_value("no loop over its loader was found", call.span)

    def _around(self, frame: Frame, parent: int) -> Link | None:
        """The loop around a loop: in its unit, or around a call of it."""
        around = [(frame, parent)] if parent >= 0 else []
        for caller, term in self.seen.program.call_sites(frame.facts.path, frame.facts.qualname):
            around += [
                (caller, event.loop)
                for event in caller.facts.events
                if event.kind == "call" and event.term == term and event.loop >= 0
            ]
        spans = [unit.loop_span(loop) for unit, loop in around if not self._is_once(unit, loop)]
        return next((Link(span, "the loop over epochs") for span in spans if span is not None), None)

    def _is_once(self, frame: Frame, loop: int) -> bool:
        """Whether a loop is known to make one round at most."""
        count = loop_count(self.seen, frame, frame.facts.loops[loop])
        return count is not None and isinstance(count.value, (int, float)) and count.value <= 1

    def _told(self, use: Use, made: Resolved, call: Call) -> Value:
        program = self.seen.program
        for place in program.reach.places:
            if any(name.rpartition(".")[2] == "set_epoch" for name in program.reach.unit(place).calls):
                return derived(True, call.span)
        unread = self.seen.unread.value("epoch")
        if unread is not None:
            return unread
        for other in self.seen.calls:
            package = other.name.partition(".")[0]
            if not other.method and package in _SELVES and "." in other.name:
                return unknown_value(f"{package} may tell it", call.span)
            if not other.method and self._unread(other) and self._takes(other, use, made):
                shown = self.seen.unread.shown(other.frame, other.term) or other.name
                return unknown_value(f"it is handed to {shown}, which was not read", call.span)
        return derived(False, call.span)

    def _unread(self, other: Call) -> bool:
        known = other.entry is not None or "::" in other.name or not other.name
        return not known and not self.seen.evaluator.knowledge.inert(other.name, "order")

    def _takes(self, other: Call, use: Use, made: Resolved) -> bool:
        for argument in other.frame.term(other.term).args[1:]:
            value = self.seen.evaluator.value(other.frame, argument)
            if any(leaf.site in (use.made.site, made.site) and leaf.site for leaf in value.alternatives()):
                return True
        return False
