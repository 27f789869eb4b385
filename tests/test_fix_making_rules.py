"""The fixes of the rules that have some: every bad example, repaired.

A fix takes its finding away, leaves files that parse, is done once, and is what the page shows as fixed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_rule_examples import PROJECTS, Project
from trainlint.findings import Finding
from trainlint.fixing.making.maker import resolve_repair
from trainlint.linter import lint
from trainlint.rulebook.loading import load_rulebook
from trainlint.rulebook.rule import Rule
from trainlint.settings.model import Settings
from trainlint.text.edits import applied, changes_of
from trainlint.text.source import source_of

_MARK = re.compile(r"[ \t]*# error: \[[^\]]*\]")
_MOST_FIXES = 8

RULES = {rule.name: rule for rule in load_rulebook().rules.values() if rule.fixes}
BAD = [project for project in PROJECTS if project.kind == "bad" and project.rule in RULES]


def unmarked(text: str) -> str:
    return "\n".join(_MARK.sub("", line) for line in text.split("\n"))


def written(project: Project, folder: Path) -> dict[str, str]:
    for file in project.files:
        target = folder / file.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(unmarked(file.text), encoding="utf-8")
    return texts(project, folder)


def texts(project: Project, folder: Path) -> dict[str, str]:
    return {file.file: (folder / file.file).read_text(encoding="utf-8") for file in project.files}


def findings(folder: Path, rule: str) -> list[Finding]:
    report = lint([folder], Settings(strict=True, select=(rule,)))
    assert [notice for notice in report.notices if notice.kind == "internal"] == []
    return [finding for finding in report.findings if finding.rule == rule]


def repair(finding: Finding, folder: Path) -> None:
    assert finding.fix is not None
    for path in {edit.span.path for edit in finding.fix.edits}:
        source = source_of(path, (folder / path).read_text(encoding="utf-8"))
        own = [edit for edit in finding.fix.edits if edit.span.path == path]
        (folder / path).write_text(applied(source.text, changes_of(source, own)), encoding="utf-8")


def repaired(folder: Path, rule: str) -> Iterator[Finding]:
    """Applies one fix after the other, and gives the findings they were of."""
    for _ in range(_MOST_FIXES):
        standing = findings(folder, rule)
        fixable = next((finding for finding in standing if finding.fix is not None), None)
        if fixable is None:
            return
        repair(fixable, folder)
        assert len(findings(folder, rule)) < len(standing), "the finding stays after its fix"
        yield fixable
    raise AssertionError("there is always one more fix")


@pytest.mark.parametrize("project", BAD, ids=lambda project: project.source)
def test_a_fix_takes_its_finding_away_and_is_done_once(project: Project, tmp_path: Path) -> None:
    written(project, tmp_path)
    safeties = {fix.safety for fix in RULES[project.rule].fixes}
    for finding in repaired(tmp_path, project.rule):
        assert finding.fix is not None
        assert finding.fix.safety in safeties
        assert finding.fix.title


SHOWN = [project for project in PROJECTS if project.kind == "fixed" and project.rule in RULES]


@pytest.mark.parametrize("project", SHOWN, ids=lambda project: project.source)
def test_a_page_shows_what_its_fix_does(project: Project, tmp_path: Path) -> None:
    bad = next(
        each
        for each in BAD
        if each.rule == project.rule and each.files[0].heading == project.files[0].heading
    )
    written(bad, tmp_path)
    assert list(repaired(tmp_path, bad.rule))
    after = texts(bad, tmp_path)
    for file in project.files:
        assert after[file.file] == file.text


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_a_page_with_a_fix_tells_why_it_is_as_safe_as_it_says(rule: Rule) -> None:
    told = rule.sections["Fix safety"]
    assert not told.startswith("No automatic fix")
    for safety in {fix.safety for fix in rule.fixes}:
        assert safety in told.lower(), f"`Fix safety` says nothing of {safety}"
    for fix in rule.fixes:
        if fix.make:
            assert callable(resolve_repair(fix.make))


def test_every_repair_is_named_by_a_page() -> None:
    import importlib
    import inspect
    import pkgutil

    from trainlint.fixing import repairs

    made = set()
    for info in pkgutil.iter_modules(repairs.__path__):
        module = importlib.import_module(f"{repairs.__name__}.{info.name}")
        made |= {
            f"{info.name}.{name}"
            for name, thing in vars(module).items()
            if inspect.isfunction(thing) and thing.__module__ == module.__name__ and not name.startswith("_")
        }
    assert made == {fix.make for rule in RULES.values() for fix in rule.fixes if fix.make}
