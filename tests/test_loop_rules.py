"""The twins of the rules about loops: each program shows exactly what it is marked with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.twin_programs import TWINS, assert_as_marked, found, programs, twin_name

ROOT = Path(__file__).resolve().parent.parent
RULES = sorted(page.stem for page in (ROOT / "rules" / "loop").glob("*.md") if (TWINS / page.stem).is_dir())


@pytest.mark.parametrize("file", programs(RULES), ids=twin_name)
def test_program_shows_exactly_what_is_marked(file: Path) -> None:
    assert_as_marked(file, found(file.parent.name, alone=True))
