"""Shuffles of data pipelines: whether they come after the batching, and how much of the data they see."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Resolved, Site
from trainlint.analysis.facts import Parameter
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.ancestry import Ancestry
from trainlint.recipe.code.data.pipeline_order import texts_of
from trainlint.recipe.code.data.tf_pipelines import BATCHES, TfPipeline, receivers, written_pipeline
from trainlint.recipe.code.leaves import absent, derived, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.model import Value

_JOINS = frozenset({"concatenate", "vstack", "hstack", "stack", "append", "repeat", "concat", "tile"})


def pipeline_shuffles(seen: Observations) -> list[dict[str, Value]]:
    """One mapping of `shuffle.*` values for each shuffle of a TensorFlow pipeline, in order."""
    found = []
    batched_again: frozenset[Site] | None = None
    for call in seen.methods("shuffle"):
        pipelines = list(receivers(seen, call))
        if not pipelines or any(pipeline.base is None and not pipeline.steps for pipeline in pipelines):
            continue
        if batched_again is None:
            batched_again = frozenset(_batched_again(seen))
        found.append(_element(seen, call, pipelines, batched_again))
    return found


def _batched_again(seen: Observations) -> Iterator[Site]:
    """The shuffles whose result is batched afterwards: those put samples in order, whatever these are."""
    for call in seen.methods(*sorted(BATCHES)):
        for pipeline in receivers(seen, call):
            yield from (step.site for step in pipeline.steps if step.name == "shuffle")


def _element(
    seen: Observations, call: Call, pipelines: list[TfPipeline], batched_again: frozenset[Site]
) -> dict[str, Value]:
    span = call.span
    buffer = _argument(seen, call, "buffer_size")
    samples = {_samples(seen, pipeline) for pipeline in pipelines}
    size = samples.pop() if len(samples) == 1 else None
    element = {
        "shuffle.call": derived("shuffle", span),
        "shuffle.role": _role(seen, call),
        "shuffle.batch": absent(span),
        "shuffle.buffer": _number(buffer, call),
        "shuffle.samples": derived(size, span) if size else unknown_value("how much data there is", span),
        "shuffle.permuted": derived(_permuted(seen, call, pipelines), span),
        "shuffle.share": unknown_value("the buffer or the number of samples is not known", span),
    }
    number = element["shuffle.buffer"].value
    if size and isinstance(number, int) and not any(pipeline.batched() for pipeline in pipelines):
        element["shuffle.share"] = derived(round(number / size, 5), span)
    steps = [pipeline.batched() for pipeline in pipelines]
    first = steps[0]
    shuffled = any(pipeline.has("shuffle") for pipeline in pipelines)
    if first is None or None in steps or shuffled or call.site in batched_again:
        return element
    bound = seen.evaluator.binder.bind(first.frame, first.term, [Parameter("batch_size", "normal", True)])
    batch = bound.get("batch_size")
    known = batch.value if batch is not None and batch.is_number else None
    if known != 1:
        text = str(known) if isinstance(known, int) else "some size"
        element["shuffle.batch"] = derived(text, first.frame.span(first.term))
    return element


def _argument(seen: Observations, call: Call, name: str) -> Resolved | None:
    method = seen.evaluator.knowledge.method("shuffle", receiver="tf-dataset")
    params = [Parameter(each.name, each.kind, each.has_default) for each in method.params] if method else []
    return seen.evaluator.binder.bind(call.frame, call.term, params).get(name)


def _number(value: Resolved | None, call: Call) -> Value:
    if value is None or not value.is_number or not isinstance(value.value, int) or value.option:
        return unknown_value("the size of the buffer is not known", call.span)
    return derived(value.value, call.span)


def _samples(seen: Observations, pipeline: TfPipeline) -> int | None:
    """How many samples the pipeline's arrays are known to hold."""
    base = pipeline.base
    cuts = ("take", "skip", "filter", "repeat", "concatenate", "shard", "window", "flat_map", "interleave")
    if base is None or base.frame is None or any(pipeline.has(name) for name in cuts):
        return None
    if not base.name.endswith(".from_tensor_slices"):
        return None
    for frame, term in Ancestry(seen).of((base.frame, base.term)):
        record = frame.term(term)
        if record.op == "item" or (record.op == "call" and _joins(frame.term(record.args[0]).name)):
            return None
        value = seen.evaluator.value(frame, term)
        entry = seen.evaluator.entry(value.name) if value.kind == "object" else None
        samples = entry.extra.get("samples") if entry is not None else None
        if isinstance(samples, int):
            return samples
    return None


def _role(seen: Observations, call: Call) -> Value:
    """What the pipeline is for, by the names around it: eval, or train where nothing says otherwise."""
    words = {word for text in (*texts_of(seen, call), *_names(call)) for word in words_of(text)}
    if words & program_words("train"):
        return derived("train", call.span)
    if words & program_words("eval"):
        return derived("eval", call.span)
    return derived("both", call.span)


def _names(call: Call) -> Iterator[str]:
    """What the pipeline is called where later methods are done to it before it gets a name."""
    frame = call.frame
    named = [(event.name, event.term) for event in frame.facts.events if event.kind == "bind"]
    for name, term in (*named, *frame.facts.bindings.items()):
        if any(step.term == call.term for step in written_pipeline(frame, term).steps):
            yield name


def _joins(name: str) -> bool:
    return name.rpartition(".")[2] in _JOINS


def _permuted(seen: Observations, call: Call, pipelines: list[TfPipeline]) -> bool:
    """Whether the data came in random order already: permuted or split at random before, files listed at
    random."""
    for pipeline in pipelines:
        if pipeline.base is not None and pipeline.base.name.endswith((".list_files", "_from_directory")):
            return True
    files = {call.place[0], *(p.base.frame.facts.path for p in pipelines if p.base and p.base.frame)}
    return any(
        other.place[0] in files and other.entry is not None and other.entry.random is not False
        for other in seen.made("shuffle", "split")
    )
