"""What the trials of a search are scored by: whether it is the test data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trainlint.findings import Span
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.ancestry import Ancestry, Node
from trainlint.recipe.code.bound_names import BoundNames
from trainlint.recipe.code.leaves import absent, derived
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.search.calls import SearchCall
from trainlint.recipe.code.search.objectives import objective_of
from trainlint.recipe.code.search.stops import Stops
from trainlint.recipe.model import Link, Value

_TEST = frozenset({"test", "tst", "testing", "testset", "testloader", "testdata"})
_FITS = frozenset({"fit", "fit_generator"})
_MEASURES = frozenset({"evaluate", "predict", "score", "test", "evaluate_model", "test_model"})


class Scores:
    """The data behind the score of one search's trials."""

    def __init__(self, seen: Observations, call: SearchCall, stops: Stops) -> None:
        self.seen = seen
        self.call = call
        self.stops = stops
        self.ancestry = Ancestry(seen)
        self.names = BoundNames()

    def values(self) -> dict[str, Value]:
        """`search.scored_on` and what goes with it, where the score is known to come from the test data."""
        for way, starts in self._scored():
            found = self._behind(starts)
            tests = [each for each in found if is_data(each[0], _TEST)]
            others = program_words("evaluate") - _TEST
            if not tests or any(is_data(name, others) for name, _, _ in found):
                continue
            name, read, score = tests[0]
            validation = next(iter(self._validation(others)), None)
            chain = (Link(read, f"the data is {name}"),) if read is not None else ()
            return {
                "search.scored_on": derived(name, score or self.call.span, chain),
                "search.scored_by": derived(way, self.call.span),
                "search.validation": derived(*validation) if validation else absent(self.call.span),
                "search.tested_again": derived(self._is_tested_again(name), self.call.span),
            }
        return {}

    def _scored(self) -> Iterator[tuple[str, list[Node]]]:
        """What a trial is judged by: what the objective returns or reports, or data given for validation."""
        for run in self.call.runs:
            held_out = run.arguments.terms.get("validation_data")
            if held_out is not None:
                yield "validation-data", [held_out]
        given = self.call.on_run("objective") or self.call.argument(self.call.search.objective)
        objective = objective_of(self.seen, given) if given is not None else None
        if objective is not None and not self.call.search.networks:
            yield "objective", objective[0].returns
        for where, event in self.stops.reports():
            term = where.term(event.term)
            yield "report", [(where, argument) for argument in term.args[1:]]

    def _behind(self, starts: Iterable[Node]) -> list[tuple[str, Span | None, Span | None]]:
        """The names of the data behind some expressions, each with its place and that of the expression."""
        found: list[tuple[str, Span | None, Span | None]] = []
        for start in starts:
            kept = list(self.ancestry.of(start))
            if any(self._is_fit(node) for node in kept) and not self._reads_validation(kept):
                continue
            for frame, term in kept:
                score = start[0].span(start[1])
                found += [(name, frame.span(term), score) for name in self.names.of(frame, term)]
        return found

    @staticmethod
    def _is_fit(node: Node) -> bool:
        frame, term = node
        record = frame.term(term)
        return record.op == "call" and frame.term(record.args[0]).name in _FITS

    @staticmethod
    def _reads_validation(nodes: Iterable[Node]) -> bool:
        """Whether a result of validation is taken from a fit's history: `history["val_loss"]`."""
        for frame, term in nodes:
            record = frame.term(term)
            if record.op == "item":
                key = frame.term(record.args[1]).value
                if isinstance(key, str) and key.startswith("val_"):
                    return True
        return False

    def _validation(self, words: frozenset[str]) -> Iterator[tuple[str, Span | None]]:
        """Data for validation that the program names."""
        for frame in self.seen.frames:
            for event in frame.facts.events:
                if event.kind == "bind" and is_data(event.name, words):
                    yield event.name, frame.span(event.term)
            for name, term in frame.facts.bindings.items():
                if is_data(name, words):
                    yield name, frame.span(term)

    def _is_tested_again(self, name: str) -> bool:
        """Whether the entry file measures something on data of the same name outside of all functions."""
        frame = self.call.frame
        for event in self.seen.program.events(frame.facts):
            if event.kind != "call":
                continue
            record = frame.term(event.term)
            callee = frame.term(record.args[0])
            if callee.name.rpartition("::")[2].rpartition(".")[2] not in _MEASURES:
                continue
            if any(name in self.names.of(frame, argument) for argument in record.args[1:]):
                return True
        return False


def is_data(name: str, words: frozenset[str]) -> bool:
    """Whether a name is one of data for a purpose (`test_loader`, `x_test`), not a result (`test_loss`)."""
    parts = set(words_of(name))
    joined = {"testset", "testloader", "testdata", "valset", "valloader", "validloader"}
    return bool(parts & words) and bool(parts & (program_words("data") | joined))
