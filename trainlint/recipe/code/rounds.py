"""Training loops that are not over a plain number: batches taken from an endless pipeline, whole epochs."""

from __future__ import annotations

from trainlint.analysis.evaluation.operators import truthiness
from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Loop
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.data.tf_pipelines import pipeline_of
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.model import State, Value

ALL_EPOCHS = "epochs of batches"
"""The unit of a loop over all batches of so many epochs."""

_PASSES = frozenset({"enumerate", "tqdm", "as_numpy", "as_numpy_iterator", "iter"})
_CHANGES_COUNT = frozenset(
    "batch padded_batch ragged_batch unbatch repeat window flat_map interleave filter".split()
)
_EPOCHS = frozenset({"epoch", "epochs"})
_DEPTH = 6


def batches_taken(seen: Observations, frame: Frame, loop: Loop) -> Value | None:
    """How many batches a loop takes from a pipeline without an end: `data.repeat().batch(8).take(100)`.

    In steps; None for other loops, and where the pipeline may be over before.
    """
    if loop.kind != "for":
        return None
    pipeline = pipeline_of(_inside(seen, seen.evaluator.value(frame, loop.source)))
    names = [step.name for step in pipeline.steps] if pipeline is not None else []
    if pipeline is None or "take" not in names:
        return None
    last = len(names) - 1 - names[::-1].index("take")
    if _CHANGES_COUNT & set(names[last + 1 :]):
        return None
    endless = any(
        step.name == "repeat" and len(step.frame.term(step.term).args) == 1 for step in pipeline.steps[:last]
    )
    step = pipeline.steps[last]
    arguments = step.frame.term(step.term).args[1:2]
    count = [seen.evaluator.value(step.frame, each).default() for each in arguments]
    if not endless or not count or not count[0].is_number:
        return None
    where = next((origin.span for origin in count[0].origins if origin.span is not None), None)
    state = State.DERIVED if count[0].derived else State.EXPLICIT
    return Value(count[0].value, state, "steps", where or frame.span(loop.source))


def _inside(seen: Observations, value: Resolved) -> Resolved:
    """What is iterated behind enumerate and progress bars."""
    for _ in range(_DEPTH):
        if value.kind != "object" or value.frame is None or value.name.rpartition(".")[2] not in _PASSES:
            break
        arguments = value.frame.term(value.term).args[1:2]
        inner = value.items[:1] or tuple(seen.evaluator.value(value.frame, each) for each in arguments)
        if not inner:
            break
        value = inner[0]
    return value


def epochs_in(seen: Observations, frame: Frame, term: int, depth: int = _DEPTH) -> Value | None:
    """The epochs of a number of batches that is not known: the factor of `steps_per_epoch * num_epochs` that
    is named so."""
    record = frame.term(term)
    if depth == 0:
        return None
    if record.op == "if":
        truth = truthiness(seen.evaluator.value(frame, record.args[0]))
        return None if truth is None else epochs_in(seen, frame, record.args[1 if truth else 2], depth - 1)
    if record.op == "call" and frame.term(record.args[0]).name == "builtins.int" and len(record.args) == 2:
        return epochs_in(seen, frame, record.args[1], depth - 1)
    if record.op != "bin" or record.name not in ("*", "/", "//"):
        return None
    values = [seen.evaluator.value(frame, side).default() for side in record.args]
    if record.name != "*":
        return None if values[0].is_number else epochs_in(seen, frame, record.args[0], depth - 1)
    for side, value, other in ((0, values[0], values[1]), (1, values[1], values[0])):
        texts = (*value.words, value.option, *seen.texts(frame, record.args[side]))
        named = _EPOCHS & {word for text in texts for word in words_of(text)}
        if value.is_number and not other.is_number and named:
            span = next((origin.span for origin in value.origins if origin.span is not None), None)
            return Value(value.value, State.DERIVED, ALL_EPOCHS, span or frame.span(record.args[side]))
    return None
