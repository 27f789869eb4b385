"""Forks of a trainer that gave its keys other names: what looks like a format may be a dialect of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from trainlint.knowledge.format_model import Field, key_word
from trainlint.knowledge.formats import load_formats
from trainlint.recipe.config.fields import Reading
from trainlint.recipe.config.tree import Found, find_all
from trainlint.recipe.model import Value

_GENERIC = "generic"


def in_other_words(reading: Reading, field: Field) -> Value | None:
    """An unknown value where a key of another name, in the section that the field's own key would stand in,
    may mean the field; None where nothing speaks of it.

    `OPTIM.WARMUP_ITERS` where the format reads `OPTIM.WARMUP_EPOCHS`: the default does not hold then.
    """
    words = _words_for(field.to)
    own = _keys_of(reading)
    for found in _siblings(reading, field):
        step = found.path[-1]
        if isinstance(step, str) and key_word(step) in words and ".".join(map(str, found.path)) not in own:
            reason = f"`{step}` is no key of {reading.format.title}"
            return Value(span=reading.span(found.value), reason=reason)
    return None


def _siblings(reading: Reading, field: Field) -> Iterator[Found]:
    sections = dict.fromkeys(pattern.rpartition(".")[0] for pattern in field.at)
    for section in sections:
        yield from find_all(reading.document.root, f"{section}.*" if section else "*")


def _keys_of(reading: Reading) -> frozenset[str]:
    return frozenset(pattern for field in reading.format.fields for pattern in field.at)


@cache
def _words_for(path: str) -> frozenset[str]:
    """The names that projects give the keys of a recipe path."""
    fields = load_formats().formats[_GENERIC].fields
    return frozenset(name for field in fields if field.to == path for name in field.names)
