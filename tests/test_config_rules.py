"""The rules about configs over their twins, and over configs of many trainers that are right."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from trainlint.linter import lint
from trainlint.settings.model import Settings

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
MARKER = re.compile(r"#\s*error:\s*\[([a-z-]+)\]")
RULES = ("contradictory-settings", "out-of-domain-value", "ambiguous-boolean", "text-exponent")
FAMILIES = ("config", "search", "learning-rate")

TWINS = [
    file
    for rule in RULES
    for file in sorted((FIXTURES / "twins" / rule).rglob("*"))
    if file.suffix in (".yaml", ".yml", ".py")
]


@cache
def found(rule: str) -> dict[str, set[int]]:
    report = lint([FIXTURES / "twins" / rule], Settings(select=(rule,), jobs=1))
    assert not report.notices, report.notices
    places: dict[str, set[int]] = {}
    for finding in report.findings:
        places.setdefault(Path(finding.span.path).name, set()).add(finding.span.line)
    return places


@pytest.mark.parametrize("file", TWINS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_twin_shows_exactly_what_is_marked(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    marked = {number for number, line in enumerate(lines, start=1) if MARKER.search(line)}
    rule = next(part for part in file.parts if part in RULES)
    assert found(rule).get(file.name, set()) == marked
    assert bool(marked) == file.name.startswith("fires_")


def test_configs_that_are_right_stay_silent_even_when_strict() -> None:
    report = lint([FIXTURES / "ok" / "configs_of_trainers"], Settings(strict=True, select=FAMILIES, jobs=1))
    assert [f"{each.span.path}:{each.span.line} {each.rule}" for each in report.findings] == []


def test_all_of_them_are_read() -> None:
    report = lint([FIXTURES / "ok" / "configs_of_trainers"], Settings(jobs=1))
    assert report.summary.configs == 8


ODD = {
    "a list of parameters": "method: bayes\nparameters: [lr, 1e-3]\nlr: 0.1\n",
    "parameters that are none": (
        "method: {x: 1}\nparameters:\n  lr: 3\n  a: {values: {b: 1}}\n  c: {min: [1], max: {}}\n"
    ),
    "a sweeper that is none": "hydra: {sweeper: [1]}\nlr: 0.1\nbatch_size: 3\nepochs: 4\n",
    "draws that are none": (
        "hydra: {sweeper: {params: {lr: [1, 2], x: {type: float, low: a, high: b}, z: 'interval(,)'}}}\n"
        "defaults: [a, {'': x}, {override hydra/sweeper: [optuna]}]\nlr: 0.1\n"
    ),
    "a space that is none": (
        "searchSpace: {lr: {_type: [a], _value: 3}, x: {_type: uniform, _value: [1]},"
        " y: {_type: loguniform, _value: [{}, []]}}\ntuner: [TPE]\ntrialConcurrency: []\n"
    ),
    "lists for switches": (
        "per_device_train_batch_size: [1]\nlearning_rate: {}\noutput_dir: x\nload_best_model_at_end: [true]\n"
        "eval_strategy: {}\nfp16: [true]\nbf16: true\n"
    ),
    "languages in themselves": "x: &x [no, en, *x]\nlr: 0.1\nbatch_size: 3\nepochs: 4\n",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_shapes_neither_fail_nor_fire(tmp_path: Path, text: str) -> None:
    (tmp_path / "train.yaml").write_text(text, encoding="utf-8")
    report = lint([tmp_path], Settings(strict=True, select=(*RULES, *FAMILIES), jobs=1))
    assert [notice for notice in report.notices if notice.kind in ("internal", "crashed")] == []
    assert [finding.message for finding in report.findings] == []
