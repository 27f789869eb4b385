from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import referencing
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

import trainlint
from trainlint.findings import Span
from trainlint.output.places import Places
from trainlint.output.recipe import BARS, CURVE_COLUMNS, recipe_text, sparkline
from trainlint.output.recipe_json import recipes_json
from trainlint.output.terminal import Style
from trainlint.output.why import why_text
from trainlint.recipe.model import Link, Recipe, State, Value

PLAIN = Style(colour=False)
SCHEMA = Path(trainlint.__file__).parent / "output" / "recipe_report.schema.json"


@pytest.fixture
def places(tmp_path: Path, monkeypatch) -> Places:
    monkeypatch.chdir(tmp_path)
    return Places(str(tmp_path))


def at(path: str, line: int) -> Span:
    return Span(path, line, 1, line, 9)


RECIPE = Recipe(
    entry="train.py",
    kind="program",
    span=at("train.py", 1),
    facts={
        "optimizer.lr": Value(
            0.1,
            State.INHERITED,
            "rate",
            at("config.yaml", 8),
            (Link(at("train.py", 34), "lr of SGD"), Link(at("config.yaml", 8), "lr in \x1b[31mconfig.yaml")),
        ),
        "batch.effective": Value(2048, State.DERIVED, "samples", at("train.py", 3)),
        "warmup.length": Value(None, State.OFF, span=at("train.py", 34)),
        "train.epochs": Value(state=State.UNKNOWN, reason="read from the command line"),
        "schedule.name": Value(None, State.UNKNOWN, choices=("cosine", "step")),
    },
    curve=(0.0, 0.1, 0.05, 0.0),
)


def test_a_recipe_shows_values_states_places_and_what_is_unknown(places: Places) -> None:
    lines = recipe_text(RECIPE, places, PLAIN).splitlines()
    assert lines[0] == "train.py  program"
    assert [line.split() for line in lines[1:4]] == [
        ["batch.effective", "2,048", "derived", "train.py:3"],
        ["optimizer.lr", "0.1", "inherited", "config.yaml:8"],
        ["warmup.length", "off", "off", "train.py:34"],
    ]
    assert (
        lines[4] == "  learning rate  ▁█▄▁  0 → 0, peak 0.1"
        or lines[4] == "  learning rate  ▁█▅▁  0 → 0, peak 0.1"
    )
    assert lines[5] == "  unknown: schedule.name, train.epochs"


def test_why_a_value_is_what_it_is(places: Places) -> None:
    assert why_text(RECIPE, "optimizer.lr", places, PLAIN).splitlines() == [
        "train.py  optimizer.lr = 0.1 (inherited)  config.yaml:8",
        "  - lr of SGD                  train.py:34",
        "  - lr in \\x1b[31mconfig.yaml  config.yaml:8",
    ]


def test_why_a_value_is_unknown(places: Places) -> None:
    assert why_text(RECIPE, "train.epochs", places, PLAIN) == (
        "train.py  train.epochs is unknown: read from the command line\n"
    )
    assert why_text(RECIPE, "schedule.name", places, PLAIN).splitlines()[1] == "  one of cosine, step"
    assert why_text(RECIPE, "reg.dropout", places, PLAIN).endswith(
        "is unknown: nothing in what was read tells it\n"
    )


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=300))
def test_sparklines_of_any_curve(curve: list[float]) -> None:
    bars = sparkline(tuple(curve))
    assert len(bars) == min(len(curve), CURVE_COLUMNS)
    assert set(bars) <= set(BARS)


def test_a_sparkline_has_the_shape_of_its_curve() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == BARS
    assert sparkline([0.0, 0.0]) == "▁▁"
    assert sparkline([1.0] * 10, columns=4) == "████"


def test_the_json_document_fits_its_schema_and_tells_every_field(places: Places) -> None:
    endless = Value(float("inf"), State.DERIVED)
    recipe = structs.replace(
        RECIPE,
        facts={**RECIPE.facts, "rate.final_ratio": endless},
        groups={"loaders": [{"loader.shuffle": Value(True, State.EXPLICIT, span=at("train.py", 7))}]},
    )
    document = json.loads(recipes_json([(recipe, places)]))
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema, registry=referencing.Registry()).validate(document)
    (told,) = document["recipes"]
    rate = told["fields"]["optimizer.lr"]
    assert (rate["value"], rate["state"], rate["at"]["path"]) == (0.1, "inherited", "config.yaml")
    assert [step["line"] for step in rate["chain"]] == [34, 8]
    assert told["fields"]["train.epochs"]["reason"] == "read from the command line"
    assert told["fields"]["rate.final_ratio"]["value"] is None
    assert told["groups"]["loaders"][0]["loader.shuffle"]["at"]["line"] == 7
    assert told["curve"] == [0.0, 0.1, 0.05, 0.0]
