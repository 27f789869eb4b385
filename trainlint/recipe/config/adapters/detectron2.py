"""detectron2: the steps of its schedule against its iterations. Read in detectron2/solver/build.py, 0.6."""

from __future__ import annotations

from collections.abc import Mapping

from trainlint.recipe.config.adapters.adapted import Adapted
from trainlint.recipe.config.adapters.milestones import milestone_facts
from trainlint.recipe.config.fields import Reading
from trainlint.recipe.config.tree import value_node
from trainlint.recipe.model import State, Value


def detectron2_facts(reading: Reading, facts: Mapping[str, Value]) -> Adapted:
    """The milestones of SOLVER.STEPS, where the number of iterations is written as well."""
    held = value_node(reading.document.root, ["SOLVER", "STEPS"])
    run = facts.get("train.steps")
    if held is None or run is None or run.state is State.DEFAULT:
        return Adapted()
    milestones = milestone_facts(reading, "SOLVER.STEPS", held.value, run, "steps")
    return Adapted(schedulers=[milestones] if milestones else [])
