"""The twins of the rules about data: each program shows exactly what it is marked with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.twin_programs import assert_as_marked, found, programs, twin_name

RULES = (
    "augmented-evaluation-data",
    "evaluation-on-training-data",
    "fit-before-split",
    "imbalance-corrected-twice",
    "mismatched-preprocessing",
    "model-selection-on-test",
    "ordinal-encoding-of-categories",
    "refit-on-test",
    "shuffled-evaluation-data",
    "unnormalized-input",
    "unseeded-split",
)


@pytest.mark.parametrize("file", programs(RULES), ids=twin_name)
def test_program_shows_exactly_what_is_marked(file: Path) -> None:
    assert_as_marked(file, [place for place in found(file.parent.name) if place[2] in RULES])
