"""A rule as data: what a page of the rulebook says, once it is read."""

from __future__ import annotations

from typing import Any

import msgspec

from trainlint.findings import Confidence, Severity

Fragment = dict[str, Any]
"""A JSON Schema fragment for one value; besides the schema's keywords `state` and `unit` are understood."""

When = dict[str, Fragment]
"""Dotted path → fragment. Every path must be there, be known and fit."""

SECTIONS = (
    "What it does",
    "Why it is bad",
    "Example",
    "Use instead",
    "When it stays silent",
    "Fix safety",
    "References",
)
"""The sections of every page, in this order."""


class Case(msgspec.Struct, omit_defaults=True):
    """One grade of a rule: under `when`, this severity and confidence. Empty texts mean the page's own."""

    severity: Severity
    confidence: Confidence
    when: When = {}
    message: str = ""
    hint: str = ""


class FactSpec(msgspec.Struct, omit_defaults=True):
    """What a check's hits carry under one name."""

    type: str
    description: str
    unit: str = ""
    choices: tuple[str, ...] = ()


class Example(msgspec.Struct, omit_defaults=True):
    """One fenced block of a page.

    `kind` is bad, good, fixed, or "" for a block that is only shown. Blocks of one heading and kind form a
    project. `line` is the page's line of the opening fence. `marked` are (line of the block, rule) pairs
    that the fence itself names, for languages without comments.
    """

    language: str
    kind: str
    file: str
    section: str
    heading: str
    text: str
    line: int
    program: bool = False
    marked: tuple[tuple[int, str], ...] = ()


class EditSpec(msgspec.Struct, omit_defaults=True):
    """One step of a fix: what is done (`verb`) at which place, and with what text.

    `at` is "finding" for the finding's own place, else a path whose value was written there. `name` and
    `unless` are arguments of a call: the one to set, and those that speak against it.
    """

    verb: str
    at: str
    text: str = ""
    name: str = ""
    unless: tuple[str, ...] = ()


class FixSpec(msgspec.Struct, omit_defaults=True):
    """One way to repair a finding: under `when`, by `edits` or by a function.

    `make` is "module.function" below trainlint.fixing.repairs, "" where the edits say it all.
    """

    title: str
    safety: str
    when: When = {}
    edits: list[EditSpec] = []
    make: str = ""


class Rule(msgspec.Struct, eq=False, omit_defaults=True):
    """A page of the rulebook. Compared and hashed by identity.

    `page` is its POSIX path below the folder it was loaded from; `builtin` tells ours from a user's. `over`
    names the list of the recipe that gives a finding per element, "" for none; `at` the paths whose span
    may be the primary one, in order of preference. `check` is "module.function" below trainlint.checks, ""
    for a rule that is data only. `snippets` are continuations of the hint, by framework. `fixes` are tried in
    order: the first that holds and can be made is the fix.
    """

    name: str
    family: str
    summary: str
    judges: str
    cases: list[Case]
    message: str
    hint: str
    sources: list[str]
    snippets: dict[str, str] = {}
    status: str = "stable"
    options: dict[str, dict[str, Any]] = {}
    when: When = {}
    over: str = ""
    at: tuple[str, ...] = ()
    check: str = ""
    facts: dict[str, FactSpec] = {}
    callees: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    fixes: list[FixSpec] = []
    since: dict[str, str] = {}
    until: dict[str, str] = {}
    sections: dict[str, str] = {}
    examples: list[Example] = []
    page: str = ""
    builtin: bool = True

    @property
    def fixable(self) -> str:
        """The safest fix a finding may have: safe, unsafe or none."""
        levels = {fix.safety for fix in self.fixes}
        return "safe" if "safe" in levels else "unsafe" if levels else "none"

    @property
    def severities(self) -> tuple[Severity, ...]:
        """The severities its findings may have, each once, in the order of the cases."""
        return tuple(dict.fromkeys(case.severity for case in self.cases))

    def defaults(self) -> dict[str, Any]:
        """Every option at its default."""
        return {name: schema["default"] for name, schema in self.options.items()}


class PageError(msgspec.Struct, frozen=True, order=True):
    """Why a page was not loaded: the file, its 1-based line, and a plain reason."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"
