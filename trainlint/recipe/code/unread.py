"""What of a program could not be read, and what it may do there: why an absence proves nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.values import Frame
from trainlint.findings import Span
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.reach import Place
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
}
"""What something unread may do, by effect."""

_INERT_FOR = {
    "seed": "seed",
    "schedule": "schedule",
    "clip": "optimizer",
    "epoch": "order",
    "switch": "optimizer",
}
"""The effect that the knowledge of inert packages is asked about."""

_WORDS = {
    "seed": frozenset({"seed", "seeds", "determinism", "deterministic", "reproducible"}),
    "clip": frozenset({"clip", "clamp"}),
    "epoch": frozenset({"epoch"}),
    "schedule": program_words("schedules"),
}
"""Words in the names of calls that could have an effect."""

_LOADS_CODE = frozenset({"exec_module", "load_module"})
"""Methods of module loaders."""

_NAMESPACES = frozenset({"builtins.globals", "builtins.locals", "builtins.vars"})
_LOOKS_UP = frozenset({"get", "pop", "__getitem__"})


@dataclasses.dataclass(frozen=True, slots=True)
class Gap:
    """Something that was not read. `shown` names it with file and line.

    `package` is the library that it comes from; "" where anything may happen. `own`: it can only be code of
    the project, all of which was read, so that only what the program is not seen to run is in question.
    `anywhere`: it can be any file of the project, in reach or not. `file`: it is a whole file.
    """

    shown: str
    span: Span
    package: str = ""
    own: bool = False
    anywhere: bool = False
    file: bool = False


class Unread:
    """The gaps in what was read of one program."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self._gaps: list[Gap] | None = None
        self._found: dict[str, Gap | None] = {}

    def gap(self, effect: str) -> Gap | None:
        """The first thing unread that may seed, change the rate (schedule), clip, tell a sampler the epoch,
        switch regularisation off, or replace what a library makes; None where all that could was read.
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
        if gap.own or gap.anywhere:
            return self._hidden(effect, gap.anywhere)
        return not gap.package or not self.is_inert(gap.package, effect)

    def is_inert(self, name: str, effect: str) -> bool:
        """Whether a name of a library is known not to have an effect by being used."""
        knowledge = self.seen.evaluator.knowledge
        return knowledge.framework(name) is not None or knowledge.inert(name, _INERT_FOR[effect])

    def _hidden(self, effect: str, anywhere: bool) -> bool:
        """Whether a unit of the program's files, or of all files of the project, that the program is not seen
        to run calls what may have the effect."""
        words = _WORDS.get(effect, frozenset())
        program = self.seen.program
        return any(
            not words.isdisjoint(words_of(name.rpartition(".")[2]))
            for path, outline in (program.index.outlines if anywhere else program.outlines).items()
            for unit in outline.units
            if (path, unit.qualname) not in program.reach
            for name in unit.calls
        )

    def _all(self) -> list[Gap]:
        if self._gaps is None:
            self._gaps = [*self.files(), *self._stars(), *self._calls(), *self._definitions()]
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
            yield Gap(f"{target} {path}:{line}, which was not found,", _line(path, line))

    def _stars(self) -> Iterator[Gap]:
        external = self.seen.program.closure.external
        for path, outline in sorted(self.seen.program.outlines.items()):
            for entry in outline.imports:
                if entry.local == "*" and path in external.get(entry.target, ()):
                    shown = f"from {entry.target} import * {path}:{entry.line}"
                    yield Gap(shown, _line(path, entry.line), entry.target)

    def _calls(self) -> Iterator[Gap]:
        for call in self.seen.calls:
            if call.span is None:
                continue
            if self._runs_text(call):
                # A name that is put together is that of a module of the project: libraries are named as they are.
                yield Gap(self.shown(call.frame, call.term), call.span, anywhere="import" in call.name)
                continue
            looked_up = self._looked_up(call)
            if looked_up is not None:
                package, own = looked_up
                yield Gap(self.shown(call.frame, call.term), call.span, package, own)

    def _runs_text(self, call: Call) -> bool:
        """Whether a call runs code that only exists, or is only named, when the program runs."""
        if call.method:
            return call.name in _LOADS_CODE
        if call.entry is None or call.entry.kind != "dynamic":
            return False
        if "import" not in call.name:
            return True
        made = self.seen.object(call)
        given = [self.seen.evaluator.value(call.frame, each) for each in call.frame.term(call.term).args[1:2]]
        if made.kind == "module" and made.name.removesuffix("::") in self.seen.program.closure.paths:
            return False
        named = given[0].value if given and given[0].kind == "const" and not given[0].option else None
        knowledge = self.seen.evaluator.knowledge
        inert = isinstance(named, str) and made.kind != "module" and knowledge.inert(named, "seed")
        return not inert

    def _looked_up(self, call: Call) -> tuple[str, bool] | None:
        """(library, whether only the project's own code can be meant) of a callee that is looked up under a
        name that is not known: `REGISTRY[name](…)`, `getattr(module, name)(…)`; None for other callees."""
        frame = call.frame
        callee = frame.term(call.term).args[0]
        base = self._table(frame, callee)
        if base is None:
            return None
        evaluator = self.seen.evaluator
        if all(
            leaf.kind in ("function", "class", "instance")
            for leaf in evaluator.value(frame, callee).alternatives()
        ):
            return None
        for leaf in evaluator.value(frame, base).alternatives():
            if leaf.kind in ("external", "object") and leaf.name not in _NAMESPACES:
                return leaf.name, False
        return "", True

    def _table(self, frame: Frame, callee: int) -> int | None:
        """What a callee is looked up in, where the name it is looked up under is not constant."""
        record = frame.term(callee)
        if record.op == "item":
            base, key = record.args
        elif record.op == "call" and len(record.args) > 1:
            inner = frame.term(record.args[0])
            if inner.op == "global" and inner.name == "builtins.getattr" and len(record.args) > 2:
                base, key = record.args[1:3]
            elif inner.op == "attr" and inner.name in _LOOKS_UP:
                base, key = inner.args[0], record.args[1]
            else:
                return None
        else:
            return None
        return base if self.seen.evaluator.value(frame, key).kind != "const" else None

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

    def _line_of(self, place: Place, text: str) -> int:
        """The line of a definition's head that holds a text."""
        unit = self.seen.program.reach.unit(place)
        if unit.kind == "class":
            return self.seen.program.reader.find(place[0], 1, f"class {_simple(unit.qualname)}")
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
