"""The last lines of a report: what was found, what was read, what stayed unknown."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.findings import Report
from trainlint.output.terminal import Style, visible

MANY = 30
"""Findings from which on a run says how to start with a baseline."""

_HOW_TO_START = "many at once? `trainlint baseline create PATH` holds these back and lets new ones through"
_NOTHING_NAMED = "Nothing to check: no Python file and no training config among the named paths."
_NOTHING_READ = (
    "Nothing was checked: none of the named files could be read as Python or as a training config."
)


def summary_lines(report: Report, style: Style) -> list[str]:
    """One or two lines; that nothing was read is said as plainly as that nothing was found."""
    summary = report.summary
    if not summary.python_files and not summary.configs:
        return [_NOTHING_READ if report.notices else _NOTHING_NAMED]
    parts = [
        _count(summary.errors, "error"),
        _count(summary.warnings, "warning"),
        f"{summary.advice:,} advice" if summary.advice else "",
    ]
    found = ", ".join(part for part in parts if part)
    nothing = "No new problems" if summary.baselined or summary.unchanged else "No problems"
    first = f"{style('bold', found) if found else nothing} in {_where(report)}."
    lines = [first + "".join(_left_out(report))]
    found_much = summary.errors + summary.warnings + summary.advice >= MANY
    if found_much and not report.has_baseline:
        lines.append(_HOW_TO_START)
    if summary.unknown_fields and summary.programs:
        unknown = _count(summary.unknown_fields, "recipe field")
        lines.append(f"{unknown} unknown: trainlint recipe PATH --why FIELD tells why")
    return lines


def _left_out(report: Report) -> Iterator[str]:
    summary = report.summary
    if summary.suppressed:
        yield f" {summary.suppressed:,} suppressed."
    if summary.baselined:
        yield f" {summary.baselined:,} held back by the baseline."
    if summary.unchanged:
        yield f" {summary.unchanged:,} on unchanged lines."


def _where(report: Report) -> str:
    summary = report.summary
    files = [_count(summary.python_files, "Python file"), _count(summary.configs, "config")]
    read = ", ".join(part for part in files if part)
    frameworks = ", ".join(visible(name) for name in summary.frameworks)
    if not summary.programs:
        return f"{read}; no training program"
    programs = _count(summary.programs, "program")
    return f"{programs} ({read}; {frameworks})" if frameworks else f"{programs} ({read})"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else ""
