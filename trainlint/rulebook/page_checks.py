"""What a schema cannot say of a page: names that must exist, texts that can be filled, safe patterns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from trainlint.recipe.model import State
from trainlint.recipe.schema import recipe_schema
from trainlint.rulebook.conditions import (
    NUMERIC_KEYWORDS,
    accepted_states,
    option_names,
)
from trainlint.rulebook.front_matter import FrontMatter, Path
from trainlint.rulebook.options import check_option
from trainlint.rulebook.patterns import refuse_pattern
from trainlint.rulebook.rule import FixSpec, Rule, When
from trainlint.rulebook.wording import TemplateError, template_paths
from trainlint.suggest import did_you_mean

Problem = tuple[int, str]

_SAYABLE = frozenset(
    state.value for state in (State.EXPLICIT, State.INHERITED, State.DERIVED, State.DEFAULT, State.OFF)
)


class Subject(msgspec.Struct):
    """A path a page may speak about."""

    type: str
    choices: tuple[str, ...]


def subjects(rule: Rule) -> dict[str, Subject]:
    """The paths of a page: the recipe's, or the facts its check declares."""
    if rule.check:
        return {name: Subject(fact.type, fact.choices) for name, fact in rule.facts.items()}
    return {path: Subject(leaf.type, leaf.choices) for path, leaf in recipe_schema().leaves.items()}


def check_meaning(rule: Rule, matter: FrontMatter, stem: str) -> Iterator[Problem]:
    """Everything wrong with a page whose front matter fits the schema."""
    if rule.name != stem:
        yield matter.line(("rule",)), f"the page of `{rule.name}` is not named {stem}.md"
    yield from _check_kind(rule, matter)
    yield from _check_options(rule, matter)
    known = subjects(rule)
    yield from _check_when(rule, rule.when, known, matter, ("when",))
    for index, case in enumerate(rule.cases):
        yield from _check_when(rule, case.when, known, matter, ("cases", index, "when"))
    for path in rule.at:
        if path not in known:
            yield matter.line(("at",)), f"`at`: {_undeclared(path, known)}"
    yield from _check_texts(rule, known, matter)
    for index, fix in enumerate(rule.fixes):
        yield from _check_fix(rule, fix, known, matter, index)


def _check_kind(rule: Rule, matter: FrontMatter) -> Iterator[Problem]:
    if rule.check and not rule.builtin:
        yield matter.line(("check",)), "a rulebook of your own is data only: a page cannot name a check"
    if not rule.check:
        yield from _check_data_only(rule, matter)
    if rule.check and (rule.at or rule.over):
        yield matter.line(("check",)), "`at` and `for` are for pages without a check: a hit has its place"
    if rule.callees and rule.judges != "call":
        yield matter.line(("callees",)), "only a page that judges calls has callees"
    groups = recipe_schema().groups
    if rule.over and rule.over not in groups:
        yield matter.line(("for",)), _no("list of the recipe", rule.over, groups)


def _check_data_only(rule: Rule, matter: FrontMatter) -> Iterator[Problem]:
    if rule.judges != "recipe":
        yield matter.line(("judges",)), f"a page that judges a {rule.judges} names a `check`"
    if rule.facts:
        yield matter.line(("facts",)), "`facts` say what a `check` gives; this page reads the recipe"
    if not rule.when:
        yield matter.line(("when",)), "`when` is missing: without conditions the rule would always fire"
    if not rule.at:
        yield matter.line(("at",)), "`at` is missing: which path's place is the primary span?"


def _check_options(rule: Rule, matter: FrontMatter) -> Iterator[Problem]:
    for name in rule.options:
        for message in check_option(rule, name, rule.options[name]["default"]):
            yield matter.line(("options", name, "default")), f"the default of {message}"


def _check_when(
    rule: Rule, when: When, known: Mapping[str, Subject], matter: FrontMatter, place: Path
) -> Iterator[Problem]:
    for path, fragment in when.items():
        line = matter.line((*place, path))
        if path not in known:
            yield line, _undeclared(path, known)
            continue
        for name in sorted(option_names(fragment) - rule.options.keys()):
            yield line, _no("option of this page", name, rule.options)
        for message in _check_fragment(fragment, known[path]):
            yield line, f"`{path}`: {message}"


