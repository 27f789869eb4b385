"""Searches that are written as a config file; here those of Weights & Biases."""

from __future__ import annotations

from trainlint.analysis.evaluation.arguments import Arguments
from trainlint.analysis.evaluation.values import Resolved
from trainlint.findings import Span
from trainlint.knowledge.search_spaces import Range, search_spaces
from trainlint.knowledge.search_tools import Mapped, search_tools
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.search.grids import Grid
from trainlint.recipe.code.search.searches import counted
from trainlint.recipe.code.search.spaces import range_values
from trainlint.recipe.code.search.stops import brackets
from trainlint.recipe.config.recognise import Recognition
from trainlint.recipe.config.sweep_document import SweepDocument
from trainlint.recipe.config.sweep_shapes import hydra_space, wandb_space
from trainlint.recipe.config.sweeps_hydra import HydraSweep
from trainlint.recipe.config.sweeps_nni import NniSweep
from trainlint.recipe.config.tree import entries_of
from trainlint.recipe.model import Recipe, State, Value
from trainlint.text.document import Document, Node

_LIMIT = "run_cap"
_KIND = "distribution"
_SEVERAL = 2


def sweep_recipe(document: Document, recognition: Recognition, loader: str) -> Recipe | None:
    """The recipe of a search that a config describes; None where it describes none.

    A config of a run that also sets Hydra's sweeper describes both.
    """
    if not recognition.recognised or document.format == "python":
        return None
    sweep = _sweep_of(document, recognition, loader)
    if sweep is None:
        return None
    groups = {"spaces": sweep.spaces(), "searches": sweep.searches()}
    known = next((value.span for group in groups.values() for each in group for value in each.values()), None)
    at = known or Span(document.path, *document.root.place)
    facts = {"meta.kind": derived("sweep", at)}
    return (
        Recipe(document.path, "sweep", at, facts, groups, (document.path,)) if any(groups.values()) else None
    )


def _sweep_of(
    document: Document, recognition: Recognition, loader: str
) -> _Sweep | NniSweep | HydraSweep | None:
    if hydra_space(document.root) is not None:
        return HydraSweep(document)
    if recognition.kind != "sweep":
        return None
    mapped = search_tools().mapped
    if wandb_space(document.root) is not None:
        return _Sweep(document, loader, mapped)
    return NniSweep(document, loader)


class _Sweep(SweepDocument):
    """One sweep. `at` is the place of its method."""

    def __init__(self, document: Document, loader: str, mapped: Mapped) -> None:
        super().__init__(document, loader)
        self.mapped = mapped
        self.parts = {key: entry.value for key, entry in entries_of(document.root).items()}
        self.at = self.span(self.parts[mapped.method])

    def spaces(self) -> list[dict[str, Value]]:
        """One mapping of `space.*` values for each range with two ends, parameters in parameters included."""
        return self._ranges(self.parts[self.mapped.space], 0)

    def _ranges(self, space: Node, depth: int) -> list[dict[str, Value]]:
        if space.kind != "mapping" or depth > 3:
            return []
        way = search_spaces().mappings[_KIND]
        found: list[dict[str, Value]] = []
        for name, entry in entries_of(space).items():
            held = entry.value
            inner = held.get(self.mapped.space) if held.kind == "mapping" else None
            if inner is not None:
                found += self._ranges(inner, depth + 1)
                continue
            element = self._range(name, held, way, self.span(entry.key))
            if element:
                found.append(element)
        return found

    def _range(self, name: str, held: Node, way: Range, span: Span) -> dict[str, Value]:
        if held.kind != "mapping":
            return {}
        low, high = self.value(held.get(way.low)), self.value(held.get(way.high))
        kind = self.value(held.get(_KIND))
        if low is None or high is None or not _draws_evenly(kind, low, high, way):
            return {}
        return range_values(name, low, high, "linear", way, span)

    def searches(self) -> list[dict[str, Value]]:
        """The `search.*` values of the sweep."""
        method = self.value(self.parts[self.mapped.method])
        text = method.value if method is not None and isinstance(method.value, str) else ""
        found = {
            "search.tool": derived("W&B", self.at),
            "search.name": Value(f"method: {text}", State.EXPLICIT, span=self.at),
            "search.trains": derived(True, self.at),
        }
        algorithm = self.mapped.algorithms.get(text)
        if algorithm is not None:
            found["search.algorithm"] = derived(algorithm, self.at)
        if algorithm == "grid":
            found.update(self._grid())
        stop = self.parts.get(self.mapped.pruner)
        if stop is not None and stop.kind == "mapping":
            given = {key: self.value(entry.value) for key, entry in entries_of(stop).items()}
            known = {key: value for key, value in given.items() if value is not None}
            found.update(brackets(self.mapped.halving, Arguments(known, {}), self.span(stop), None))
        return [found]

    def _grid(self) -> dict[str, Value]:
        axes: dict[str, int] = {}
        for name, entry in entries_of(self.parts[self.mapped.space]).items():
            values = entry.value.get(self.mapped.values) if entry.value.kind == "mapping" else None
            if values is not None and values.kind == "sequence" and len(values.children) >= _SEVERAL:
                axes[name] = len(values.children)
        if not axes:
            return {}
        grid = Grid(axes, self.at)
        limit = self.value(self.parts.get(_LIMIT))
        runs = grid.combinations
        if limit is not None:
            runs = min(runs, limit.value) if isinstance(limit.value, int) else 0
        return counted(grid, runs)


def _draws_evenly(kind: Resolved | None, low: Resolved, high: Resolved, way: Range) -> bool:
    """Whether a range is drawn from evenly: W&B's own choice where an end is no whole number."""
    if kind is not None:
        return kind.value in way.uniform
    ends = (low.value, high.value)
    return all(isinstance(end, (int, float)) for end in ends) and any(isinstance(end, float) for end in ends)
