"""Builtin conversions of known values."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from trainlint.analysis.evaluation.values import Resolved, join, unknown

_WHOLE = re.compile(r"[-+]?\d+")
_WORDS = {"true": True, "false": False, "none": None, "null": None}


def literal(text: Any) -> Any:
    """A word of a command line as the value it spells: a number, a truth value, None, else the text."""
    if not isinstance(text, str):
        return text
    word = text.strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    try:
        return int(word) if _WHOLE.fullmatch(word) else float(word)
    except ValueError:
        return text


CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "builtins.int": int,
    "builtins.float": float,
    "builtins.bool": bool,
    "literal": literal,
}


def convert(function: Callable[[Any], Any], value: Resolved) -> Resolved:
    """A value after `int`, `float` or `bool`; unknown where that fails."""
    if value.kind == "choice":
        return join([convert(function, item) for item in value.items], value.condition, value.option)
    if value.kind != "const" or value.value is None:
        return value if value.kind != "const" else unknown("a conversion of None", value.words)
    try:
        return dataclasses.replace(value, value=function(value.value), name="", keys=())
    except (TypeError, ValueError, OverflowError):
        return unknown("a conversion that fails", value.words)
