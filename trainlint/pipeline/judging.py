"""Applying the rulebook: every page to what it judges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from trainlint.analysis.facts import UnitFacts
from trainlint.analysis.index.project import ProjectIndex
from trainlint.checks.judge import judge_hit, judge_recipe
from trainlint.checks.project import ProjectView
from trainlint.checks.registry import resolve_check
from trainlint.checks.view import UnitView
from trainlint.discovery.dependencies import Dependencies
from trainlint.findings import Confidence, Finding, Notice, Span
from trainlint.pipeline.blame import internal_notice
from trainlint.recipe.config.file import ConfigFile
from trainlint.recipe.model import Hit, Recipe
from trainlint.rulebook.loading import Rulebook
from trainlint.rulebook.rule import Rule
from trainlint.settings.model import Settings
from trainlint.suppressions import silencing


class Judging:
    """Judges one project.

    `notices` are failures of checks; `about_syntax` the findings of the rule about syntax.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        selected: frozenset[str],
        settings: Settings,
        index: ProjectIndex,
        dependencies: Dependencies | None = None,
    ) -> None:
        self.rulebook = rulebook
        self.selected = selected
        self.settings = settings
        self.index = index
        self.dependencies = dependencies or Dependencies()
        self.notices: list[Notice] = []
        self.about_syntax: list[Finding] = []

    def findings(
        self, units: Sequence[UnitFacts], recipes: Sequence[Recipe], configs: Sequence[ConfigFile]
    ) -> list[Finding]:
        """All findings of the selected rules, before suppressions, in no particular order."""
        found: list[Finding] = []
        for rule in self.rulebook.rules.values():
            if rule.name not in self.selected or rule.name == silencing.RULE:
                continue
            if rule.judges == "recipe" and not rule.check:
                found += self._recipes(rule, recipes)
            elif rule.judges == "config":
                found += self._configs(rule, configs)
            elif rule.judges == "project":
                view = ProjectView(list(recipes), self.dependencies, configs)
                found += self._checked(rule, [view], "")
            elif rule.judges == "unit":
                found += self._units(rule, units)
        return [self._with_severity(finding) for finding in found]

    def _recipes(self, rule: Rule, recipes: Sequence[Recipe]) -> Iterator[Finding]:
        for recipe in recipes:
            for finding in judge_recipe(rule, recipe, self._options(rule)):
                yield msgspec.structs.replace(finding, program=finding.program or recipe.entry)

    def _configs(self, rule: Rule, configs: Sequence[ConfigFile]) -> Iterator[Finding]:
        for config in configs:
            if not config.judged:
                continue
            for finding in self._checked(rule, [config], config.path):
                if rule.name == "unparsable-config":
                    self.about_syntax.append(finding)
                yield finding

    def _units(self, rule: Rule, units: Sequence[UnitFacts]) -> Iterable[Finding]:
        told: dict[Span, Finding] = {}
        for facts in units:
            if not facts.candidates:
                continue
            for finding in self._checked(rule, [UnitView(facts, self.index)], facts.path):
                known = told.get(finding.span)
                told[finding.span] = finding if known is None else _both(known, finding)
        return told.values()

    def _checked(self, rule: Rule, subjects: Iterable[object], path: str) -> Iterator[Finding]:
        check = resolve_check(rule.check)
        for subject in subjects:
            try:
                hits: list[Hit] = list(check(subject))
            except Exception as error:  # noqa: BLE001 - one broken check must not cost the other findings
                self.notices.append(internal_notice(path or ".", 1, f"the rule {rule.name}", error))
                continue
            for hit in hits:
                finding = judge_hit(rule, hit, self._options(rule))
                if finding is not None:
                    yield finding

    def _options(self, rule: Rule) -> dict[str, object]:
        return dict(self.settings.options.get(rule.name, {}))

    def _with_severity(self, finding: Finding) -> Finding:
        chosen = self.settings.severity.get(finding.rule)
        return finding if chosen is None else msgspec.structs.replace(finding, severity=chosen)


def _both(one: Finding, other: Finding) -> Finding:
    """What several callers hand to one place, told there once: the surer and graver of two findings, with the
    ways of both to it."""
    ranks = [(each.confidence is Confidence.HIGH, each.severity.rank) for each in (one, other)]
    kept, left = (one, other) if ranks[0] >= ranks[1] else (other, one)
    places = {each.span: each for each in (*left.related, *kept.related)}
    related = sorted(places.values(), key=lambda each: (each.span, each.message))
    return msgspec.structs.replace(kept, related=tuple(related))
