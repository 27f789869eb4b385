"""How many samples one device takes at a time: from loaders, `fit`, or `.batch(n)` of a data pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from trainlint.analysis.evaluation.values import Resolved, Site
from trainlint.analysis.facts import Parameter
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.data.pipeline_order import bound_names
from trainlint.recipe.code.data.pipeline_uses import pipeline_uses
from trainlint.recipe.code.data.tf_pipelines import written_pipeline
from trainlint.recipe.code.leaves import derived, leaf, unknown_value
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Value

_BATCHED = ("batch", "padded_batch")
_DEVICES = frozenset({"device_count", "local_device_count", "num_replicas_in_sync"})


def batch_facts(
    seen: Observations, training: Training, loaders: Sequence[dict[str, Value]]
) -> dict[str, Value]:
    """`batch.per_device`, and `batch.grad_accum` where it is known."""
    sizes = [each["loader.batch_size"] for each in loaders if each["loader.role"].value == "train"]
    sizes = sizes or list(_of_fits(seen, training))
    if not sizes:
        sizes = list(_of_pipelines(seen))
        if not sizes:
            return {"batch.per_device": unknown_value("no training loader was found", training.first_loop())}
    if not all(size.known and size.value == sizes[0].value for size in sizes):
        open_ = next((size for size in sizes if not size.known), None)
        reason = open_.reason if open_ is not None else "the training loaders' batches differ"
        choices = open_.choices if open_ is not None else tuple(dict.fromkeys(size.value for size in sizes))
        found = unknown_value(reason, (open_ or sizes[0]).span)
        return {"batch.per_device": msgspec.structs.replace(found, choices=choices)}
    return {"batch.per_device": sizes[0], "batch.grad_accum": derived(1, sizes[0].span)}


def _of_fits(seen: Observations, training: Training) -> Iterator[Value]:
    """What is passed as `batch_size` to a method that trains."""
    for call in training.fits:
        for method in seen.evaluator.knowledge.methods(call.name):
            if method.param("batch_size") is None:
                continue
            params = [Parameter(param.name, param.kind, param.has_default) for param in method.params]
            given = seen.evaluator.binder.bind(call.frame, call.term, params).get("batch_size")
            if given is not None and not (given.kind == "const" and given.value is None):
                yield leaf(given, call)
            break


def _inner_batches(seen: Observations) -> frozenset[Site]:
    """Batches that are taken apart again, or put into larger ones: sequences of characters, say.

    Where the larger ones only go round the devices, it is these that are left out.
    """
    found: set[Site] = set()
    for call in seen.methods(*_BATCHED, "unbatch"):
        receiver = call.frame.term(call.frame.term(call.term).args[0]).args[0]
        steps = written_pipeline(call.frame, receiver).steps
        batches = {step.site for step in steps if step.name in _BATCHED}
        given = call.frame.term(call.term).args[1:2]
        words = {word for each in given for word in seen.evaluator.value(call.frame, each).words}
        found |= {call.site} if batches and words & _DEVICES and call.name != "unbatch" else batches
    return frozenset(found)


def _of_pipelines(seen: Observations) -> Iterator[Value]:
    """What data sets are batched by, without those that say they are for evaluation.

    Where some say that they are for training, theirs alone.
    """
    inner = _inner_batches(seen)
    found: list[tuple[str, Value]] = []
    for call in seen.methods(*_BATCHED):
        record = call.frame.term(call.term)
        texts = [*seen.texts(call.frame, record.args[0]), *bound_names(call), call.frame.facts.qualname]
        evaluates = {word for text in texts for word in words_of(text)} & program_words("eval")
        if evaluates or call.site in inner:
            continue
        params = [Parameter("batch_size", "normal", True)]
        for use in pipeline_uses(seen, call, iter(texts)):
            given = seen.evaluator.binder.bind(use.frame, call.term, params).get("batch_size")
            if given is not None and use.role != "eval":
                found.append((use.role, leaf(given, call)))
    trains = [size for role, size in found if role == "train"]
    yield from trains or (size for _, size in found)


def full_batch(seen: Observations, size: Resolved | None) -> Resolved | None:
    """The batch size that is meant by `min(64, len(data))`: only data that is smaller still gives another."""
    if size is None or size.kind != "object" or size.name != "builtins.min" or size.frame is None:
        return size
    arguments = size.frame.term(size.term).args[1:]
    given = [seen.evaluator.value(size.frame, each).default() for each in arguments]
    known = [each for each in given if each.is_number]
    others = [each for each in given if not each.is_number]
    if len(known) == 1 and others and all(each.name == "builtins.len" for each in others):
        return known[0]
    return size
