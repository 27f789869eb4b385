"""Where text is meant that YAML 1.1 takes for true or false: boolean_words.json, read once."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import msgspec


class BooleanWords(msgspec.Struct, frozen=True):
    """`words` are booleans to readers of YAML 1.1 only.

    `choices` are keys whose value is a word of a list, `passed_to` those that are where the project's code
    uses a name, `codes` keys that hold a language or country, of which `code_words` are booleans too.
    """

    words: frozenset[str]
    choices: frozenset[str]
    passed_to: dict[str, str]
    codes: frozenset[str]
    code_words: frozenset[str]


@cache
def boolean_words() -> BooleanWords:
    """All that is known."""
    text = resources.files("trainlint.knowledge").joinpath("boolean_words.json").read_text("utf-8")
    return msgspec.convert(json.loads(text), BooleanWords)
