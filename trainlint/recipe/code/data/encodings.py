"""Which encoders turn the categories of a feature into numbers that a network will take for amounts."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Event
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import load_roles, words_of
from trainlint.recipe.code.data.fits import Fit, Fits
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.model import Value

_TAKES_OUT = ("drop", "pop")
_APPLIES = ("fit_transform", "transform")


class Encodings:
    """The feature columns that a program's encoders number."""

    def __init__(self, seen: Observations, fits: list[Fit]) -> None:
        self.seen = seen
        self.fits = [fit for fit in fits if fit.entry.extra.get("numbers")]
        self.embeds = bool(self.fits) and self._looks_up_categories()
        self.targets = self._targets() if self.fits else set()

    def column(self, fit: Fit) -> str:
        """The feature column that a fit numbers, "each column" in a loop; "" where there is none."""
        if self.embeds or fit not in self.fits or fit.call.frame.term(fit.call.term).op != "call":
            return ""
        for event in fit.call.frame.facts.events:
            if event.kind == "store-item" and self._comes_from(fit, event):
                return self._named(fit, event)
        return ""

    def _comes_from(self, fit: Fit, event: Event) -> bool:
        """Whether what is stored is the encoder's result for the same column."""
        frame = fit.call.frame
        if event.value == fit.call.term:
            return fit.gives
        record = frame.term(event.value)
        if record.op != "call" or fit.gives or event.loop != fit.call.event.loop:
            return False
        callee = frame.term(record.args[0])
        mine = frame.term(frame.term(fit.call.term).args[0])
        return callee.op == "attr" and callee.name in _APPLIES and callee.args == mine.args

    def _named(self, fit: Fit, event: Event) -> str:
        key = fit.call.frame.term(event.key)
        if key.op == "elem":
            return "each column"
        if key.op != "const" or not isinstance(key.value, str) or key.value in self.targets:
            return ""
        words = set(words_of(key.value))
        return "" if words & (load_roles().labels | program_words("graded")) else key.value

    def _looks_up_categories(self) -> bool:
        """Whether the model has embeddings: these take category numbers as they are."""
        program = self.seen.program
        return any(
            "embed" in name.lower() or "onehot" in name.lower() or "one_hot" in name.lower()
            for place in program.reach.places
            for name in program.reach.unit(place).calls
        )

    def _targets(self) -> set[str]:
        """Columns that are taken out of a table, or read into a name for labels."""
        found: set[str] = set()
        for call in self.seen.methods(*_TAKES_OUT):
            found |= set(_keys(call.frame, call.term))
        for frame in self.seen.frames:
            bound = {event.term: event.name for event in frame.facts.events if event.kind == "bind"}
            for term, name in bound.items():
                if set(words_of(name)) & load_roles().labels:
                    found |= set(_keys(frame, term))
        return found


def _keys(frame: Frame, term: int, depth: int = 4) -> Iterator[str]:
    """The strings an expression is written with, but not those of the table it is taken from."""
    record = frame.term(term)
    if record.op == "const" and isinstance(record.value, str):
        yield record.value
    if depth and record.op not in ("setitem", "update", "loop"):
        for each in record.args:
            yield from _keys(frame, each, depth - 1)


def fit_elements(seen: Observations) -> list[dict[str, Value]]:
    """One mapping of `fit.*` values for each preprocessor a program fits, in order."""
    fits = Fits(seen)
    encodings = Encodings(seen, fits.fits)
    elements = fits.elements()
    for fit, element in zip(fits.fits, elements, strict=True):
        column = encodings.column(fit)
        span = fit.call.span
        element["fit.column"] = (
            derived(column, span) if column else unknown_value("no feature column was found", span)
        )
    return elements
