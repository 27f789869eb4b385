"""Rates that an optimizer changes by itself: a function of the step, and the decay of Keras before 3."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Resolved
from trainlint.recipe.code.observe import Call, Observations


def rate_function(seen: Observations, call: Call) -> Resolved | None:
    """The project's function of the number of updates that an optimizer takes for its rate, as those of Optax
    do; None for others."""
    if call.entry is None or seen.evaluator.knowledge.backend(call.entry.framework) != "jax":
        return None
    given = seen.argument(call, "lr")
    partial = given is not None and given.kind == "object" and given.name == "functools.partial"
    return given if given is not None and (given.kind == "function" or partial) else None


def has_legacy_decay(seen: Observations, call: Call) -> bool:
    """Whether a Keras optimizer is given the old `decay`, which lowers its rate at every update."""
    entry = call.entry
    if entry is None or entry.framework != "tensorflow" or entry.param("decay") is not None:
        return False
    given = seen.arguments(call).get("decay")
    return given is not None and given.default().value not in (0, 0.0, None)
