"""From a finished interpretation to the facts of a unit: places for what is kept, candidates, summaries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import libcst as cst

from trainlint.analysis.facts import Candidate, Event, NumericSummary, Place, Unit, UnitFacts
from trainlint.analysis.interpreter import Interpreter
from trainlint.analysis.positions import places
from trainlint.analysis.slices import Slice

if TYPE_CHECKING:
    from trainlint.analysis.numerics import Numerics
    from trainlint.analysis.sites import RawCandidate


def assemble(
    path: str,
    unit: Unit,
    read: Interpreter,
    numerics: Numerics | None,
    uses: Mapping[str, None],
    piece: Slice,
    module: cst.Module,
) -> UnitFacts:
    """The facts of a unit. Positions are computed only where something will point into the unit."""
    raw = numerics.candidates() if numerics is not None else []
    if raw or unit.mentions or unit.kind == "module":  # constants live in module bodies that mention nothing
        _place(read, piece, module)
    facts = UnitFacts(
        path=path,
        qualname=unit.qualname,
        terms=read.table.terms,
        events=read.events,
        loops=read.loops,
        returns=read.returns,
        bindings=read.env if unit.kind != "function" else {},
        defaults=read.defaults,
        nested=read.nested,
        params=read.params,
        uses=sorted(uses),
        limits=read.limits,
    )
    if numerics is not None:
        facts.candidates = [_candidate(each, read, module) for each in raw]
        facts.summary = numerics.summarise([back.term for back in read.returns if back.nested < 0 and not back.yields])
        facts.attributes = _attributes(read.events, read, numerics)
    return facts


def _attributes(events: Iterable[Event], read: Interpreter, numerics: Numerics) -> dict[str, NumericSummary]:
    stored: dict[str, list[int]] = {}
    for event in events:
        if event.kind == "store-attr" and read.table.terms[event.term].name == "self" and event.nested < 0:
            stored.setdefault(event.name, []).append(event.value)
    found = {name: numerics.summarise_attribute(terms) for name, terms in stored.items()}
    return {name: summary for name, summary in found.items() if summary is not None}


def _place(read: Interpreter, piece: Slice, module: cst.Module) -> None:
    wanted = [node for node in (*read.table.nodes, *read.event_nodes, *read.loop_nodes) if node is not None]
    found = places(module, wanted, piece.line_map)

    def place(node: cst.CSTNode | None) -> Place | None:
        return found.get(node) if node is not None else None

    for term, node in zip(read.table.terms, read.table.nodes, strict=True):
        term.at = place(node)
    for event, node in zip(read.events, read.event_nodes, strict=True):
        event.at = place(node)
    for loop, node in zip(read.loops, read.loop_nodes, strict=True):
        loop.at = place(node)


def _candidate(raw: RawCandidate, read: Interpreter, module: cst.Module) -> Candidate:
    terms, nodes = read.table.terms, read.table.nodes
    at = terms[raw.term].at
    assert at is not None
    return Candidate(
        kind=raw.kind,
        operand=raw.operand,
        at=at,
        text=_text(nodes[raw.term], module),
        operand_text=_text(nodes[raw.operand_term], module),
        framework="torch",
        grade=raw.grade,
        gradient=raw.gradient,
        guard=raw.guard,
        base_text=_text(nodes[raw.base], module) if raw.base >= 0 else "",
        numerator_text=_text(nodes[raw.numerator], module) if raw.numerator >= 0 else "",
        trace=[(place, label) for term, label in raw.trace if (place := terms[term].at) is not None],
        related=[place for term in raw.related if (place := terms[term].at) is not None],
        open=raw.open,
        operand_at=terms[raw.operand_term].at,
    )


def _text(node: cst.CSTNode | None, module: cst.Module) -> str:
    return "" if node is None else " ".join(module.code_for_node(node).split())
