"""Texts after the fixes of their findings."""

from __future__ import annotations

from pathlib import Path

from trainlint.findings import Finding
from trainlint.linter import lint
from trainlint.settings.model import Settings
from trainlint.text.edits import applied, changes_of
from trainlint.text.source import source_of


def only(folder: Path, rule: str, **files: str) -> Finding:
    """The one finding of a rule in these files, written to a folder."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    report = lint([folder], Settings(strict=True, select=(rule,)))
    assert [finding.rule for finding in report.findings] == [rule]
    return report.findings[0]


def repaired(finding: Finding, text: str) -> str:
    """A file's text after the fix of a finding in it."""
    assert finding.fix is not None
    return applied(text, changes_of(source_of(finding.span.path, text), finding.fix.edits))


def fixed(folder: Path, rule: str, text: str) -> str | None:
    """A program after the fix of its one finding, which is gone then; None where there is no fix."""
    finding = only(folder, rule, train=text)
    if finding.fix is None:
        return None
    done = repaired(finding, text)
    (folder / "train.py").write_text(done, encoding="utf-8")
    assert lint([folder], Settings(strict=True, select=(rule,))).findings == []
    return done
