"""Ranges that a hyper-parameter search draws from, as code declares them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise

from trainlint.analysis.evaluation.arguments import Arguments
from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Parameter
from trainlint.findings import Span
from trainlint.knowledge.roles import words_of
from trainlint.knowledge.search_spaces import Range, search_spaces
from trainlint.knowledge.search_tools import search_tools
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.programs import Program
from trainlint.recipe.code.search.calls import SearchCall, search_calls
from trainlint.recipe.code.search.searches import searches
from trainlint.recipe.code.search.signs import declares_search_call, declares_space, space_words
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Recipe, State, Value

_LOGARITHMIC = frozenset({"log", "log2", "log10", "ln", "exp", "exponent", "power", "pow"})
_RATES = frozenset({"lr", "lrate", "eta", "lr0", "learningrate", "lrs"})
_DECAYS = frozenset({"wd", "weightdecay", "decay", "l2"})
_OF_SCHEDULES = frozenset(
    "schedule warmup ratio share frac fraction factor gamma mult multiplier patience cooldown".split()
)
"""Words of what changes a rate and is none itself: `lr_warmup_ratio`, `lr_factor`."""


def search_recipe(program: Program) -> Recipe | None:
    """The searches of a program's entry file and their spaces, as a recipe of kind `sweep`; None where it has
    none."""
    spaces: list[dict[str, Value]] = []
    outline = program.index.outlines[program.entry]
    words = space_words(outline)
    for unit in outline.units:
        if not declares_space(unit, words):
            continue
        frame = program.evaluator.root(program.entry, unit.qualname)
        if frame is not None:
            spaces += _Spaces(program, frame).elements()
    runs: list[dict[str, Value]] = []
    if declares_search_call(outline):
        seen = Observations(program)
        runs = searches(seen, Training(seen))
        spaces += [element for call in search_calls(program) for element in _undistributed(call)]
    if not spaces and not runs:
        return None
    named = spaces[0]["space.name"] if spaces else runs[0]["search.name"]
    span = named.span or Span(program.entry, 1, 1, 1, 1)
    facts = {"meta.kind": derived("sweep", span)}
    groups = {"spaces": spaces, "searches": runs}
    return Recipe(program.entry, "sweep", span, facts, groups, (program.entry,))


class _Spaces:
    """The ranges one unit declares."""

    def __init__(self, program: Program, frame: Frame) -> None:
        self.evaluator = program.evaluator
        self.program = program
        self.frame = frame
        self.keys = _keys(frame)

    def elements(self) -> list[dict[str, Value]]:
        """One mapping of `space.*` values for each range with known ends, in order."""
        return [element for element in self._all() if element]

    def _all(self) -> Iterator[dict[str, Value]]:
        known = search_spaces()
        for event in self.program.events(self.frame.facts):
            if event.kind != "call":
                continue
            callee = self.frame.term(self.frame.term(event.term).args[0])
            if callee.op == "attr" and callee.name in known.methods:
                yield self._called(event.term, known.methods[callee.name])
            elif callee.op == "global" and "::" not in callee.name:
                name = self.evaluator.knowledge.canonical(callee.name)
                if name in known.functions:
                    yield self._called(event.term, known.functions[name])
                elif name in known.bounds:
                    yield from self._bounds(event.term, known.bounds[name])
        for key, way in known.mappings.items():
            yield from self._paired(key, way) if way.ends else self._mappings(key, way)

    def _bind(self, term: int, way: Range) -> Arguments:
        params = [Parameter(name, "normal", True) for name in way.parameters]
        return self.evaluator.binder.bind(self.frame, term, params)

    def _called(self, term: int, way: Range) -> dict[str, Value]:
        given = self._bind(term, way)
        if not given.complete:
            return {}
        label = given.get(way.name)
        name = label.value if label is not None and isinstance(label.value, str) else self.keys.get(term, "")
        scale = way.scale
        for argument, plain in ((way.log, (False,)), (way.sampling, (None, "linear"))):
            value = given.get(argument) if argument else None
            if value is not None:
                if value.kind != "const":
                    return {}
                scale = "linear" if value.value in plain else "log"
        step = given.get(way.step) if way.step else None
        stepped = step is not None and not (step.kind == "const" and step.value is None)
        low, high = given.get(way.low), given.get(way.high)
        return self._element(name, low, high, scale, way, term, stepped=stepped)

    def _bounds(self, term: int, way: Range) -> Iterator[dict[str, Value]]:
        space = self._bind(term, way).get(way.argument)
        for name, pair in space.entries.items() if space is not None else ():
            if pair.kind == "sequence" and len(pair.items) == 2 and pair.frame is not None:
                frame, self.frame = self.frame, pair.frame
                yield self._element(name, *pair.items, "linear", way, pair.term)
                self.frame = frame

    def _named_mappings(self) -> Iterator[tuple[int, dict[str, int]]]:
        """The dicts of the unit that have a name: each one's term, with its values' terms by constant key."""
        for index, record in enumerate(self.frame.facts.terms):
            if record.op == "dict" and index in self.keys:
                yield (
                    index,
                    {
                        str(self.frame.term(name).value): value
                        for name, value in zip(record.args[::2], record.args[1::2], strict=True)
                        if self.frame.term(name).op == "const"
                    },
                )

    def _mappings(self, key: str, way: Range) -> Iterator[dict[str, Value]]:
        for index, held in self._named_mappings():
            if {key, way.low, way.high} <= held.keys() and self.frame.term(held[key]).value in way.uniform:
                low, high = (self.evaluator.value(self.frame, held[end]) for end in (way.low, way.high))
                yield self._element(self.keys[index], low, high, "linear", way, index)

    def _paired(self, key: str, way: Range) -> Iterator[dict[str, Value]]:
        """Mappings that hold the kind of range under one key and both ends in a list under another."""
        for index, held in self._named_mappings():
            scale = way.scales.get(str(self.frame.term(held[key]).value)) if key in held else None
            if scale is None or way.ends not in held:
                continue
            ends = self.evaluator.value(self.frame, held[way.ends])
            if ends.kind == "sequence" and len(ends.items) > 1:
                stepped = str(self.frame.term(held[key]).value) in way.stepped
                name = self.keys[index]
                yield self._element(name, ends.items[0], ends.items[1], scale, way, index, stepped=stepped)

    def _element(
        self,
        name: str,
        low: Resolved | None,
        high: Resolved | None,
        scale: str,
        way: Range,
        term: int,
        *,
        stepped: bool = False,
    ) -> dict[str, Value]:
        if low is None or high is None or not name:
            return {}
        return range_values(name, low, high, scale, way, self.frame.span(term), stepped=stepped)


def _undistributed(call: SearchCall) -> Iterator[dict[str, Value]]:
    """The ranges of a sweep that name no distribution: those are drawn from evenly, unless both ends are
    whole numbers."""
    sweep = call.argument(call.search.mapping)
    space = sweep.entries.get(search_tools().mapped.space) if sweep is not None else None
    way = search_spaces().mappings["distribution"]
    for name, held in space.entries.items() if space is not None and space.complete else ():
        low, high = held.entries.get(way.low), held.entries.get(way.high)
        if low is None or high is None or "distribution" in held.entries or not held.complete:
            continue
        if isinstance(low.value, float) or isinstance(high.value, float):
            span = next((origin.span for origin in low.origins if origin.span is not None), call.span)
            yield range_values(name, low, high, "linear", way, span)


def range_values(
    name: str,
    low: Resolved,
    high: Resolved,
    scale: str,
    way: Range,
    span: Span | None,
    *,
    stepped: bool = False,
) -> dict[str, Value]:
    """The `space.*` values of one range."""
    ends = [_end(each, span) for each in (low, high)]
    element = {
        "space.name": Value(name, State.EXPLICIT, span=span),
        "space.tunes": derived(_tunes(name), span),
        "space.tool": derived(way.tool, span),
        "space.scale": derived(scale, span),
        "space.stepped": derived(stepped, span),
        "space.low": ends[0],
        "space.high": ends[1],
        "space.decades": _decades(low, high, span),
        "space.inverted": _inverted(low, high, span),
    }
    if way.advice:
        element["space.advice"] = derived(way.advice, span)
    return element


def _keys(frame: Frame) -> Mapping[int, str]:
    """Terms that are values of a dict's constant keys, or are bound to a name: what they are called."""
    found: dict[int, str] = {}
    for record in frame.facts.terms:
        if record.op == "dict":
            for key, value in zip(record.args[::2], record.args[1::2], strict=True):
                name = frame.term(key).value
                if isinstance(name, str):
                    found[value] = name
    for event in frame.facts.events:
        if event.kind == "bind":
            found.setdefault(event.term, event.name)
    return found


