"""Calls in units that hold no word of the vocabulary: they are not read closely, and may still run what was
not read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from trainlint.findings import Span
from trainlint.recipe.code.programs import Program
from trainlint.recipe.code.reach import Place

_UNNAMED = frozenset({"()", "[]"})
"""Callees that are themselves called or looked up: `getattr(module, name)(…)`, `TABLE[name](…)`."""


class StrangeCall(NamedTuple):
    """A call as written, of something in a package; `shown` names it with file and line."""

    name: str
    shown: str
    span: Span
    place: Place


def plain_places(program: Program) -> Iterator[Place]:
    """The units in reach that are not read closely for their vocabulary, in order."""
    described = frozenset(program.interesting())
    return (
        place for place in program.reach.places if place not in described and not program.is_library(place[0])
    )


def looking_up(program: Program) -> Iterator[Place]:
    """Those of them that call what they look up."""
    return (
        place for place in plain_places(program) if not _UNNAMED.isdisjoint(program.reach.unit(place).calls)
    )


def strange_calls(program: Program, strange: Callable[[str], bool]) -> Iterator[StrangeCall]:
    """Their calls of names from outside the project that are `strange`, by absolute name."""
    heads: dict[str, frozenset[str]] = {}
    for path, qualname in plain_places(program):
        if path not in heads:
            entries = program.index.outlines[path].imports
            heads[path] = frozenset(each.local for each in entries if each.local and strange(each.target))
        if not heads[path]:
            continue
        unit = program.reach.unit((path, qualname))
        for name in unit.calls:
            if name.partition(".")[0] not in heads[path]:
                continue
            target = program.index.resolve(path, qualname, name)
            if target.kind == "external" and strange(target.absolute):
                line = program.reader.find(path, unit.lines[0][0] if unit.lines else 1, f"{name}(")
                shown, span = f"{name}(…) {path}:{line}", Span(path, line, 1, line, 1)
                yield StrangeCall(target.absolute, shown, span, (path, qualname))
