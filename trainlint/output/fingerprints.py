"""Names for findings that survive edits elsewhere in the file: they hold no line numbers."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

from trainlint.findings import Report


def fingerprints(report: Report) -> list[str]:
    """One fingerprint per finding, in order: the sha256 of rule, project path, symbol and evidence.

    Findings that agree in all of these are told apart by their order in the file.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    found: list[str] = []
    for finding in report.findings:
        project, path = _split(finding.span.path, report.projects)
        identity = (finding.rule, path, finding.symbol, finding.evidence)
        key = (project, *identity)
        text = json.dumps([*identity, seen[key]])
        found.append(hashlib.sha256(text.encode()).hexdigest())
        seen[key] += 1
    return found


def _split(path: str, projects: tuple[str, ...]) -> tuple[str, str]:
    """The project a path belongs to, and the path inside it."""
    project = max((folder for folder in projects if path.startswith(folder + "/")), key=len, default="")
    return project, path[len(project) + 1 :] if project else path
