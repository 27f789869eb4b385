"""Which random generators a program seeds, and whether that is certain."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Event
from trainlint.findings import Span
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.leaves import absent, leaf, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.strange_calls import strange_calls
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Link, State, Value

_SEED_ATTRIBUTES = {"random_seed": "paddle"}
"""Attributes of a graph whose store seeds the generator of a framework."""

_EXPLICIT = {"jax": "every draw takes a key that the program made; there is no generator to seed"}
"""Frameworks that have no generator to seed, and why a program that seeds nothing lacks nothing."""

_OWN_GENERATOR = "one generator"
"""What `torch.Generator().manual_seed(0)` seeds: a split or an order of its own, which nobody takes for a
seeded run."""

_SEEDING_WORDS = frozenset({"seed", "seeds", "deterministic", "determinism", "reproduce", "reproducible"})


class Seeding:
    """What a program seeds. `backend` is the framework whose generator matters ("torch").

    With `training`, what runs when all of it is over does not count.
    """

    def __init__(
        self, seen: Observations, backend: str, at: Span | None, training: Training | None = None
    ) -> None:
        self.training = training
        self.seen = seen
        self.backend = backend
        self.at = at
        self.seeds = [(call, seeds) for call, seeds in self._seeds() if not self._is_over(call)]

    def _seeds(self) -> Iterator[tuple[Call, tuple[str, ...]]]:
        undone = {(call.place, call.name) for call in self.seen.calls if self._is_undoing(call)}
        for call in self.seen.calls:
            if (call.place, call.name) in undone:
                continue
            inherited = self._inherited(call)
            if inherited:
                yield call, inherited
            elif call.entry is not None and not call.method:
                if call.entry.seeds:
                    yield call, call.entry.seeds
                elif call.entry.kind == "rng-state" and not call.entry.extra:
                    yield call, (call.entry.framework,)
            elif call.method and call.name == "manual_seed":
                yield call, (_OWN_GENERATOR,)
            elif call.method:
                method = self.seen.evaluator.knowledge.method(call.name)
                if method is not None and method.kind == "seed":
                    yield call, method.seeds

    def _is_undoing(self, call: Call) -> bool:
        """Whether a call seeds from the machine's entropy, `np.random.seed(None)`: what the function seeded
        before held for what stands between, a split say."""
        if call.method or call.entry is None or not call.entry.seeds:
            return False
        given = [call.frame.term(each) for each in call.frame.term(call.term).args[1:]]
        return all(each.op == "const" and each.value is None for each in given)

    def _inherited(self, call: Call) -> tuple[str, ...]:
        """What the library's class seeds of which a class of the project is made: a trainer's subclass."""
        path, separator, qualname = call.name.partition("::")
        if call.method or call.entry is not None or not separator:
            return ()
        bases = (self.seen.evaluator.entry(base) for base in self.seen.program.foreign_bases(path, qualname))
        return next((base.seeds for base in bases if base is not None and base.seeds), ())

    def facts(self) -> dict[str, Value]:
        """The `repro.*` values."""
        own = [call for call, generators in self.seeds if self.backend in generators]
        if own:
            first = own[0]
            return {
                "repro.seeded": Value(True, State.DERIVED, span=first.span),
                "repro.seed": self._seed_value(first),
                "repro.partial": absent(first.span),
            }
        stores = list(self._stores())
        for frame, event in stores:
            if not self._is_off(frame, event):
                span = frame.span(event.value) or frame.span(event.term)
                return {
                    "repro.seeded": Value(True, State.DERIVED, span=span),
                    "repro.seed": self._stored_seed(frame, event, span),
                    "repro.partial": absent(span),
                }
        unread = self._unread() or self._seeded_one_by_one()
        if self.backend in _EXPLICIT:
            unread = unknown_value(_EXPLICIT[self.backend], self.at)
        if unread is not None:
            return dict.fromkeys(("repro.seeded", "repro.seed", "repro.partial"), unread)
        others = list(dict.fromkeys(name for _, generators in self.seeds for name in generators))
        if others == [_OWN_GENERATOR]:
            others = []
        return {
            "repro.seeded": Value(False, State.DERIVED, span=self.at, chain=tuple(_switches(stores))),
            "repro.seed": absent(self.at),
            "repro.partial": self._partial(others),
            "repro.local": Value(self._are_local(), State.DERIVED, span=self.at),
        }

    def _stores(self) -> Iterator[tuple[Frame, Event]]:
        """Seeds that are written into a graph: `main_program.random_seed = 90`."""
        for name, framework in _SEED_ATTRIBUTES.items():
            if framework != self.backend:
                continue
            for frame in self.seen.frames:
                for event in self.seen.program.events(frame.facts):
                    if event.kind == "store-attr" and event.name == name:
                        yield frame, event

    def _is_off(self, frame: Frame, event: Event) -> bool:
        """Whether a default run leaves the store out, by a switch that is for something else than seeds."""
        if self.seen.happens(frame, event.conditions) is not False:
            return False
        texts = (text for each in event.conditions for text in self.seen.texts(frame, each.term))
        return _SEEDING_WORDS.isdisjoint(word for text in texts for word in words_of(text))

    def _stored_seed(self, frame: Frame, event: Event, span: Span | None) -> Value:
        seed = self.seen.evaluator.value(frame, event.value).default()
        if seed.kind == "const" and isinstance(seed.value, int):
            return Value(seed.value, State.EXPLICIT, span=span)
        return unknown_value(seed.name or "the seed is not a constant", span)

    def _are_local(self) -> bool:
        """Whether each seed is set in a function that then shuffles or splits with that very generator, and
        does not train: it is there for the split."""
        return bool(self.seeds) and all(self._is_local(call) for call, _ in self.seeds)

    def _is_local(self, seed: Call) -> bool:
        trains = self.training is not None and seed.place in self.training.units
        if not seed.place[1] or seed.entry is None or trains:
            return False
        generator = seed.entry.name.rpartition(".")[0]
        return any(
            call.entry is not None
            and call.entry.kind == "shuffle"
            and call.entry.name.rpartition(".")[0] == generator
            for call in self.seen.made("shuffle")
            if call.place == seed.place
        )

    def _partial(self, others: list[str]) -> Value:
        if not others:
            return absent(self.at)
        chain = tuple(
            Link(call.span, f"{call.name} seeds {generators[0]} only")
            for call, generators in self.seeds
            if call.span
        )
        first = self.seeds[0][0].span
        return Value(", ".join(others), State.DERIVED, span=first, chain=chain[1:4])

    def _seed_value(self, call: Call) -> Value:
        return leaf(_first_process(self.seen.argument(call, "seed")), call)

    def open_world(self) -> str:
        """Why the absence of a seed call proves nothing; empty when everything that could seed was read."""
        unread = self._unread()
        return unread.reason if unread is not None else ""

    def _unread(self) -> Value | None:
        unread = self.seen.unread.value("seed")
        if unread is not None:
            return unread
        handed_on = self._handed_on()
        if handed_on:
            return unknown_value(f"{handed_on} is handed on, and may be called", self.at)
        inert = self.seen.evaluator.knowledge.inert
        for call in self.seen.calls:
            unknown = not call.method and call.name and "::" not in call.name and call.entry is None
            if unknown and not inert(call.name, "seed") and not self._is_over(call):
                shown = self.seen.unread.shown(call.frame, call.term) or call.name
                return unknown_value(f"{shown} was not read, and may seed it", call.span)
        for strange in strange_calls(self.seen.program, self._may_seed):
            if self.training is None or not self.training.runs_only_after(strange.place):
                return unknown_value(f"{strange.shown} was not read, and may seed it", strange.span)
        return None

    def _is_over(self, call: Call) -> bool:
        return self.training is not None and self.training.runs_after(call)

    def _may_seed(self, name: str) -> bool:
        """Whether a name of a library is not known to leave the generators alone."""
        knowledge = self.seen.evaluator.knowledge
        return knowledge.lookup(name) is None and not self.seen.unread.is_inert(name, "seed")

    def _seeded_one_by_one(self) -> Value | None:
        """An unknown leaf where weights are drawn by initializers that are handed a seed of their own."""
        for call in self.seen.calls:
            keys = call.frame.term(call.term).keys
            if call.method or "seed" not in keys or "initializer" not in call.name.lower():
                continue
            given = call.frame.term(call.frame.term(call.term).args[1 + keys.index("seed")])
            if given.op != "const" or given.value is not None:
                shown = self.seen.unread.shown(call.frame, call.term) or call.name
                return unknown_value(f"{shown} has a seed of its own", call.span)
        return None

    def unread_files(self) -> str:
        """Which part of the program was not read at all; empty where everything in reach was."""
        return self.seen.unread.reason("seed")

    def _handed_on(self) -> str:
        """A seeding function that is used as a value: who calls it is not known."""
        for frame in self.seen.frames:
            terms = frame.facts.terms
            called = {term.args[0] for term in terms if term.op == "call"}
            for index, term in enumerate(terms):
                if term.op != "global" or "::" in term.name or index in called:
                    continue
                entry = self.seen.evaluator.entry(term.name)
                if entry is not None and self.backend in entry.seeds:
                    return term.name
        return ""


def _switches(stores: list[tuple[Frame, Event]]) -> Iterator[Link]:
    """Where a seed is set by a switch that is off unless it is asked for."""
    for frame, event in stores[:1]:
        span = frame.span(event.value) or frame.span(event.term)
        if span is not None:
            yield Link(span, "a seed is set only behind a switch that is off by default")


def _first_process(seed: Resolved | None) -> Resolved | None:
    """The seed of the first process: the one number where others add their rank to it."""
    numbers = [leaf for leaf in seed.alternatives() if leaf.is_number] if seed is not None else []
    return numbers[0] if len(numbers) == 1 else seed
