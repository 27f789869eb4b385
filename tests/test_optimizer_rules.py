"""The twins of the rules about optimizers: each program shows exactly what it is marked with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.twin_programs import assert_as_marked, found, programs, twin_name

RULES = (
    "adam-with-l2",
    "double-optimizer-step",
    "fine-tuning-rate-too-high",
    "learning-rate-out-of-range",
    "momentum-out-of-range",
    "pretrained-head-mismatch",
    "scaler-misuse",
    "sgd-without-momentum",
)


@pytest.mark.parametrize("file", programs(RULES), ids=twin_name)
def test_program_shows_exactly_what_is_marked(file: Path) -> None:
    assert_as_marked(file, found(file.parent.name, alone=True))
