"""What shows that fixes were no good: a text that cannot be read any more, a finding that is still there."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable

from trainlint.findings import Finding, Report
from trainlint.fixing.choosing import Round
from trainlint.pipeline.run import Run
from trainlint.text.edits import Moves

UNREADABLE = frozenset(
    "unreadable encoding syntax python2 too-deep too-large crashed config-syntax internal".split()
)
"""Kinds of notices that say a file could not be read or judged."""

_ABOUT_SYNTAX = "unparsable-config"

Place = tuple[str, str, int]
"""Rule, path, and offset of a finding's start."""


class SetbackError(Exception):
    """Fixes of a file that are no good: those of `rules`, or with `whole_file` all of them.

    `is_bug` tells whether the rule is to blame, not the way the file is written.
    """

    def __init__(
        self, path: str, rules: Iterable[str], why: str, *, whole_file: bool = True, is_bug: bool = True
    ) -> None:
        super().__init__(why)
        self.path = path
        self.rules = sorted(set(rules))
        self.whole_file = whole_file
        self.is_bug = is_bug


def check_readable(first: Report, after: Report, path: str, rules: Iterable[str]) -> None:
    """Raises SetbackError where a changed file cannot be read or judged as it could be at `first`.

    `rules` are those whose fixes led here.
    """
    troubles = _troubles(after, path)
    if len(troubles) > len(_troubles(first, path)):
        raise SetbackError(path, rules, f"with it the file cannot be read ({troubles[-1]})")


def _troubles(report: Report, path: str) -> list[str]:
    told = [each.message for each in report.notices if each.path == path and each.kind in UNREADABLE]
    found = report.findings
    return told + [each.message for each in found if each.rule == _ABOUT_SYNTAX and each.span.path == path]


def check_effect(before: Run, after: Run, chosen: Round) -> None:
    """Raises SetbackError for a fix whose finding is still at its place."""
    moves = {path: Moves(changes) for path, changes in chosen.changes.items()}
    fixed = {id(each.finding) for each in chosen.fixes}
    now = Counter(_start(after, finding) for finding in after.reported)
    for finding in before.reported:
        if id(finding) not in fixed:
            rule, path, start = _start(before, finding)
            low = moves[path].of(start)[0] if path in moves else start
            now[(rule, path, low)] -= 1
    left: dict[tuple[str, str], list[int]] = {}
    for rule, path, start in sorted(place for place, count in now.items() if count > 0):
        left.setdefault((rule, path), []).append(start)
    for each in chosen.fixes:
        rule, path, start = _start(before, each.finding)
        low, high = moves[path].of(start) if path in moves else (start, start)
        starts = left.get((rule, path), [])
        if bisect.bisect_left(starts, low) < bisect.bisect_right(starts, high):
            why = "its finding is still there afterwards"
            raise SetbackError(path, [rule], why, whole_file=False)


def _start(run: Run, finding: Finding) -> Place:
    source = run.sources.text(finding.span.path)
    known = source is not None and finding.span.line <= len(source.starts)
    offset = source.offset(finding.span.line, finding.span.column) if source is not None and known else 0
    return finding.rule, finding.span.path, offset
