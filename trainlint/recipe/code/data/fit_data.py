"""What Keras models are fitted on, and loops over TensorFlow pipelines: in which order the samples come."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.arguments import Arguments
from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Parameter
from trainlint.findings import Span
from trainlint.knowledge.base import Entry
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.data.loaders import Loaders
from trainlint.recipe.code.data.tf_pipelines import TfPipeline, pipeline_of
from trainlint.recipe.code.leaves import derived, leaf, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Link, State, Value

_DEFAULT_BATCH = 32
_ARRAYS = ".from_tensor_slices"
_SHUFFLES = frozenset({"shuffle", "permutation", "randperm", "sample", "shuffled"})
_PASSES = ("enumerate", "tqdm", "as_numpy", "as_numpy_iterator")


class FitData:
    """The training data of a program that Keras or a loop over a TensorFlow pipeline reads.

    `fits` are the calls that fit a Keras model, each with what is known of the method.
    """

    def __init__(self, loaders: Loaders, training: Training) -> None:
        self.loaders = loaders
        self.seen = loaders.seen
        self.training = training
        self.knowledge = loaders.seen.evaluator.knowledge
        self.fits = list(self._fits())

    def elements(self, known: list[dict[str, Value]]) -> list[dict[str, Value]]:
        """One mapping of `loader.*` values for each source of training data that is no loader yet.

        `known` are the elements of the program's loaders, in their order: those that a model is fitted on
        are for training.
        """
        found = []
        for call, method in self.fits:
            found += list(self._fitted(call, method, known))
        for call, frame, source in self._loops():
            pipeline = pipeline_of(source)
            if pipeline is not None and not self._marks(pipeline, known, frame.span(call.term)):
                found.append(self._of_pipeline(pipeline, call))
        return found

    def samples(self) -> list[tuple[Frame, int]]:
        """The terms that stand for the samples, one for each call that fits a Keras model; those that starred
        arguments may pass are left out."""
        bound = [(self._bind(call, method), method.fields["dataset"]) for call, method in self.fits]
        return [given.terms[name] for given, name in bound if given.complete and name in given.terms]

    def _fits(self) -> Iterator[tuple[Call, Entry]]:
        """The calls that fit a Keras model, with what is known of the method."""
        for call in self.training.fits:
            method = self.knowledge.method(call.name, receiver="keras-model")
            receiver = self.seen.evaluator.receiver(call.frame.facts, call.event)
            entries = [self.seen.evaluator.entry(leaf.name) for leaf in receiver.alternatives()]
            trainer = any(entry is not None and entry.kind == "trainer" for entry in entries)
            if method is not None and not trainer and not self._is_lightning(receiver):
                yield call, method

    def _is_lightning(self, receiver: Resolved) -> bool:
        """Whether a model's class has bases that are not Keras's."""
        for each in receiver.alternatives():
            if each.kind == "instance":
                path, _, qualname = each.name.partition("::")
                for base in self.seen.program.foreign_bases(path, qualname):
                    if self.knowledge.framework(base) != "tensorflow":
                        return True
        return False

    def _loops(self) -> Iterator[tuple[Call, Frame, Resolved]]:
        """The pipelines that training loops go through, each with a call that stands for its loop."""
        for frame, _, loop in self.training.loops():
            if loop.kind != "for":
                continue
            source = self.seen.evaluator.value(frame, loop.source)
            while source.kind == "object" and source.frame is not None:
                if source.name.rpartition(".")[2] not in _PASSES:
                    break
                inner = source.items[:1] or self._first_argument(source)
                if not inner:
                    break
                source = inner[0]
            event = next((each for each in frame.facts.events if each.term == source.term), None)
            if event is not None and source.frame is not None:
                yield Call(source.frame, event, "", None, method=False), frame, source

    def _first_argument(self, value: Resolved) -> tuple[Resolved, ...]:
        assert value.frame is not None
        arguments = value.frame.term(value.term).args[1:2]
        return tuple(self.seen.evaluator.value(value.frame, each) for each in arguments)

    def _fitted(self, call: Call, method: Entry, known: list[dict[str, Value]]) -> Iterator[dict[str, Value]]:
        given = self._bind(call, method)
        data = given.get(method.fields["dataset"])
        if data is None or not given.complete:
            return
        for value in data.alternatives():
            pipeline = pipeline_of(value)
            if pipeline is not None:
                if not self._marks(pipeline, known, call.span):
                    yield self._of_pipeline(pipeline, call)
                continue
            flow = self._flow(value)
            if flow is not None:
                yield flow
            elif given.get("y") is not None or _is_cut_by_fit(given):
                yield self._of_arrays(call, given)

    def _bind(self, call: Call, method: Entry) -> Arguments:
        params = [Parameter(param.name, param.kind, param.has_default) for param in method.params]
        return self.seen.evaluator.binder.bind(call.frame, call.term, params)

    def _marks(self, pipeline: TfPipeline, known: list[dict[str, Value]], span: Span | None) -> bool:
        """Whether the pipeline begins as a loader that is there already; its role and order are completed."""
        base = pipeline.base
        for use, element in zip(self.loaders.uses, known, strict=True):
            if base is None or base.site is None or use.made.site != base.site:
                continue
            if element["loader.role"].state is State.UNKNOWN and span is not None:
                chain = (Link(span, "a model is fitted on it"),)
                element["loader.role"] = derived("train", use.span, chain)
            if element["loader.order"].value == "file" and not pipeline.keeps_order:
                element["loader.order"] = unknown_value("a later step of the pipeline may shuffle", use.span)
            self._batch_anew(pipeline, element, use.call)
            return True
        return False

    def _batch_anew(self, pipeline: TfPipeline, element: dict[str, Value], call: Call) -> None:
        """A loader whose batches are taken apart gives its samples in the batches made afterwards."""
        if pipeline.has("unbatch") or pipeline.batched() is not None:
            element["loader.batch_size"] = self._batch(pipeline, call)

    def _of_pipeline(self, pipeline: TfPipeline, call: Call) -> dict[str, Value]:
        base = pipeline.base
        assert base is not None
        span = base.frame.span(base.term) if base.frame is not None else call.span
        arrays = base.name.endswith(_ARRAYS)
        return {
            "loader.role": derived("train", call.span),
            "loader.order": self._order(pipeline, span),
            "loader.style": derived("map" if arrays else "iterable", span),
            "loader.pipeline": derived(True, span),
            "loader.shuffle": Value(pipeline.has("shuffle"), State.DEFAULT, span=span),
            "loader.batch_size": self._batch(pipeline, call),
        }

    def _batch(self, pipeline: TfPipeline, call: Call) -> Value:
        step = pipeline.batched()
        if step is None:
            return unknown_value("nothing says how it is batched", call.span)
        params = [Parameter("batch_size", "normal", True)]
        bound = self.seen.evaluator.binder.bind(step.frame, step.term, params)
        return leaf(bound.get("batch_size"), call)

    def _order(self, pipeline: TfPipeline, span: Span | None) -> Value:
        base = pipeline.base
        if pipeline.has("shuffle"):
            return derived("random", span)
        if base is None or base.frame is None or not base.name.endswith(_ARRAYS) or not pipeline.keeps_order:
            return unknown_value("what orders the samples is not known", span)
        return self._file_order(base.frame, base.term, span)

    def _file_order(self, frame: Frame, term: int, span: Span | None) -> Value:
        """File order, unless the data was permuted before, is made up, or has an order with a meaning."""
        texts = [*self.seen.texts(frame, term, depth=4), frame.facts.path.rpartition("/")[2]]
        words = {word for text in (*texts, frame.facts.qualname) for word in words_of(text)}
        for topic in ("ordered", "synthetic"):
            for word in sorted(words & program_words(topic)):
                return unknown_value(f"{word}: its order may carry meaning, or none", span)
        for call in self.seen.made("shuffle", "split"):
            if call.entry is not None and call.entry.random is not False:
                return Value("shuffled-once", State.DERIVED, span=span)
        if shuffles_somewhere(self.seen):
            return unknown_value("something in reach shuffles or draws samples", span)
        return derived("file", span)

    def _flow(self, value: Resolved) -> dict[str, Value] | None:
        """The batches that a generator of images makes: `ImageDataGenerator().flow_from_directory(…)`."""
        name = value.name.rpartition(".")[2]
        method = self.knowledge.method(name, receiver="image-generator")
        owner = value.items[0].name if value.kind == "object" and value.items else ""
        if method is None or value.frame is None or not owner.endswith("ImageDataGenerator"):
            return None
        event = next((each for each in value.frame.facts.events if each.term == value.term), None)
        if event is None:
            return None
        call = Call(value.frame, event, name, method, method=True)
        given = self._bind(call, method)
        return {
            "loader.role": derived("train", call.span),
            "loader.style": derived("map", call.span),
            "loader.batch_size": leaf(given.get("batch_size"), call, default=_DEFAULT_BATCH),
            **self._shuffled(call, given),
        }

    def _of_arrays(self, call: Call, given: Arguments) -> dict[str, Value]:
        size = given.get("batch_size")
        none = size is not None and size.kind == "const" and size.value is None
        return {
            "loader.role": derived("train", call.span),
            "loader.style": derived("map", call.span),
            "loader.batch_size": leaf(None if none else size, call, default=_DEFAULT_BATCH),
            **self._shuffled(call, given),
        }

    def _shuffled(self, call: Call, given: Arguments) -> dict[str, Value]:
        """Shuffle and order of what shuffles unless it is told otherwise."""
        shuffle = given.get("shuffle")
        value = leaf(shuffle, call, default=True)
        if not given.complete or not value.known:
            order = unknown_value("whether it shuffles is not known", call.span)
        elif value.value:
            order = derived("random", call.span)
        else:
            frame, data = given.terms.get("x", (call.frame, call.term))
            order = self._file_order(frame, data, call.span)
        return {"loader.shuffle": value, "loader.order": order}


def _is_cut_by_fit(given: Arguments) -> bool:
    """Whether `fit` is told the size of a batch, which Keras refuses for data sets and generators."""
    size = given.get("batch_size")
    return size is not None and size.default().is_number


def shuffles_somewhere(seen: Observations) -> bool:
    """Whether anything is called in reach that may put samples in random order."""
    reach = seen.program.reach
    return any(
        name.rpartition(".")[2] in _SHUFFLES for place in reach.places for name in reach.unit(place).calls
    )
