"""In which order data loaders give their samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.data.loader_use import Use
from trainlint.recipe.code.data.made_up import made_up
from trainlint.recipe.code.data.own_samplers import draws_permutation
from trainlint.recipe.code.leaves import absent, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.purpose import imports_for
from trainlint.recipe.model import Link, State, Value


class LoaderOrders:
    """Tells the order of a program's loaders. `carried` names what keeps a state from batch to batch; "" for
    nothing."""

    def __init__(self, seen: Observations, carried: str) -> None:
        self.seen = seen
        self.carried = carried

    def of(self, use: Use) -> Value:
        """`loader.order`: "random", "file", "shuffled-once", or "branch" where it hangs on a condition."""
        if not use.complete:
            return unknown_value(
                "arguments come from a starred expression that could not be followed", use.span
            )
        sampler = use.given_sampler()
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

    def shuffled_when(self, use: Use, order: Value) -> Value:
        """`loader.shuffled_when`: the words of the condition on which an order hangs."""
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

    def compare_branches(self, uses: Sequence[Use], elements: list[dict[str, Value]]) -> None:
        """A loader in file order whose twin on the other branch shuffles is shuffled on one branch only."""
        for use, element in zip(uses, elements, strict=True):
            if element["loader.order"].value != "file" or not use.call.event.conditions:
                continue
            last = use.call.event.conditions[-1]
            for other, twin in zip(uses, elements, strict=True):
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
        if self.carried:
            return unknown_value(f"{self.carried} keeps a state from batch to batch", use.span)
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
