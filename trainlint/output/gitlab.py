"""The report as GitLab's Code Quality artifact: a JSON array, a subset of Code Climate's issues."""

from __future__ import annotations

from typing import Any

from trainlint.findings import Finding, Report, Severity
from trainlint.output.characters import json_text, well_formed
from trainlint.output.fingerprints import fingerprints
from trainlint.output.places import Places, checkout_folder
from trainlint.output.secrets import hide_secrets

SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.ADVICE: "minor"}


def to_gitlab(report: Report) -> str:
    """The findings as an indented JSON array in ASCII; paths are relative to the repository's checkout.

    Notices are left out: the format knows findings only.
    """
    places = Places(report.root, checkout_folder("CI_PROJECT_DIR"))
    found = zip(report.findings, _unique(fingerprints(report), report), strict=True)
    return json_text([_issue(finding, mark, places) for finding, mark in found])


def _issue(finding: Finding, fingerprint: str, places: Places) -> dict[str, Any]:
    span = finding.span
    message = hide_secrets(finding.message)
    if finding.hint:
        message += " \N{EN DASH} help: " + hide_secrets(finding.hint)
    lines = {"begin": span.line, "end": span.end_line}
    if span.cell is not None:
        # A cell's lines are not the file's.
        lines = {"begin": 1}
        message = f"cell {span.cell}, line {span.line}: {message}"
    return {
        "description": well_formed(message),
        "check_name": well_formed(finding.rule),
        "fingerprint": fingerprint,
        "severity": SEVERITIES[finding.severity],
        "location": {"path": well_formed(places.path(span.path)), "lines": lines},
    }


def _unique(found: list[str], report: Report) -> list[str]:
    """Fingerprints that differ: GitLab shows one of those that agree, as two projects' may in one run."""
    if len(set(found)) == len(found):
        return found
    import hashlib  # noqa: PLC0415

    marked = zip(found, report.findings, strict=True)
    return [
        hashlib.sha256(f"{each} {well_formed(finding.span.path)}".encode()).hexdigest()
        for each, finding in marked
    ]
