"""Data loaders: what each is used for, and in which order it gives the samples."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from trainlint.analysis.evaluation.operators import truthiness
from trainlint.analysis.evaluation.values import Frame, Resolved, same
from trainlint.findings import Span
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.batches import full_batch
from trainlint.recipe.code.carried_state import carries_state
from trainlint.recipe.code.dataset_style import DatasetStyles
from trainlint.recipe.code.leaves import absent, leaf, unknown_value
from trainlint.recipe.code.lightning_runs import handed_loaders, lightning_runs
from trainlint.recipe.code.loader_roles import Consumer, RoleSignals
from trainlint.recipe.code.made_up import made_up
from trainlint.recipe.code.observe import Call, Observations, overlap
from trainlint.recipe.code.own_samplers import draws_permutation
from trainlint.recipe.code.purpose import imports_for
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Link, State, Value

_ITERATES = frozenset({"object", "instance", "part"})


@dataclasses.dataclass(slots=True)
class Use:
    """One loader: the call that makes it, as one of the calls of the function around it does."""

    call: Call
    made: Resolved
    bound: dict[str, Resolved]
    complete: bool

    def argument(self, field: str) -> Resolved | None:
        """What is passed for a recipe field; None where nothing is."""
        entry = self.call.entry
        return self.bound.get(entry.fields.get(field, "")) if entry is not None else None

    @property
    def shuffles_by_default(self) -> bool:
        """What not passing `shuffle` means."""
        return self.call.entry is not None and self.call.entry.default("shuffle") is True

    @property
    def span(self) -> Span | None:
        """Where the loader is made."""
        return self.call.span


class Loaders:
    """The loaders of one program, as groups of recipe values."""

    def __init__(self, seen: Observations, training: Training) -> None:
        self.seen = seen
        self.styles = DatasetStyles(seen)
        self.roles = RoleSignals(seen, training, self._consumers(training))
        self.uses = list(self._uses())
        self._carried = carries_state(seen, training) if self.uses else ""

    def _uses(self) -> Iterator[Use]:
        for call in self.seen.made("loader"):
            happens = self.seen.happens(call.frame, call.event.conditions)
            if happens is False and not self._is_optional(call):
                continue
            for made in self.seen.instances(call):
                arguments = self.seen.evaluator.binder.arguments(made)
                use = Use(call, made, arguments.bound, arguments.complete)
                if happens is not False or self._role(use).value == "eval":
                    yield use

    def _is_optional(self, call: Call) -> bool:
        """Whether only an option of the command line leaves a call out: then another run makes it."""
        values = [self.seen.evaluator.value(call.frame, each.term) for each in call.event.conditions]
        return all(
            value.option or truthiness(value) in (None, each.holds)
            for value, each in zip(values, call.event.conditions, strict=True)
        )

    def _role(self, use: Use) -> Value:
        return self.roles.role(use.call, use.made, use.argument("dataset"))

    def elements(self) -> list[dict[str, Value]]:
        """One mapping of `loader.*` values for each loader, in order."""
        elements = [self._element(use) for use in self.uses]
        self._compare_branches(elements)
        return elements

    def _element(self, use: Use) -> dict[str, Value]:
        order = self._order(use)
        return {
            "loader.role": self._role(use),
            "loader.order": order,
            "loader.style": self._style(use),
            "loader.shuffle": self._shuffle(use),
            "loader.sampler": self._sampler(use),
            "loader.batch_size": self._batch_size(use),
            "loader.shuffled_when": self._shuffled_when(use, order),
        }

    def _batch_size(self, use: Use) -> Value:
        """How many samples a batch has: a batch sampler decides it where one is given."""
        size, entry = use.argument("batch_size"), use.call.entry
        sampler = use.argument("batch_sampler")
        if size is None and sampler is not None and sampler.default().kind not in ("const", "absent"):
            made = sampler.default()
            known = self.seen.evaluator.entry(made.name) if made.kind == "object" else None
            parameter = known.fields.get("batch_size") if known is not None else None
            if parameter is None:
                return unknown_value("a batch sampler of its own makes the batches", use.span)
            return leaf(self.seen.evaluator.binder.arguments(made).get(parameter), use.call)
        default = entry.default("batch_size") if entry else None
        return leaf(full_batch(self.seen, size), use.call, default=default)

    def _shuffle(self, use: Use) -> Value:
        value = use.argument("shuffle")
        if value is None and not use.complete:
            return unknown_value("a starred argument may set shuffle", use.span)
        if value is None or (value.kind == "const" and value.value is None) or value.kind == "absent":
            return Value(use.shuffles_by_default, State.DEFAULT, span=use.span)
        return leaf(value, use.call)

    def _sampler(self, use: Use) -> Value:
        value = self._given_sampler(use)
        if value is None:
            return absent(use.span)
        entry = self.seen.evaluator.entry(value.name) if value.kind == "object" else None
        if entry is None or entry.kind != "sampler":
            return Value("custom", State.EXPLICIT, span=use.span)
        return Value(str(entry.extra.get("name", "custom")), State.EXPLICIT, span=use.span)

    def _given_sampler(self, use: Use) -> Resolved | None:
        for field in ("sampler", "batch_sampler"):
            value = use.argument(field)
            if (
                value is not None
                and not (value.kind == "const" and value.value is None)
                and value.kind != "absent"
            ):
                return value
        return None

    def _order(self, use: Use) -> Value:
        if not use.complete:
            return unknown_value(
                "arguments come from a starred expression that could not be followed", use.span
            )
        sampler = self._given_sampler(use)
        if sampler is not None:
            return self._sampler_order(use, sampler)
        return self._shuffle_order(use)

    def _sampler_order(self, use: Use, sampler: Resolved) -> Value:
        alternatives = sampler.alternatives()
        shuffle = use.argument("shuffle")
        shuffles = shuffle.alternatives() if shuffle is not None else ()
        # `shuffle=sampler is None`: both are decided by the same branch.
        paired = shuffle is not None and len(shuffles) == len(alternatives) > 1
        found = [
            self._one_sampler_order(use, each, shuffles[position] if paired else None)
            for position, each in enumerate(alternatives)
        ]
        if all(order.known and order.value == found[0].value for order in found):
            return found[0]
        return next((order for order in found if not order.known), unknown_value("branches differ", use.span))

    def _one_sampler_order(self, use: Use, sampler: Resolved, shuffle: Resolved | None) -> Value:
        if sampler.kind == "const" and sampler.value is None and shuffle is not None:
            if shuffle.kind == "const" and shuffle.value is True:
                return Value("random", State.DERIVED, span=use.span)
            return unknown_value("without the sampler the order is not known", use.span)
        entry = self.seen.evaluator.entry(sampler.name) if sampler.kind == "object" else None
        if entry is not None:
            if entry.extra.get("name") == "sequential":
                return Value("file", State.DERIVED, span=use.span)
            if entry.random:
                return Value("random", State.DERIVED, span=use.span)
            if entry.extra.get("name") == "distributed":
                return self._distributed_order(use, sampler)
        if draws_permutation(self.seen, sampler):
            return Value("random", State.DERIVED, span=use.span)
        return unknown_value("a sampler of its own sets the order", use.span)

    def _distributed_order(self, use: Use, sampler: Resolved) -> Value:
        shuffle = self.seen.evaluator.binder.arguments(sampler).get("shuffle")
        if shuffle is None or (shuffle.kind == "const" and shuffle.value):
            return Value("random", State.DERIVED, span=use.span)
        if shuffle.kind == "const":
            return Value("file", State.DERIVED, span=use.span)
        return unknown_value("the sampler's shuffle is not known", use.span)

    def _shuffle_order(self, use: Use) -> Value:
        shuffle = use.argument("shuffle")
        values = () if shuffle is None else shuffle.alternatives()
        if shuffle is not None and _asks_the_machine(shuffle):
            return Value("branch", State.DERIVED, span=use.span)
        unresolved = [item for item in values if item.kind not in ("const", "absent")]
        if unresolved:
            return unknown_value(
                f"shuffle is not known: {unresolved[0].name or unresolved[0].kind}", use.span
            )
        truths = {bool(item.value) for item in values}
        if truths == {True} or (not truths and use.shuffles_by_default):
            return Value("random", State.DERIVED, span=use.span)
        if truths == {True, False} and shuffle is not None:
            return self._branch_order(use, shuffle)
        return self._reordered(use) or Value("file", State.DERIVED, span=use.span)

    def _branch_order(self, use: Use, shuffle: Resolved) -> Value:
        if shuffle.option or shuffle.condition is None or self._mentions_phase(*shuffle.condition):
            return unknown_value("an option or the phase decides whether it shuffles", use.span)
        return Value("branch", State.DERIVED, span=use.span)

    def _shuffled_when(self, use: Use, order: Value) -> Value:
        if order.value != "branch":
            return absent(use.span)
        shuffle = use.argument("shuffle")
        if shuffle is None or shuffle.condition is None:
            name = shuffle.name.rpartition(".")[2] if shuffle is not None else "a condition"
            return Value(name, State.DERIVED, span=use.span)
        frame, term = shuffle.condition
        words = self._condition_words(frame, term)
        return Value(words or "a condition", State.DERIVED, span=frame.span(term))

    def _condition_words(self, frame: Frame, term: int, depth: int = 4) -> str:
        """The names a condition asks, in order, without what options are parsed from."""
        record = frame.term(term)
        if record.op == "attr":
            return record.name
        if record.op == "call":
            return self._condition_words(frame, record.args[0], depth)
        if record.op in ("param", "global", "const"):
            words = list(self.seen.texts(frame, term, depth=0))
            return words[0] if words else ""
        if depth == 0:
            return ""
        parts = (self._condition_words(frame, each, depth - 1) for each in record.args)
        return " ".join(dict.fromkeys(part for part in parts if part))

    def _compare_branches(self, elements: list[dict[str, Value]]) -> None:
        """A loader in file order whose twin on the other branch shuffles is shuffled on one branch only."""
        for use, element in zip(self.uses, elements, strict=True):
            if element["loader.order"].value != "file" or not use.call.event.conditions:
                continue
            last = use.call.event.conditions[-1]
            for other, twin in zip(self.uses, elements, strict=True):
                if twin["loader.order"].value != "random" or other.call.place != use.call.place:
                    continue
                ends = other.call.event.conditions[-1:]
                names = set(self.seen.names(use.made.identity)) & set(self.seen.names(other.made.identity))
                if names and ends and ends[0].term == last.term and ends[0].holds is not last.holds:
                    span = use.call.frame.span(last.term)
                    if self._mentions_phase(use.call.frame, last.term):
                        element["loader.order"] = unknown_value("the phase decides whether it shuffles", span)
                        continue
                    words = self._condition_words(use.call.frame, last.term) or "a condition"
                    element["loader.order"] = Value("branch", State.DERIVED, span=use.span)
                    element["loader.shuffled_when"] = Value(words, State.DERIVED, span=span)

    def _reordered(self, use: Use) -> Value | None:
        """Why file order is not what it seems: data permuted before, made up, or in an order with a
        meaning."""
        dataset = use.argument("dataset")
        if dataset is None:
            return unknown_value("the data set is not known", use.span)
        if self._draws_anew(dataset):
            return Value("random", State.DERIVED, span=use.span)
        for word in sorted(self._words(use)):
            if word in program_words("ordered"):
                return unknown_value(f"{word}: the order of the samples may carry meaning", use.span)
            if word in program_words("synthetic"):
                return unknown_value(f"{word}: made-up data has no order", use.span)
        drawn = made_up(self.seen.program, dataset)
        if drawn:
            return unknown_value(drawn, use.span)
        shuffled = self._shuffled_before(use, dataset)
        if shuffled is not None:
            chain = (Link(shuffled.span, "the data is permuted here"),) if shuffled.span else ()
            return Value("shuffled-once", State.DERIVED, span=use.span, chain=chain)
        if imports_for(self.seen, "reinforcement"):
            return unknown_value("episodes may be learned from in the order they were played", use.span)
        if self._carried:
            return unknown_value(f"{self._carried} keeps a state from batch to batch", use.span)
        size = use.argument("batch_size")
        if size is not None and size.kind == "object" and size.name == "builtins.len":
            return unknown_value("one batch holds the whole data set", use.span)
        return None

    def _draws_anew(self, dataset: Resolved, depth: int = 0) -> bool:
        """Whether the data set gives its samples in a new order for every pass: `paddle.reader.shuffle`."""
        if dataset.kind == "choice":
            return any(self._draws_anew(item, depth + 1) for item in dataset.items)
        entry = self.seen.evaluator.entry(dataset.name) if dataset.kind == "object" else None
        if entry is None or depth > 4:
            return False
        if entry.kind == "dataset-wrapper":
            inner = self.seen.evaluator.binder.arguments(dataset).get(entry.fields.get("dataset", ""))
            return inner is not None and self._draws_anew(inner, depth + 1)
        return entry.kind == "shuffle" and entry.extra.get("every_pass") is True

    def _shuffled_before(self, use: Use, dataset: Resolved) -> Call | None:
        places = {use.call.place, *self._dataset_places(dataset)}
        files = {path for path, _ in places}
        for other in self.seen.made("shuffle", "split"):
            entry = other.entry
            if entry is None or entry.random is False or entry.extra.get("every_pass"):
                continue
            if other.place[0] in files:
                return other
        return next((other for other in self.seen.methods("shuffle") if other.place in places), None)

    def _dataset_places(self, dataset: Resolved) -> Iterator[tuple[str, str]]:
        for item in dataset.alternatives():
            if item.frame is not None:
                yield (item.frame.facts.path, item.frame.facts.qualname)
            if item.kind == "instance":
                path, _, qualname = item.name.partition("::")
                yield from self.seen.program.methods(path, qualname)
            for part in item.items:
                yield from self._dataset_places(part)

    def _style(self, use: Use) -> Value:
        if use.call.entry is not None and use.call.entry.style:
            return Value(use.call.entry.style, State.DERIVED, span=use.span)
        dataset = use.argument("dataset")
        if dataset is None:
            return unknown_value("the data set is not known", use.span)
        styles = {self.styles.of(item) for item in dataset.alternatives()}
        if len(styles) == 1 and "" not in styles:
            return Value(styles.pop(), State.DERIVED, span=use.span)
        return unknown_value(f"what kind of data set this is: {dataset.name or dataset.kind}", use.span)

    def drawn(self) -> Iterator[Resolved]:
        """The loaders that `for` loops draw all batches from, whatever the loops do."""
        for frame in self.seen.frames:
            for loop in frame.facts.loops:
                if loop.kind == "for" and "next" not in self.seen.texts(frame, loop.source):
                    yield from self.drawn_from(self.seen.evaluator.value(frame, loop.source))

    def _consumers(self, training: Training) -> list[Consumer]:
        found: list[Consumer] = []
        for frame in self.seen.frames:
            for index, loop in enumerate(frame.facts.loops):
                if loop.kind != "for" or loop.at is None:
                    continue
                span = frame.loop_span(index)
                assert span is not None
                trains = training.verdict(frame.facts, index)
                if trains is None:
                    continue
                drawn = self.drawn_from(self.seen.evaluator.value(frame, loop.source))
                elsewhere = not self.seen.comes_to((frame.facts.path, frame.facts.qualname))
                found += [Consumer(item.identity, span, trains, elsewhere) for item in drawn]
        return [*found, *self._taken(training), *self._handed(training)]

    def _handed(self, training: Training) -> Iterator[Consumer]:
        """Loaders that a trainer is given, to train on or to evaluate with: `trainer.fit(model, loader)`."""
        for run in lightning_runs(self.seen, training):
            for item, trains in handed_loaders(self.seen, run):
                if item.identity and run.call.span is not None:
                    yield Consumer(item.identity, run.call.span, trains)

    def _taken(self, training: Training) -> Iterator[Consumer]:
        """Batches taken one at a time: `next(batches)` in a loop that trains."""
        for call in self.seen.calls:
            if call.name != "builtins.next" or call.event.loop < 0 or call.span is None:
                continue
            if training.verdict(call.frame.facts, call.event.loop) is not True:
                continue
            for argument in call.frame.term(call.term).args[1:2]:
                for item in self.drawn_from(self.seen.evaluator.value(call.frame, argument)):
                    yield Consumer(item.identity, call.span, True)

    def drawn_from(self, value: Resolved, depth: int = 0) -> Iterator[Resolved]:
        """The loaders an iterated value draws from: through enumerate, zip, progress bars and prefetchers."""
        if depth > 5:
            return
        for item in value.alternatives():
            if item.kind not in _ITERATES:
                continue
            entry = self.seen.evaluator.entry(item.name) if item.kind == "object" else None
            if entry is not None and entry.kind == "loader":
                yield item
                continue
            for inner in self._inside(item):
                if not same(inner, item):
                    yield from self.drawn_from(inner, depth + 1)

    def _inside(self, item: Resolved) -> Iterable[Resolved]:
        yielded = self.seen.evaluator.calls.yielded(item)
        if yielded:
            return yielded
        if item.frame is None or item.kind == "part":
            return item.items[:1]
        # A reader is called to make a pass over it: `for batch in train_reader()`.
        called = item.frame.term(item.term).args if item.name.endswith("()") else ()
        arguments = called or item.frame.term(item.term).args[1:]
        return [self.seen.evaluator.value(item.frame, argument) for argument in arguments]

    def _words(self, use: Use) -> set[str]:
        call = use.call
        texts = [*self.seen.names(use.made.identity), *self.seen.texts(call.frame, call.term, depth=4)]
        path = call.frame.facts.path.rpartition("/")[2]
        return {word for text in (*texts, path, call.frame.facts.qualname) for word in words_of(text)}

    def _mentions_phase(self, frame: Frame, term: int) -> bool:
        phases = program_words("train") | program_words("eval") | program_words("phase")
        return any(set(words_of(text)) & phases for text in self.seen.texts(frame, term))


def _asks_the_machine(shuffle: Resolved) -> bool:
    """Whether shuffling hangs on what hardware there is: `shuffle=torch.cuda.is_available()`."""
    return shuffle.kind == "object" and shuffle.name.endswith(".is_available")


__all__ = ["Loaders", "Use", "overlap"]
