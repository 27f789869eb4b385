"""The twins of the rules about precision, branches and selections: each shows exactly what it is marked with,
by default and with every rule on."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from trainlint.linter import lint
from trainlint.settings.model import Settings

TWINS = Path(__file__).resolve().parent.parent / "fixtures" / "twins"
RULES = ("adam-eps-in-half", "eps-lost-in-half", "mean-of-empty-selection", "where-keeps-nan")
_MARK = re.compile(r"#\s*error:\s*\[([\w-]+)\]")


@cache
def found(folder: str) -> frozenset[tuple[str, int, str]]:
    """(file, line, rule) of every finding in a folder."""
    report = lint([TWINS / folder], Settings(jobs=1))
    assert not report.notices, report.notices
    return frozenset((Path(item.span.path).name, item.span.line, item.rule) for item in report.findings)


@pytest.mark.parametrize(
    "file",
    [file for rule in RULES for file in sorted((TWINS / rule).glob("*.py"))],
    ids=lambda file: file.stem,
)
def test_program_shows_exactly_what_is_marked(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    marks = ((number, _MARK.search(line)) for number, line in enumerate(lines, start=1))
    wanted = {(file.name, number, match[1]) for number, match in marks if match}
    assert {place for place in found(file.parent.name) if place[0] == file.name} == wanted
    assert bool(wanted) == file.name.startswith("fires_")


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_twins_on_both_sides(rule: str) -> None:
    assert {file.name.partition("_")[0] for file in (TWINS / rule).glob("*.py")} == {"fires", "silent"}
