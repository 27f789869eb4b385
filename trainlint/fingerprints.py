"""Names for findings that survive edits elsewhere in the file: what is wrong, where in the code, but no line numbers."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

from trainlint.findings import Report


def fingerprints(report: Report) -> list[str]:
    """One fingerprint per finding, in the report's order: the sha256 of rule, project path, symbol and evidence.

    Findings that agree in all of these are told apart by their order in the file.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    found: list[str] = []
    for finding in report.findings:
        identity = (finding.rule, _in_project(finding.span.path, report.projects), finding.symbol, finding.evidence)
        text = json.dumps([*identity, seen[identity]])
        found.append(hashlib.sha256(text.encode()).hexdigest())
        seen[identity] += 1
    return found


def _in_project(path: str, projects: tuple[str, ...]) -> str:
    holding = [folder for folder in projects if path.startswith(folder + "/")]
    return path[len(max(holding, key=len)) + 1 :] if holding else path
