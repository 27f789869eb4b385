"""The declared paths of a recipe."""

from __future__ import annotations

import json
import re

import jsonschema

from trainlint.recipe.schema import SCHEMA_FILE, recipe_schema

UNITS = {"", "samples", "epochs", "steps", "devices", "length", "rate", "ratio"}


def test_the_schema_is_a_schema_and_every_leaf_is_described() -> None:
    document = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(document)
    for path, entry in document["properties"].items():
        assert re.fullmatch(r"[a-z_]+(\.[a-z0-9_]+)+", path)
        assert entry["type"] in ("string", "number", "integer", "boolean")
        assert entry["title"]
        assert entry["description"].endswith((".", "…."))
        assert entry.get("x-unit", "") in UNITS
        assert set(entry) <= {
            "type",
            "title",
            "description",
            "enum",
            "minimum",
            "exclusiveMinimum",
            "x-unit",
            "x-derived",
        }


def test_leaves_and_groups() -> None:
    schema = recipe_schema()
    assert schema.groups.items() >= {"optimizers": "optimizer", "loaders": "loader"}.items()
    assert len(set(schema.groups.values())) == len(schema.groups)
    for prefix in schema.groups.values():
        assert any(path.startswith(prefix + ".") for path in schema.leaves)
    assert schema.leaves["batch.effective"].unit == "samples"
    assert schema.leaves["batch.effective"].derived
    assert "scratch" in schema.leaves["meta.purpose"].choices
