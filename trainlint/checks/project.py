"""What the checks of `project` pages are given: everything the project trains, in code and in configs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trainlint.discovery.dependencies import Dependencies
from trainlint.recipe.config.file import ConfigFile
from trainlint.recipe.model import Recipe


class ProjectView(msgspec.Struct, frozen=True):
    """One project. `recipes` are those of its programs and of its entry configs, in a fixed order; `configs`
    are the config files themselves."""

    recipes: list[Recipe]
    dependencies: Dependencies = msgspec.field(default_factory=Dependencies)
    configs: Sequence[ConfigFile] = ()
