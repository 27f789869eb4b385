"""What an adapter gives: facts of the recipe, and further elements of its lists."""

from __future__ import annotations

import msgspec

from trainlint.recipe.model import Value


class Adapted(msgspec.Struct):
    """`facts` by recipe path; `schedulers` and `loaders` are elements of those lists of a recipe."""

    facts: dict[str, Value] = msgspec.field(default_factory=dict)
    schedulers: list[dict[str, Value]] = msgspec.field(default_factory=list)
    loaders: list[dict[str, Value]] = msgspec.field(default_factory=list)
