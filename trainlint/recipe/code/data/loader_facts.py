"""What else a recipe says of loaders: what they are named and used for, how their samples are prepared."""

from __future__ import annotations

import functools
import re

from trainlint.analysis.evaluation.values import Resolved
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.data.loader_use import Use
from trainlint.recipe.code.data.loaders import Loaders
from trainlint.recipe.code.data.pipelines import Pipelines, place
from trainlint.recipe.code.leaves import absent, derived, unknown_value
from trainlint.recipe.code.observe import overlap
from trainlint.recipe.model import Scalar, State, Value

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_ROUNDING = 2e-3
_SAMPLES = ("data", "targets", "samples", "imgs", "images", "labels", "indices", "train_data", "test_data")
_DRAWS_ONE = frozenset({"builtins.iter"})


class LoaderFacts:
    """Completes the `loader.*` elements of one program."""

    def __init__(self, loaders: Loaders) -> None:
        self.loaders = loaders
        self.seen = loaders.seen
        self.pipelines = Pipelines(loaders.seen)
        self._draws_somewhere = any(
            call.entry is not None and call.entry.random for call in loaders.seen.made("transform", "mixup")
        )
        self._cut_later = self._samples_are_replaced()
        self._drawn_once = [
            self.seen.evaluator.value(call.frame, call.frame.term(call.term).args[1])
            for call in self.seen.calls
            if call.name in _DRAWS_ONE and len(call.frame.term(call.term).args) > 1
        ]
        self._looped = list(loaders.draws.all()) if self._drawn_once else []

    def complete(self, elements: list[dict[str, Value]]) -> None:
        """Add to each element, in the loaders' order: purpose, names, split, uses, transforms."""
        sources = []
        for use, element in zip(self.loaders.uses, elements, strict=True):
            element["loader.named"] = self._named(use)
            element["loader.split"] = self._split(use)
            element["loader.consumed"] = self._consumed(use)
            element["loader.purpose"] = self._purpose(use, element)
            sources.append(self._prepare(use, element))
        self._note_trained_on(elements)
        for source, element in zip(sources, elements, strict=True):
            if source and element["loader.role"].value == "eval":
                self._compare(source, element, list(zip(sources, elements, strict=True)))

    def _named(self, use: Use) -> Value:
        words = {word for name in self.seen.names(use.made.identity) for word in words_of(name)}
        trains = bool(words & program_words("train"))
        evaluates = bool(words & program_words("evaluate"))
        if trains == evaluates or words & (program_words("eval") - program_words("evaluate")):
            return unknown_value("its names do not tell what it is for", use.span)
        return derived("train" if trains else "eval", use.span)

    def _note_trained_on(self, elements: list[dict[str, Value]]) -> None:
        """Tell of each loader whether a training loader reads the same split of the same data set: those made
        in the same function, if there are any, as a program may train several models in turn."""
        read = [self._published(use) for use in self.loaders.uses]
        training = [
            (use.call.place, part)
            for use, part, element in zip(self.loaders.uses, read, elements, strict=True)
            if "train" in (element["loader.role"].value, element["loader.named"].value)
        ]
        for use, part, element in zip(self.loaders.uses, read, elements, strict=True):
            beside = [other for place, other in training if place == use.call.place]
            trains = beside or [other for _, other in training]
            if part is not None and part in trains:
                element["loader.trained_on"] = derived(True, use.span)
            elif part is None or not trains or None in trains:
                reason = "it is not known what the training loaders read"
                element["loader.trained_on"] = unknown_value(reason, use.span)
            else:
                element["loader.trained_on"] = derived(False, use.span)

    def _published(self, use: Use) -> tuple[str, Scalar] | None:
        """The published data set that a loader reads, and which split of it; None where that is not known."""
        dataset = use.argument("dataset")
        given = self._split_asked_for(dataset) if dataset is not None else None
        return (dataset.name, given.value) if dataset is not None and given is not None else None

    def _split_asked_for(self, dataset: Resolved) -> Resolved | None:
        entry = self.seen.evaluator.entry(dataset.name) if dataset.kind == "object" else None
        parameter = entry.fields.get("split") if entry is not None and entry.kind == "dataset" else None
        given = self.seen.evaluator.binder.arguments(dataset).get(parameter) if parameter else None
        return given if given is not None and given.kind == "const" and not given.option else None

    def _split(self, use: Use) -> Value:
        dataset = use.argument("dataset")
        if dataset is None or dataset.kind != "object" or self._cut_later or not self._takes_all(use):
            return unknown_value("it is not known to read one published split", use.span)
        given = self._split_asked_for(dataset)
        if given is None:
            return unknown_value("the data set is not asked for a published split, by a constant", use.span)
        trains = {True: True, False: False, "train": True, "test": False, "val": False, "valid": False}
        if given.value not in trains or isinstance(given.value, int) is not isinstance(given.value, bool):
            return unknown_value("the split is neither for training nor for evaluation", use.span)
        written = next((origin.span for origin in given.origins if origin.span is not None), use.span)
        span = use.span if self._is_shared(dataset) else written
        return derived("train" if trains[given.value] else "eval", span)

    def _is_shared(self, dataset: Resolved) -> bool:
        """Whether several loaders read one data set: then the loader is at fault, not the split."""
        given = [use.argument("dataset") for use in self.loaders.uses]
        return sum(each is not None and each.site == dataset.site for each in given) > 1

    def _samples_are_replaced(self) -> bool:
        """Whether the samples of a data set are put in place by hand: `test_set.data = some[:100]`."""
        stores = [each for name in _SAMPLES for each in self.seen.program.attribute_stores(name)]
        return any(frame.term(base).op != "param" for frame, base, _ in stores)

    def _takes_all(self, use: Use) -> bool:
        given = [use.argument(name) for name in ("sampler", "batch_sampler")]
        return use.complete and all(
            value is None or value.kind == "absent" or (value.kind == "const" and value.value is None)
            for value in given
        )

    def _consumed(self, use: Use) -> Value:
        consumers = [
            each for each in self.loaders.roles.consumers if overlap(each.identity, use.made.identity)
        ]
        verdicts = {each.trains for each in consumers}
        if len(verdicts) != 1:
            return unknown_value("the loops over it do not tell what it is for", use.span)
        return derived("train" if consumers[0].trains else "eval", consumers[0].span)

    def _purpose(self, use: Use, element: dict[str, Value]) -> Value:
        if element["loader.role"].value != "eval":
            return absent(use.span)
        texts = [*self.seen.names(use.made.identity), use.call.frame.facts.qualname.rpartition(".")[2]]
        words = {word for text in texts for word in words_of(text)}
        inspects = words & (program_words("eval") - program_words("evaluate"))
        one_batch = self._is_in(self._drawn_once, use) and not self._is_in(self._looped, use)
        if self._is_left_alone(use):
            return unknown_value("nothing reads the attribute it is kept in", use.span)
        return derived("inspect" if inspects or one_batch else "evaluate", use.span)

    def _is_left_alone(self, use: Use) -> bool:
        """Whether a loader is kept in an attribute only, and nothing that was read closely takes it there."""
        names = self.seen.names(use.made.identity)
        kept = [name for name in names if self.seen.program.attribute_stores(name)]
        return bool(kept) and len(kept) == len(names) and not self._attributes_read & set(kept)

    @functools.cached_property
    def _attributes_read(self) -> frozenset[str]:
        return frozenset(
            term.name for frame in self.seen.frames for term in frame.facts.terms if term.op == "attr"
        )

    @staticmethod
    def _is_in(values: list[Resolved], use: Use) -> bool:
        return any(
            overlap(item.identity, use.made.identity)
            for value in values
            for item in value.alternatives()
            if item.identity
        )

    def _prepare(self, use: Use, element: dict[str, Value]) -> str:
        """Fill in the transforms; returns what data they act on, "" where that is not known."""
        unread = unknown_value("the transforms are not known", use.span)
        names = ("augmentation", "normalize", "pixels")
        element.update({f"loader.{name}": unread for name in names})
        pipeline = self.pipelines.of(use.argument("dataset"))
        if pipeline is None:
            return ""
        found = self.pipelines.augmentation(pipeline)
        words = {word for name in self.seen.names(use.made.identity) for word in words_of(name)}
        if words & program_words("augmented"):
            found = None
        elif found is not None:
            element["loader.augmentation"] = derived(found.name.rpartition(".")[2], place(found))
        elif pipeline.complete and not self._draws_somewhere:
            element["loader.augmentation"] = absent(use.span)
        normalized = self.pipelines.normalization(pipeline)
        if normalized is not None and normalized[1]:
            element["loader.normalize"] = derived(normalized[1], place(normalized[0]))
        elif normalized is None and pipeline.complete:
            element["loader.normalize"] = absent(use.span)
        pixels = self.pipelines.pixels(pipeline)
        if pixels is not None:
            element["loader.pixels"] = derived(pixels[0], place(pixels[1]))
        return pipeline.source

    @staticmethod
    def _compare(source: str, element: dict[str, Value], others: list[tuple[str, dict[str, Value]]]) -> None:
        """Note what the training data is normalised with where this loader's data is not the same."""
        own = element["loader.normalize"]
        trains = [
            other["loader.normalize"]
            for where, other in others
            if where == source and other["loader.role"].value == "train"
        ]
        if not trains or State.UNKNOWN in (own.state, *(each.state for each in trains)):
            return
        if len({each.value for each in trains}) == 1 and not _agree(trains[0].value, own.value):
            element["loader.train_normalize"] = trains[0]


def _agree(first: object, second: object) -> bool:
    """Whether two texts of constants say the same numbers, but for rounding."""
    if not isinstance(first, str) or not isinstance(second, str):
        return first == second
    ours, theirs = ([float(number) for number in _NUMBER.findall(text)] for text in (first, second))
    return len(ours) == len(theirs) and all(
        abs(one - other) <= _ROUNDING for one, other in zip(ours, theirs, strict=True)
    )
