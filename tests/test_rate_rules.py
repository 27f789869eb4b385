"""The rules about the learning rate's curve: what must be reported, and each exemption that must not."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from trainlint.linter import lint
from trainlint.settings.model import Settings

TWINS = Path(__file__).resolve().parent.parent / "fixtures" / "twins"
RULES = (
    "compounded-decay",
    "cyclic-bounds",
    "inverse-decay-schedule",
    "rate-rises-at-end",
    "schedule-ends-early",
    "schedule-outlasts-run",
    "scheduler-unit-mismatch",
    "short-cosine-run",
    "unreachable-milestone",
    "warmup-longer-than-run",
)
MARKER = re.compile(r"# error: \[([\w-]+)\]")
FILES = [file for rule in RULES for file in sorted((TWINS / rule).glob("*.py"))]


@cache
def found(rule: str) -> frozenset[tuple[str, int]]:
    report = lint([TWINS / rule], Settings(strict=True, select=(rule,), jobs=1))
    assert not report.notices
    return frozenset((Path(one.span.path).name, one.span.line) for one in report.findings)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_program_shows_exactly_what_is_marked(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    marked = {number for number, line in enumerate(lines, start=1) if MARKER.search(line)}
    assert {line for name, line in found(file.parent.name) if name == file.name} == marked
    assert bool(marked) is file.name.startswith("fires_")


@pytest.mark.parametrize("rule", RULES)
def test_one_cause_is_one_finding(rule: str) -> None:
    """No other rule about the curve speaks where one does."""
    report = lint([TWINS / rule], Settings(strict=True, select=tuple(each for each in RULES), jobs=1))
    fired = {(Path(one.span.path).name, one.rule) for one in report.findings}
    expected = {name for name, _ in found(rule)}
    assert {(name, other) for name, other in fired if name in expected and other != rule} == set()
