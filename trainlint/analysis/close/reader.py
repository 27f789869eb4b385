"""Close readings on demand: each unit is parsed and interpreted once, with its callees' summaries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import msgspec

from trainlint.analysis.close.other_units import OtherUnits, Setters
from trainlint.analysis.close.site_words import has_needs, has_sites
from trainlint.analysis.close.slices import Slice, parse_slice, unit_source
from trainlint.analysis.close.terms import NumericHooks, TermTable
from trainlint.analysis.facts import Outline, Place, Unit, UnitFacts
from trainlint.analysis.index.names import Names
from trainlint.analysis.index.project import ProjectIndex
from trainlint.analysis.index.record import Trail
from trainlint.analysis.index.targets import Target
from trainlint.knowledge.base import Knowledge

if TYPE_CHECKING:
    import libcst as cst

    from trainlint.analysis.close.assemble import Reading
    from trainlint.analysis.numerics.numerics import Numerics

NUMERIC_FRAMEWORKS = frozenset({"torch", "tensorflow", "keras", "jax", "paddle"})

_TENSOR_TYPE = "Tensor"


class Recalled(msgspec.Struct):
    """The facts of a unit as an earlier run found them, what they rest on, and the limits that the readings
    of units met whose summaries they used."""

    facts: UnitFacts
    trail: Trail
    limits: dict[tuple[str, str], list[str]] = msgspec.field(default_factory=dict)


class Reader:
    """Gives the facts of units, memoised. Pure in the project's sources: the order of questions changes no
    answer.

    `timed` makes the context a unit is read in; `recall` gives what is remembered of a file's units.
    """

    def __init__(
        self,
        index: ProjectIndex,
        lines_of: Callable[[str], Sequence[str]],
        knowledge: Knowledge,
        timed: Callable[[], AbstractContextManager[None]] = nullcontext,
        recall: Callable[[str], Iterable[Recalled]] | None = None,
    ) -> None:
        self.index = index
        self.knowledge = knowledge
        self._source_lines = lines_of
        self._recall = recall
        self._recalled: set[str] = set()
        self._fresh: set[tuple[str, str]] = set()
        self._trails: dict[tuple[str, str], Trail] = {}
        self._limits: dict[tuple[str, str], list[str]] = {}
        self._timed = timed
        self._facts: dict[tuple[str, str], UnitFacts] = {}
        self._waiting: list[tuple[Reading, dict[str, None], Trail]] = []
        self._judging = False
        self._numeric: dict[str, bool] = {}
        self._handing: set[tuple[str, str]] = set()
        self._setters = Setters(index)

    def preload(self, facts: Iterable[UnitFacts]) -> None:
        """Take in facts that were read elsewhere."""
        for each in facts:
            key = (each.path, each.qualname)
            self._facts[key] = each
            self._trails[key] = Trail(key)

    def _take(self, path: str) -> None:
        """Take in what is remembered of a file's units, once."""
        if self._recall is None or path in self._recalled:
            return
        self._recalled.add(path)
        for each in self._recall(path):
            key = (path, each.facts.qualname)
            known = self._facts.get(key)
            if known is None or not known.placed:
                self._facts[key] = each.facts
                trail = self._trails[key] = Trail(key)
                trail.parts.add(each.trail)
            for place, limits in each.limits.items():
                self._limits[place] = limits
                self._trails[key].parts.add(Trail(place))

    def _lines_of(self, path: str) -> Sequence[str]:
        self.index.recorder.content(path)
        return self._source_lines(path)

    def read(self, path: str, qualname: str) -> UnitFacts | None:
        """The facts of a unit that was read already."""
        return self._facts.get((path, qualname))

    def fresh(self) -> list[UnitFacts]:
        """The facts with all places that were read, not recalled, since this was asked last; in order."""
        found = [self._facts[key] for key in sorted(self._fresh) if key in self._facts]
        self._fresh.clear()
        return [facts for facts in found if facts.placed]

    def trail(self, path: str, qualname: str) -> Trail:
        """What the facts of a unit rest on."""
        return self._trails[path, qualname]

    def limits(self, place: tuple[str, str]) -> list[str]:
        """The limits that the reading of a unit met, here or where it was remembered from."""
        facts = self._facts.get(place)
        return facts.limits if facts is not None else self._limits.get(place, [])

    def text(self, path: str, at: Place) -> str:
        """The source between two positions of a file."""
        line, column, end_line, end_column = at
        lines = list(self._lines_of(path)[line - 1 : end_line])
        if not lines:
            return ""
        lines[-1] = lines[-1][: end_column - 1]
        lines[0] = lines[0][column - 1 :]
        return "\n".join(lines)

    def find(self, path: str, first: int, text: str) -> int:
        """The line from `first` on that holds a text; `first` where none does."""
        lines = self._lines_of(path)
        return next((line for line in range(first, len(lines) + 1) if text in lines[line - 1]), first)

    def find_last(self, path: str, last: int, text: str) -> int:
        """The last line up to `last` that holds a text; `last` where none does."""
        lines = self._lines_of(path)[:last]
        return next((line for line in range(len(lines), 0, -1) if text in lines[line - 1]), last)

    def known(self) -> list[UnitFacts]:
        """All facts read so far, sorted by path and qualified name."""
        return [facts for _, facts in sorted(self._facts.items())]

    def facts(self, path: str, qualname: str, *, placed: bool = False) -> UnitFacts | None:
        """The facts of a unit, None where there is no such unit; with the place of every term where asked
        for."""
        key = (path, qualname)
        known = self._known(key, placed)
        if known is not None:
            self.index.recorder.use(self._trails[key])
            return known
        outline = self.index.outlines.get(path)
        unit = self.index.unit(path, qualname)
        if outline is None or unit is None:
            return None
        self._fresh.add(key)
        trail = self._trails[key] = Trail(key)
        before = self.index.recorder.enter(trail)
        try:
            with self._timed():
                facts = self._facts[key] = self._read(outline, unit, placed, trail)
                self._judge_sites()
        finally:
            self.index.recorder.leave(before)
        return facts

    def _known(self, key: tuple[str, str], placed: bool) -> UnitFacts | None:
        """The facts of a unit as it was read or is remembered, if they hold all that is asked for."""
        for remembered in (False, True):
            if remembered:
                self._take(key[0])
            known = self._facts.get(key)
            if known is None or (placed and not known.placed):
                continue
            if known.judged or key not in self._handing:
                return known
        return None

    def _judge_sites(self) -> None:
        """Find the candidates of what was read. They ask for summaries, which may have further units read."""
        if self._judging:
            return
        self._judging = True
        try:
            while self._waiting:
                reading, uses, trail = self._waiting.pop()
                before = self.index.recorder.enter(trail)
                try:
                    if self._has_numbers(reading.facts.path, reading.unit):
                        reading.find_candidates(uses)
                    if reading.unit.structure:
                        self._find_faults(reading)
                finally:
                    self.index.recorder.leave(before)
                reading.release()
        finally:
            self._judging = False

    def _has_numbers(self, path: str, unit: Unit) -> bool:
        """Whether a unit has numeric sites, or hands operands to those of others."""
        return has_sites(unit) or (path, unit.qualname) in self._handing

    def _find_faults(self, reading: Reading) -> None:
        from trainlint.analysis.structure.scene import Scene  # noqa: PLC0415 - few units give a reason to

        def place_of(path: str, qualname: str, term: int) -> Place | None:
            facts = self.facts(path, qualname, placed=True)
            return facts.terms[term].at if facts is not None else None

        surroundings = (self.index, self.knowledge, self.facts, place_of, reading.text)
        reading.find_faults(Scene(reading.facts, reading.unit, *surroundings))

    def is_numeric(self, path: str) -> bool:
        """Whether a file uses a framework whose numbers the analysis follows."""
        if self._imports_framework(path):
            return True
        outline = self.index.outlines.get(path)
        return outline is not None and self._uses_what_is_handed_on(outline)

    def _imports_framework(self, path: str) -> bool:
        known = self._numeric.get(path)
        outline = self.index.outlines.get(path)
        if known is None:
            known = outline is not None and any(
                self.knowledge.framework(name) in NUMERIC_FRAMEWORKS
                for imported in outline.imports
                for name in (imported.target, self.knowledge.conventions.get(imported.local, ""))
            )
            self._numeric[path] = known
        return known

    def _uses_what_is_handed_on(self, outline: Outline) -> bool:
        """Whether a file imports a framework's names, or a tensor's type, from a module of the project that
        hands them on.

        Asked anew each time: the answer rests on those modules too.
        """
        return any(
            self._is_handed_on(self.index.resolve(outline.path, imported.unit, imported.local))
            for imported in outline.imports
            if imported.local not in ("", "*")
        )

    def _is_handed_on(self, target: Target) -> bool:
        if target.kind == "external":
            return self.knowledge.framework(target.absolute) in NUMERIC_FRAMEWORKS
        # `Tensor = torch.Tensor`, in a module that gathers what others are to use.
        if target.kind != "variable" or not target.qualname.endswith(_TENSOR_TYPE):
            return False
        return self._imports_framework(target.path)

    def numeric_units(self, path: str) -> list[str]:
        """Qualified names of a file's units that divide, take roots, or may build something wrong, where it
        uses a numeric framework."""
        if not self.is_numeric(path):
            return []
        return [unit.qualname for unit in self.index.outlines[path].units if _is_judged(unit)]

    def handing_units(self, path: str) -> list[str]:
        """Qualified names of a file's units without sites that call functions of the project which need
        something of their parameters. Reading these looks for candidates too from here on."""
        if not self.is_numeric(path):
            return []
        found = []
        for unit in self.index.outlines[path].units:
            if not has_sites(unit) and any(self._asks(path, unit.qualname, call) for call in unit.calls):
                self._handing.add((path, unit.qualname))
                found.append(unit.qualname)
        return found

    def _asks(self, path: str, unit: str, call: str) -> bool:
        """Whether a call as a unit writes it means a function with preconditions."""
        target = self.index.resolve(path, unit, call)
        if target.kind != "function" or not target.path or (target.path, target.qualname) == (path, unit):
            return False
        head = self.index.declared(target.path, target.qualname)
        if head is None or not has_needs(head):
            return False
        facts = self.facts(target.path, target.qualname)
        return facts is not None and bool(facts.preconditions)

    def _read(self, outline: Outline, unit: Unit, placed: bool, trail: Trail) -> UnitFacts:
        from trainlint.analysis.close.assemble import Reading  # noqa: PLC0415 - libcst only when something is read
        from trainlint.analysis.close.interpreter import Interpreter  # noqa: PLC0415

        piece = unit_source(self._lines_of(outline.path), unit)
        names = Names(self.index, self.knowledge.conventions, outline, unit)
        numerics: list[Numerics] = []
        uses: dict[str, None] = {}
        others = OtherUnits(self.index, self.facts, self._setters, (outline.path, unit.qualname), uses)

        def hooks(table: TermTable) -> NumericHooks:
            if not self.is_numeric(outline.path):
                return NumericHooks()
            from trainlint.analysis.numerics.numerics import Numerics  # noqa: PLC0415

            made = Numerics(
                table.terms,
                self.knowledge,
                summary_of=others.summary,
                self_attribute_of=others.attribute,
                preconditions_of=others.preconditions,
                is_script=unit.kind == "module",
            )
            numerics.append(made)
            return made

        interpreter = Interpreter(names, self.knowledge, hooks, unit.kind, outline.path)
        empty = UnitFacts(outline.path, unit.qualname, [], [], [], [], {}, {}, [], placed=True)
        if not piece.text:
            return empty
        module = self._parse(piece, empty)
        if module is None:
            return empty
        interpreter.run(module)
        reading = Reading(outline.path, unit, interpreter, numerics[0] if numerics else None, piece, module)
        if placed:
            reading.place()
        if numerics and (unit.structure or self._has_numbers(outline.path, unit)):
            self._waiting.append((reading, uses, trail))
        else:
            reading.release()
        return reading.facts

    def _parse(self, piece: Slice, empty: UnitFacts) -> cst.Module | None:
        import libcst as cst  # noqa: PLC0415

        try:
            return parse_slice(piece)
        except (cst.ParserSyntaxError, RecursionError) as error:
            empty.limits.append(f"could not be parsed closely: {str(error).splitlines()[0]}")
            return None


def _is_judged(unit: Unit) -> bool:
    return bool(unit.structure) or has_sites(unit)
