"""Each exemption of a rule, beside a program that lacks only the exempting fact and is reported."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from trainlint.linter import lint
from trainlint.settings.model import Settings

TWINS = Path(__file__).resolve().parent.parent / "fixtures" / "twins"
RULES = (
    "argparse-bool",
    "clip-after-step",
    "clip-before-unscale",
    "conditionally-shuffled-training-data",
    "fixed-learning-rate",
    "inverted-bounds",
    "large-batch-without-warmup",
    "linear-scale-search",
    "partial-seed",
    "sampler-without-set-epoch",
    "scheduler-before-optimizer",
    "scheduler-never-stepped",
    "unclipped-recurrent-gradients",
    "unscaled-learning-rate",
)
SHOWN_WHEN_STRICT = {"silent_optax_five_epochs.py"}
"""Demonstrations: their advice has medium confidence."""
MARKER = re.compile(r"#\s*error:\s*\[([\w-]+)\]")


def name_of(value: object) -> str:
    return value.stem if isinstance(value, Path) else str(value)


def programs(rule: str) -> list[Path]:
    return sorted(each for each in (TWINS / rule).iterdir() if each.suffix == ".py" or each.is_dir())


@cache
def found(rule: str) -> frozenset[tuple[str, int]]:
    """(path below the rule's folder, line) of all findings of a rule in its folder."""
    report = lint([TWINS / rule], Settings(jobs=1, strict=True, select=(rule,)))
    assert not report.notices, report.notices
    root = Path(report.root).resolve()
    return frozenset(
        ((root / item.span.path).relative_to(TWINS / rule).as_posix(), item.span.line)
        for item in report.findings
    )


@pytest.mark.parametrize(
    ("rule", "program"), [(rule, program) for rule in RULES for program in programs(rule)], ids=name_of
)
def test_program_shows_exactly_what_is_marked(rule: str, program: Path) -> None:
    files = [program] if program.is_file() else sorted(program.glob("*.py"))
    wanted = {
        (file.relative_to(TWINS / rule).as_posix(), number)
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if MARKER.search(line)
    }
    names = {file.relative_to(TWINS / rule).as_posix() for file in files}
    got = {place for place in found(rule) if place[0] in names and program.name not in SHOWN_WHEN_STRICT}
    assert got == wanted
    assert bool(wanted) == program.name.startswith("fires_")


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_twins_on_both_sides(rule: str) -> None:
    sides = {program.name.partition("_")[0] for program in programs(rule)}
    assert sides == {"fires", "silent"}
