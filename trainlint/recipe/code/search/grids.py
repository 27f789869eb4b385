"""How many parameters a grid varies, and how many runs that makes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.findings import Span
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.knowledge.search_tools import search_tools
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.search.calls import SearchCall, parameters
from trainlint.recipe.code.search.samplers import Sampling
from trainlint.recipe.code.training import Training

_SEVERAL = 2
_MAX_NESTED = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Grid:
    """The parameters that a grid varies, by name, with how many values each takes."""

    axes: dict[str, int]
    span: Span | None

    @property
    def combinations(self) -> int:
        """How many runs the whole grid is."""
        return math.prod(self.axes.values())


class Grids:
    """Counts the grids of one program."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self.tools = search_tools()

    def of_call(self, call: SearchCall, sampling: Sampling) -> Grid | None:
        """The grid a search goes through; None where it has none, or it is not known."""
        space = self._space(call, sampling)
        if space is None:
            return None
        return self.of_space(space, call.span, marked=call.search.tool == "Ray Tune")

    def of_space(self, space: Resolved, span: Span | None, *, marked: bool = False) -> Grid | None:
        """The grid of a mapping, or the one with the most parameters among several. `marked` see `_axes`."""
        spaces = space.items if space.kind == "sequence" else (space,)
        grids = [dict(self._axes(each, marked=marked)) for each in spaces]
        axes = max(grids, key=len, default={})
        return Grid(axes, span) if axes else None

    def _space(self, call: SearchCall, sampling: Sampling) -> Resolved | None:
        if sampling.chosen is not None and sampling.chosen.sampler.space:
            return sampling.chosen.arguments.get(sampling.chosen.sampler.space)
        if sampling.algorithm == "grid" or call.search.tool == "Ray Tune":
            return call.argument(call.search.space)
        return None

    def _axes(self, space: Resolved, *, marked: bool, depth: int = 0) -> Iterator[tuple[str, int]]:
        """The parameters of a mapping that take several values. `marked`: only those said to be a grid."""
        if space.kind != "mapping" or depth > _MAX_NESTED:
            return
        for name, value in space.entries.items():
            if marked and value.kind == "mapping":
                yield from self._axes(value, marked=True, depth=depth + 1)
                continue
            if marked:
                value = self._marked(value)
            count = self.count(value)
            if count is not None and count >= _SEVERAL:
                yield name, count

    def _marked(self, value: Resolved) -> Resolved:
        known = value.kind == "object" and self.tools.canonical(value.name) in self.tools.grid_values
        if not known or value.frame is None:
            return Resolved("absent")
        bound = self.seen.evaluator.binder.bind(value.frame, value.term, parameters(("values",)))
        return bound.get("values") or Resolved("absent")

    def count(self, value: Resolved, depth: int = 0) -> int | None:
        """How many values a list or an array of evenly spaced numbers has; None where it is not known."""
        if value.kind == "sequence":
            return len(value.items)
        if value.kind == "mapping" and self.tools.mapped.values in value.entries:
            return self.count(value.entries[self.tools.mapped.values])
        if value.kind != "object" or value.frame is None or depth > _MAX_NESTED:
            return None
        names = self.tools.spaced_values.get(value.name)
        if names is not None:
            given = self.seen.evaluator.binder.bind(value.frame, value.term, parameters(names)).get(names[-1])
            known = given is not None and given.is_number and isinstance(given.value, int)
            return given.value if known and given is not None else None  # type: ignore[return-value]
        if value.name == "builtins.range":
            return self._of_range(value)
        if value.items and value.name.endswith(".tolist"):
            return self.count(value.items[0], depth + 1)
        return None

    def _of_range(self, value: Resolved) -> int | None:
        assert value.frame is not None
        arguments = value.frame.term(value.term).args[1:]
        given = [self.seen.evaluator.value(value.frame, each) for each in arguments]
        numbers = [each.value for each in given if each.is_number and isinstance(each.value, int)]
        if len(numbers) != len(given) or not 1 <= len(numbers) <= 3 or 0 in numbers[2:]:
            return None
        return len(range(*numbers))


