"""Training pipelines that shuffle by a method: `train_ds.shuffle(1024)`."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.facts import Parameter
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.data.pipeline_uses import pipeline_uses
from trainlint.recipe.code.data.tf_pipelines import receivers
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.model import State, Value

_LIBRARIES = ("tensorflow.data", "tensorflow_datasets", "keras.utils")


def shuffled_pipelines(seen: Observations) -> list[dict[str, Value]]:
    """One mapping of `loader.*` values for each training pipeline that is seen to shuffle, in order.

    Only those are told: that a pipeline does not shuffle is no fact while parts of it may be unread.
    """
    return [
        {
            "loader.role": derived("train", call.span),
            "loader.order": derived("random", call.span),
            "loader.style": derived("iterable", call.span),
            "loader.shuffle": Value(True, State.EXPLICIT, span=call.span),
        }
        for call in seen.methods("shuffle")
        if _is_pipeline(seen, call) and _is_for_training(seen, call)
    ]


def _is_pipeline(seen: Observations, call: Call) -> bool:
    """Whether what is shuffled comes from a data library: `random.shuffle(paths)` is none."""
    receiver = seen.evaluator.receiver(call.frame.facts, call.event)
    leaves = receiver.alternatives()
    if any(leaf.kind == "object" and leaf.name.startswith(_LIBRARIES) for leaf in leaves):
        return True
    return all(leaf.kind == "unknown" for leaf in leaves) and _has_buffer(seen, call)


def _has_buffer(seen: Observations, call: Call) -> bool:
    """Whether a file that uses TensorFlow shuffles through a buffer of so many samples: only pipelines do."""
    if not any(True for _ in receivers(seen, call)):
        return False
    params = [Parameter(name, "normal", True) for name in ("buffer_size", "seed", "reshuffle_each_iteration")]
    size = seen.evaluator.binder.bind(call.frame, call.term, params).get("buffer_size")
    keys = call.frame.term(call.term).keys
    return "buffer_size" in keys or (size is not None and size.default().is_number)


def _is_for_training(seen: Observations, call: Call) -> bool:
    words = {word for text in texts_of(seen, call) for word in words_of(text)}
    if words & program_words("train") or words & program_words("eval"):
        return not words & program_words("eval")
    uses = pipeline_uses(seen, call, iter(texts_of(seen, call)))
    return any(use.role == "train" for use in uses)


def texts_of(seen: Observations, call: Call) -> Iterator[str]:
    """The names around a call of a pipeline's method: what it is called on, bound to, and stands under."""
    facts = call.frame.facts
    yield from seen.texts(call.frame, call.frame.term(call.term).args[0])
    yield facts.qualname
    for condition in call.event.conditions:
        if condition.holds:
            yield from seen.texts(call.frame, condition.term)
    yield from bound_names(call)


def bound_names(call: Call) -> Iterator[str]:
    """The names that the result of a call gets."""
    for event in call.frame.facts.events:
        if event.kind == "bind" and event.term == call.term:
            yield event.name
