"""Names of libraries that a program binds anew: `torch.optim.SGD = MySGD`, or `setattr` of the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainlint.analysis.evaluation.values import Frame
from trainlint.recipe.code.programs import Program

_CALLED = frozenset(
    "optimizer optimizer-factory scheduler scheduler-factory schedule loader sampler dataset split shuffle"
    " seed trainer gradient-step".split()
)
"""Kinds of entry that are called: attributes that are settings may be stored to."""


def replaced_names(program: Program, frames: Sequence[Frame]) -> dict[str, tuple[Frame, int]]:
    """The canonical names the knowledge describes and the program replaces, each with the term that takes its
    place."""
    found: dict[str, tuple[Frame, int]] = {}
    for frame in frames:
        for name, term in _stores(program, frame):
            canonical = program.knowledge.canonical(name)
            entry = program.knowledge.lookup(canonical)
            if entry is not None and entry.kind in _CALLED:
                found.setdefault(canonical, (frame, term))
    return found


def _stores(program: Program, frame: Frame) -> Iterator[tuple[str, int]]:
    for event in program.events(frame.facts):
        if event.kind == "store-attr":
            base = _library(frame, event.term)
            if base:
                yield f"{base}.{event.name}", event.value
        elif event.kind == "call":
            record = frame.term(event.term)
            if frame.term(record.args[0]).name == "builtins.setattr" and len(record.args) == 4:
                base, key = _library(frame, record.args[1]), frame.term(record.args[2]).value
                if base and isinstance(key, str):
                    yield f"{base}.{key}", record.args[3]


def _library(frame: Frame, index: int) -> str:
    """The dotted name of a library's module or class that a term is; "" for all else."""
    term = frame.term(index)
    return term.name if term.op == "global" and "::" not in term.name else ""
