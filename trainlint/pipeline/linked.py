"""What linking gives of one program."""

from __future__ import annotations

import msgspec

from trainlint.recipe.config.file import KeyUse
from trainlint.recipe.config.file import Reader as ConfigReader
from trainlint.recipe.model import Recipe


class Linked(msgspec.Struct):
    """What one program gave: its recipe (None where it does not train), which configs it reads and how, what
    its searches draw from, and the faults of models that it compiles and does not train."""

    entry: str
    recipe: Recipe | None
    readers: dict[str, list[ConfigReader]] = msgspec.field(default_factory=dict)
    uses: dict[str, list[KeyUse]] = msgspec.field(default_factory=dict)
    spaces: Recipe | None = None
    models: Recipe | None = None
