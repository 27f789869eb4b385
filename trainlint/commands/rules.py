"""`trainlint rules` and `trainlint explain`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from trainlint.discovery.projects import find_root
from trainlint.output.json import rule_url
from trainlint.output.terminal import Style, pad, visible, width
from trainlint.rulebook.loading import Rulebook, load_rulebook
from trainlint.rulebook.rule import Rule
from trainlint.settings.file import load_settings, settings_file_in
from trainlint.settings.model import Settings, SettingsError


def list_rules(form: str) -> str:
    """All rules, as a table by family or as a JSON array."""
    book = _rulebook()
    if form == "json":
        return json.dumps([_as_data(rule) for rule in book.rules.values()], indent=2) + "\n"
    column = max((width(rule.name) for rule in book.rules.values()), default=0)
    grades = max((width(_severities(rule)) for rule in book.rules.values()), default=0)
    lines: list[str] = []
    for family, rules in book.families().items():
        lines += ["", family] if lines else [family]
        for rule in rules:
            status = "" if rule.status == "stable" else f" ({rule.status})"
            head = f"  {pad(rule.name, column)}  {pad(_severities(rule), grades)}"
            lines.append(f"{head}  {visible(rule.summary)}{status}")
    return "\n".join(lines) + "\n"


def explain_rule(name: str, style: Style) -> str:
    """A rule's page. A usage error with the nearest name where there is no such rule."""
    book = _rulebook()
    rule = book.get(name)
    if rule is None:
        raise click.UsageError(f"no rule is called {name!r}{book.did_you_mean(name)}")
    lines = [
        f"{style('bold', rule.name)} ({rule.family}, {_severities(rule)}, {rule.status})",
        visible(rule.summary),
    ]
    for heading, text in rule.sections.items():
        lines += ["", style("bold", heading), *(visible(line) for line in text.strip().splitlines())]
    if rule.options:
        lines += ["", style("bold", "Options")]
        lines += [f"- {option}: {json.dumps(schema['default'])}" for option, schema in rule.options.items()]
    if rule.sources:
        lines += ["", style("bold", "Sources"), *(f"- {visible(source)}" for source in rule.sources)]
    return "\n".join(lines) + "\n"


def known_names(*, families: bool) -> list[str]:
    """Every rule, and every family if asked for; whatever is wrong with the settings."""
    try:
        book = _loaded()
    except SettingsError:
        book = load_rulebook()
    return [*(book.families() if families else ()), *book.rules]


def _loaded() -> Rulebook:
    file = settings_file_in(find_root(Path.cwd()))
    settings = load_settings(file) if file is not None else Settings()
    return load_rulebook([Path(folder) for folder in settings.rulebooks])


def _rulebook() -> Rulebook:
    book = _loaded()
    for error in book.errors:
        click.echo(f"warning: {visible(str(error))}", err=True)
    return book


def _severities(rule: Rule) -> str:
    return "/".join(severity.value for severity in rule.severities)


def _as_data(rule: Rule) -> dict[str, object]:
    return {
        "rule": rule.name,
        "family": rule.family,
        "summary": rule.summary,
        "status": rule.status,
        "severities": [severity.value for severity in rule.severities],
        "fixable": rule.fixable,
        "options": rule.defaults(),
        "aliases": list(rule.aliases),
        "url": rule_url(rule.name, rule.family) if rule.builtin else None,
    }
