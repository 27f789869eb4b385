"""What makes a run fail."""

from __future__ import annotations

from collections.abc import Sequence

from trainlint.findings import Finding, Notice, Severity

INTERNAL = "internal"
"""The kind of notice that says trainlint itself failed on the way."""

_LOWEST = {
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "advice": Severity.ADVICE,
    "notice": Severity.ADVICE,
}


def failing(findings: Sequence[Finding], notices: Sequence[Notice], level: str) -> int:
    """How many findings stand at or above `level`; at `notice` notices count too, at `never` nothing does."""
    if level == "never":
        return 0
    count = sum(finding.severity.rank >= _LOWEST[level].rank for finding in findings)
    return count + len(notices) if level == "notice" else count
