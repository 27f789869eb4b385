"""Whether images reach a model as they were read, in numbers from 0 to 255."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.facts import Term, UnitFacts
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.model import Value

_SCALES = (127, 127.5, 128, 255, 256)
_SCALES_GIVEN = (127.5, 255)
_SMALL = 1e-6
_POOLING = frozenset({"pool", "pooling"})
"""Layers that take the largest or the mean of some numbers keep their range: `MaxPooling2D`."""


def pixel_range(seen: Observations, elements: list[dict[str, Value]]) -> dict[str, Value]:
    """`data.pixels`: raw only where every unit in reach was looked at and nothing can scale or normalise."""
    sources = list(_raw_sources(seen, elements))
    if not sources:
        return {}
    reason = _may_be_scaled(seen)
    if reason:
        return {"data.pixels": unknown_value(reason, sources[0].span)}
    return {"data.pixels": sources[0]}


def _raw_sources(seen: Observations, elements: list[dict[str, Value]]) -> Iterator[Value]:
    for element in elements:
        if element["loader.pixels"].value == "raw" and element["loader.role"].value == "train":
            yield element["loader.pixels"]
    for call in (*seen.made("dataset"), *seen.methods("load_data")):
        made = seen.object(call)
        entry = seen.evaluator.entry(made.name) if made.kind == "object" else None
        raw = entry is not None and entry.extra.get("pixels") == "raw"
        if raw and seen.happens(call.frame, call.event.conditions) is True:
            yield derived("raw", call.span)


def _may_be_scaled(seen: Observations) -> str:
    """What could bring the pixels to a small range; empty where there is nothing."""
    program = seen.program
    if program.closure.broken or program.closure.unresolved:
        return "a part of the program was not read"
    for place in program.reach.places:
        for name in program.reach.unit(place).calls:
            if _can_scale(name):
                return f"{name} may scale the pixels"
    for path, qualname in program.reach.places:
        facts = program.facts(path, qualname)
        if facts is None:
            return f"{qualname} could not be read"
        if any(_divides(facts, term) for term in facts.terms):
            return "the pixels may be divided"
    return ""


def _can_scale(name: str) -> bool:
    last = name.rpartition(".")[2]
    words = {*words_of(last), last.lower()}
    if {word.rstrip("0123456789") for word in words} & _POOLING:
        return False
    return bool(words & program_words("scaling")) or "applications" in name


def _divides(facts: UnitFacts, term: Term) -> bool:
    """Whether an operation or a call is given one of the numbers that bytes are scaled with."""
    if term.op not in ("bin", "call"):
        return False
    given = [facts.terms[each] for each in (term.args if term.op == "bin" else term.args[1:])]
    limits = _SCALES if term.op == "bin" else _SCALES_GIVEN
    return any(each.op == "const" and _is_a_scale(each.value, limits) for each in given)


def _is_a_scale(value: object, limits: tuple[float, ...]) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value in limits or abs(value - 1 / 255) < _SMALL or abs(value - 1 / 256) < _SMALL
