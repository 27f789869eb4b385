"""Words that tell what a name or a place in a project is for: roles.json, read once."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import msgspec

_FILE = Path(__file__).with_name("roles.json")
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")


class RoleWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Word lists, all in lower case. Names are compared word by word: `num_pos` is `num` and `pos`."""

    eps: frozenset[str]
    not_eps: frozenset[str]
    labels: frozenset[str]
    masks: frozenset[str]
    label_masks: frozenset[str]
    length_masks: frozenset[str]
    adjacency: frozenset[str]
    disparity: frozenset[str]
    activations: frozenset[str]
    data_inputs: frozenset[str]
    similarities: frozenset[str]
    predictions: frozenset[str]
    constants: frozenset[str]
    numbers: frozenset[str]
    array_methods: frozenset[str]
    training_classes: frozenset[str]
    training_bases: frozenset[str]
    training_functions: frozenset[str]
    supporting_functions: frozenset[str]
    training_places: frozenset[str]
    training_calls: frozenset[str]
    silent_words: frozenset[str]
    silent_places: frozenset[str]
    side_places: frozenset[str]
    silent_functions: frozenset[str]


@functools.lru_cache(maxsize=1)
def load_roles() -> RoleWords:
    """The word lists of the package."""
    return msgspec.json.decode(_FILE.read_bytes(), type=RoleWords)


@functools.lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """The lower-case words of an identifier, a path part or a camel-case name, in order."""
    return tuple(word.lower() for word in _WORD.findall(name))
