"""From a finished interpretation to the facts of a unit: places for what is kept, candidates, summaries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import libcst as cst

from trainlint.analysis.close.interpreter import Interpreter
from trainlint.analysis.close.positions import places
from trainlint.analysis.close.slices import Slice
from trainlint.analysis.facts import Candidate, Event, NumericSummary, Precondition, Unit, UnitFacts

if TYPE_CHECKING:
    from trainlint.analysis.numerics.numerics import Numerics
    from trainlint.analysis.numerics.sites import RawCandidate
    from trainlint.analysis.structure.scene import Found, Scene


class Reading:
    """A finished interpretation of a unit, from which facts, places and candidates are made."""

    def __init__(
        self,
        path: str,
        unit: Unit,
        read: Interpreter,
        numerics: Numerics | None,
        piece: Slice,
        module: cst.Module,
    ) -> None:
        self.unit = unit
        self.read = read
        self.numerics = numerics
        self.piece = piece
        self.module = module
        self.facts = self._assemble(path, unit)

    def _assemble(self, path: str, unit: Unit) -> UnitFacts:
        read = self.read
        facts = UnitFacts(
            path=path,
            qualname=unit.qualname,
            terms=read.table.terms,
            events=read.events,
            loops=read.loops,
            returns=read.returns,
            bindings=read.env if unit.kind != "function" else {},
            replaced=read.replaced if unit.kind == "module" else {},
            defaults=read.defaults,
            nested=read.nested,
            params=read.params,
            decorators=read.decorators,
            limits=read.limits,
        )
        if self.numerics is not None:
            returned = [back.term for back in read.returns if back.nested < 0 and not back.yields]
            facts.summary = self.numerics.summarise(returned)
            facts.attributes = _attributes(read.events, read, self.numerics)
            facts.preconditions = self._preconditions(facts, self.numerics)
        return facts

    def _preconditions(self, facts: UnitFacts, numerics: Numerics) -> list[Precondition]:
        """What the unit needs of its parameters, with the places."""
        found = numerics.preconditions()
        nodes, terms = self.read.table.nodes, self.read.table.terms
        if found:
            self._place_some({each.term for each in found})
        return [
            Precondition(
                each.kind, each.parameter, each.position, each.complement, facts.path, facts.qualname, at,
                _text(nodes[each.term], self.module), each.gradient.value,
            )
            for each in found
            if (at := terms[each.term].at) is not None
        ]  # fmt: skip

    def place(self) -> None:
        """Give every term, event and loop its place. Costs about a quarter of parsing the unit."""
        read = self.read
        wanted = [
            node for node in (*read.table.nodes, *read.event_nodes, *read.loop_nodes) if node is not None
        ]
        found = places(self.module, wanted, self.piece.line_map)
        for term, node in zip(read.table.terms, read.table.nodes, strict=True):
            term.at = found.get(node) if node is not None else None
        for event, event_node in zip(read.events, read.event_nodes, strict=True):
            event.at = found.get(event_node)
        for loop, loop_node in zip(read.loops, read.loop_nodes, strict=True):
            loop.at = found.get(loop_node)
        self.facts.placed = True

    def find_candidates(self, uses: Mapping[str, None]) -> None:
        """Judge the numeric sites, which may ask for summaries of other units; `uses` names those asked
        for."""
        raw = self.numerics.candidates() if self.numerics is not None else []
        if raw and not self.facts.placed:
            self._place_some({index for each in raw for index in _pointed_at(each)})
        self.facts.candidates = [_candidate(each, self.read, self.module) for each in raw]
        self.facts.uses = sorted(uses)
        self.facts.judged = True

    def find_faults(self, scene: Scene) -> None:
        """Add what is wrong with the layers that the unit makes and calls."""
        from trainlint.analysis.structure.find import find  # noqa: PLC0415 - few units give a reason to

        faults = find(scene)
        if faults and not self.facts.placed:
            shown = {index for each in faults for index in (each.term, *(term for term, _ in each.trace))}
            self._place_some(shown)
        self.facts.candidates += [found for each in faults if (found := self._fault(each)) is not None]

    def text(self, index: int) -> str:
        """How a term is written; "" for one that is not."""
        return _text(self.read.table.nodes[index], self.module)

    def _fault(self, fault: Found) -> Candidate | None:
        terms = self.read.table.terms
        at = terms[fault.term].at
        if fault.event >= 0:
            node = self.read.event_nodes[fault.event]
            at = places(self.module, [node], self.piece.line_map).get(node, at)
        if at is None:
            return None
        written = {name: self.text(index) for name, index in fault.texts.items()}
        trace = [(place, label) for term, label in fault.trace if (place := terms[term].at) is not None]
        return Candidate(
            kind=fault.kind,
            operand=fault.operand,
            at=at,
            text=self.text(fault.term),
            operand_text="",
            framework="",
            grade="certain",
            trace=[*trace, *fault.elsewhere],
            facts={**fault.facts, **written},
        )

    def release(self) -> None:
        """Take apart what the reading was made with, which hangs on itself: only the facts are kept.

        So its memory is free at once, and the garbage collector, to which all that a run keeps is much to
        look at, has little to find.
        """
        if self.numerics is not None:
            self.numerics.release()
        vars(self.read).clear()

    def _place_some(self, indices: Iterable[int]) -> None:
        nodes = {index: node for index in indices if (node := self.read.table.nodes[index]) is not None}
        found = places(self.module, nodes.values(), self.piece.line_map)
        for index, node in nodes.items():
            self.read.table.terms[index].at = found.get(node)


def _pointed_at(raw: RawCandidate) -> list[int]:
    """The terms whose places a candidate shows."""
    return [raw.term, raw.operand_term, *raw.related, *(index for index, _ in raw.trace)]


def _attributes(events: Iterable[Event], read: Interpreter, numerics: Numerics) -> dict[str, NumericSummary]:
    stored: dict[str, list[int]] = {}
    for event in events:
        if event.kind == "store-attr" and read.table.terms[event.term].name == "self" and event.nested < 0:
            stored.setdefault(event.name, []).append(event.value)
    found = {name: numerics.summarise_attribute(terms) for name, terms in stored.items()}
    return {name: summary for name, summary in found.items() if summary is not None}


def _candidate(raw: RawCandidate, read: Interpreter, module: cst.Module) -> Candidate:
    terms, nodes = read.table.terms, read.table.nodes
    elsewhere = raw.elsewhere
    at = terms[raw.term].at if elsewhere is None else elsewhere.at
    assert at is not None
    return Candidate(
        kind=raw.kind,
        operand=raw.operand,
        at=at,
        text=_text(nodes[raw.term], module) if elsewhere is None else elsewhere.text,
        operand_text=_operand_text(raw, nodes[raw.operand_term], module),
        framework="torch",
        grade=raw.grade,
        gradient=raw.gradient,
        guard=raw.guard,
        base_text=_text(nodes[raw.base], module) if raw.base >= 0 else "",
        trace=[(place, label) for term, label in raw.trace if (place := terms[term].at) is not None],
        related=[place for term in raw.related if (place := terms[term].at) is not None],
        open=raw.open,
        facts=raw.facts,
        path="" if elsewhere is None else elsewhere.path,
        qualname="" if elsewhere is None else elsewhere.qualname,
    )


def _operand_text(raw: RawCandidate, node: cst.CSTNode | None, module: cst.Module) -> str:
    if raw.elsewhere is None:
        return _text(node, module)
    return f"1 - {raw.elsewhere.parameter}" if raw.elsewhere.complement else raw.elsewhere.parameter


def _text(node: cst.CSTNode | None, module: cst.Module) -> str:
    return "" if node is None else " ".join(module.code_for_node(node).split())
