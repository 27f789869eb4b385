"""One finding out of those of several programs, one report out of those of several projects."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import msgspec

from trainlint.discovery.paths import posix_form, relative_form
from trainlint.findings import Confidence, Edit, Finding, Fix, Notice, Related, Report, Span, Summary


def merge_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted, one for each rule and place: programs that share a module or a config would each report it.

    The strongest speaks (the first program's, among equals), with the evidence of all.
    """
    ordered = sorted(findings, key=lambda finding: (finding.sort_key, finding.program))
    places: dict[tuple[str, Span], list[Finding]] = {}
    for finding in ordered:
        places.setdefault((finding.rule, finding.span), []).append(finding)
    return [_united(same) for same in places.values()]


def _united(same: Sequence[Finding]) -> Finding:
    first = max(same, key=lambda finding: (finding.confidence is Confidence.HIGH, finding.severity.rank))
    if len(same) == 1:
        return first
    related = dict.fromkeys((*first.related, *(each for finding in same for each in finding.related)))
    return msgspec.structs.replace(first, related=tuple(related))


def merge_reports(reports: Sequence[Report]) -> Report:
    """The reports as one; its root is their common folder, "" where they share no drive."""
    if len(reports) == 1:
        return reports[0]
    root = _common([report.root for report in reports])
    moved = [_moved(report, _below(report.root, root)) for report in reports]
    stages = dict.fromkeys(stage for report in reports for stage in report.seconds)
    return Report(
        root=root,
        findings=sorted({f: None for r in moved for f in r.findings}, key=lambda finding: finding.sort_key),
        notices=sorted({notice for report in moved for notice in report.notices}),
        summary=_total([report.summary for report in reports]),
        sources={path: lines for report in moved for path, lines in report.sources.items()},
        seconds={stage: sum(report.seconds.get(stage, 0.0) for report in reports) for stage in stages},
        projects=tuple(_below(report.root, root) for report in reports if report.root != root),
        failing=sum(report.failing for report in reports),
        has_baseline=any(report.has_baseline for report in reports),
        ran=tuple(sorted({name for report in reports for name in report.ran})),
        rulebooks=tuple(dict.fromkeys(folder for report in reports for folder in report.rulebooks)),
        silenced=tuple(dict.fromkeys(each for report in moved for each in report.silenced)),
    )


def _common(roots: Sequence[str]) -> str:
    try:
        return os.path.commonpath(roots)
    except ValueError:
        return ""


def _below(root: str, common: str) -> str:
    below = relative_form(root, common) if common else posix_form(root)
    return "" if below == "." else below


def _moved(report: Report, folder: str) -> Report:
    if not folder:
        return report
    return msgspec.structs.replace(
        report,
        findings=[_finding(finding, folder) for finding in report.findings],
        notices=[_notice(notice, folder) for notice in report.notices],
        sources={f"{folder}/{path}": lines for path, lines in report.sources.items()},
        silenced=tuple(
            msgspec.structs.replace(each, finding=_finding(each.finding, folder)) for each in report.silenced
        ),
    )


def _finding(finding: Finding, folder: str) -> Finding:
    return msgspec.structs.replace(
        finding,
        span=_span(finding.span, folder),
        related=tuple(Related(_span(related.span, folder), related.message) for related in finding.related),
        program=f"{folder}/{finding.program}" if finding.program else "",
        fix=_fix(finding.fix, folder) if finding.fix else None,
    )


def _fix(fix: Fix, folder: str) -> Fix:
    return Fix(fix.title, fix.safety, tuple(Edit(_span(edit.span, folder), edit.text) for edit in fix.edits))


def _span(span: Span, folder: str) -> Span:
    return msgspec.structs.replace(span, path=f"{folder}/{span.path}")


def _notice(notice: Notice, folder: str) -> Notice:
    return msgspec.structs.replace(notice, path=f"{folder}/{notice.path}")


def _total(parts: Sequence[Summary]) -> Summary:
    total = Summary(frameworks=tuple(dict.fromkeys(name for part in parts for name in part.frameworks)))
    for field in msgspec.structs.fields(Summary):
        if field.name != "frameworks":
            setattr(total, field.name, sum(getattr(part, field.name) for part in parts))
    return total
