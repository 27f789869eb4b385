"""The twins of the rules about data: each program shows exactly what it is marked with."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from trainlint.linter import lint
from trainlint.settings.model import Settings

TWINS = Path(__file__).resolve().parent.parent / "fixtures" / "twins"
RULES = (
    "augmented-evaluation-data",
    "evaluation-on-training-data",
    "fit-before-split",
    "imbalance-corrected-twice",
    "mismatched-preprocessing",
    "model-selection-on-test",
    "ordinal-encoding-of-categories",
    "refit-on-test",
    "shuffled-evaluation-data",
    "unnormalized-input",
    "unseeded-split",
)
_MARK = re.compile(r"#\s*error:\s*\[([\w-]+)\]")


@cache
def found(rule: str) -> frozenset[tuple[str, int, str]]:
    """(file, line, rule) of everything of the rules here that is reported in the folder of one."""
    report = lint([TWINS / rule], Settings(jobs=1))
    assert not report.notices, report.notices
    return frozenset(
        (Path(item.span.path).name, item.span.line, item.rule)
        for item in report.findings
        if item.rule in RULES
    )


@pytest.mark.parametrize(
    ("rule", "file"),
    [(rule, file) for rule in RULES for file in sorted((TWINS / rule).glob("*.py"))],
    ids=lambda value: value.stem if isinstance(value, Path) else value,
)
def test_program_shows_exactly_what_is_marked(rule: str, file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    wanted = {
        (file.name, number, match[1])
        for number, line in enumerate(lines, start=1)
        for match in _MARK.finditer(line)
    }
    assert {place for place in found(rule) if place[0] == file.name} == wanted
    assert bool(wanted) == file.name.startswith("fires_")
