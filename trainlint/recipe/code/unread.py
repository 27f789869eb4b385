"""What of a program could not be read, and what it may do there: why an absence proves nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.values import Frame
from trainlint.findings import Span
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.records import keeps_no_record
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.looked_up import looked_up
from trainlint.recipe.code.reach import Place
from trainlint.recipe.code.strange_calls import looking_up
from trainlint.recipe.model import State, Value

if TYPE_CHECKING:
    from trainlint.recipe.code.observe import Call, Observations

_DEEDS = {
    "seed": "may seed it",
    "schedule": "may change the rate",
    "clip": "may clip the gradients",
    "epoch": "may tell the sampler the epoch",
    "switch": "may decide what is regularised",
    "replace": "may replace it",
    "record": "may record the run",
    "evaluate": "may evaluate the model",
}
"""What something unread may do, by effect."""

_INERT_FOR = {
    "seed": "seed",
    "schedule": "schedule",
    "clip": "optimizer",
    "epoch": "order",
    "switch": "optimizer",
    "evaluate": "optimizer",
}
"""The effect that the knowledge of inert packages is asked about."""

_WORDS = {
    "seed": frozenset({"seed", "seeds", "determinism", "deterministic", "reproducible"}),
    "clip": frozenset({"clip", "clamp"}),
    "epoch": frozenset({"epoch"}),
    "schedule": program_words("schedules"),
    "evaluate": program_words("evaluate"),
}
"""Words in the names of calls that could have an effect."""

_LOADS_CODE = frozenset({"exec_module", "load_module"})
"""Methods of module loaders."""

_STORED = {"schedule": frozenset({"lr", "learning_rate"})}
"""Attributes and keys whose writing has the effect."""


@dataclasses.dataclass(frozen=True, slots=True)
class Gap:
    """Something that was not read. `shown` names it with file and line.

    `package` is the library that it comes from; "" where anything may happen. `own`: it can only be code of
    the project, all of which was read, so that only what the program is not seen to run is in question.
    `anywhere`: it can be any file of the project, in reach or not. `file`: it is a whole file. `effects`:
    what it can do, where the knowledge tells; None otherwise. `words`: what a callee looked up in a library
    is handed, and the name it has there.
    """

    shown: str
    span: Span
    package: str = ""
    own: bool = False
    anywhere: bool = False
    file: bool = False
    effects: tuple[str, ...] | None = None
    words: frozenset[str] = frozenset()


class Unread:
    """The gaps in what was read of one program."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self._gaps: list[Gap] | None = None
        self._found: dict[str, Gap | None] = {}

    def gap(self, effect: str) -> Gap | None:
        """The first thing unread that may seed, change the rate (schedule), clip, tell a sampler the epoch,
        switch regularisation off, replace what a library makes, record the run, or evaluate the model; None
        where all that could was read.
        """
        if effect not in self._found:
            self._found[effect] = next((gap for gap in self._all() if self._may(gap, effect)), None)
        return self._found[effect]

    def reason(self, effect: str) -> str:
        """Why the absence of an effect is not certain; empty where it is."""
        gap = self.gap(effect)
        return f"{gap.shown} {_DEEDS[effect]}" if gap is not None else ""

    def value(self, effect: str) -> Value | None:
        """An unknown leaf with that reason, at the place of what was not read; None without any."""
        gap = self.gap(effect)
        if gap is None:
            return None
        return Value(state=State.UNKNOWN, reason=self.reason(effect), span=gap.span)

    def _may(self, gap: Gap, effect: str) -> bool:
        if effect == "replace":
            return gap.file
        if effect == "record":
            return not gap.package or not keeps_no_record(gap.package)
        if gap.effects is not None and _INERT_FOR[effect] not in gap.effects:
            return False
        if gap.own or gap.anywhere:
            return self._hidden(effect, gap.anywhere)
        return not gap.package or not self.is_inert(gap.package, effect) or self._is_member(gap, effect)

    def is_inert(self, name: str, effect: str) -> bool:
        """Whether a name of a library is known not to have an effect by being used."""
        knowledge = self.seen.evaluator.knowledge
        return knowledge.framework(name) is not None or knowledge.inert(name, _INERT_FOR[effect])

    def _is_member(self, gap: Gap, effect: str) -> bool:
        """Whether a name looked up in a module that is known may be a function with the effect, and is used
        like one: `getattr(torch, name)(seed)`, not `getattr(torch, activation)(x)`."""
        if _WORDS.get(effect, frozenset()).isdisjoint(gap.words):
            return False
        knowledge = self.seen.evaluator.knowledge
        framework = knowledge.framework(gap.package)
        named = knowledge.of_kind(framework, effect) if framework is not None else ()
        return any(name.rpartition(".")[0] == knowledge.canonical(gap.package) for name in named)

    def _hidden(self, effect: str, anywhere: bool) -> bool:
        """Whether a unit of the program's files, or of all files of the project, that the program is not seen
        to run does what may have the effect."""
        words, stored = _WORDS.get(effect, frozenset()), _STORED.get(effect, frozenset())
        program = self.seen.program
        if anywhere and program.index.unread:
            return True
        return any(
            not stored.isdisjoint(unit.stores)
            or any(not words.isdisjoint(words_of(name.rpartition(".")[2])) for name in unit.calls)
            for path, outline in (program.index.outlines if anywhere else program.outlines).items()
            for unit in outline.units
            if (path, unit.qualname) not in program.reach
        )

    def _all(self) -> list[Gap]:
        if self._gaps is None:
            self._gaps = [
                *self.files(),
                *self._stars(),
                *self._calls(),
                *self._definitions(),
                *self._patches(),
            ]
        return self._gaps

    def files(self) -> Iterator[Gap]:
        """Files in reach that could not be read, and imports that lead nowhere."""
        program = self.seen.program
        for path in program.closure.broken:
            line, why = program.index.why_broken(path)
            note = f" ({why})" if why else ""
            yield Gap(f"{path}:{line}, which could not be read{note},", _line(path, line), file=True)
        for path, outline in sorted(program.outlines.items()):
            if "sys.modules" in outline.dynamic:
                line = program.reader.find(path, 1, "sys.modules[")
                yield Gap(f"sys.modules {path}:{line}", _line(path, line))
        for path, target, line in program.closure.unresolved:
            shown = f"{target} {path}:{line}, which was not found,"
            yield Gap(shown, _line(path, line), self._library_of(path))

    def _library_of(self, path: str) -> str:
        """The known library that a file of the project belongs to and the entry does not; "" for others.

        What such a library does for a program is known by its calls, also where a part of it is missing.
        """
        program = self.seen.program
        file, entry = (program.outlines.get(each) for each in (path, program.entry))
        root = file.module.partition(".")[0] if file is not None else ""
        own = entry.module.partition(".")[0] if entry is not None else ""
        known = program.knowledge.framework(root) is not None if root else False
        return root if known and root != own else ""

    def _stars(self) -> Iterator[Gap]:
        external = self.seen.program.closure.external
        for path, outline in sorted(self.seen.program.outlines.items()):
            for entry in outline.imports:
                if entry.local == "*" and path in external.get(entry.target, ()):
                    shown = f"from {entry.target} import * {path}:{entry.line}"
                    yield Gap(shown, _line(path, entry.line), entry.target)

    def _calls(self) -> Iterator[Gap]:
        for call in (*self.seen.calls, *self._plain_calls()):
            if call.span is None:
                continue
            if self._runs_text(call):
                # A name that is put together is of the project: libraries are named as they are.
                effects = call.entry.effects if call.entry is not None else None
                named = call.entry is not None and bool(call.entry.extra.get("imports"))
                shown = self.shown(call.frame, call.term)
                yield Gap(shown, call.span, anywhere=named, effects=effects)
                continue
            found = looked_up(self.seen.evaluator, call.frame, call.term)
            if found is not None:
                shown = self.shown(call.frame, call.term)
                words = frozenset(
                    word for text in self.seen.texts(call.frame, call.term) for word in words_of(text)
                )
                yield Gap(shown, call.span, found.package, found.own, words=words)

    def _plain_calls(self) -> Iterator[Call]:
        """The calls of units that look up what they call, and that nothing else made worth reading."""
        program = self.seen.program
        for place in looking_up(program):
            frame = self.seen.evaluator.root(*place)
            for event in program.events(frame.facts) if frame is not None else ():
                if event.kind == "call" and frame is not None:
                    yield self.seen.call_of(frame, event)

    def _runs_text(self, call: Call) -> bool:
        """Whether a call runs code that only exists, or is only named, when the program runs."""
        if call.method:
            return call.name in _LOADS_CODE
        if call.entry is None or call.entry.kind != "dynamic":
            return False
        if not call.entry.extra.get("imports"):
            return True
        made = self.seen.object(call)
        given = [self.seen.evaluator.value(call.frame, each) for each in call.frame.term(call.term).args[1:2]]
        if made.kind == "module" and made.name.removesuffix("::") in self.seen.program.closure.paths:
            return False
        named = given[0].value if given and given[0].kind == "const" and not given[0].option else None
        return not (isinstance(named, str) and made.kind != "module" and self.is_inert(named, "seed"))

    def _definitions(self) -> Iterator[Gap]:
        """Decorators, metaclasses and bases from libraries that were not read: they run, and may replace what
        they are given."""
        index = self.seen.program.index
        for place in self.seen.program.reach.places:
            unit = self.seen.program.reach.unit(place)
            marks = [f"@{name}" for name in unit.decorators]
            marks += [unit.metaclass] if unit.metaclass else []
            for mark in marks:
                target = index.resolve(place[0], place[1].rpartition(".")[0], mark.removeprefix("@"))
                if target.kind == "external":
                    line = self._line_of(place, mark)
                    yield Gap(f"{mark} {place[0]}:{line}", _line(place[0], line), target.absolute)

    def _patches(self) -> Iterator[Gap]:
        """Parts of libraries in whose place the program puts what another library made."""
        for store, name in self.seen.replaced.strangers:
            span = store.frame.span(store.term)
            if span is not None:
                shown = self.shown(store.frame, store.term)
                yield Gap(f"{store.name} is replaced by {shown}, which", span, name)

    def _line_of(self, place: Place, text: str) -> int:
        """The line of a definition's head that holds a text."""
        unit = self.seen.program.reach.unit(place)
        if unit.kind == "class":
            head = self.seen.program.reader.find(place[0], 1, f"class {_simple(unit.qualname)}")
            return self.seen.program.reader.find_last(place[0], head, text)
        first = unit.lines[0][0] if unit.lines else 1
        return self.seen.program.reader.find(place[0], first, text)

    def shown(self, frame: Frame, term: int) -> str:
        """An expression as written, with its file and line."""
        span = frame.span(term)
        return "" if span is None else f"{self.seen.program.text(span)} {span.path}:{span.line}"


def _simple(qualname: str) -> str:
    return qualname.rpartition(".")[2].partition("#")[0]


def _line(path: str, line: int) -> Span:
    return Span(path, line, 1, line, 1)
