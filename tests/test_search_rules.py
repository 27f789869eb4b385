"""The twins of the rules about searches, and of those about pipelines and parts taken from data."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from trainlint.linter import lint
from trainlint.settings.model import Settings

TWINS = Path(__file__).resolve().parent.parent / "fixtures" / "twins"
MARKER = re.compile(r"#\s*error:\s*\[([a-z-]+)\]")
RULES = (
    "exhaustive-grid",
    "hyperband-budget",
    "ordered-validation-split",
    "parallel-bayesian-search",
    "search-on-test-data",
    "search-without-pruning",
    "shuffle-after-batch",
    "unseeded-search",
)


@cache
def found(rule: str) -> dict[str, set[int]]:
    report = lint([TWINS / rule], Settings(strict=True, select=(rule,), jobs=1))
    assert not report.notices, report.notices
    places: dict[str, set[int]] = {}
    for one in report.findings:
        places.setdefault(Path(one.span.path).name, set()).add(one.span.line)
    return places


@pytest.mark.parametrize(
    "file",
    [file for rule in RULES for file in sorted((TWINS / rule).glob("*.py"))],
    ids=lambda file: f"{file.parent.name}/{file.stem}",
)
def test_twin_shows_exactly_what_is_marked(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    marked = {number for number, line in enumerate(lines, start=1) if MARKER.search(line)}
    assert found(file.parent.name).get(file.name, set()) == marked
