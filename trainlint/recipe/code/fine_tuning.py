"""Whether a program goes on training a published network whole: pretrained weights, and nothing held back."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from trainlint.analysis.evaluation.values import Resolved
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.optimization.networks import PARAMETERS, Networks, parameters_of
from trainlint.recipe.code.optimization.optimizers import Optimizers
from trainlint.recipe.code.trainers.runs import trainer_runs
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Value

_LOADERS = ("from_pretrained",)


def fine_tuning(seen: Observations, training: Training, optimizers: Optimizers) -> dict[str, Value]:
    """`model.pretrained` and `model.tuned` of a program, as far as the code tells.

    Known only where there is one optimizer, or one trainer that makes it.
    """
    runs = trainer_runs(seen, training)
    if optimizers.unread or len(optimizers.calls) + len(runs) != 1:
        return {}
    model = runs[0].argument("model") if runs else given_whole(seen, optimizers.calls[0])
    loaded = None if model is None else _pretrained(seen, model)
    if model is None or loaded is None:
        return {}
    reason = _held_back(seen)
    tuned = unknown_value(reason, loaded.span) if reason else derived("all", loaded.span)
    found = {"model.pretrained": loaded, "model.tuned": tuned}
    if runs:
        found["optimizer.network"] = Networks(seen).of([model])
    return found


def given_whole(seen: Observations, optimizer: Call) -> Resolved | None:
    """The model all of whose parameters an optimizer is given; None where it may be a part, or groups."""
    params = seen.argument(optimizer, "params")
    if params is None:
        return None
    if params.kind == "object" and params.items:
        return params.items[0] if params.name.rpartition(".")[2] in PARAMETERS else None
    return parameters_of(seen, optimizer)


def _pretrained(seen: Observations, model: Resolved) -> Value | None:
    """Where the model, or a network that its class holds, asks for published weights."""
    made = _unwrapped(seen, model.default())
    if made.kind == "object":
        calls = [call for call in seen.calls if call.site == made.site]
    elif made.kind == "instance":
        path, _, qualname = made.name.partition("::")
        methods = set(seen.program.methods(path, qualname))
        calls = [call for call in seen.calls if call.place in methods]
    else:
        return None
    found = [call for call in calls if seen.happens(call.frame, call.event.conditions) is not False]
    found = [call for call in found if asks_for_weights(seen, call)]
    return derived(True, found[0].span) if found else None


def _unwrapped(seen: Observations, model: Resolved) -> Resolved:
    entry = seen.evaluator.entry(model.name) if model.kind == "object" else None
    if entry is not None and entry.kind == "model-wrapper":
        inner = seen.evaluator.binder.arguments(model).get(entry.fields.get("model", ""))
        return model if inner is None else inner.default()
    return model


def asks_for_weights(seen: Observations, call: Call) -> bool:
    """Whether a call makes a model with published weights."""
    if call.name.rpartition(".")[2] in _LOADERS:
        return _is_model(call)
    if call.entry is None or call.entry.kind != "model-factory":
        return False
    old = call.entry.extra.get("pretrained_keyword")
    names = (call.entry.fields.get("weights", ""), old if isinstance(old, str) else "")
    arguments = seen.arguments(call)
    given = [arguments[name].default() for name in names if name in arguments]
    if not given:
        return bool(call.entry.default("weights")) and call.entry.default("weights") is not msgspec.UNSET
    return any(each.kind == "external" or (each.kind == "const" and bool(each.value)) for each in given)


def _is_model(call: Call) -> bool:
    """`from_pretrained` also loads tokenizers, processors and configurations."""
    words = set(words_of(call.name.rpartition(".")[0].rpartition(".")[2]))
    return not words & {"tokenizer", "processor", "config", "extractor", "scheduler", "pipeline"}


def _held_back(seen: Observations) -> str:
    """What may keep a part of the network from being trained; "" where nothing does."""
    reach = seen.program.reach
    words = program_words("freezing")
    if reach.mentioning(("requires_grad",)):
        return "parameters may be frozen"
    for name in _called(seen):
        simple = name.rpartition(".")[2]
        if words & set(words_of(simple)):
            return f"{simple} may freeze a part of it"
    held = [name for name in seen.program.closure.external if name.partition(".")[0] in words]
    return f"{held[0]} may freeze a part of it" if held else ""


def _called(seen: Observations) -> Iterator[str]:
    for place in seen.program.reach.places:
        yield from seen.program.reach.unit(place).calls
