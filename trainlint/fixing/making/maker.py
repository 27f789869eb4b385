"""The fix of a finding that is reported: the first of its page's that holds and can be made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

import msgspec

from trainlint.analysis.facts import UnitFacts
from trainlint.checks.judge import judge_hit, judged_subjects
from trainlint.checks.registry import resolve_check
from trainlint.checks.view import UnitView
from trainlint.findings import Edit, Finding, Fix
from trainlint.fixing.making.ground import Facts, Ground, Material
from trainlint.fixing.making.outcome import fits_and_parses
from trainlint.fixing.making.steps import edits_of
from trainlint.recipe.model import Hit, Recipe
from trainlint.recipe.schema import recipe_schema
from trainlint.rulebook.conditions import compile_when
from trainlint.rulebook.functions import function_named
from trainlint.rulebook.options import resolve_options
from trainlint.rulebook.rule import FixSpec, Rule
from trainlint.rulebook.wording import render

Repair = Callable[[Ground], "list[Edit] | None"]


class FixMaker:
    """Makes fixes from what a run has read. `options` are values of the rules' options, by rule."""

    def __init__(
        self, rules: Mapping[str, Rule], options: Mapping[str, Mapping[str, Any]], material: Material
    ) -> None:
        self.rules = rules
        self.options = options
        self.material = material
        self._found: dict[tuple[str, str], list[Hit]] = {}

    def with_fix(self, finding: Finding) -> Finding:
        """The finding with its fix; as it is where its page knows none or none is certain.

        The edits' lines count those of the file, of a notebook those of its joined code cells.
        """
        rule = self.rules.get(finding.rule)
        if rule is None or not rule.fixes or finding.span.cell is not None:
            return finding
        facts = self._facts(rule, finding)
        if facts is None:
            return finding
        ground = Ground(finding, facts, self.material)
        for spec in rule.fixes:
            fix = self._fix(rule, spec, ground)
            if fix is not None:
                return msgspec.structs.replace(finding, fix=fix)
        return finding

    def _fix(self, rule: Rule, spec: FixSpec, ground: Ground) -> Fix | None:
        values = resolve_options(rule, self.options.get(rule.name, {}))
        if spec.when and not compile_when(spec.when, values)(ground.facts):
            return None
        edits = resolve_repair(spec.make)(ground) if spec.make else _steps(spec, ground)
        if not edits or not fits_and_parses(edits, self.material):
            return None
        title = render(spec.title, ground.facts, _unit)
        return Fix(title, spec.safety, tuple(sorted(edits, key=_place)))

    def _facts(self, rule: Rule, finding: Finding) -> Facts | None:
        """The facts behind a finding; None where they cannot be told, or its place is not its alone."""
        if not rule.check:
            return self._facts_of_recipe(rule, finding)
        for hit in self._hits(rule, finding):
            if hit.at == finding.span and judge_hit(rule, hit, self.options.get(rule.name, {})):
                return hit.facts
        return None

    def _facts_of_recipe(self, rule: Rule, finding: Finding) -> Facts | None:
        options = self.options.get(rule.name, {})
        found: Facts | None = None
        for recipe in sorted(self.material.recipes, key=lambda each: each.entry != finding.program):
            for span, facts, at_fault in judged_subjects(rule, recipe, options):
                if span != finding.span:
                    continue
                if rule.over and not at_fault and _is_another(rule, recipe, facts):
                    # A helper makes the loaders of all splits: an edit would change those that are right.
                    return None
                if at_fault and found is None:
                    found = facts
        return found

    def _hits(self, rule: Rule, finding: Finding) -> list[Hit]:
        """What a rule's check gives for a finding's file, each once however many findings ask."""
        key = (rule.name, finding.span.path)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._checked(rule, finding.span.path)
        return found

    def _checked(self, rule: Rule, path: str) -> list[Hit]:
        check = resolve_check(rule.check)
        if rule.judges == "config":
            config = self.material.configs.get(path)
            return list(check(config)) if config is not None else []
        if rule.judges != "unit":
            return []
        views = (_own_sites(facts, self.material) for facts in self.material.units if facts.path == path)
        return [hit for view in views if view.facts.candidates for hit in check(view)]


def _own_sites(facts: UnitFacts, material: Material) -> UnitView:
    """A unit with what stands in it alone: an operand handed to others is not repaired for one caller."""
    own = [each for each in facts.candidates if not each.path]
    return UnitView(msgspec.structs.replace(facts, candidates=own), material.index)


def _place(edit: Edit) -> tuple[str, int, int]:
    """Insertions at one place stay in the order in which they were made."""
    return edit.span.path, edit.span.line, edit.span.column


def _is_another(rule: Rule, recipe: Recipe, facts: Facts) -> bool:
    """Whether facts are of an element of the rule's list: one without its place could not be hurt."""
    return bool(recipe.groups.get(rule.over)) and any(path in facts for path in rule.at)


def _steps(spec: FixSpec, ground: Ground) -> list[Edit] | None:
    made: list[Edit] = []
    for step in spec.edits:
        edits = edits_of(step, ground)
        if edits is None:
            return None
        made += [edit for edit in edits if edit not in made]
    return made


def _unit(path: str) -> str:
    leaf = recipe_schema().leaves.get(path)
    return leaf.unit if leaf is not None else ""


@cache
def resolve_repair(name: str) -> Repair:
    """The function `module.function` below trainlint.fixing.repairs. Raises UnknownFunctionError for none."""
    return cast("Repair", function_named("trainlint.fixing.repairs", name))
