"""The twins of the rules about reproducibility: each program and project shows exactly what is marked."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from trainlint.linter import lint
from trainlint.settings.model import Settings

TWINS = Path(__file__).resolve().parent.parent / "fixtures" / "twins"
RULES = (
    "anomaly-detection-left-on",
    "constant-worker-seed",
    "contradictory-determinism",
    "late-seed",
    "unlogged-run",
    "unrecorded-seed",
    "unused-seed",
)
PROJECTS = sorted(path for path in (TWINS / "unpinned-dependencies").iterdir() if path.is_dir())
SEEDS = ("late-seed", "missing-seed", "partial-seed", "unrecorded-seed", "unused-seed")
_MARK = re.compile(r"#\s*error:\s*\[([\w-]+)\]")


@cache
def found(rule: str) -> frozenset[tuple[str, int, str]]:
    """(file, line, rule) of everything that is reported in the folder of one rule."""
    report = lint([TWINS / rule], Settings(jobs=1, strict=True))
    assert not report.notices, report.notices
    return frozenset((Path(item.span.path).name, item.span.line, item.rule) for item in report.findings)


def marks(file: Path) -> set[tuple[str, int, str]]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return {
        (file.name, number, match[1])
        for number, line in enumerate(lines, start=1)
        for match in _MARK.finditer(line)
    }


@pytest.mark.parametrize(
    ("rule", "file"),
    [(rule, file) for rule in RULES for file in sorted((TWINS / rule).glob("*.py"))],
    ids=lambda value: value.stem if isinstance(value, Path) else value,
)
def test_program_shows_exactly_what_is_marked(rule: str, file: Path) -> None:
    wanted = marks(file)
    assert {place for place in found(rule) if place[0] == file.name and place[2] == rule} == wanted
    assert bool(wanted) == file.name.startswith("fires_")


@pytest.mark.parametrize("rule", RULES)
def test_one_cause_one_finding_about_seeds(rule: str) -> None:
    names = {file.name for file in (TWINS / rule).glob("fires_*.py")}
    for name in names:
        spoken = {place[2] for place in found(rule) if place[0] == name and place[2] in SEEDS}
        assert len(spoken) <= 1, (name, spoken)


@pytest.mark.parametrize("folder", PROJECTS, ids=lambda path: path.name)
def test_project_shows_exactly_what_is_marked(folder: Path) -> None:
    report = lint([folder], Settings(jobs=1, strict=True))
    assert not report.notices, report.notices
    got = {
        (Path(item.span.path).name, item.span.line, item.rule)
        for item in report.findings
        if item.rule == "unpinned-dependencies"
    }
    wanted = set().union(*(marks(file) for file in folder.iterdir() if file.is_file()))
    assert got == wanted
    assert bool(wanted) == folder.name.startswith("fires_")


def test_the_program_brings_its_requirements_into_view() -> None:
    report = lint([TWINS / "unpinned-dependencies" / "fires_bare_name" / "train.py"], Settings(jobs=1))
    assert "unpinned-dependencies" in {item.rule for item in report.findings}
