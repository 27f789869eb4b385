"""The programs of `fixtures/twins`: what they are marked with, and what is found in them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from trainlint.linter import lint
from trainlint.settings.model import Settings

TWINS = Path(__file__).resolve().parent.parent / "fixtures" / "twins"
Place = tuple[str, int, str]
"""File, line and rule."""

_MARK = re.compile(r"#\s*error:\s*\[([\w-]+)\]")


def programs(rules: Iterable[str]) -> list[Path]:
    """The twins of some rules, rule by rule."""
    return [file for rule in rules for file in sorted((TWINS / rule).glob("*.py"))]


def twin_name(file: Path) -> str:
    """How a test of a twin is called."""
    return f"{file.parent.name}-{file.stem}"


def marks(file: Path) -> set[Place]:
    """The marked places of a program."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return {
        (file.name, number, match[1])
        for number, line in enumerate(lines, start=1)
        for match in _MARK.finditer(line)
    }


@cache
def found(rule: str, *, alone: bool = False, strict: bool = False) -> frozenset[Place]:
    """Everything that is reported in the folder of a rule; `alone`: with no other rule on."""
    report = lint([TWINS / rule], Settings(jobs=1, strict=strict, select=(rule,) if alone else ()))
    assert not report.notices, report.notices
    return frozenset((Path(item.span.path).name, item.span.line, item.rule) for item in report.findings)


def assert_as_marked(file: Path, places: Iterable[Place]) -> None:
    """A program shows exactly what it is marked with, and is marked as its name says."""
    wanted = marks(file)
    assert {place for place in places if place[0] == file.name} == wanted
    assert bool(wanted) == file.name.startswith("fires_")


def sides(rule: str) -> set[str]:
    """Whether a rule has programs that show it, and such that stay silent: "fires", "silent"."""
    return {file.name.partition("_")[0] for file in (TWINS / rule).glob("*.py")}
