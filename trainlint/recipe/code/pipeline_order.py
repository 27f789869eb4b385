"""Training pipelines that shuffle by a method: `train_ds.shuffle(1024)`."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.model import State, Value


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
    names = (leaf.name for leaf in receiver.alternatives() if leaf.kind == "object")
    return any(name.startswith(("tensorflow.data", "tensorflow_datasets", "keras.utils")) for name in names)


def _is_for_training(seen: Observations, call: Call) -> bool:
    words = {word for text in texts_of(seen, call) for word in words_of(text)}
    return bool(words & program_words("train")) and not words & program_words("eval")


def texts_of(seen: Observations, call: Call) -> Iterator[str]:
    """The names around a call of a pipeline's method: what it is called on, bound to, and stands under."""
    facts = call.frame.facts
    yield from seen.texts(call.frame, call.frame.term(call.term).args[0])
    yield facts.qualname
    for condition in call.event.conditions:
        if condition.holds:
            yield from seen.texts(call.frame, condition.term)
    for event in facts.events:
        if event.kind == "bind" and event.term == call.term:
            yield event.name
