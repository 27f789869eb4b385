"""What makes a run fail."""

from __future__ import annotations

from collections.abc import Sequence

from trainlint.findings import Finding, Notice, Severity

_LOWEST = {"error": Severity.ERROR, "warning": Severity.WARNING, "advice": Severity.ADVICE, "notice": Severity.ADVICE}


def failing(findings: Sequence[Finding], notices: Sequence[Notice], level: str) -> int:
    """How many findings stand at or above `level`: error, warning, advice, notice (notices count too) or never."""
    if level == "never":
        return 0
    count = sum(finding.severity.rank >= _LOWEST[level].rank for finding in findings)
    return count + len(notices) if level == "notice" else count