class LoopGrids:
    """Grids that loops go through: nested ones over lists of hyper-parameters, or one over their product."""

    def __init__(self, seen: Observations, training: Training) -> None:
        self.seen = seen
        self.training = training
        self.grids = Grids(seen)

    def all(self) -> Iterator[Grid]:
        """Every such grid in the entry file, counted at its innermost loop, whose body trains."""
        for frame in self.seen.frames:
            if frame.facts.path != self.seen.program.entry or not frame.facts.loops:
                continue
            axes = [self._axes(frame, index) for index in range(len(frame.facts.loops))]
            parents = {
                parent
                for index, loop in enumerate(frame.facts.loops)
                if axes[index]
                for parent in self._above(frame, loop.parent)
            }
            for index in range(len(frame.facts.loops)):
                if axes[index] and index not in parents:
                    yield from self._grid(frame, index, axes)

    def _grid(self, frame: Frame, innermost: int, axes: list[dict[str, int]]) -> Iterator[Grid]:
        chain = [*reversed(list(self._above(frame, innermost)))]
        found = {name: count for index in chain for name, count in axes[index].items()}
        first = next(index for index in chain if axes[index])
        if len(found) > 1 and self.training.loop_trains(frame.facts, innermost):
            yield Grid(found, frame.loop_span(first))

    @staticmethod
    def _above(frame: Frame, loop: int) -> Iterator[int]:
        while loop >= 0:
            yield loop
            loop = frame.facts.loops[loop].parent

    def _axes(self, frame: Frame, index: int) -> dict[str, int]:
        """The hyper-parameters that a loop varies: its target, or the factors of a product."""
        loop = frame.facts.loops[index]
        if loop.kind != "for":
            return {}
        source = self.seen.evaluator.value(frame, loop.source)
        if source.kind == "object" and source.frame is not None:
            source = self._unwrapped(source)
        if source.kind == "object" and source.frame is not None:
            if source.name == search_tools().product:
                return self._factors(source)
            if source.name == search_tools().combinations:
                space = source.frame.term(source.term).args[1:2]
                return self._named_axes(source.frame, space[0]) if space else {}
        count = self.grids.count(source) if source.kind == "sequence" else None
        if count is None or count < _SEVERAL or not is_hyper_parameter(loop.target):
            return {}
        return {loop.target: count}

    def _unwrapped(self, value: Resolved, depth: int = 0) -> Resolved:
        """What a progress bar or enumeration goes through."""
        last = value.name.rpartition(".")[2]
        if value.frame is None or last not in ("tqdm", "enumerate", "track", "list") or depth > _MAX_NESTED:
            return value
        for inner in value.frame.term(value.term).args[1:2]:
            return self._unwrapped(self.seen.evaluator.value(value.frame, inner), depth + 1)
        return value

    def _factors(self, product: Resolved) -> dict[str, int]:
        assert product.frame is not None
        found: dict[str, int] = {}
        record = product.frame.term(product.term)
        for key, term in zip(record.keys, record.args[1:], strict=True):
            if key == "*":
                found.update(self._starred(product.frame, term))
                continue
            count = self.grids.count(self.seen.evaluator.value(product.frame, term))
            names = [name for name in self._names(product.frame, term) if is_hyper_parameter(name)]
            if count is not None and count >= _SEVERAL and names:
                found[names[0]] = count
        return found

    def _starred(self, frame: Frame, term: int) -> dict[str, int]:
        """The factors of `product(*space.values())`."""
        record = frame.term(term)
        callee = frame.term(record.args[0]) if record.op == "call" else None
        if callee is None or callee.op != "attr" or callee.name != "values":
            return {}
        return self._named_axes(frame, callee.args[0])

    def _named_axes(self, frame: Frame, term: int) -> dict[str, int]:
        """The hyper-parameters of a mapping from their names to lists of values."""
        grid = self.grids.of_space(self.seen.evaluator.value(frame, term), None)
        axes = grid.axes if grid is not None else {}
        return {name: count for name, count in axes.items() if is_hyper_parameter(name)}

    def _names(self, frame: Frame, term: int) -> Iterator[str]:
        """What a list is called: the name it is read by or bound to, its key in a mapping."""
        yield from self.seen.texts(frame, term, depth=2)
        for event in frame.facts.events:
            if event.kind == "bind" and event.term == term:
                yield event.name
        for name, bound in frame.facts.bindings.items():
            if bound == term:
                yield name


def is_hyper_parameter(name: str) -> bool:
    """Whether a name is one of what training is tuned by; seeds, folds and data sets are repetitions."""
    words = set(words_of(name))
    return bool(words & program_words("tuned")) and not words & program_words("repeated")
