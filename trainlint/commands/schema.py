"""`trainlint schema`: JSON Schemas for editors, of config formats, of a recipe, of the settings."""

from __future__ import annotations

import json
from pathlib import Path

import click

from trainlint.suggest import did_you_mean

_PACKAGE = Path(__file__).resolve().parent.parent
_FILES = {"recipe": "recipe/recipe.schema.json", "settings": "settings/settings.schema.json"}


def schema_names() -> list[str]:
    """What there is a schema of: formats in alphabetical order, then recipe and settings."""
    from trainlint.knowledge.key_schemas import formats_with_keys  # noqa: PLC0415

    return [*formats_with_keys(), *_FILES]


def schema_text(name: str) -> str:
    """A schema as JSON text. A usage error where there is none of that name."""
    if name in _FILES:
        text = (_PACKAGE / _FILES[name]).read_text(encoding="utf-8")
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
    from trainlint.knowledge.key_schemas import format_schema, formats_with_keys  # noqa: PLC0415

    if name not in formats_with_keys():
        names = schema_names()
        raise click.UsageError(
            f"there is no schema of {name!r}{did_you_mean(name, names)} (there are: {', '.join(names)})"
        )
    return json.dumps(format_schema(name), indent=2, ensure_ascii=False) + "\n"
