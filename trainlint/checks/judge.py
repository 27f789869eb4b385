"""From facts to findings: what a page says about a recipe, or about a hit of its check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from trainlint.findings import Finding, Related, Span
from trainlint.knowledge.base import load_knowledge
from trainlint.recipe.model import Hit, Link, Recipe, State, Value
from trainlint.recipe.schema import recipe_schema
from trainlint.rulebook.conditions import Predicate, compile_when
from trainlint.rulebook.options import resolve_options
from trainlint.rulebook.rule import Case, Rule
from trainlint.rulebook.wording import format_scalar, format_value, render

Facts = Mapping[str, Value]


def judge_recipe(rule: Rule, recipe: Recipe, options: Mapping[str, Any]) -> list[Finding]:
    """The findings of a data page about one recipe: at most one, or one per element of the list in its `for`.

    `options` are values for the rule's options; those left out have their defaults.
    """
    choose = _chooser(rule, options)
    findings = []
    for facts in _subjects(rule, recipe):
        case = choose(facts)
        if case is not None:
            findings.append(_recipe_finding(rule, case, recipe, facts))
    return findings


def judged_subjects(
    rule: Rule, recipe: Recipe, options: Mapping[str, Any]
) -> Iterator[tuple[Span, Facts, bool]]:
    """What a data page looks at in a recipe: each subject's place, its facts, whether it is a finding."""
    choose = _chooser(rule, options)
    for facts in _subjects(rule, recipe):
        yield _primary_span(rule, recipe, facts), facts, choose(facts) is not None


def judge_hit(rule: Rule, hit: Hit, options: Mapping[str, Any]) -> Finding | None:
    """The finding of a check page about one hit; None where the page has no case for it."""
    case = _chooser(rule, options)(hit.facts)
    if case is None:
        return None
    message, hint = _texts(rule, case, hit.facts, _fact_unit(rule))
    return Finding(
        rule=rule.name,
        family=rule.family,
        severity=case.severity,
        confidence=case.confidence,
        message=message,
        hint=hint,
        span=hit.at,
        related=_without_repeats(hit.related, hit.at),
        symbol=hit.symbol,
        program=hit.program,
        evidence=hit.evidence,
    )


Chooser = Callable[[Facts], Case | None]


def _chooser(rule: Rule, options: Mapping[str, Any]) -> Chooser:
    """The compiled conditions of a page: facts → the first case that fits, or None."""
    if not options:
        return _usual_chooser(rule)
    return _compiled(rule, msgspec.json.encode(resolve_options(rule, options), order="sorted"))


@lru_cache(maxsize=1024)
def _usual_chooser(rule: Rule) -> Chooser:
    return _compiled(rule, msgspec.json.encode(resolve_options(rule, {}), order="sorted"))


@lru_cache(maxsize=1024)
def _compiled(rule: Rule, options: bytes) -> Chooser:
    values: dict[str, Any] = msgspec.json.decode(options)
    holds = compile_when(rule.when, values)
    cases: list[tuple[Predicate, Case]] = [(compile_when(case.when, values), case) for case in rule.cases]

    def choose(facts: Facts) -> Case | None:
        if not holds(facts):
            return None
        return next((case for fits, case in cases if fits(facts)), None)

    return choose


class _OfElement(Mapping[str, Value]):
    """The facts of one element of a list, with those of the recipe that are about no other element."""

    __slots__ = ("_element", "_prefix", "_recipe")

    def __init__(self, element: Facts, recipe: Facts, prefix: str) -> None:
        self._element = element
        self._recipe = recipe
        self._prefix = prefix

    def __getitem__(self, path: str) -> Value:
        if path.startswith(self._prefix):
            return self._element[path]
        found = self._element.get(path)
        return self._recipe[path] if found is None else found

    def __contains__(self, path: object) -> bool:
        if path in self._element:
            return True
        return path in self._recipe and not str(path).startswith(self._prefix)

    def __iter__(self) -> Iterator[str]:
        yield from self._element
        for path in self._recipe:
            if path not in self._element and not path.startswith(self._prefix):
                yield path

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _subjects(rule: Rule, recipe: Recipe) -> Iterator[Facts]:
    """The facts to judge: the recipe's; with `for`, per element, its own in place of the primary's."""
    if not rule.over:
        yield recipe.facts
        return
    elements = recipe.groups.get(rule.over)
    if not elements:
        return
    prefix = recipe_schema().groups[rule.over] + "."
    for element in elements:
        yield _OfElement(element, recipe.facts, prefix)