def _end(value: Resolved, span: Span | None) -> Value:
    if value.is_number:
        assert isinstance(value.value, (int, float))
        return Value(value.value, State.EXPLICIT, span=span)
    return unknown_value(value.name or f"a {value.kind}", span)


def _inverted(low: Resolved, high: Resolved, span: Span | None) -> Value:
    """Whether the lower end lies above the higher one."""
    if not low.is_number or not high.is_number:
        return unknown_value("an end of the range is not known", span)
    assert isinstance(low.value, (int, float))
    assert isinstance(high.value, (int, float))
    return derived(low.value > high.value, span)


def _decades(low: Resolved, high: Resolved, span: Span | None) -> Value:
    """How many powers of ten the range spans; very many from zero on."""
    if not low.is_number or not high.is_number:
        return unknown_value("an end of the range is not known", span)
    assert isinstance(low.value, (int, float))
    assert isinstance(high.value, (int, float))
    if low.value < 0 or high.value <= low.value:
        return unknown_value("the range is not positive", span)
    if low.value == 0:
        return derived(100.0, span)
    return derived(round(math.log10(high.value / low.value), 3), span)


def _tunes(name: str) -> str:
    """What a parameter of this name is: rate, decay or other. What says `log` is on that scale already."""
    words = words_of(name)
    joined = set(words) | {"".join(pair) for pair in pairwise(words)}
    if joined & (_LOGARITHMIC | _OF_SCHEDULES) or "dropout" in joined:
        return "other"
    if joined & _RATES:
        return "other" if joined & _DECAYS else "rate"
    return "decay" if joined & (_DECAYS - {"decay"}) else "other"
