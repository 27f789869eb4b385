"""PaddleClas: a Piecewise schedule that is written and dropped, milestones, and the loader for evaluation.

Read in ppcls/optimizer/learning_rate.py and ppcls/data/__init__.py, release 2.6.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from trainlint.recipe.config.adapters.adapted import Adapted
from trainlint.recipe.config.adapters.milestones import milestone_facts, numbers_in
from trainlint.recipe.config.adapters.parts import made, number_of, value_of
from trainlint.recipe.config.fields import Reading
from trainlint.recipe.config.tree import value_node
from trainlint.recipe.model import State, Value
from trainlint.text.document import Node

_EVERY = 30
_FACTOR = 0.1


def paddleclas_facts(reading: Reading, facts: Mapping[str, Value]) -> Adapted:
    """What Piecewise drops, the milestones that stand, the evaluation loader."""
    found = Adapted()
    rate = value_node(reading.document.root, ["Optimizer", "lr"])
    run = facts.get("train.epochs")
    if rate is not None and rate.value.kind == "mapping":
        name = value_of(reading, rate.value.get("name"))
        if name == "Piecewise":
            _piecewise(reading, rate.value, run, found)
        elif name == "MultiStepDecay":
            _add(
                found, milestone_facts(reading, "MultiStepDecay", rate.value.get("milestones"), run, "epochs")
            )
    found.loaders = _evaluation(reading)
    return found


def _piecewise(reading: Reading, rate: Node, run: Value | None, found: Adapted) -> None:
    """With learning_rate set, ×0.1 every 30 epochs, whatever decay_epochs and values say."""
    written, values = rate.get("decay_epochs"), numbers_in(reading, rate.get("values"))
    peak = number_of(reading, rate.get("learning_rate"))
    milestones = numbers_in(reading, written)
    epochs = run.value if run is not None and run.known else None
    if written is None or milestones is None or not isinstance(epochs, int | float):
        return
    if peak:
        real = [float(each) for each in range(_EVERY, int(epochs), _EVERY)]
        meant = [each for each in milestones if each < epochs]
        expected = [peak * _FACTOR**position for position in range(len(meant) + 1)]
        held = (values or expected)[: len(expected)]
        alike = len(held) == len(expected) and all(map(math.isclose, held, expected))
        if meant != real or not alike:
            text = f"decay_epochs: [{', '.join(f'{each:g}' for each in milestones)}]"
            instead = ", ".join(f"{each:g}" for each in real)
            found.facts["schedule.discarded"] = made(reading, text, written)
            found.facts["schedule.discarded_by"] = made(
                reading, "learning_rate", rate.get("learning_rate") or rate
            )
            found.facts["schedule.instead"] = made(
                reading,
                f"the rate falls to a tenth every 30 epochs ({instead})" if real else "the rate never falls",
                written,
                state=State.DERIVED,
            )
            return
    _add(found, milestone_facts(reading, "Piecewise", written, run, "epochs"))


def _add(found: Adapted, scheduler: dict[str, Value]) -> None:
    if scheduler:
        found.schedulers.append(scheduler)


def _evaluation(reading: Reading) -> list[dict[str, Value]]:
    held = value_node(reading.document.root, ["DataLoader", "Eval", "sampler", "shuffle"])
    shuffle = value_of(reading, held.value) if held is not None else None
    if held is None or not isinstance(shuffle, bool):
        return []
    at = held.value
    return [
        {
            "loader.role": made(reading, "eval", at, state=State.DERIVED),
            "loader.order": made(reading, "random" if shuffle else "file", at, state=State.DERIVED),
            "loader.shuffle": made(reading, shuffle, at),
            "loader.purpose": made(reading, "evaluate", at, state=State.DERIVED),
        }
    ]
