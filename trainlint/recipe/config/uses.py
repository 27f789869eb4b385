"""What programs do with a config's numbers, read off their recipes: used as they are, or converted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from trainlint.findings import Span
from trainlint.recipe.config.file import KeyUse
from trainlint.recipe.config.scalars import is_number_text
from trainlint.recipe.config.tree import walk_entries
from trainlint.recipe.model import Recipe, Value
from trainlint.recipe.schema import recipe_schema
from trainlint.text.document import Document

_NUMERIC = ("number", "integer")


def key_uses(document: Document, programs: Iterable[Recipe]) -> tuple[KeyUse, ...]:
    """How the recipes of programs use the scalars of a document that read as numbers.

    A text that reached a numeric field of a recipe is used as a number; where a number arrived, code
    converted it.
    """
    places = {
        Span(document.path, *found.value.place): found.path
        for found in walk_entries(document.root)
        if found.value.kind == "scalar" and is_number_text(found.value.raw)
    }
    uses = [
        KeyUse(places[span], _at(value, span), numeric=text, converted=not text)
        for value, text in _numbers(programs)
        for span in _spans(value)
        if span in places
    ]
    return tuple(dict.fromkeys(uses))


def _numbers(programs: Iterable[Recipe]) -> Iterator[tuple[Value, bool]]:
    """The values of numeric paths, and whether a text arrived there."""
    leaves = recipe_schema().leaves
    for program in programs:
        for path, value in _facts(program):
            leaf = leaves.get(path)
            if leaf is None or leaf.type not in _NUMERIC or leaf.derived:
                continue
            if isinstance(value.value, str) and is_number_text(value.value):
                yield value, True
            elif isinstance(value.value, int | float) and not isinstance(value.value, bool):
                yield value, False


def _facts(program: Recipe) -> Iterator[tuple[str, Value]]:
    tables: list[Mapping[str, Value]] = [
        program.facts,
        *(each for group in program.groups.values() for each in group),
    ]
    for table in tables:
        yield from table.items()


def _spans(value: Value) -> list[Span]:
    spans = [value.span, *(link.span for link in value.chain)]
    return [span for span in spans if span is not None]


def _at(value: Value, written: Span) -> Span:
    """Where the value is used: the first place on its way that is not where it was written."""
    return next((span for span in reversed(_spans(value)) if span.path != written.path), written)
