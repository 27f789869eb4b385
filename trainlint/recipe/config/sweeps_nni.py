"""Searches of NNI that are written as a config file: an experiment, or a search space alone."""

from __future__ import annotations

from trainlint.findings import Span
from trainlint.knowledge.search_spaces import search_spaces
from trainlint.knowledge.search_tools import search_tools
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.search.grids import Grid
from trainlint.recipe.code.search.searches import counted
from trainlint.recipe.code.search.spaces import range_values
from trainlint.recipe.config.sweep_document import SweepDocument
from trainlint.recipe.config.sweep_shapes import NNI_ENDS, NNI_KIND, is_nni_experiment, nni_space
from trainlint.recipe.config.tree import entries_of
from trainlint.recipe.model import State, Value
from trainlint.text.document import Document, Node

_TOOL = "NNI"
_SEVERAL = 2


class NniSweep(SweepDocument):
    """One experiment, or one search space."""

    def __init__(self, document: Document, loader: str) -> None:
        super().__init__(document, loader)
        self.space = nni_space(document.root)

    def spaces(self) -> list[dict[str, Value]]:
        """One mapping of `space.*` values for each range that is drawn from evenly or logarithmically."""
        found = []
        for name, entry in entries_of(self.space).items() if self.space is not None else ():
            kind, ends = entry.value.get(NNI_KIND), entry.value.get(NNI_ENDS)
            way = search_spaces().mappings[NNI_KIND]
            scale = way.scales.get(kind.raw) if kind is not None else None
            if scale is None or kind is None or ends is None or len(ends.children) < _SEVERAL:
                continue
            low, high = (self.value(end) for end in ends.children[:_SEVERAL])
            if low is not None and high is not None:
                stepped = kind.raw in way.stepped
                at = self.span(entry.key)
                found.append(range_values(name, low, high, scale, way, at, stepped=stepped))
        return found

    def searches(self) -> list[dict[str, Value]]:
        """The `search.*` values of an experiment; none for a search space alone."""
        root = self.document.root
        tuner = root.get("tuner")
        if not is_nni_experiment(root) or tuner is None or tuner.kind != "mapping":
            return []
        named = self._first(tuner, search_tools().nni.names)
        name = named.raw if named is not None and named.kind == "scalar" else ""
        known = search_tools().nni.tuners.get(name)
        if known is None or named is None:
            return []
        at = self.span(named)
        found = {
            "search.tool": derived(_TOOL, at),
            "search.name": Value(f"tuner: {name}", State.EXPLICIT, span=at),
            "search.algorithm": derived(known, at),
            "search.drawn_by": derived(name, at),
            "search.trains": derived(any(each["space.tunes"].value == "rate" for each in self.spaces()), at),
            "search.stops_itself": derived(False, at),
            "search.pruning": derived(search_tools().nni.pruning, at),
        }
        stopped = self._first(root, search_tools().nni.pruners) is not None or known == "halving"
        found["search.prunes"] = derived(stopped, at)
        for path, keys in (("search.trials", "trials"), ("search.parallel", "parallel")):
            node = self._first(root, getattr(search_tools().nni, keys))
            value = self.value(node)
            if value is not None and isinstance(value.value, int) and node is not None:
                found[path] = Value(value.value, State.EXPLICIT, span=self.span(node))
        if known == "grid" and self.space is not None:
            found.update(self._grid(self.space, at, found.get("search.trials")))
        return [found]

    def _grid(self, space: Node, at: Span, trials: Value | None) -> dict[str, Value]:
        axes = {
            name: len(ends.children)
            for name, entry in entries_of(space).items()
            if (ends := entry.value.get(NNI_ENDS)) is not None
            and (kind := entry.value.get(NNI_KIND)) is not None
            and kind.raw == "choice"
            and len(ends.children) >= _SEVERAL
        }
        grid = Grid(axes, at)
        limit = trials.value if trials is not None and isinstance(trials.value, int) else grid.combinations
        return counted(grid, min(grid.combinations, limit)) if axes else {}

    @staticmethod
    def _first(mapping: Node, keys: tuple[str, ...]) -> Node | None:
        return next((node for key in keys if (node := mapping.get(key)) is not None), None)
