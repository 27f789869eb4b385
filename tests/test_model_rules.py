"""The twins of the rules about networks and losses: each program shows exactly what it is marked with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.twin_programs import assert_as_marked, found, programs, sides, twin_name

ROOT = Path(__file__).resolve().parent.parent
RULES = sorted(page.stem for page in (ROOT / "rules" / "model").glob("*.md"))


@pytest.mark.parametrize("file", programs(RULES), ids=twin_name)
def test_program_shows_exactly_what_is_marked(file: Path) -> None:
    assert_as_marked(file, found(file.parent.name, alone=True, strict=True))


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_twins_on_both_sides(rule: str) -> None:
    assert sides(rule) == {"fires", "silent"}