def _no(kind: str, name: str, known: Iterable[str]) -> str:
    return f"`{name}` is no {kind}{did_you_mean(name, known)}"


def _undeclared(path: str, known: Mapping[str, Subject]) -> str:
    return f"`{path}` is not declared{did_you_mean(path, known)}"


def _check_fragment(fragment: Mapping[str, Any], subject: Subject) -> Iterator[str]:
    numeric = NUMERIC_KEYWORDS & fragment.keys()
    if numeric and subject.type not in ("number", "integer"):
        yield f"`{min(numeric)}` never fits a {subject.type}"
    if "pattern" in fragment:
        if subject.type != "string":
            yield f"`pattern` never fits a {subject.type}"
        if reason := refuse_pattern(fragment["pattern"]):
            yield f"the pattern is refused: {reason}"
    yield from _check_choices(fragment, subject)
    for inner in (fragment.get("not"), *fragment.get("anyOf", ())):
        if inner is not None:
            yield from _check_fragment(inner, subject)


def _check_choices(fragment: Mapping[str, Any], subject: Subject) -> Iterator[str]:
    named = fragment.get("enum", [])
    wanted = [fragment["const"]] if "const" in fragment else []
    wanted += named if isinstance(named, list) else []
    for value in wanted:
        if subject.choices and value not in subject.choices and not option_names(value):
            hint = did_you_mean(str(value), subject.choices)
            yield f"{value!r} is not one of {', '.join(subject.choices)}{hint}"


def _check_texts(rule: Rule, known: Mapping[str, Subject], matter: FrontMatter) -> Iterator[Problem]:
    certain = _certain(rule.when)
    for key, text in (("message", rule.message), ("hint", rule.hint)):
        users = [_certain(case.when) for case in rule.cases if not getattr(case, key)]
        shared = set.intersection(*users) if users else set()
        yield from _check_text(rule, text, certain | shared, known, matter.line((key,)))
    for framework, text in rule.snippets.items():
        users = [_certain(case.when) for case in rule.cases]
        shared = set.intersection(*users)
        yield from _check_text(rule, text, certain | shared, known, matter.line(("snippets", framework)))
    for index, case in enumerate(rule.cases):
        inside = certain | _certain(case.when)
        for key, text in (("message", case.message), ("hint", case.hint)):
            yield from _check_text(rule, text, inside, known, matter.line(("cases", index, key)))


def _check_fix(
    rule: Rule, fix: FixSpec, known: Mapping[str, Subject], matter: FrontMatter, index: int
) -> Iterator[Problem]:
    place: Path = ("fix", index) if isinstance(matter.data["fix"], list) else ("fix",)
    if fix.make and not rule.builtin:
        yield matter.line((*place, "make")), "a rulebook of your own is data only: its fixes are `edits`"
    yield from _check_when(rule, fix.when, known, matter, (*place, "when"))
    certain = _certain(rule.when) | _certain(fix.when)
    yield from _check_text(rule, fix.title, certain, known, matter.line((*place, "title")))
    for number, edit in enumerate(fix.edits):
        line = matter.line((*place, "edits", number))
        if edit.at != "finding" and edit.at not in known:
            yield line, f"`{edit.verb}`: {_undeclared(edit.at, known)}"
        yield from _check_text(rule, edit.text, certain, known, line)


def _certain(when: When) -> set[str]:
    """Paths whose values can be shown wherever `when` holds."""
    return {path for path, fragment in when.items() if _SAYABLE.issuperset(accepted_states(fragment))}


def _check_text(
    rule: Rule, text: str, certain: set[str], known: Mapping[str, Subject], line: int
) -> Iterator[Problem]:
    try:
        always, optional = template_paths(text)
    except TemplateError as error:
        yield line, f"{error}: write `{{{{` for a brace"
        return
    for path in sorted(always | optional):
        if path not in known:
            yield line, _undeclared(path, known)
        elif path in always and not rule.check and path not in certain:
            yield line, f"`{{{path}}}` may be unknown here: name it in `when`, or put it in `[[…]]`"
