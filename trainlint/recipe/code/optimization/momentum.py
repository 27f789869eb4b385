"""SGD without momentum, where nothing says that plain steps are meant."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Resolved
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.optimization.optimizers import Optimizers
from trainlint.recipe.code.optimization.rate_from_outside import weights_put_back
from trainlint.recipe.model import State, Value

_PART = "gradient-transform"


def complete_momentum(seen: Observations, optimizers: Optimizers, elements: list[dict[str, Value]]) -> None:
    """Add `optimizer.momentum_advice`, the library's own form of momentum, to every SGD that has none.

    `elements` go in step with the optimizers' calls. A momentum that groups or later stores may set becomes
    unknown; where plain steps are part of the method, nothing is advised.
    """
    for call, element in zip(optimizers.calls, elements, strict=True):
        advice = call.entry.extra.get("with_momentum") if call.entry is not None else None
        if not isinstance(advice, str) or not _is_off(element["optimizer.momentum"]):
            continue
        unread = seen.unread.value("replace")
        if unread is not None:
            element["optimizer.momentum"] = unread
            continue
        reason = (
            optimizers.replaced(call)
            or _set_elsewhere(seen, call)
            or optimizers.escapes.of(call, {made.site for made in optimizers.schedules})
        )
        if reason:
            element["optimizer.momentum"] = unknown_value(reason, call.span)
            continue
        meant = _plain_steps_meant(seen, call) or _inner_loop(seen, optimizers, call)
        advised = unknown_value(meant, call.span) if meant else derived(advice, call.span)
        element["optimizer.momentum_advice"] = advised


def _is_off(momentum: Value) -> bool:
    return momentum.state is State.OFF or (momentum.known and momentum.value in (0, None))


def _set_elsewhere(seen: Observations, call: Call) -> str:
    """What else may set the momentum: a parameter group, or a store to one; empty where nothing does."""
    params = seen.argument(call, "params")
    if params is not None and any(_sets(group) for group in _groups(params)):
        return "a parameter group may set it"
    for frame in seen.frames:
        for event in seen.program.events(frame.facts):
            if event.kind == "store-item" and frame.facts.terms[event.key].value == "momentum":
                return "it is written while training"
    traced = (part.entry is not None and part.entry.effect == "momentum" for part in seen.made(_PART))
    return "another part of the chain adds it" if any(traced) else ""


def _groups(params: Resolved) -> Iterator[Resolved]:
    for leaf in params.alternatives():
        yield leaf
        if leaf.kind == "sequence":
            yield from (each for item in leaf.items for each in item.alternatives())


def _sets(group: Resolved) -> bool:
    return group.kind == "mapping" and ("momentum" in group.entries or not group.complete)


def _plain_steps_meant(seen: Observations, call: Call) -> str:
    """Why plain steps are part of the method: private or federated training, a search of the rate, an inner
    loop."""
    packages = program_words("plain-step-packages")
    imported = [name for name in seen.program.closure.external if name.partition(".")[0] in packages]
    if imported:
        return f"{imported[0]} may want plain steps"
    if any(name.rpartition(".")[2].lower() in program_words("rate-finders") for name in _called(seen)):
        return "the rate is searched first"
    words = {word for text in (seen.program.entry, *call.place) for word in words_of(text)}
    told = sorted(words & program_words("plain-steps"))
    return f"plain steps may be part of the method: {told[0]}" if told else ""


def _inner_loop(seen: Observations, optimizers: Optimizers, call: Call) -> str:
    """Why the steps are those of an inner loop, as in Reptile and MAML; "" where they are not."""
    if optimizers.made_while_training(call):
        return "the optimizer is made anew while training"
    return weights_put_back(seen, optimizers.training)


def _called(seen: Observations) -> Iterator[str]:
    for place in seen.program.reach.places:
        yield from seen.program.reach.unit(place).calls
