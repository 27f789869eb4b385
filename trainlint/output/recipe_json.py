"""Recipes for programs: one JSON document, described by recipe_report.schema.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from trainlint.output.json import VERSION, span_fields
from trainlint.output.places import Places
from trainlint.output.secrets import hide_secrets, looks_secret
from trainlint.recipe.model import Recipe, Scalar, Value


def recipes_json(recipes: Iterable[tuple[Recipe, Places]]) -> str:
    """The recipes as an indented JSON document in ASCII, line break at the end."""
    document = {"version": VERSION, "recipes": [recipe_document(*each) for each in recipes]}
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def recipe_document(recipe: Recipe, places: Places) -> dict[str, Any]:
    """One recipe as plain data: every field, also the unknown ones with the reason."""
    return {
        "program": places.path(recipe.entry),
        "kind": recipe.kind,
        "files": [places.path(path) for path in recipe.files],
        "fields": _fields(recipe.facts, places),
        "groups": {
            name: [_fields(element, places) for element in elements]
            for name, elements in sorted(recipe.groups.items())
        },
        "curve": [_scalar(rate) for rate in recipe.curve],
    }


def _fields(facts: Mapping[str, Value], places: Places) -> dict[str, Any]:
    return {path: _value(path, value, places) for path, value in sorted(facts.items())}


def _value(path: str, value: Value, places: Places) -> dict[str, Any]:
    secret = looks_secret(path)
    return {
        "value": "***" if secret and value.value is not None else _scalar(value.value),
        "unit": value.unit,
        "state": value.state.value,
        "reason": hide_secrets(value.reason),
        "choices": [] if secret else _scalars(value.choices),
        "at": None if value.span is None else span_fields(value.span, places),
        "chain": [
            {**span_fields(link.span, places), "message": hide_secrets(link.label)} for link in value.chain
        ],
    }


def _scalars(values: Sequence[Scalar]) -> list[Scalar]:
    return [_scalar(value) for value in values]


def _scalar(value: Scalar) -> Scalar:
    # JSON has no infinity and no NaN.
    return None if isinstance(value, float) and not isfinite(value) else value
