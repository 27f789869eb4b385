"""Preprocessors that learn from data: what each is fitted on, and which split comes after it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.findings import Span
from trainlint.knowledge.base import Entry
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.ancestry import Ancestry, Node, alike
from trainlint.recipe.code.bound_names import BoundNames
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.model import Value

_TWO_PARTS = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Fit:
    """A call that fits a preprocessor. `gives`: its result is the transformed data."""

    call: Call
    entry: Entry
    owner: Resolved
    data: int
    gives: bool

    @property
    def name(self) -> str:
        """The class of the preprocessor."""
        return self.entry.name.rpartition(".")[2]

    @property
    def learns(self) -> str:
        """What it takes from the data."""
        return str(self.entry.extra.get("learns", ""))


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """A division of data into parts: by a call, or by two slices that meet. `parts` are what it divides."""

    name: str
    span: Span | None
    node: Node
    parts: tuple[Node, ...]


class Fits:
    """The preprocessors one program fits, as recipe values."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self.ancestry = Ancestry(seen)
        self.fits = list(self._fits())
        self.splits = [*self._split_calls(), *self._slices()] if self.fits else []
        self.names = BoundNames()

    def elements(self) -> list[dict[str, Value]]:
        """One mapping of `fit.*` values for each fit, in order."""
        after = self._splits_after()
        return [self._element(fit, after.get(index)) for index, fit in enumerate(self.fits)]

    def _element(self, fit: Fit, split: Split | None) -> dict[str, Value]:
        span = fit.call.span
        data = self._data_role(fit)
        element = {
            "fit.preprocessor": derived(fit.name, span),
            "fit.learns": derived(fit.learns, span),
            "fit.data": derived(data, span) if data else unknown_value("its data has no telling name", span),
            "fit.split": unknown_value("no split of its result was found", span),
            "fit.before": unknown_value("no fit of its kind on training data was found", span),
        }
        if split is not None:
            element["fit.split"] = derived(split.name, split.span)
        if data == "test":
            earlier = self._fitted_on_training(fit)
            if earlier is not None:
                element["fit.before"] = derived(earlier.name, earlier.call.span)
        return element

    def _fits(self) -> Iterator[Fit]:
        for call in self.seen.methods(*self._methods("learn")):
            term = call.frame.term(call.term)
            data = _data_of(call.frame, call.term)
            if data is None:
                continue
            owner = self.seen.evaluator.value(call.frame, call.frame.term(term.args[0]).args[0])
            entry = self._preprocessor(owner)
            if entry is not None and self.seen.happens(call.frame, call.event.conditions) is not False:
                yield Fit(call, entry, owner, data, call.name == "fit_transform")

    def _methods(self, effect: str) -> list[str]:
        knowledge = self.seen.evaluator.knowledge
        names = ("fit", "partial_fit", "fit_transform", "transform")
        return [
            name
            for name in names
            if (method := knowledge.method(name, "preprocessor")) is not None and method.effect == effect
        ]

    def _preprocessor(self, owner: Resolved) -> Entry | None:
        """What the knowledge says of a preprocessor, also after `.fit(…)`, which gives it back."""
        if owner.kind != "object":
            return None
        entry = self.seen.evaluator.entry(owner.name)
        if entry is None and owner.items and owner.name.endswith(".fit"):
            return self._preprocessor(owner.items[0])
        return entry if entry is not None and entry.kind == "preprocessor" else None

    def _split_calls(self) -> Iterator[Split]:
        for call in self.seen.made("split"):
            if self.seen.happens(call.frame, call.event.conditions) is False or call.entry is None:
                continue
            term = call.frame.term(call.term)
            given = [
                (call.frame, argument)
                for key, argument in zip(term.keys, term.args[1:], strict=True)
                if key in ("", call.entry.fields.get("dataset", ""))
            ]
            takes_many = any(param.kind == "star" for param in call.entry.params)
            parts = given if takes_many else given[:1] if "dataset" in call.entry.fields else []
            if parts:
                yield Split(call.name.rpartition(".")[2], call.span, (call.frame, call.term), tuple(parts))

    def _slices(self) -> Iterator[Split]:
        """`data[:n]` beside `data[n:]`, where n is counted from the data."""
        for frame in self.seen.frames:
            heads, tails = _open_slices(frame)
            for head, end in heads:
                for tail, start in tails:
                    one, other = frame.term(head), frame.term(tail)
                    if alike(frame, end, start) and alike(frame, one.args[0], other.args[0]):
                        if self._counts(frame, end):
                            yield Split("a slice", frame.span(head), (frame, head), ((frame, one.args[0]),))
                        break

    def _counts(self, frame: Frame, bound: int) -> bool:
        """Whether a bound is a part of how much data there is: `int(0.8 * len(data))`, `train_size`.

        A length that is given (`seq_len`, `window_size`) cuts one sample into what is known and asked.
        """
        words = {word for text in self.seen.texts(frame, bound) for word in words_of(text)}
        return _measures(frame, bound) or bool(words & {"train", "test", "split", "val", "ratio"})

    def _splits_after(self) -> dict[int, Split]:
        """For each fit by its number, the first split that divides what it was fitted on and transformed."""
        found: dict[int, Split] = {}
        for split in self.splits:
            for part in split.parts:
                for index in self._fits_behind(part):
                    found.setdefault(index, split)
        return found

    def _fits_behind(self, part: Node) -> Iterator[int]:
        for frame, term in self.ancestry.of(part):
            if frame.term(term).op != "call":
                continue
            for index, fit in enumerate(self.fits):
                if self._transforms(frame, term, fit) and not self._is_a_part(fit):
                    yield index

    def _transforms(self, frame: Frame, term: int, fit: Fit) -> bool:
        """Whether a call gives what a preprocessor made of the very data it was fitted on."""
        if frame.facts is not fit.call.frame.facts:
            return False
        if term == fit.call.term:
            return fit.gives
        callee = frame.term(frame.term(term).args[0])
        data = _data_of(frame, term)
        if callee.op != "attr" or callee.name not in self._methods("apply") or data is None:
            return False
        owner = self.seen.evaluator.value(frame, callee.args[0])
        same_owner = owner.kind == "object" and bool(_sites(owner) & _sites(fit.owner, fit.call))
        return same_owner and alike(frame, data, fit.data)

    def _is_a_part(self, fit: Fit) -> bool:
        """Whether a fit sees only a part of the data that was split off before."""
        cuts = {(id(split.node[0].facts), split.node[1]) for split in self.splits}
        if any(
            (id(frame.facts), term) in cuts for frame, term in self.ancestry.of((fit.call.frame, fit.data))
        ):
            return True
        if any(_takes_some(frame, term) for frame, term in self._direct((fit.call.frame, fit.data))):
            return True
        return self._data_role(fit) in ("train", "test")

    def _fitted_on_training(self, fit: Fit) -> Fit | None:
        """A fit of the same class on training data, in the same unit."""
        for other in self.fits:
            same_place = other.call.frame.facts is fit.call.frame.facts
            if same_place and other.entry.name == fit.entry.name and self._data_role(other) == "train":
                return other
        return None

    def _data_role(self, fit: Fit) -> str:
        """train or test: the position in a split that the data came from, else its names; "" for neither."""
        frame = fit.call.frame
        for where, term in self._direct((frame, fit.data)):
            record = where.term(term)
            position = record.value if record.op == "unpack" else None
            if isinstance(position, int) and self._is_pairwise(where, record.args[0]):
                return "test" if position % _TWO_PARTS else "train"
            role = _role_of(self.names.of(where, term))
            if role:
                return role
        return ""

    def _is_pairwise(self, frame: Frame, term: int) -> bool:
        """Whether a call gives a training and a test part of each of its arguments in turn."""
        value = self.seen.evaluator.value(frame, term)
        entry = self.seen.evaluator.entry(value.name) if value.kind == "object" else None
        return entry is not None and entry.kind == "split" and any(p.kind == "star" for p in entry.params)

    def _direct(self, node: Node) -> Iterator[Node]:
        """An expression and what it is a mere view, column or reshaping of."""
        frame, term = node
        for _ in range(8):
            yield frame, term
            record = frame.term(term)
            if record.op in ("item", "attr", "setitem", "update", "loop") and record.args:
                term = record.args[0]
            elif record.op == "call" and frame.term(record.args[0]).op == "attr":
                term = frame.term(record.args[0]).args[0]
            else:
                return


