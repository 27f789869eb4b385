"""`trainlint recipe`: what each program trains with, or the story of one field."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from trainlint.output.places import Places
from trainlint.output.recipe import recipe_text
from trainlint.output.terminal import Style
from trainlint.output.why import why_text
from trainlint.recipe.model import Recipe
from trainlint.recipe.schema import recipe_schema
from trainlint.suggest import did_you_mean


def show_recipes(paths: Sequence[str], why: str | None, style: Style, *, as_json: bool = False) -> str:
    """The text to print, or the JSON document. A usage error where `why` is no field of a recipe."""
    from trainlint.discovery.projects import discover  # noqa: PLC0415
    from trainlint.linter import recipes  # noqa: PLC0415

    if why is not None:
        fields = recipe_schema().leaves
        if why not in fields:
            raise click.UsageError(f"a recipe has no field {why!r}{did_you_mean(why, fields)}")
    found: list[tuple[Recipe, Places]] = []
    for project in discover(paths).projects:
        places = Places(project.root)
        named = [Path(project.root, path) for path in sorted(project.named)]
        found += [(recipe, places) for recipe in recipes(named)]
    if as_json:
        from trainlint.output.recipe_json import recipes_json  # noqa: PLC0415

        return recipes_json(found)
    parts = [
        recipe_text(recipe, places, style) if why is None else why_text(recipe, why, places, style)
        for recipe, places in found
    ]
    if not parts:
        return "No training program or training config found there.\n"
    return ("\n" if why is None else "").join(parts)
