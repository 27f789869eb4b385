"""Takes suppressed findings out of a report, and reports the suppressions that are not needed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from trainlint.analysis.facts import Suppression
from trainlint.checks.judge import judge_hit
from trainlint.checks.suppressions import IdleName, unused_suppression
from trainlint.discovery.gitignore import Patterns
from trainlint.discovery.paths import pattern_form
from trainlint.findings import Finding, Silenced, Span
from trainlint.rulebook.loading import Rulebook
from trainlint.suggest import closest
from trainlint.suppressions.comments import Read

RULE = "unused-suppression"

Used = set[tuple[str, int, str]]
"""Path, line and name of suppressions that silenced something."""


class Applied(msgspec.Struct):
    """`kept` findings, how many were `suppressed` and which, and `unused` suppressions as findings."""

    kept: list[Finding]
    suppressed: int
    unused: list[Finding]
    silenced: list[Silenced] = []


def apply(
    findings: Iterable[Finding],
    read: Mapping[str, Read],
    rulebook: Rulebook,
    ran_rules: Collection[str],
    *,
    per_file_ignores: Mapping[str, Sequence[str]] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Applied:
    """Applies what comments and settings silence. Needs every finding, also those no output will show.

    `read` maps paths to their suppressions. A suppression is unused where it silenced nothing although each
    of its rules is among `ran_rules`; `options` are those of the rule that reports it.
    """
    names = _Names(rulebook)
    per_file = _PerFile(per_file_ignores or {}, names)
    used: Used = set()
    kept: list[Finding] = []
    silenced: list[Silenced] = []
    for finding in findings:
        covering = _covering(finding, read.get(finding.span.path), names)
        used.update((finding.span.path, *mark) for mark in covering)
        if covering or per_file.covers(finding):
            silenced.append(_silenced(finding, covering, read.get(finding.span.path)))
        else:
            kept.append(finding)
    unused = list(_reported(read, used, names, ran_rules, options or {})) if RULE in ran_rules else []
    unused = [finding for finding in unused if not per_file.covers(finding)]
    return Applied(kept, len(silenced), unused, silenced)


class _Names:
    """What the names in suppressions and settings stand for."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.families = {
            family: {rule.name for rule in rules} for family, rules in rulebook.families().items()
        }

    def rules(self, name: str) -> set[str]:
        """The rules a name stands for; none where it is unknown."""
        rule = self.rulebook.get(name)
        return {rule.name} if rule is not None else self.families.get(name, set())

    def all_ran(self, rules: Collection[str], ran: Collection[str]) -> bool:
        """Whether every rule ran. Of a family, those in preview need not: they are off unless asked for."""
        previews = {rule for rule in rules if self.rulebook.rules[rule].status == "preview"}
        expected = rules if len(rules) == 1 else set(rules) - previews
        return all(rule in ran for rule in expected)

    def suggestion(self, name: str) -> str:
        return closest(name, (*self.rulebook.rules, *self.rulebook.aliases, *self.families)) or ""


class _PerFile:
    def __init__(self, ignores: Mapping[str, Sequence[str]], names: _Names) -> None:
        self.entries = [
            (Patterns([pattern_form(pattern)]), set().union(*(names.rules(name) for name in silenced)))
            for pattern, silenced in ignores.items()
        ]

    def covers(self, finding: Finding) -> bool:
        return any(
            finding.rule in rules and patterns.excludes(finding.span.path) for patterns, rules in self.entries
        )


def _covering(finding: Finding, read: Read | None, names: _Names) -> list[tuple[int, str]]:
    """Line and name of each suppression that covers a finding: all of them count as used."""
    if read is None:
        return []
    return [
        (suppression.line, name)
        for suppression in read.suppressions
        if _in_scope(suppression, finding.span)
        for name in suppression.rules
        if finding.rule in names.rules(name)
    ]


def _silenced(finding: Finding, covering: Sequence[tuple[int, str]], read: Read | None) -> Silenced:
    """What silences a finding: its comments with the first reason they give, else the settings."""
    if read is None or not covering:
        return Silenced(finding, "external")
    lines = {line for line, _ in covering}
    reasons = (each.reason for each in read.suppressions if each.line in lines and each.reason)
    return Silenced(finding, "inSource", next(reasons, ""))


def _in_scope(suppression: Suppression, span: Span) -> bool:
    return suppression.scope == "file" or span.line <= suppression.target <= span.end_line


def _reported(
    read: Mapping[str, Read], used: Used, names: _Names, ran: Collection[str], options: Mapping[str, Any]
) -> Iterator[Finding]:
    rule = names.rulebook.rules[RULE]
    for path, entry in sorted(read.items()):
        for hit in unused_suppression(_idle(path, entry, used, names, ran)):
            finding = judge_hit(rule, hit, options)
            if finding is not None and not _excused(finding, entry):
                yield finding


def _idle(path: str, entry: Read, used: Used, names: _Names, ran: Collection[str]) -> Iterator[IdleName]:
    for comment in entry.malformed:
        span = Span(path, comment.line, comment.column, comment.line, comment.end_column)
        yield IdleName(span, "malformed", detail=comment.problem)
    for suppression in entry.suppressions:
        place = "in this file" if suppression.scope == "file" else "here"
        for name in suppression.rules:
            if (path, suppression.line, name) in used or name == RULE:
                continue
            rules = names.rules(name)
            if not rules:
                yield IdleName(_span(path, suppression), "unknown", name, suggestion=names.suggestion(name))
            elif names.all_ran(rules, ran):
                yield IdleName(_span(path, suppression), "unused", name, place)


def _excused(finding: Finding, entry: Read) -> bool:
    """A suppression may ask for itself not to be reported: `ignore[rule, unused-suppression]`."""
    return any(
        RULE in suppression.rules and (suppression.scope == "file" or suppression.line == finding.span.line)
        for suppression in entry.suppressions
    )


def _span(path: str, suppression: Suppression) -> Span:
    verb = "ignore-file" if suppression.scope == "file" else "ignore"
    width = len(f"# trainlint: {verb}[{', '.join(suppression.rules)}]")
    line, column = suppression.line, suppression.column
    return Span(path, line, column, line, column + width)