def _data_of(frame: Frame, call: int) -> int | None:
    """The first argument of a call, given by position or as X."""
    term = frame.term(call)
    for key, argument in zip(term.keys, term.args[1:], strict=True):
        if key in ("", "X", "raw_documents"):
            return argument
        if key.startswith("*"):
            return None
    return None


def _open_slices(frame: Frame) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The subscripts `x[:n]` and those `x[n:]` of a unit, each with its bound."""
    heads: list[tuple[int, int]] = []
    tails: list[tuple[int, int]] = []
    for index, term in enumerate(frame.facts.terms):
        if term.op != "item":
            continue
        key = frame.term(term.args[1])
        if key.op == "tuple" and key.args:
            key = frame.term(key.args[0])
        if key.op != "slice" or frame.term(key.args[2]).value is not None:
            continue
        low = _is_none(frame, key.args[0]) or frame.term(key.args[0]).value == 0
        high = _is_none(frame, key.args[1]) or _is_length(frame, key.args[1])
        if low and not high:
            heads.append((index, key.args[1]))
        elif high and not low:
            tails.append((index, key.args[0]))
    return heads, tails


def _takes_some(frame: Frame, term: int) -> bool:
    """Whether a subscript takes only some of the samples: a slice of the first axis, or a mask."""
    record = frame.term(term)
    if record.op != "item":
        return False
    key = frame.term(record.args[1])
    if key.op == "tuple" and key.args:
        key = frame.term(key.args[0])
    if key.op == "slice":
        return not all(_is_none(frame, bound) for bound in key.args[:2])
    return key.op in ("cmp", "bin", "un")


def _measures(frame: Frame, term: int, depth: int = 6) -> bool:
    """Whether an expression asks for the length of something."""
    record = frame.term(term)
    if record.name == "shape" or (record.op == "global" and record.name == "builtins.len"):
        return True
    return depth > 0 and any(_measures(frame, each, depth - 1) for each in record.args)


def _is_length(frame: Frame, term: int) -> bool:
    """Whether a bound is all there is: `len(data)`, `data.shape[0]`."""
    record = frame.term(term)
    if record.op == "call":
        return frame.term(record.args[0]).name == "builtins.len"
    return record.op == "item" and frame.term(record.args[0]).name == "shape"


def _is_none(frame: Frame, term: int) -> bool:
    record = frame.term(term)
    return record.op == "const" and record.value is None


def _sites(owner: Resolved, call: Call | None = None) -> set[object]:
    """The calls that made an object, or gave it back."""
    found: set[object] = {call.site} if call is not None else set()
    while owner.kind == "object":
        found.add(owner.site)
        if not owner.items:
            break
        owner = owner.items[0]
    return found


def _role_of(names: list[str]) -> str:
    words = {word for name in names for word in words_of(name)}
    trains = bool(words & program_words("train"))
    tests = bool(words & program_words("evaluate"))
    return "" if trains == tests else "train" if trains else "test"
