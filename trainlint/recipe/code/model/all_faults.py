"""Everything that is wrong between the networks of a program and their losses, in order."""

from __future__ import annotations

from trainlint.recipe.code.model.outputs import Element, Outputs
from trainlint.recipe.code.observe import Observations


def output_faults(seen: Observations) -> list[Element]:
    """One mapping of `output.*` values for each fault."""
    return list(Outputs(seen).faults())
