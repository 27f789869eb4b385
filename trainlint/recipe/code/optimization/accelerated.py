"""Schedules that an accelerator prepares: their steps count updates, however many batches those take."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Resolved, Site
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Driven, Observations
from trainlint.recipe.model import Value

_KIND = "accelerator"
_SCHEDULES = frozenset({"scheduler", "scheduler-factory"})
_PREPARES = ("prepare", "prepare_scheduler")


def counted_steps(seen: Observations) -> dict[Site, Driven]:
    """The schedules whose own `step` calls count once an update, each with the batches of an update.

    A level of "" says that the number of batches is not known.
    """
    found: dict[Site, Driven] = {}
    for call in seen.methods(*_PREPARES):
        receiver = seen.evaluator.receiver(call.frame.facts, call.event)
        for made in receiver.alternatives():
            entry = seen.evaluator.entry(made.name) if made.kind == "object" else None
            if entry is None or entry.kind != _KIND:
                continue
            counts = _counts(seen, made)
            for argument in call.frame.term(call.term).args[1:]:
                found.update(
                    (site, counts) for site in _schedules(seen, seen.evaluator.value(call.frame, argument))
                )
    return found


def accumulated(seen: Observations) -> Value | None:
    """`batch.grad_accum` where accelerators accumulate gradients; None where none does."""
    if not seen.methods("accumulate"):
        return None
    made = [call for call in seen.made(_KIND) if seen.happens(call.frame, call.event.conditions) is not False]
    counts = {_counts(seen, seen.object(call), stepped_apart=False) for call in made}
    if len(counts) != 1:
        return None
    count = counts.pop()
    if not count.level:
        return unknown_value("gradient_accumulation_steps of Accelerator(…) is not known", made[0].span)
    return derived(count.every, made[0].span)


def _schedules(seen: Observations, value: Resolved) -> Iterator[Site]:
    for leaf in value.alternatives():
        entry = seen.evaluator.entry(leaf.name) if leaf.kind == "object" else None
        if entry is not None and entry.kind in _SCHEDULES and leaf.site is not None:
            yield leaf.site


def _counts(seen: Observations, accelerator: Resolved, stepped_apart: bool = True) -> Driven:
    """How many batches an update takes; with `stepped_apart`, as a schedule sees it that may not be tied to
    updates."""
    arguments = seen.evaluator.binder.arguments(accelerator)
    entry = seen.evaluator.entry(accelerator.name)
    apart = arguments.get("step_scheduler_with_optimizer")
    if stepped_apart and apart is not None and apart.default().value is False:
        return Driven("step")
    if not seen.methods("accumulate"):
        return Driven("step")
    plugin = arguments.get("gradient_accumulation_plugin")
    if not arguments.complete or entry is None or (plugin is not None and plugin.default().value is not None):
        return Driven("")
    given = arguments.get(entry.fields["grad_accum"])
    every = 1 if given is None else given.default().value
    return Driven("step", every) if isinstance(every, int) and every > 0 else Driven("")
