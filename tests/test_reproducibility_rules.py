"""The twins of the rules about reproducibility: each program and project shows exactly what is marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.twin_programs import TWINS, assert_as_marked, found, marks, programs, twin_name
from trainlint.linter import lint
from trainlint.settings.model import Settings

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


@pytest.mark.parametrize("file", programs(RULES), ids=twin_name)
def test_program_shows_exactly_what_is_marked(file: Path) -> None:
    rule = file.parent.name
    assert_as_marked(file, [place for place in found(rule, strict=True) if place[2] == rule])


@pytest.mark.parametrize("rule", RULES)
def test_one_cause_one_finding_about_seeds(rule: str) -> None:
    names = {file.name for file in (TWINS / rule).glob("fires_*.py")}
    for name in names:
        spoken = {place[2] for place in found(rule, strict=True) if place[0] == name and place[2] in SEEDS}
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
