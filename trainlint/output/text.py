"""The report for people: full, with excerpts and evidence, or concise, a line per finding."""

from __future__ import annotations

from collections import Counter

from trainlint.findings import Finding, Notice, Report, Severity
from trainlint.output.excerpt import excerpt
from trainlint.output.places import Places
from trainlint.output.secrets import hide_secrets
from trainlint.output.summary import summary_lines
from trainlint.output.terminal import Style, pad, visible, width

INDENT = "   "
LABEL_COLUMNS = 44
NOTICES_SHOWN = 10
DEFAULT_COLUMNS = 100


def full(report: Report, *, style: Style, columns: int = DEFAULT_COLUMNS, quiet: bool = False) -> str:
    """Errors and warnings with excerpt and evidence, advice in a line each, notices, a summary.

    Quiet output is the errors and warnings alone. Ends in a line break unless it is empty.
    """
    places = Places(report.root)
    blocks = [
        "\n".join(_block(finding, report, places, style, columns))
        for finding in report.findings
        if finding.severity is not Severity.ADVICE
    ]
    if not quiet:
        advice = [finding for finding in report.findings if finding.severity is Severity.ADVICE]
        blocks += ["\n".join(lines) for lines in (_advice(advice, places, style), _notices(report, places, style)) if lines]
        blocks.append("\n".join(summary_lines(report, style)))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def concise(report: Report, *, style: Style, quiet: bool = False) -> str:
    """One line per finding, then per notice: `path:line:column: severity[rule] message`. Quiet output has no advice."""
    places = Places(report.root)
    lines = [
        f"{style('bold', visible(places.column(finding.span)))}: "
        f"{style(finding.severity.value, finding.severity.value)}[{visible(finding.rule)}] {_safe(finding.message)}"
        for finding in report.findings
        if not (quiet and finding.severity is Severity.ADVICE)
    ]
    if not quiet:
        lines += [
            f"{style('bold', visible(_notice_place(notice, places)))}: {style('notice', 'notice')}[{visible(notice.kind)}] "
            f"{_safe(notice.message)}"
            for notice in report.notices
        ]
        lines += summary_lines(report, style)
    return "\n".join(lines) + "\n" if lines else ""


def _block(finding: Finding, report: Report, places: Places, style: Style, columns: int) -> list[str]:
    severity = finding.severity.value
    place = visible(places.column(finding.span))
    lines = [
        f"{style('bold', place)}  {style(severity, severity)}  {style('bold', visible(finding.rule))}",
        INDENT + _safe(finding.message),
    ]
    gutter = str(finding.span.line)
    margin = INDENT + " " * len(gutter)
    shown = excerpt(report.sources.get(finding.span.path, []), finding.span, columns - len(margin) - 3)
    if shown is not None:
        lines.append(f"{INDENT}{style('dim', gutter + ' |')} {shown[0]}".rstrip())
        lines.append(f"{margin} {style('dim', '|')} {style(severity, shown[1])}")
    lines += _related(finding, places, style, margin + "   ")
    if finding.hint:
        lines.append(f"{INDENT}{style('help', 'help:')} {_safe(finding.hint)}")
    return lines


def _related(finding: Finding, places: Places, style: Style, margin: str) -> list[str]:
    labels = [_safe(related.message) for related in finding.related]
    column = min(max(map(width, labels), default=0), LABEL_COLUMNS)
    return [
        f"{margin}- {pad(label, column)}  {style('dim', visible(places.line(related.span)))}"
        for label, related in zip(labels, finding.related, strict=True)
    ]


def _advice(findings: list[Finding], places: Places, style: Style) -> list[str]:
    """A line per rule and program; what repeats is counted."""
    counts = Counter((finding.rule, finding.program) for finding in findings)
    first = {(finding.rule, finding.program): finding for finding in reversed(findings)}
    rows = [
        (visible(finding.rule), visible(places.line(finding.span)), _safe(finding.message) + _more(counts[key]))
        for key in counts
        for finding in (first[key],)
    ]
    rule_column = max((width(rule) for rule, _, _ in rows), default=0)
    place_column = min(max((width(place) for _, place, _ in rows), default=0), LABEL_COLUMNS)
    return [
        f"{style('advice', 'advice')}  {pad(rule, rule_column)}  {style('bold', pad(place, place_column))}  {message}"
        for rule, place, message in rows
    ]


def _more(count: int) -> str:
    return f" (and {count - 1} more)" if count > 1 else ""


def _notices(report: Report, places: Places, style: Style) -> list[str]:
    lines = [
        f"{style('notice', 'notice')}  {style('bold', visible(_notice_place(notice, places)))}  {_safe(notice.message)}"
        for notice in report.notices[:NOTICES_SHOWN]
    ]
    rest = len(report.notices) - NOTICES_SHOWN
    if rest > 0:
        lines.append(f"{style('notice', 'notice')}  and {rest:,} more notices: --format concise lists them all")
    return lines


def _notice_place(notice: Notice, places: Places) -> str:
    return f"{places.path(notice.path)}:{notice.line}"


def _safe(text: str) -> str:
    return visible(hide_secrets(text))


