"""The report for people: full, with excerpts and evidence, or concise, a line per finding."""

from __future__ import annotations

import re
from collections import Counter

from trainlint.findings import Finding, Notice, Report, Severity
from trainlint.output.excerpt import excerpt
from trainlint.output.fixes import fix_lines, how
from trainlint.output.places import Places
from trainlint.output.secrets import hide_secrets
from trainlint.output.summary import summary_lines
from trainlint.output.terminal import Style, pad, visible, width
from trainlint.output.verdict import INTERNAL

INDENT = "   "
LABEL_COLUMNS = 44
NOTICES_SHOWN = 10
RELATED_SHOWN = 8

_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
_OLD_COMMAND = re.compile(r"(?<=#)#(?=\[)")
DEFAULT_COLUMNS = 100


def full(
    report: Report,
    *,
    style: Style,
    columns: int = DEFAULT_COLUMNS,
    quiet: bool = False,
    unsafe_fixes: bool = False,
) -> str:
    """Errors and warnings with excerpt, evidence and fix, advice in a line each, notices, a summary.

    Quiet output is the errors and warnings alone. Ends in a line break unless it is empty.
    """
    places = Places(report.root)
    findings, notices = told(report, quiet=quiet)
    blocks = [
        _block(finding, report, places, style, columns)
        for finding in findings
        if finding.severity is not Severity.ADVICE
    ]
    advice = [finding for finding in findings if finding.severity is Severity.ADVICE]
    blocks += [_advice(advice, places, style), _notices(notices, places, style)]
    if not quiet:
        blocks.append(summary_lines(report, style, unsafe_fixes=unsafe_fixes))
    text = "\n\n".join("\n".join(lines) for lines in blocks if lines)
    return inert(text) + "\n" if text else ""


def concise(report: Report, *, style: Style, quiet: bool = False, unsafe_fixes: bool = False) -> str:
    """One line per finding, then per notice: `path:line:column: severity[rule] message`.

    Quiet output is the errors and warnings alone.
    """
    places = Places(report.root)
    findings, notices = told(report, quiet=quiet)
    lines = [
        _concise(places.column(finding.span), finding.severity.value, finding.rule, finding.message, style)
        for finding in findings
    ]
    lines += [
        _concise(_notice_place(notice, places), "notice", notice.kind, notice.message, style)
        for notice in notices
    ]
    if not quiet:
        lines += summary_lines(report, style, unsafe_fixes=unsafe_fixes)
    return inert("\n".join(lines)) + "\n" if lines else ""


def inert(text: str) -> str:
    """The text with what GitHub's runner obeys in a log, `::name` and `##[name]`, spelled out."""
    return _OLD_COMMAND.sub(r"\\x23", _COMMAND.sub(r"\1\\x3a", text))


def told(report: Report, *, quiet: bool) -> tuple[list[Finding], list[Notice]]:
    """What to print: quiet output keeps to what can fail a run."""
    if not quiet:
        return report.findings, report.notices
    findings = [finding for finding in report.findings if finding.severity is not Severity.ADVICE]
    return findings, [notice for notice in report.notices if notice.kind == INTERNAL]


def _concise(place: str, level: str, name: str, message: str, style: Style) -> str:
    return f"{style('bold', visible(place))}: {style(level, level)}[{visible(name)}] {_safe(message)}"


def _block(finding: Finding, report: Report, places: Places, style: Style, columns: int) -> list[str]:
    severity = finding.severity.value
    place = visible(places.column(finding.span))
    lines = [
        f"{style('bold', place)}  {style(severity, severity)}  {style('bold', visible(finding.rule))}",
        INDENT + _safe(finding.message),
    ]
    gutter = str(finding.span.line)
    margin = INDENT + " " * len(gutter)
    shown = excerpt(report.lines_of(finding.span), finding.span, columns - len(margin) - 3)
    if shown is not None:
        lines.append(f"{INDENT}{style('dim', gutter + ' |')} {shown[0]}".rstrip())
        lines.append(f"{margin} {style('dim', '|')} {style(severity, shown[1])}")
    lines += _related(finding, places, style, margin + "   ")
    if finding.hint:
        lines.append(f"{INDENT}{style('help', 'help:')} {_safe(finding.hint)}")
    return [*lines, *(INDENT + line for line in fix_lines(finding, report, places, style, columns))]


def _related(finding: Finding, places: Places, style: Style, margin: str) -> list[str]:
    shown = finding.related[:RELATED_SHOWN]
    labels = [_safe(related.message) for related in shown]
    column = min(max(map(width, labels), default=0), LABEL_COLUMNS)
    lines = [
        f"{margin}- {pad(label, column)}  {style('dim', visible(places.line(related.span)))}"
        for label, related in zip(labels, shown, strict=True)
    ]
    rest = len(finding.related) - len(shown)
    return [*lines, f"{margin}- and {rest:,} more places"] if rest else lines


def _advice(findings: list[Finding], places: Places, style: Style) -> list[str]:
    """A line per rule and program, with its hint below; what repeats is counted."""
    counts = Counter((finding.rule, finding.program) for finding in findings)
    first = {(finding.rule, finding.program): finding for finding in reversed(findings)}
    shown = [first[key] for key in counts]
    rule_column = max((width(visible(finding.rule)) for finding in shown), default=0)
    place_column = max((width(visible(places.line(finding.span))) for finding in shown), default=0)
    lines: list[str] = []
    for finding, count in zip(shown, counts.values(), strict=True):
        rule = pad(visible(finding.rule), rule_column)
        place = pad(visible(places.line(finding.span)), min(place_column, LABEL_COLUMNS))
        message = _safe(finding.message) + _more(count)
        lines.append(f"{style('advice', 'advice')}  {rule}  {style('bold', place)}  {message}")
        if finding.hint:
            lines.append(f"{' ' * len('advice')}  {style('help', 'help:')} {_safe(finding.hint)}")
        if finding.fix is not None and finding.fix.edits:
            fix = f"{_safe(finding.fix.title)} ({how(finding.fix)})"
            lines.append(f"{' ' * len('advice')}  {style('help', 'fix:')} {fix}")
    return lines


def _more(count: int) -> str:
    return f" (and {count - 1} more)" if count > 1 else ""


def _notices(notices: list[Notice], places: Places, style: Style) -> list[str]:
    head = style("notice", "notice")
    lines = [
        f"{head}  {style('bold', visible(_notice_place(notice, places)))}  {_safe(notice.message)}"
        for notice in notices[:NOTICES_SHOWN]
    ]
    rest = len(notices) - NOTICES_SHOWN
    if rest > 0:
        lines.append(f"{head}  and {rest:,} more notices: --format concise lists them all")
    return lines


def _notice_place(notice: Notice, places: Places) -> str:
    return f"{places.path(notice.path)}:{notice.line}"


def _safe(text: str) -> str:
    return visible(hide_secrets(text))
