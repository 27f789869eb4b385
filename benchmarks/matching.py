"""Matching findings to labelled rows. How the prose of the labels is read:

* A row's *statement* is its line; a finding stands *at* it when the line lies within the finding's primary
  span widened by the tolerance of the kind (recipes, numerics 1 line, configs 2). Operand spans do not count.
* recipes, PRESENT: a hit is a finding of the rule or a close sibling whose primary span lies in the file, or
  whose program is the file. The line is not asked for: where a rule about absence points is taste.
* recipes, ABSENT: a false alarm is a finding of the very rule at the statement; on line 0, in the file or
  with the file as its program.
* numerics: the rule column names an operator, so any finding of the family counts, at the statement.
* configs, TP and FP: the rule (a sibling counts as a hit, not as a false alarm) at the statement.
* Advice never makes a false alarm unless strict. Without strict, only what the default output shows (high
  confidence) can be a hit.
* `nearby` is no score: the rule fired somewhere in the file of an ABSENT row, not at its statement. Rows of
  a whole program carry the line of the counter-evidence (the seed call, the scheduler): read these as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from labelled import CONFIGS, GRIST, NEGATIVE, NUMERICS, RECIPES, Row

_TOLERANCE = {RECIPES: 1, NUMERICS: 1, GRIST: 1, CONFIGS: 2}
_SIBLINGS = {
    "missing-seed": {"partial-seed"},
    "unshuffled-training-data": {"conditionally-shuffled-training-data"},
    "missing-eval-mode": {"eval-mode-never-left"},
    "single-batch-evaluation": {"overwritten-validation-loss"},
}
_SCHEDULE_PREFIXES = ("scheduler-", "schedule-")

HIT, MISS = "hit", "miss"
FALSE_ALARM, NEARBY, QUIET = "false alarm", "nearby", "quiet"
UNSCORED, NO_CHECKOUT, NOT_LINTED = "unscored", "no checkout", "not linted"


@dataclass(frozen=True)
class Found:
    """What matching needs of a finding; `path` and `program` are relative to the checkout."""

    rule: str
    family: str
    severity: str
    confidence: str
    path: str
    line: int
    end_line: int
    program: str
    message: str

    @property
    def shown(self) -> bool:
        """Whether the default output shows it."""
        return self.confidence == "high"

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.severity} {self.rule}: {self.message}"


@dataclass(frozen=True)
class Outcome:
    """A row, what became of it, and the finding that decided it."""

    row: Row
    verdict: str
    finding: Found | None = None


def close(rule: str) -> frozenset[str]:
    """The rule itself and the siblings that count as a hit of it."""
    return frozenset({rule} | _SIBLINGS.get(rule, set()))


def is_sibling(rule: str, other: str) -> bool:
    """Whether a finding of `other` is a hit on a row of `rule`: itself, a sibling, both about schedules."""
    both_schedules = rule.startswith(_SCHEDULE_PREFIXES) and other.startswith(_SCHEDULE_PREFIXES)
    return other in close(rule) or both_schedules


def judge(row: Row, kind: str, found: list[Found], strict: bool) -> Outcome:
    """The outcome of one row, given all findings of its checkout."""
    if not row.scored(strict):
        return Outcome(row, UNSCORED)
    visible = [finding for finding in found if strict or finding.shown]
    if row.label in NEGATIVE:
        return _judge_negative(row, kind, visible, strict)
    for finding in visible:
        if _is_hit(row, kind, finding):
            return Outcome(row, HIT, finding)
    return Outcome(row, MISS)


def _is_hit(row: Row, kind: str, finding: Found) -> bool:
    if kind in {NUMERICS, GRIST}:
        return finding.family == "numerics" and at_statement(row, kind, finding)
    if not is_sibling(row.rule, finding.rule):
        return False
    return in_file(row, finding) if kind == RECIPES else at_statement(row, kind, finding)


def _judge_negative(row: Row, kind: str, visible: list[Found], strict: bool) -> Outcome:
    costly = [finding for finding in visible if strict or finding.severity != "advice"]
    if kind in {NUMERICS, GRIST}:
        # The labels name operators here: only errors and warnings are false alarms, unless strict.
        suspects = [finding for finding in costly if finding.family == "numerics"]
    else:
        suspects = [finding for finding in costly if finding.rule == row.rule]
    for finding in suspects:
        if at_statement(row, kind, finding):
            return Outcome(row, FALSE_ALARM, finding)
    if kind in {RECIPES, CONFIGS}:
        for finding in suspects:
            if in_file(row, finding):
                return Outcome(row, NEARBY, finding)
    return Outcome(row, QUIET)


def at_statement(row: Row, kind: str, finding: Found) -> bool:
    """Whether the finding's primary span, widened by the kind's tolerance, holds one of the row's lines."""
    if row.whole_file:
        return in_file(row, finding)
    reach = _TOLERANCE[kind]
    near = any(finding.line - reach <= line <= finding.end_line + reach for line in row.lines)
    return finding.path == row.path and near


def in_file(row: Row, finding: Found) -> bool:
    """Whether the finding points into the row's file, or is about the program the file starts."""
    return row.path in {finding.path, finding.program}
