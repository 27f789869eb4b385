"""How a search chooses its trials: the algorithm, its seed, and how many trials it runs at once."""

from __future__ import annotations

import dataclasses
from functools import cached_property

from trainlint.analysis.evaluation.arguments import Arguments
from trainlint.analysis.evaluation.values import Resolved
from trainlint.knowledge.search_tools import Sampler, search_tools
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.search.calls import SearchCall, is_none, parameters
from trainlint.recipe.code.seeds.seeding import Seeding
from trainlint.recipe.model import Value

_MAX_INNER = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Chosen:
    """The sampler of a search, below what limits it, and the most trials that those let run at once."""

    sampler: Sampler
    arguments: Arguments
    limit: Resolved | None = None


class Sampling:
    """Who chooses the trials of one search."""

    def __init__(self, seen: Observations, call: SearchCall) -> None:
        self.seen = seen
        self.call = call

    @cached_property
    def given(self) -> Resolved | None:
        """What is passed as the sampler; None where the library's own is used."""
        return self.call.argument(self.call.search.sampler)

    @cached_property
    def chosen(self) -> Chosen | None:
        """The sampler that is passed, where it is a known one."""
        return self._open(self.given, None) if self.given is not None else None

    def _open(self, value: Resolved, limit: Resolved | None, depth: int = 0) -> Chosen | None:
        name = search_tools().canonical(value.name)
        if value.kind == "external" and name in search_tools().samplers:
            return Chosen(search_tools().samplers[name], Arguments({}, {}), limit)
        if value.kind != "object" or value.frame is None or depth > _MAX_INNER:
            return None
        if name == "functools.partial":
            inner = value.frame.term(value.term).args[1:2]
            return self._open(self.seen.evaluator.value(value.frame, inner[0]), limit, depth + 1)
        sampler = search_tools().samplers.get(name)
        if sampler is None:
            return None
        arguments = self.seen.evaluator.binder.bind(value.frame, value.term, parameters(sampler.parameters))
        own = arguments.get(sampler.parallel) if sampler.parallel else None
        limit = own if own is not None else limit
        if sampler.inner:
            below = arguments.get(sampler.inner)
            return None if below is None else self._open(below, limit, depth + 1)
        return Chosen(sampler, arguments, limit)

    @property
    def algorithm(self) -> str:
        """grid, random, bayesian, evolutionary, halving or other; "" where it is not known."""
        if self.chosen is not None:
            return self.chosen.sampler.algorithm
        if self.given is not None or not self.call.arguments.complete:
            return ""
        return self.call.search.algorithm

    @property
    def named(self) -> str:
        """The algorithm as a reader would call it."""
        if self.chosen is not None:
            return self.chosen.sampler.name
        return self.call.search.algorithm_name or f"{self.algorithm} search"

    @property
    def startup(self) -> int:
        """How many trials are drawn at random before a model of the earlier ones is used."""
        if self.chosen is None:
            return 10 if self.algorithm == "bayesian" else 0
        sampler = self.chosen.sampler
        given = self.chosen.arguments.get(sampler.startup) if sampler.startup else None
        if given is not None and given.is_number and isinstance(given.value, int):
            return given.value
        return sampler.startup_default

    def seeded(self) -> Value:
        """Whether two runs of the search draw the same trials, as far as its seed decides that."""
        span = self.call.span
        search = self.call.search
        if search.generator == "none" or self.algorithm == "grid":
            return unknown_value("nothing is drawn on this machine", span)
        if not self.call.arguments.complete:
            return unknown_value("a starred argument may seed it", span)
        if search.shared and self.call.argument(search.shared) is not None:
            return unknown_value("several processes may work on it", span)
        if self.given is not None and self.chosen is None:
            return unknown_value(f"the sampler is not known: {self.given.name or self.given.kind}", span)
        if self._is_seeded_by_argument():
            return derived(True, span)
        generator = self.chosen.sampler.generator if self.chosen is not None else search.generator
        return self._by_global(generator)

    def _is_seeded_by_argument(self) -> bool:
        search = self.call.search
        own = self.call.argument(search.seed)
        if own is not None:
            return not (search.zero_is_none and own.kind == "const" and own.value == 0 and not own.option)
        if self.chosen is None:
            return False
        sampler, arguments = self.chosen.sampler, self.chosen.arguments
        if not arguments.complete or (sampler.inner_seed and arguments.get(sampler.inner_seed) is not None):
            return True
        given = arguments.get(sampler.seed) if sampler.seed else None
        return sampler.seeded_by_default if given is None else not is_none(given)

    def _by_global(self, generator: str) -> Value:
        span = self.call.span
        if self.seen.program.attribute_stores("sampler"):
            return unknown_value("a sampler is set later", span)
        if generator == "own":
            return derived(False, span)
        seeding = Seeding(self.seen, generator, span)
        for other, generators in seeding.seeds:
            if generator in generators:
                return derived(True, other.span)
        reason = seeding.open_world()
        return unknown_value(reason, span) if reason else derived(False, span)

    def parallel(self) -> Value:
        """How many trials run at once."""
        search = self.call.search
        given = self.call.argument(search.parallel) or self.call.on_run("parallel")
        if given is None and self.chosen is not None:
            given = self.chosen.limit
        if given is None and search.runner:
            given = self._of_runner(self.call.argument(search.runner))
        if given is None:
            return unknown_value("nothing says how many trials run at once", self.call.span)
        return _count(given, self.call)

    def _of_runner(self, value: Resolved | None) -> Resolved | None:
        if value is None or value.frame is None:
            return None
        runner = search_tools().runners.get(search_tools().canonical(value.name))
        if runner is None:
            return None
        bound = self.seen.evaluator.binder.bind(value.frame, value.term, parameters(runner.parameters))
        return bound.get(runner.parallel)

    def trials(self) -> Value:
        """How many trials the search makes, grids left aside."""
        search = self.call.search
        given = self.call.argument(search.trials) or self.call.on_run("trials")
        if given is not None:
            return _count(given, self.call)
        if search.trials_default is not None and self.call.arguments.complete:
            return derived(search.trials_default, self.call.span)
        return unknown_value("the number of trials is not given", self.call.span)


def _count(value: Resolved, call: SearchCall) -> Value:
    """A number of trials: a known positive whole number."""
    value = value.default()
    if not value.is_number or not isinstance(value.value, int) or value.value < 1:
        return unknown_value(value.name or "it is no positive number", call.span)
    span = next((origin.span for origin in value.origins if origin.span is not None), call.span)
    return derived(value.value, span)
