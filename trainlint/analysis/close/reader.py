"""Close readings on demand: each unit is parsed and interpreted once, with its callees' summaries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from trainlint.analysis.close.slices import Slice, parse_slice, unit_source
from trainlint.analysis.close.terms import NumericHooks, TermTable
from trainlint.analysis.facts import NumericSummary, Outline, Place, Unit, UnitFacts
from trainlint.analysis.index.names import Names
from trainlint.analysis.index.project import ProjectIndex
from trainlint.knowledge.base import Knowledge

if TYPE_CHECKING:
    import libcst as cst

    from trainlint.analysis.close.assemble import Reading
    from trainlint.analysis.numerics.numerics import Numerics

NUMERIC_FRAMEWORKS = frozenset({"torch", "tensorflow", "keras", "jax", "paddle"})

SITE_WORDS = frozenset(
    "sqrt sqrt_ rsqrt rsqrt_ pow pow_ div div_ true_divide divide reciprocal hypot".split()
)
"""Names of the functions and methods whose sites the numeric rules judge."""


class Reader:
    """Gives the facts of units, memoised. Pure in the project's sources: the order of questions changes no
    answer. `timed` makes the context a unit is read in."""

    def __init__(
        self,
        index: ProjectIndex,
        lines_of: Callable[[str], Sequence[str]],
        knowledge: Knowledge,
        timed: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.index = index
        self.knowledge = knowledge
        self._lines_of = lines_of
        self._timed = timed
        self._facts: dict[tuple[str, str], UnitFacts] = {}
        self._waiting: list[tuple[Reading, dict[str, None]]] = []
        self._judging = False
        self._numeric: dict[str, bool] = {}

    def preload(self, facts: Iterable[UnitFacts]) -> None:
        """Take in facts that were read elsewhere: another process, or a cache."""
        for each in facts:
            self._facts[each.path, each.qualname] = each

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
        known = self._facts.get(key)
        if known is not None and (known.placed or not placed):
            return known
        outline = self.index.outlines.get(path)
        unit = self.index.unit(path, qualname)
        if outline is None or unit is None:
            return None
        with self._timed():
            facts = self._facts[key] = self._read(outline, unit, placed)
            self._judge_sites()
        return facts

    def _judge_sites(self) -> None:
        """Find the candidates of what was read. They ask for summaries, which may have further units read."""
        if self._judging:
            return
        self._judging = True
        try:
            while self._waiting:
                reading, uses = self._waiting.pop()
                reading.find_candidates(uses)
                reading.release()
        finally:
            self._judging = False

    def is_numeric(self, path: str) -> bool:
        """Whether a file uses a framework whose numbers the analysis follows."""
        known = self._numeric.get(path)
        if known is None:
            outline = self.index.outlines.get(path)
            known = outline is not None and any(
                self.knowledge.framework(name) in NUMERIC_FRAMEWORKS
                for imported in outline.imports
                for name in (imported.target, self.knowledge.conventions.get(imported.local, ""))
            )
            self._numeric[path] = known
        return known

    def numeric_units(self, path: str) -> list[str]:
        """Qualified names of a file's units that divide or take roots, where it uses a numeric framework."""
        if not self.is_numeric(path):
            return []
        return [unit.qualname for unit in self.index.outlines[path].units if _has_sites(unit)]

    def _read(self, outline: Outline, unit: Unit, placed: bool) -> UnitFacts:
        from trainlint.analysis.close.assemble import Reading  # noqa: PLC0415 - libcst only when something is read
        from trainlint.analysis.close.interpreter import Interpreter  # noqa: PLC0415

        piece = unit_source(self._lines_of(outline.path), unit)
        names = Names(self.index, self.knowledge.conventions, outline, unit)
        numerics: list[Numerics] = []
        uses: dict[str, None] = {}

        def hooks(table: TermTable) -> NumericHooks:
            if not self.is_numeric(outline.path):
                return NumericHooks()
            from trainlint.analysis.numerics.numerics import Numerics  # noqa: PLC0415

            made = Numerics(
                table.terms,
                self.knowledge,
                summary_of=lambda name: self._summary(name, outline.path, unit.qualname, uses),
                self_attribute_of=lambda name: self._attribute(outline.path, unit.qualname, name, uses),
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
        if numerics and _has_sites(unit):
            self._waiting.append((reading, uses))
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

    def _summary(self, name: str, caller: str, unit: str, uses: dict[str, None]) -> NumericSummary | None:
        """What a callee is known to return: a project function, or a method called on `self`."""
        path, separator, qualname = name.partition("::")
        if not separator:
            owner, _, method = name.partition(".")
            target = (
                self.index.method(caller, unit.rpartition(".")[0], method)
                if owner == "self" and method
                else None
            )
            if target is None or target.kind != "function":
                return None
            path, qualname = target.path, target.qualname
        uses[f"{path}::{qualname}"] = None
        facts = self.facts(path, qualname)
        return None if facts is None else facts.summary

    def _attribute(self, path: str, qualname: str, name: str, uses: dict[str, None]) -> NumericSummary | None:
        owner = qualname.rpartition(".")[0]
        if not owner:
            return None
        target = self.index.method(path, owner, "__init__")
        if target.kind != "function" or (target.path, target.qualname) == (path, qualname):
            return None
        uses[f"{target.path}::{target.qualname}"] = None
        facts = self.facts(target.path, target.qualname)
        return None if facts is None else facts.attributes.get(name)


def _has_sites(unit: Unit) -> bool:
    return unit.divides or not SITE_WORDS.isdisjoint(unit.mentions)
