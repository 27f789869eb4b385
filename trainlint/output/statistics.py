"""How often each rule was found, most frequent first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from trainlint.findings import Finding
from trainlint.output.terminal import Style, pad, visible, width


def statistics(findings: Sequence[Finding], style: Style) -> str:
    """A line per rule and severity: count, severity, rule, how many have a fix. "" without findings."""
    counts = Counter((finding.rule, finding.severity) for finding in findings)
    fixable = Counter((finding.rule, finding.severity) for finding in findings if finding.fix is not None)
    ordered = sorted(counts, key=lambda key: (-counts[key], -key[1].rank, key[0]))
    numbers = max((len(f"{count:,}") for count in counts.values()), default=0)
    names = max((width(visible(rule)) for rule, _ in counts), default=0)
    lines = []
    for rule, severity in ordered:
        level = style(severity.value, pad(severity.value, len("warning")))
        fixes = f"  {fixable[rule, severity]:,} fixable" if fixable[rule, severity] else ""
        line = f"{counts[rule, severity]:>{numbers},}  {level}  {pad(visible(rule), names)}{fixes}"
        lines.append(line.rstrip() + "\n")
    return "".join(lines)
