"""Data loaders: what each is used for, and in which order it gives the samples."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from trainlint.findings import Span
from trainlint.analysis.values import Frame, Resolved, Site, same
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.leaves import absent, leaf, unknown_value
from trainlint.recipe.model import Link, State, Value
from trainlint.recipe.observe import Call, Observations
from trainlint.recipe.training import Training

_EVAL_CONTEXTS = frozenset({"no_grad", "inference_mode"})


@dataclasses.dataclass(slots=True)
class Signals:
    """What speaks for training and for evaluation, each with the place it was seen at."""

    train: list[Link] = dataclasses.field(default_factory=list)
    evaluate: list[Link] = dataclasses.field(default_factory=list)
    consumed: bool = False


class Loaders:
    """The loaders of one program, as groups of recipe values."""

    def __init__(self, seen: Observations, training: Training) -> None:
        self.seen = seen
        self.training = training
        self.calls = [call for call in seen.made("loader") if self.seen.happens(call.frame, call.event.conditions) is not False]
        self._consumers = self._find_consumers()

    def elements(self) -> list[dict[str, Value]]:
        """One mapping of `loader.*` values for each loader, in order."""
        return [self._element(call) for call in self.calls]

    def training_batch(self) -> Value:
        """The batch size of the training loader; unknown where loaders disagree or none is known to train."""
        sizes: list[Value] = []
        for call, element in zip(self.calls, self.elements(), strict=True):
            if element["loader.role"].value == "train" and element["loader.role"].known:
                sizes.append(element["loader.batch_size"])
            _ = call
        known = [size for size in sizes if size.known]
        if len(known) == len(sizes) and known and all(size.value == known[0].value for size in known):
            return known[0]
        return unknown_value("no training loader was found" if not sizes else "training loaders differ in their batch")

    def _element(self, call: Call) -> dict[str, Value]:
        role = self._role(call)
        order = self._order(call)
        style = self._style(call)
        return {
            "loader.role": role,
            "loader.order": order,
            "loader.style": style,
            "loader.shuffle": self._shuffle(call),
            "loader.sampler": self._sampler(call),
            "loader.batch_size": self._batch_size(call),
            "loader.shuffled_when": self._shuffled_when(call, order),
        }

    def _batch_size(self, call: Call) -> Value:
        return leaf(self.seen.argument(call, "batch_size"), call, default=call.entry.default("batch_size") if call.entry else None)

    def _shuffle(self, call: Call) -> Value:
        value = self.seen.argument(call, "shuffle")
        if value is None:
            if not self.seen.complete(call):
                return unknown_value("a starred argument may set shuffle")
            return Value(False, State.DEFAULT, span=call.span)
        if value.kind == "const" and value.value is None:
            return Value(False, State.DEFAULT, span=call.span)
        return leaf(value, call)

    def _sampler(self, call: Call) -> Value:
        value = self._given_sampler(call)
        if value is None:
            return absent(call.span)
        entry = self.seen.evaluator.entry(value.name) if value.kind == "object" else None
        if entry is None or entry.kind != "sampler":
            return Value("custom", State.EXPLICIT, span=call.span)
        return Value(str(entry.extra.get("name", "custom")), State.EXPLICIT, span=call.span)

    def _given_sampler(self, call: Call) -> Resolved | None:
        for field in ("sampler", "batch_sampler"):
            value = self.seen.argument(call, field)
            if value is not None and not (value.kind == "const" and value.value is None) and value.kind != "absent":
                return value
        return None

    def _order(self, call: Call) -> Value:
        if not self.seen.complete(call):
            return unknown_value("arguments come from a starred expression that could not be followed", call.span)
        sampler = self._given_sampler(call)
        shuffle = self.seen.argument(call, "shuffle")
        if sampler is not None:
            return self._sampler_order(call, sampler)
        return self._shuffle_order(call, shuffle)

    def _sampler_order(self, call: Call, sampler: Resolved) -> Value:
        entries = [self.seen.evaluator.entry(item.name) for item in sampler.alternatives() if item.kind == "object"]
        if len(entries) == 1 and len(sampler.alternatives()) == 1 and entries[0] is not None:
            entry = entries[0]
            if entry.random is False and entry.extra.get("name") == "sequential":
                return Value("file", State.DERIVED, span=call.span)
            if entry.random:
                return Value("random", State.DERIVED, span=call.span)
            if entry.extra.get("name") == "distributed":
                return self._distributed_order(call, sampler)
        return unknown_value("a sampler of its own sets the order", call.span)

    def _distributed_order(self, call: Call, sampler: Resolved) -> Value:
        shuffle = self.seen.evaluator.calls.arguments(sampler).get("shuffle")
        if shuffle is None or (shuffle.kind == "const" and shuffle.value):
            return Value("random", State.DERIVED, span=call.span)
        if shuffle.kind == "const":
            return Value("file", State.DERIVED, span=call.span)
        return unknown_value("the sampler's shuffle is not known", call.span)

    def _shuffle_order(self, call: Call, shuffle: Resolved | None) -> Value:
        values = [] if shuffle is None else [item for item in shuffle.alternatives()]
        truths = {bool(item.value) if item.kind == "const" else False for item in values if item.kind in ("const", "absent")}
        if any(item.kind not in ("const", "absent") for item in values):
            return unknown_value(f"shuffle is not known: {values[0].name}", call.span)
        if truths == {True}:
            return Value("random", State.DERIVED, span=call.span)
        if truths == {True, False}:
            return self._branch_order(call, shuffle)
        reordered = self._reordered(call)
        if reordered is not None:
            return reordered
        return Value("file", State.DERIVED, span=call.span, chain=tuple(self._signals(call).train[:2]))

    def _branch_order(self, call: Call, shuffle: Resolved | None) -> Value:
        assert shuffle is not None
        if shuffle.option or shuffle.condition is None or _mentions_phase(self.seen, *shuffle.condition):
            return unknown_value("an option or the phase decides whether it shuffles", call.span)
        return Value("branch", State.DERIVED, span=call.span)

    def _shuffled_when(self, call: Call, order: Value) -> Value:
        if order.value != "branch":
            return absent(call.span)
        shuffle = self.seen.argument(call, "shuffle")
        condition = shuffle.condition if shuffle is not None else None
        if condition is None:
            return unknown_value("the condition is not known")
        frame, term = condition
        words = " ".join(dict.fromkeys(self.seen.texts(frame, term)))
        return Value(words or "a condition", State.DERIVED, span=frame.span(term))

    def _reordered(self, call: Call) -> Value | None:
        """Why file order is not what it seems: data permuted before, made at random, or in an order with a meaning."""
        dataset = self.seen.argument(call, "dataset")
        if dataset is None:
            return unknown_value("the data set is not known", call.span)
        for word in self._words(call):
            if word in program_words("ordered"):
                return unknown_value(f"{word}: the order of the samples may carry meaning", call.span)
            if word in program_words("synthetic"):
                return unknown_value(f"{word}: made-up data has no order", call.span)
        shuffled = self._shuffled_before(call, dataset)
        if shuffled is not None:
            return Value("shuffled-once", State.DERIVED, span=call.span, chain=(Link(shuffled.span or call.span, "data is permuted here"),) if call.span and shuffled.span else ())
        if _whole(self.seen, call):
            return unknown_value("one batch holds the whole data set", call.span)
        return None

    def _shuffled_before(self, call: Call, dataset: Resolved) -> Call | None:
        places = {call.place, *self._dataset_places(dataset)}
        for other in self.seen.made("shuffle", "split"):
            if other.place in places or other.place[0] in {path for path, _ in places}:
                if other.entry is not None and other.entry.random is not False:
                    return other
        for other in self.seen.methods("shuffle", "permute", "sample"):
            if other.place in places and other.name == "shuffle":
                return other
        return None

    def _dataset_places(self, dataset: Resolved) -> Iterator[tuple[str, str]]:
        for item in dataset.alternatives():
            if item.frame is not None:
                yield (item.frame.facts.path, item.frame.facts.qualname)
            if item.kind == "instance":
                path, _, qualname = item.name.partition("::")
                yield from self.seen.program.methods(path, qualname)
            for part in item.items:
                yield from self._dataset_places(part)

    def _style(self, call: Call) -> Value:
        dataset = self.seen.argument(call, "dataset")
        if dataset is None:
            return unknown_value("the data set is not known", call.span)
        styles = {self._dataset_style(item) for item in dataset.alternatives()}
        if len(styles) == 1 and "" not in styles:
            return Value(styles.pop(), State.DERIVED, span=call.span)
        return unknown_value(f"what kind of data set this is: {dataset.name or dataset.kind}", call.span)

    def _dataset_style(self, value: Resolved, depth: int = 0) -> str:
        if depth > 6:
            return ""
        if value.kind == "object":
            entry = self.seen.evaluator.entry(value.name)
            if entry is not None and entry.style:
                return entry.style
            if entry is not None and entry.kind in ("dataset-wrapper", "split"):
                inner = self.seen.evaluator.calls.arguments(value).get(entry.fields.get("dataset", ""))
                return self._dataset_style(inner, depth + 1) if inner is not None else ""
            if value.items and value.name.endswith((".map", ".filter", ".select", ".with_transform", ".with_format")):
                return self._dataset_style(value.items[0], depth + 1)
            return ""
        if value.kind == "part":
            return self._dataset_style(value.items[0], depth + 1)
        if value.kind == "instance":
            return self._class_style(value.name)
        if value.kind == "sequence" and value.items:
            return "map"
        return ""

    def _class_style(self, name: str) -> str:
        path, _, qualname = name.partition("::")
        for where, owner in self.seen.program.lineage(path, qualname):
            unit = self.seen.program.index.unit(where, owner)
            for base in unit.bases if unit is not None else ():
                target = self.seen.program.index.resolve(where, owner, base)
                entry = self.seen.evaluator.entry(target.absolute) if target.kind == "external" else None
                if entry is not None and entry.style:
                    return entry.style
        has_item = self.seen.program.resolve(path, qualname, "__getitem__")[0] == "function"
        has_iter = self.seen.program.resolve(path, qualname, "__iter__")[0] == "function"
        return "map" if has_item and not has_iter else ""

    def _role(self, call: Call) -> Value:
        signals = self._signals(call)
        if signals.train and signals.evaluate:
            return unknown_value("it looks used for training and for evaluation", call.span)
        if signals.evaluate:
            return Value("eval", State.DERIVED, span=call.span, chain=tuple(signals.evaluate[:2]))
        if signals.consumed or len(signals.train) >= 2:
            return Value("train", State.DERIVED, span=signals.train[0].span, chain=tuple(signals.train[:3]))
        return unknown_value("not enough says what it is used for", call.span)

    def _signals(self, call: Call) -> Signals:
        found = Signals()
        span = call.span
        if span is None:
            return found
        for name in self._names(call):
            words = set(words_of(name))
            if words & program_words("eval"):
                found.evaluate.append(Link(span, f"its name is {name}"))
            elif words & program_words("train"):
                found.train.append(Link(span, f"its name is {name}"))
        self._dataset_signals(call, found)
        for link, trains in self._consumers.get(call.site, ()):
            if trains:
                found.train.insert(0, link)
                found.consumed = True
            else:
                found.evaluate.append(link)
        return found

    def _names(self, call: Call) -> list[str]:
        names = list(self.seen.names.get(call.site, ()))
        simple = call.frame.facts.qualname.rpartition(".")[2]
        if simple and not names:
            names.append(simple)
        return names

    def _dataset_signals(self, call: Call, found: Signals) -> None:
        dataset = self.seen.argument(call, "dataset")
        if dataset is None or call.span is None:
            return
        for item in dataset.alternatives():
            split = self._split_of(item)
            if split is None:
                continue
            words = set(words_of(split))
            if words & program_words("eval"):
                found.evaluate.append(Link(call.span, f"it reads the {split} split"))
            elif words & program_words("train"):
                found.train.append(Link(call.span, f"it reads the {split} split"))

    def _split_of(self, value: Resolved, depth: int = 0) -> str | None:
        if depth > 6:
            return None
        if value.kind in ("object", "instance") and value.frame is not None:
            named = " ".join(self.seen.names.get(value.site, ())) if value.site is not None else ""
            for key, argument in zip(value.frame.term(value.term).keys, value.frame.term(value.term).args[1:], strict=True):
                given = self.seen.evaluator.value(value.frame, argument)
                if key in ("train", "is_train", "training") and isinstance(given.value, bool):
                    return "train" if given.value else "test"
                if key in ("", "split", "mode", "phase", "root", "subset", "image_set", "dataset") and isinstance(given.value, str):
                    if set(words_of(given.value)) & (program_words("train") | program_words("eval")):
                        return given.value
                if key in ("", "dataset") and given.kind in ("object", "part"):
                    inner = self._split_of(given, depth + 1)
                    if inner is not None:
                        return inner
            return named or None
        if value.kind == "part" and value.items:
            if isinstance(value.value, str):
                return value.value
            return self._split_of(value.items[0], depth + 1) if value.value is None else None
        return None

    def _find_consumers(self) -> dict[Site, list[tuple[Link, bool]]]:
        found: dict[Site, list[tuple[Link, bool]]] = {}
        for frame in self.seen.frames:
            for index, loop in enumerate(frame.facts.loops):
                if loop.kind != "for" or loop.at is None:
                    continue
                verdict = self._consumes(frame, index)
                if verdict is None:
                    continue
                for site, span in self._iterated(frame, loop.source):
                    label = "its batches reach backward()" if verdict else "its batches are used without gradients"
                    found.setdefault(site, []).append((Link(span, label), verdict))
        return found

    def _consumes(self, frame: Frame, loop: int) -> bool | None:
        if self.training.loop_trains(frame.facts, loop):
            return True
        events = [event for event in frame.facts.events if event.loop == loop]
        if any(_EVAL_CONTEXTS & set(event.contexts) for event in events):
            return False
        unit = self.seen.program.index.unit(frame.facts.path, frame.facts.qualname)
        if unit is not None and any(name.rpartition(".")[2] in _EVAL_CONTEXTS for name in unit.decorators):
            return False
        return None

    def _iterated(self, frame: Frame, source: int) -> Iterator[tuple[Site, Span]]:
        span = frame.span(source)
        value = self.seen.evaluator.value(frame, source)
        for item in _through(self.seen, value):
            if item.site is not None and span is not None:
                yield item.site, span

    def _words(self, call: Call) -> set[str]:
        texts = [*self._names(call), *self.seen.texts(call.frame, call.term, depth=4)]
        path = call.frame.facts.path.rpartition("/")[2]
        return {word for text in (*texts, path, call.frame.facts.qualname) for word in words_of(text)}


def _through(seen: Observations, value: Resolved, depth: int = 0) -> Iterator[Resolved]:
    """The loaders an iterated value draws from: through enumerate, zip, progress bars and prefetchers."""
    if depth > 5:
        return
    for item in value.alternatives():
        if item.kind != "object" or item.frame is None:
            continue
        entry = seen.evaluator.entry(item.name)
        if entry is not None and entry.kind == "loader":
            yield item
            continue
        for argument in item.frame.term(item.term).args[1:]:
            inner = seen.evaluator.value(item.frame, argument)
            if not same(inner, item):
                yield from _through(seen, inner, depth + 1)


def _whole(seen: Observations, call: Call) -> bool:
    """Whether the batch is the size of the data set."""
    size = seen.argument(call, "batch_size")
    return size is not None and size.kind == "object" and size.name == "builtins.len"


def _mentions_phase(seen: Observations, frame: Frame, term: int) -> bool:
    phases = program_words("train") | program_words("eval") | program_words("phase")
    return any(set(words_of(text)) & phases for text in seen.texts(frame, term))

