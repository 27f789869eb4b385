"""The twins of the rules about networks and losses: each program shows exactly what it is marked with."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from trainlint.linter import lint
from trainlint.settings.model import Settings

ROOT = Path(__file__).resolve().parent.parent
TWINS = ROOT / "fixtures" / "twins"
RULES = sorted(page.stem for page in (ROOT / "rules" / "model").glob("*.md"))
_MARK = re.compile(r"#\s*error:\s*\[([\w-]+)\]")


@cache
def found(rule: str) -> frozenset[tuple[str, int]]:
    """(file, line) of every finding of a rule in its folder."""
    report = lint([TWINS / rule], Settings(jobs=1, strict=True, select=(rule,)))
    assert not report.notices, report.notices
    return frozenset((Path(item.span.path).name, item.span.line) for item in report.findings)


@pytest.mark.parametrize(
    ("rule", "file"),
    [(rule, file) for rule in RULES for file in sorted((TWINS / rule).glob("*.py"))],
    ids=lambda value: value.stem if isinstance(value, Path) else value,
)
def test_program_shows_exactly_what_is_marked(rule: str, file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    wanted = {(file.name, number) for number, line in enumerate(lines, start=1) if _MARK.search(line)}
    assert {place for place in found(rule) if place[0] == file.name} == wanted
    assert bool(wanted) == file.name.startswith("fires_")


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_twins_on_both_sides(rule: str) -> None:
    sides = {file.name.partition("_")[0] for file in (TWINS / rule).glob("*.py")}
    assert sides == {"fires", "silent"}
