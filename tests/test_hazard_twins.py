"""The twins of the rules about precision, branches and selections: each shows exactly what it is marked with,
by default and with every rule on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.twin_programs import assert_as_marked, found, programs, sides, twin_name

RULES = ("adam-eps-in-half", "eps-lost-in-half", "mean-of-empty-selection", "where-keeps-nan")


@pytest.mark.parametrize("file", programs(RULES), ids=twin_name)
def test_program_shows_exactly_what_is_marked(file: Path) -> None:
    assert_as_marked(file, found(file.parent.name))


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_twins_on_both_sides(rule: str) -> None:
    assert sides(rule) == {"fires", "silent"}
