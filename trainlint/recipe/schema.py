"""The declared paths of a recipe: what may stand at each, in which unit, and its name in a message."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

SCHEMA_FILE = Path(__file__).with_name("recipe.schema.json")


class Leaf(msgspec.Struct, frozen=True):
    """One declared path.

    `type` is a JSON Schema type; `unit` is samples, epochs, steps, rate, ratio, …, "" for none, or "length"
    where the value brings its own. `derived` is the formula or decision behind a derived fact, "" for a
    written one.
    """

    path: str
    type: str
    title: str
    description: str
    unit: str = ""
    derived: str = ""
    choices: tuple[str, ...] = ()


class RecipeSchema(msgspec.Struct, frozen=True):
    """All leaves by path, and the lists of a recipe with the prefix their elements' paths start with."""

    leaves: dict[str, Leaf]
    groups: dict[str, str]


@lru_cache(maxsize=1)
def recipe_schema() -> RecipeSchema:
    """The committed schema, read once."""
    document = msgspec.json.decode(SCHEMA_FILE.read_bytes())
    leaves = {path: _leaf(path, entry) for path, entry in document["properties"].items()}
    return RecipeSchema(leaves=leaves, groups=document["x-groups"])


def _leaf(path: str, entry: Mapping[str, Any]) -> Leaf:
    return Leaf(
        path=path,
        type=entry["type"],
        title=entry["title"],
        description=entry["description"],
        unit=entry.get("x-unit", ""),
        derived=entry.get("x-derived", ""),
        choices=tuple(entry.get("enum", ())),
    )
