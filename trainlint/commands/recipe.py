"""`trainlint recipe`: what each program trains with, or the story of one field."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import click

from trainlint.output.places import Places
from trainlint.output.recipe import recipe_text
from trainlint.output.terminal import Style, visible
from trainlint.output.why import why_text
from trainlint.recipe.model import Recipe
from trainlint.recipe.schema import recipe_schema
from trainlint.suggest import did_you_mean

_TOLD = 10
_CONFIG = "recipe"
"""The kind of a recipe that a config gave: of a folder they are many, and told in a line each."""


def show_recipes(paths: Sequence[str], why: str | None, style: Style, *, as_json: bool = False) -> str:
    """The text to print, or the JSON document.

    Programs and named configs are told in full, configs of folders by line. A usage error where `why` is no
    field of a recipe.
    """
    from trainlint.discovery.projects import discover  # noqa: PLC0415
    from trainlint.linter import recipes  # noqa: PLC0415

    if why is not None:
        fields = recipe_schema().leaves
        if why not in fields:
            raise click.UsageError(f"a recipe has no field {why!r}{did_you_mean(why, fields)}")
    found: list[tuple[Recipe, Places]] = []
    told: list[str] = []
    for project in discover(paths).projects:
        places = Places(project.root)
        named = [Path(project.root, path) for path in sorted(project.named)]
        gaps: dict[str, str] = {}
        found += [(recipe, places) for recipe in recipes(named, gaps=gaps)]
        told += [f"{visible(places.path(path))}: {visible(gaps[path])}" for path in sorted(gaps)]
    if as_json:
        from trainlint.output.recipe_json import recipes_json  # noqa: PLC0415

        return recipes_json(found)
    lines = ""
    if why is None and any(Path(path).is_dir() for path in paths):
        from trainlint.output.recipe_lines import config_lines  # noqa: PLC0415

        files = {Path(path).resolve() for path in paths}
        listed = [each for each in found if _is_listed(*each, files)]
        lines = config_lines(listed, found, style)
        found = [each for each in found if not _is_listed(*each, files)]
    parts = [
        recipe_text(recipe, places, style) if why is None else why_text(recipe, why, places, style)
        for recipe, places in found
    ]
    if not parts and not lines:
        return "No training program or training config found there.\n" + _first(told)
    return ("\n" if why is None else "").join([*parts, *filter(None, [lines])])


def _first(told: Sequence[str]) -> str:
    """The first of some lines, and how many more there are."""
    rest = [f"and {len(told) - _TOLD} more"] if len(told) > _TOLD else []
    return "".join(f"  {line}\n" for line in (*told[:_TOLD], *rest))


def _is_listed(recipe: Recipe, places: Places, files: Collection[Path]) -> bool:
    """Whether a recipe is a config's that a folder brought along, not one that is named itself."""
    return recipe.kind == _CONFIG and Path(places.root, recipe.entry).resolve() not in files
