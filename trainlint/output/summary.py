"""The last lines of a report: what was found, what was read, what stayed unknown."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.findings import Report
from trainlint.output.fixes import fixable
from trainlint.output.terminal import Style, visible

MANY = 30
"""Findings from which on a run says how to start with a baseline."""

_HOW_TO_START = "many at once? `trainlint baseline create PATH` holds these back and lets new ones through"
_NOTHING_NAMED = "Nothing to check: no Python file and no training config among the named paths."
_NOTHING_READ = (
    "Nothing was checked: none of the named files could be read as Python or as a training config."
)


def summary_lines(report: Report, style: Style, *, unsafe_fixes: bool = False) -> list[str]:
    """A few lines; that nothing was read is said as plainly as that nothing was found.

    `unsafe_fixes` tells that unsafe fixes are to be offered like safe ones.
    """
    summary = report.summary
    fixed = []
    if summary.fixed:
        fixed = [f"Fixed {count(summary.fixed, 'problem')} in {count(summary.fixed_files, 'file')}."]
    if not summary.python_files and not summary.configs:
        return [*fixed, _NOTHING_READ if report.notices else _NOTHING_NAMED]
    parts = [
        count(summary.errors, "error"),
        count(summary.warnings, "warning"),
        f"{summary.advice:,} advice" if summary.advice else "",
    ]
    found = ", ".join(part for part in parts if part)
    nothing = "No new problems" if summary.baselined or summary.unchanged else "No problems"
    first = f"{style('bold', found) if found else nothing} in {_where(report)}."
    lines = [*fixed, first + "".join(_left_out(report)), *_to_fix(report, unsafe_fixes=unsafe_fixes)]
    found_much = summary.errors + summary.warnings + summary.advice >= MANY
    if found_much and not report.has_baseline:
        lines.append(_HOW_TO_START)
    if summary.unknown_fields and summary.programs:
        unknown = count(summary.unknown_fields, "recipe field")
        lines.append(f"{unknown} unknown: trainlint recipe PATH --why FIELD tells why")
    return lines


def _to_fix(report: Report, *, unsafe_fixes: bool) -> Iterator[str]:
    """How many of the findings can be fixed, and how."""
    safe, unsafe = fixable(report)
    if unsafe_fixes and safe + unsafe:
        yield f"{safe + unsafe:,} fixable with --fix --unsafe-fixes"
    elif safe:
        yield f"{safe:,} fixable with --fix" + (f" ({unsafe:,} more with --unsafe-fixes)" if unsafe else "")
    elif unsafe:
        yield f"{unsafe:,} fixable with --fix --unsafe-fixes"


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
    files = [count(summary.python_files, "Python file"), count(summary.configs, "config")]
    read = ", ".join(part for part in files if part)
    frameworks = ", ".join(visible(name) for name in summary.frameworks)
    if not summary.programs:
        return f"{read}; no training program"
    programs = count(summary.programs, "program")
    return f"{programs} ({read}; {frameworks})" if frameworks else f"{programs} ({read})"


def count(number: int, noun: str) -> str:
    """A number with its noun in the right form; "" for none."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else ""
