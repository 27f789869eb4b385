"""Builtin conversions of known values."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from trainlint.analysis.evaluation.values import Resolved, join, unknown

CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "builtins.int": int,
    "builtins.float": float,
    "builtins.bool": bool,
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
