"""How many samples one device takes at a time: from loaders, `fit`, or `.batch(n)` of a data pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from trainlint.analysis.evaluation.values import Resolved
from trainlint.analysis.facts import Parameter
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.leaves import derived, leaf, unknown_value
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Value

_BATCHED = ("batch", "padded_batch")


def batch_facts(
    seen: Observations, training: Training, loaders: Sequence[dict[str, Value]]
) -> dict[str, Value]:
    """`batch.per_device`, and `batch.grad_accum` where it is known."""
    sizes = [each["loader.batch_size"] for each in loaders if each["loader.role"].value == "train"]
    sizes = sizes or list(_of_fits(seen, training))
    if not sizes:
        sizes = list(_of_pipelines(seen))
        if not sizes:
            return {"batch.per_device": unknown_value("no training loader was found")}
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


def _of_pipelines(seen: Observations) -> Iterator[Value]:
    """What data sets are batched by, without those that say they are for evaluation."""
    for call in seen.methods(*_BATCHED):
        record = call.frame.term(call.term)
        bound = [
            event.name
            for event in call.frame.facts.events
            if event.kind == "bind" and event.term == call.term
        ]
        texts = [*seen.texts(call.frame, record.args[0]), *bound, call.frame.facts.qualname]
        if {word for text in texts for word in words_of(text)} & program_words("eval"):
            continue
        for argument in record.args[1:2]:
            yield leaf(seen.evaluator.value(call.frame, argument), call)


def full_batch(seen: Observations, size: Resolved | None) -> Resolved | None:
    """The batch size that is meant by `min(64, len(data))`: only data that is smaller still gives another."""
    if size is None or size.kind != "object" or size.name != "builtins.min" or size.frame is None:
        return size
    given = [seen.evaluator.value(size.frame, each) for each in size.frame.term(size.term).args[1:]]
    known = [each for each in given if each.is_number]
    others = [each for each in given if not each.is_number]
    if len(known) == 1 and others and all(each.name == "builtins.len" for each in others):
        return known[0]
    return size
