"""What trainers refuse together, and what values they refuse: the tables, and how they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainlint.knowledge.boolean_words import boolean_words
from trainlint.knowledge.contradictions import Contradiction, contradictions
from trainlint.knowledge.domains import domains
from trainlint.knowledge.formats import load_formats
from trainlint.knowledge.key_tables import key_table
from trainlint.linter import lint
from trainlint.recipe.schema import recipe_schema
from trainlint.settings.model import Settings

ROWS = contradictions().rows
RELATIONS = {"": 0, "differ": 2, "not-a-multiple": 2, "not-a-product": 2}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.formats[0]}-{row.at}")
def test_a_row_holds_together(row: Contradiction) -> None:
    assert row.formats and set(row.formats) <= set(load_formats().formats)
    assert row.at in row.when
    assert set(row.between) <= set(row.when) and set(row.beside) <= set(row.when)
    assert len(row.between) >= RELATIONS[row.relation]
    demand = row.when[row.at]
    assert not demand.absent and not demand.or_absent


@pytest.mark.parametrize("name", ["transformers", "llamafactory", "axolotl"])
def test_rows_speak_of_keys_that_a_release_knows(name: str) -> None:
    known = set(key_table(name).keys)
    if name == "llamafactory":
        known |= set(key_table("transformers").keys)
    older = {each for group in contradictions().aliases.values() for each in group}
    for row in ROWS:
        if name in row.formats:
            assert set(row.when) - older <= known, row.at


def test_domains_speak_of_what_there_is() -> None:
    for domain in domains():
        assert domain.paths or domain.keys
        assert set(domain.paths) <= set(recipe_schema().leaves)
        assert set(domain.formats) <= set(load_formats().formats)


@pytest.mark.parametrize(
    ("title", "inside", "outside"),
    [
        ("a dropout", [0, 0.5, 0.999, -1], [1, 1.5, -0.1, 50, float("nan")]),
        ("a learning rate", [0, 0.1, 30, -1], [-0.1, -2]),
        ("a batch", [1, 0.5, -1, 4096], [0]),
        ("a share of the run", [0, 1, 0.03], [1.01, 500]),
    ],
)
def test_where_a_value_may_lie(title: str, inside: list[float], outside: list[float]) -> None:
    domain = next(each for each in domains() if each.title == title)
    assert [value for value in inside if domain.refuses(value)] == []
    assert [value for value in outside if not domain.refuses(value)] == []


def test_words_are_booleans_to_yaml_1_1_only() -> None:
    assert boolean_words().code_words <= boolean_words().words
    assert not {"true", "false", "True", "y", "n"} & boolean_words().words


HF = "model_name_or_path: gpt2\noutput_dir: out\nper_device_train_batch_size: 8\nlearning_rate: 5.0e-5\n"


def messages(folder: Path, text: str, code: str = "") -> list[tuple[str, str]]:
    (folder / "train.yaml").write_text(HF + text, encoding="utf-8")
    if code:
        (folder / "train.py").write_text(code, encoding="utf-8")
    report = lint([folder], Settings(strict=True, select=("contradictory-settings",), jobs=1))
    return [(each.confidence.value, each.message) for each in report.findings]


def test_both_values_are_told(tmp_path: Path) -> None:
    [(confidence, message)] = messages(
        tmp_path, "eval_strategy: epoch\nsave_strategy: steps\nload_best_model_at_end: true\n"
    )
    assert confidence == "high"
    assert (
        "`load_best_model_at_end: true` beside `eval_strategy: epoch` and `save_strategy: steps`" in message
    )


def test_what_code_may_set_is_told_with_less_confidence(tmp_path: Path) -> None:
    [(confidence, message)] = messages(
        tmp_path, "load_best_model_at_end: true\n", "args.eval_strategy = 'steps'\n"
    )
    assert confidence == "medium"
    assert "without `eval_strategy`" in message


def test_false_is_no_zero_and_text_no_switch(tmp_path: Path) -> None:
    assert messages(tmp_path, "fp16: 'true'\nbf16: true\ndataloader_prefetch_factor: 0\n") == []
