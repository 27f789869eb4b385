"""Rules as SARIF's reporting descriptors, with help made of their pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from trainlint.findings import Confidence, Severity
from trainlint.output.characters import well_formed
from trainlint.output.json import rule_url
from trainlint.rulebook.loading import Rulebook
from trainlint.rulebook.rule import Rule

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "note"}

_PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "recommendation"}
_FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,})(?P<language>\w*).*$", re.MULTILINE)
_BLOCK = re.compile(r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^### .*$", re.MULTILINE)


def descriptors(rulebook: Rulebook, names: Iterable[str]) -> list[dict[str, Any]]:
    """A reportingDescriptor for each rule of these names, in order of name."""
    found = (rulebook.get(name) for name in sorted(set(names)))
    return [_descriptor(rule) for rule in found if rule is not None]


def _descriptor(rule: Rule) -> dict[str, Any]:
    severity = max(rule.severities, key=lambda each: each.rank)
    high = any(case.confidence is Confidence.HIGH for case in rule.cases)
    properties: dict[str, Any] = {
        "tags": [rule.family],
        "precision": "high" if high else "medium",
        "problem.severity": _PROBLEMS[severity],
    }
    if rule.fixes:
        properties["fixable"] = rule.fixable
    if rule.builtin:
        properties["page"] = rule_url(rule.name, rule.family)
    descriptor: dict[str, Any] = {
        "id": well_formed(rule.name),
        "shortDescription": {"text": well_formed(rule.summary)},
        "fullDescription": {"text": _paragraph(rule.sections.get("What it does", "")) or rule.summary},
        "help": {"text": _plain(rule), "markdown": _markdown(rule)},
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": properties,
    }
    if rule.aliases:
        descriptor["deprecatedIds"] = list(rule.aliases)
    return descriptor


def _plain(rule: Rule) -> str:
    """The page's words, without its examples."""
    words = {
        heading: _BLOCK.sub("", _HEADING.split(text)[0]).strip() for heading, text in rule.sections.items()
    }
    parts = [f"{heading}\n{text}" for heading, text in words.items() if text]
    return well_formed("\n\n".join(parts)) or rule.summary


def _markdown(rule: Rule) -> str:
    """The page, with the first example of each section; the others are in the repository."""
    parts = [f"## {heading}\n\n{_shortened(text.strip())}" for heading, text in rule.sections.items()]
    return well_formed("\n\n".join(parts)) or rule.summary


def _shortened(text: str) -> str:
    headings = [found.start() for found in _HEADING.finditer(text)]
    first = text[: headings[1]].rstrip() if len(headings) > 1 else text
    # What follows a fence's language is for our tests.
    return _FENCE.sub(r"\g<fence>\g<language>", first)


def _paragraph(text: str) -> str:
    return well_formed(" ".join(text.strip().partition("\n\n")[0].split()))
