"""Hyper-parameter searches of a program: who chooses the trials, how many, and what stops bad ones."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Resolved
from trainlint.knowledge.search_tools import search_tools
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.search.calls import SearchCall, parameters, reached_calls, search_calls
from trainlint.recipe.code.search.grids import Grid, Grids, LoopGrids
from trainlint.recipe.code.search.samplers import Sampling
from trainlint.recipe.code.search.scores import Scores
from trainlint.recipe.code.search.stops import Stops
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import State, Value

_AGENT_PARAMETERS = ("sweep_id", "function", "entity", "project", "count")


def searches(seen: Observations, training: Training) -> list[dict[str, Value]]:
    """One mapping of `search.*` values for each search that the entry file sets up, in order."""
    grids = Grids(seen)
    return [_Element(seen, training, call, grids).values() for call in search_calls(seen.program)]


def loop_searches(seen: Observations, training: Training) -> list[dict[str, Value]]:
    """One mapping of `search.*` values for each grid that nested loops around the training go through."""
    return [
        {
            "search.tool": derived("loops", grid.span),
            "search.name": Value("nested loops", State.EXPLICIT, span=grid.span),
            "search.algorithm": derived("grid", grid.span),
            "search.trains": derived(True, grid.span),
            **counted(grid, grid.combinations),
        }
        for grid in LoopGrids(seen, training).all()
    ]


class _Element:
    """The values of one search."""

    def __init__(self, seen: Observations, training: Training, call: SearchCall, grids: Grids) -> None:
        self.seen = seen
        self.training = training
        self.call = call
        self.grids = grids
        self.sampling = Sampling(seen, call)

    def values(self) -> dict[str, Value]:
        """All that is known of the search."""
        call, search = self.call, self.call.search
        found = {
            "search.tool": derived(search.tool, call.span),
            "search.name": Value(call.name.rpartition(".")[2], State.EXPLICIT, span=call.span),
            "search.trains": self._trains(),
            "search.seeding": derived(search.seeding, call.span),
            "search.pruning": derived(search.pruning, call.span),
            "search.seeded": self.sampling.seeded(),
            "search.trials": self.sampling.trials(),
            "search.parallel": self.sampling.parallel(),
        }
        stops = Stops(self.seen, call)
        found["search.prunes"] = stops.prunes()
        found["search.pruner"] = stops.pruner()
        found["search.stops_itself"] = derived(stops.stops_itself(), call.span)
        found.update(stops.halving())
        found.update(Scores(self.seen, call, stops).values())
        self._grid(found)
        self._algorithm(found)
        self._share(found)
        return found

    def _trains(self) -> Value:
        """Whether each trial trains a network, as far as the program shows."""
        search, span = self.call.search, self.call.span
        if search.networks:
            return derived(True, span)
        given = self.call.argument(search.objective)
        if search.tool == "scikit-learn":
            return derived(given is not None and self._is_network(given), span)
        return derived(self.training.trains, span)

    def _is_network(self, estimator: Resolved) -> bool:
        knowledge = self.seen.evaluator.knowledge
        name = knowledge.canonical(estimator.name)
        return any(name.startswith(knowledge.canonical(package)) for package in search_tools().networks)

    def _sweep(self) -> Resolved | None:
        sweep = self.call.argument(self.call.search.mapping)
        return sweep if sweep is not None and sweep.kind == "mapping" else None

    def _algorithm(self, found: dict[str, Value]) -> None:
        algorithm, named = self.sampling.algorithm, self.sampling.named
        sweep = self._sweep()
        if sweep is not None:
            method = sweep.entries.get(search_tools().mapped.method)
            text = method.value if method is not None and isinstance(method.value, str) else ""
            algorithm = search_tools().mapped.algorithms.get(text, "")
            named = f"{text} search"
        elif self.call.search.tool == "Ray Tune" and algorithm == "random" and "search.dimensions" in found:
            algorithm = "grid"
        if algorithm:
            found["search.algorithm"] = derived(algorithm, self.call.span)
            found["search.drawn_by"] = derived(named, self.call.span)

    def _grid(self, found: dict[str, Value]) -> None:
        sweep = self._sweep()
        if sweep is not None:
            method = sweep.entries.get(search_tools().mapped.method)
            space = sweep.entries.get(search_tools().mapped.space)
            if method is None or method.value != "grid" or space is None:
                return
            grid = self.grids.of_space(space, self.call.span)
        else:
            grid = self.grids.of_call(self.call, self.sampling)
        if grid is None:
            return
        trials = found["search.trials"].value
        if self.call.search.tool == "Ray Tune":
            samples = trials if isinstance(trials, int) else 1
            found["search.trials"] = derived(grid.combinations * samples, self.call.span)
            found.update(counted(grid, grid.combinations))
            return
        limits = [grid.combinations, *([trials] if isinstance(trials, int) else []), *self._agents()]
        found.update(counted(grid, min(limits)))

    def _agents(self) -> list[int]:
        """How many runs the agents of a sweep are told to make."""
        if not self.call.search.mapping:
            return []
        counts = []
        for call in reached_calls(self.seen, "agent"):
            bound = self.seen.evaluator.binder.bind(call.frame, call.term, parameters(_AGENT_PARAMETERS))
            value = bound.get("count")
            if call.name == "wandb.agent" and value is not None:
                counts.append(value.value if value.is_number and isinstance(value.value, int) else 0)
        return counts

    def _share(self, found: dict[str, Value]) -> None:
        """The part of all trials that run at once, where a model of earlier ones chooses the next."""
        trials, parallel = found["search.trials"].value, found["search.parallel"].value
        if isinstance(trials, int) and isinstance(parallel, int) and trials > self.sampling.startup:
            share = round(min(parallel / trials, 1.0), 3)
            found["search.parallel_share"] = derived(share, found["search.parallel"].span)
        else:
            found["search.parallel_share"] = unknown_value("trials or workers are not known", self.call.span)


def counted(grid: Grid, runs: int) -> dict[str, Value]:
    """The `search.*` values of a grid that makes so many runs."""
    names = ", ".join(f"{name} ({count})" for name, count in grid.axes.items())
    return {
        "search.dimensions": derived(len(grid.axes), grid.span),
        "search.axes": derived(names, grid.span),
        "search.runs": derived(runs, grid.span),
    }
