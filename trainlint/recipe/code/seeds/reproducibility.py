"""What decides whether a run can be repeated: seeds, when and where they are set, and kernels."""

from __future__ import annotations

from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.seeds.determinism import determinism
from trainlint.recipe.code.seeds.late_seeding import late_seed
from trainlint.recipe.code.seeds.seeding import Seeding
from trainlint.recipe.code.seeds.sources import SeedSources
from trainlint.recipe.code.seeds.unused_seeds import UnusedSeeds
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Value


def reproducibility(seen: Observations, training: Training, seeding: Seeding) -> dict[str, Value]:
    """The `repro.*` values; those that only tell of a mistake are left out where there is none."""
    facts = seeding.facts()
    facts["repro.unused_seed"] = UnusedSeeds(seen, training, seeding).unused()
    for path, found in (
        ("repro.late", late_seed(seen, training, seeding)),
        ("repro.unrecorded", SeedSources(seen, training, seeding).unrecorded()),
    ):
        if found is not None:
            facts[path] = found
    facts.update(determinism(seen, training))
    return facts
