"""Configs that packages ship for others to be laid over: shipped_bases.json, read once."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import msgspec


class _Shipped(msgspec.Struct, frozen=True):
    folder: str
    names: frozenset[str]


@cache
def _shipped() -> _Shipped:
    text = resources.files("trainlint.knowledge").joinpath("shipped_bases.json").read_text("utf-8")
    return msgspec.convert(json.loads(text), _Shipped)


def is_shipped(target: str) -> bool:
    """Whether a package of OpenMMLab has a config at the end of a path: `_base_/schedules/schedule_1x.py`."""
    folder, _, name = target.rpartition(f"{_shipped().folder}/")
    return (not folder or folder.endswith("/")) and name in _shipped().names