def _recipe_finding(rule: Rule, case: Case, recipe: Recipe, facts: Facts) -> Finding:
    span = _primary_span(rule, recipe, facts)
    message, hint = _texts(rule, case, facts, _recipe_unit)
    snippet = _snippet(rule, facts)
    links = list(_evidence_links({**rule.when, **case.when}, facts, span))
    return Finding(
        rule=rule.name,
        family=rule.family,
        severity=case.severity,
        confidence=case.confidence,
        message=message,
        hint=f"{hint}: {snippet}" if snippet else hint,
        span=span,
        related=_without_repeats(tuple(links), span),
        program=recipe.entry,
        evidence=_evidence(rule, facts),
    )


def _primary_span(rule: Rule, recipe: Recipe, facts: Facts) -> Span:
    """The first of the page's places that is known. In a config whose base says that, and which itself sets
    another operand, the latter: the base alone is not wrong."""
    spans = (facts[path].span for path in rule.at if path in facts)
    primary = next((span for span in spans if span is not None), recipe.span)
    if recipe.kind != "recipe" or primary.path == recipe.entry:
        return primary
    own = (facts[path] for path in rule.when if path in facts)
    written = (value.span for value in own if value.state is State.EXPLICIT and value.span is not None)
    return next((span for span in written if span.path == recipe.entry), primary)


def _evidence_links(paths: Mapping[str, object], facts: Facts, primary: Span) -> Iterator[Link]:
    """Where the values behind a finding were written, and the way each came.

    The primary value's own way comes first: it explains the place that is pointed at. What kind of run it is,
    and plain yes or no, is no place to look at.
    """
    held = [(path, facts[path]) for path in paths if path in facts and not path.startswith("meta.")]
    for path, value in sorted(held, key=lambda item: item[1].span != primary):
        explained = isinstance(value.value, str) and value.span in [link.span for link in value.chain]
        if value.span is not None and not explained and not isinstance(value.value, bool):
            yield Link(value.span, label(path, value))
        yield from value.chain


def label(path: str, value: Value) -> str:
    """What a value is, in a few words: "learning rate 1.6", "no warmup", "90 epochs", "toy run: no"."""
    leaf = recipe_schema().leaves.get(path)
    title = leaf.title if leaf is not None else path
    if value.state is State.OFF:
        return f"no {title}"
    if isinstance(value.value, bool):
        return f"{title}: {'yes' if value.value else 'no'}"
    shown = format_value(value, _recipe_unit(path))
    return shown if title in shown else f"{title} {shown}"


def _without_repeats(links: tuple[Link, ...], primary: Span) -> tuple[Related, ...]:
    """Related places, each once, without the one the finding stands at."""
    places: dict[Span, str] = {}
    for link in links:
        if link.span != primary:
            places.setdefault(link.span, link.label)
    return tuple(Related(span, text) for span, text in places.items())


def _texts(rule: Rule, case: Case, facts: Facts, unit_of: Callable[[str], str]) -> tuple[str, str]:
    message = render(case.message or rule.message, facts, unit_of)
    return message, render(case.hint or rule.hint, facts, unit_of)


def _snippet(rule: Rule, facts: Facts) -> str:
    """How the hint is written in the recipe's own framework, or in the one beneath it; "" where unknown."""
    framework = facts.get("meta.framework")
    if not rule.snippets or framework is None or not isinstance(framework.value, str):
        return ""
    backend = load_knowledge().backend(framework.value)
    text = rule.snippets.get(framework.value) or rule.snippets.get(backend, "")
    return render(text, facts, _recipe_unit)


def _recipe_unit(path: str) -> str:
    leaf = recipe_schema().leaves.get(path)
    return leaf.unit if leaf is not None else ""


def _fact_unit(rule: Rule) -> Callable[[str], str]:
    return lambda name: rule.facts[name].unit if name in rule.facts else ""


def _evidence(rule: Rule, facts: Facts) -> str:
    """What a fingerprint is built from: the primary facts. The others may be tuned without a new finding."""
    return "; ".join(f"{path}={format_scalar(facts[path].value)}" for path in rule.at if path in facts)
