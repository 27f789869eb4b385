"""The report as GitHub Actions' workflow commands: annotations in the diff of a pull request.

Values are escaped as the runner unescapes them; see the toolkit's `core` package (command.ts).
"""

from __future__ import annotations

from trainlint.findings import Finding, Notice, Report, Severity
from trainlint.output.places import Places, checkout_folder
from trainlint.output.secrets import hide_secrets
from trainlint.output.terminal import visible
from trainlint.output.text import told
from trainlint.output.verdict import INTERNAL

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "notice"}

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def to_github(report: Report, *, quiet: bool = False) -> str:
    """One workflow command per finding, then per notice; paths are relative to the repository's checkout.

    Quiet output is the errors and warnings alone.
    """
    places = Places(report.root, checkout_folder("GITHUB_WORKSPACE"))
    findings, notices = told(report, quiet=quiet)
    lines = [_finding(finding, places) for finding in findings]
    lines += [_notice(notice, places) for notice in notices]
    return "".join(f"{line}\n" for line in lines)


def _finding(finding: Finding, places: Places) -> str:
    span = finding.span
    title = f"trainlint: {finding.rule}"
    properties = {"file": places.path(span.path)}
    if span.cell is None:
        properties["line"] = str(span.line)
        properties["endLine"] = str(span.end_line)
        if span.line == span.end_line:
            # The runner refuses columns where a range covers several lines.
            properties |= {"col": str(span.column), "endColumn": str(span.end_column)}
    else:
        title += f" (cell {span.cell}, line {span.line})"
    help_line = f"\nhelp: {_safe(finding.hint)}" if finding.hint else ""
    # The runner's log shows the message alone.
    place = visible(places.column(span))
    message = f"{place}: {visible(finding.rule)}: {_safe(finding.message)}{help_line}"
    return command(COMMANDS[finding.severity], {**properties, "title": title}, message)


def _notice(notice: Notice, places: Places) -> str:
    properties = {
        "file": places.path(notice.path),
        "line": str(notice.line),
        "title": f"trainlint: {notice.kind}",
    }
    message = f"{visible(places.path(notice.path))}:{notice.line}: {_safe(notice.message)}"
    return command("error" if notice.kind == INTERNAL else "notice", properties, message)


def command(name: str, properties: dict[str, str], message: str) -> str:
    """A workflow command on one line. What prints nothing is spelled out in properties."""
    listed = ",".join(f"{key}={visible(value).translate(_PROPERTY)}" for key, value in properties.items())
    return f"::{name} {listed}::{message.translate(_DATA)}"


def _safe(text: str) -> str:
    return visible(hide_secrets(text))
