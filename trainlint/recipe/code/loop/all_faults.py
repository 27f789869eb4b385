"""Everything that is wrong with the loops of a program, in order."""

from __future__ import annotations

from collections.abc import Sequence

from trainlint.recipe.code.data.loaders import Loaders
from trainlint.recipe.code.loop.accumulation import Accumulation
from trainlint.recipe.code.loop.best_state import BestState
from trainlint.recipe.code.loop.checkpoints import Checkpoints
from trainlint.recipe.code.loop.evaluating import Evaluating
from trainlint.recipe.code.loop.evaluations import Evaluations
from trainlint.recipe.code.loop.faults import Element
from trainlint.recipe.code.loop.losses import Losses
from trainlint.recipe.code.loop.measures import Measures
from trainlint.recipe.code.loop.mode_layers import ModeLayers
from trainlint.recipe.code.loop.modes import Modes
from trainlint.recipe.code.loop.objects import Objects
from trainlint.recipe.code.loop.parameters import Parameters
from trainlint.recipe.code.loop.passes import Passes
from trainlint.recipe.code.loop.updates import Updates
from trainlint.recipe.code.loop.validation import Validation
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.optimization.optimizers import Optimizers
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Value


def loop_faults(
    seen: Observations,
    training: Training,
    optimizers: Optimizers,
    loaders: Loaders,
    elements: Sequence[dict[str, Value]],
) -> list[Element]:
    """One mapping of `loop.*` values for each fault; `elements` are the values of the loaders, in their
    order."""
    objects = Objects(seen, optimizers)
    losses = Losses(seen, training)
    if not objects.optimizers:
        return list(losses.faults())
    passes = Passes(seen, training)
    layers = ModeLayers(seen, objects)
    modes = Modes(seen, passes, objects, layers)
    found = Evaluations(seen, passes, objects, loaders, elements, losses)
    return [
        *Updates(seen, passes, objects).faults(),
        *modes.faults(),
        *Evaluating(found, modes, layers).faults(),
        *losses.faults(),
        *Measures(found, objects).faults(),
        *Accumulation(seen, passes, objects, losses).faults(),
        *BestState(seen, training, objects).faults(),
        *Parameters(seen, objects).faults(),
        *Checkpoints(found, training).faults(),
        *Validation(found, training).faults(),
    ]
