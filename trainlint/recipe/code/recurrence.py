"""Recurrent layers, and whether anything clips the gradients that flow through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainlint.analysis.evaluation.values import Resolved
from trainlint.findings import Span
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.model import State, Value

_KEYWORDS = frozenset(
    "clipnorm clipvalue global_clipnorm gradient_clip_val grad_clip max_grad_norm clip_grad clip_norm"
    " grad_clip_norm clip_grad_norm gradient_clip gradient_clipping".split()
)
_CLIP_WORDS = ("clip", "clamp")


def recurrence(
    seen: Observations, loaders: Sequence[Mapping[str, Value]], at: Span | None
) -> dict[str, Value]:
    """`model.recurrent` and `train.clips`; nothing of a model without a recurrent layer.

    Without batches from a loader or a `fit` it is a demonstration on a few samples.
    """
    layers = [call for call in seen.calls if call.entry is not None and call.entry.extra.get("recurrent")]
    batches = any(each["loader.role"].value == "train" for each in loaders) or bool(seen.methods("fit"))
    if not layers or not batches:
        return {}
    first = layers[0]
    return {
        "model.recurrent": Value(first.name.rpartition(".")[2], State.EXPLICIT, span=first.span),
        "train.clips": _clips(seen, at),
    }


def _clips(seen: Observations, at: Span | None) -> Value:
    """Whether anything in reach clips; False only when nothing unread takes the steps."""
    program = seen.program
    for place in program.reach.places:
        for name in program.reach.unit(place).calls:
            simple = name.rpartition(".")[2].lower()
            if any(word in simple for word in _CLIP_WORDS):
                return derived(True, at)
    for call in seen.calls:
        for key, argument in zip(
            call.frame.term(call.term).keys, call.frame.term(call.term).args[1:], strict=True
        ):
            if key in _KEYWORDS and not _is_none(seen.evaluator.value(call.frame, argument)):
                return derived(True, at)
    unread = seen.unread.value("clip")
    if unread is not None:
        return unread
    if any(
        call.entry is not None and call.entry.framework == "transformers" for call in seen.made("trainer")
    ):
        return derived(True, at)
    steps = seen.methods("backward", "minimize", "apply_gradients", "fit")
    placed = next((call.span for call in steps if call.span is not None), at)
    return derived(False, placed)


def _is_none(value: Resolved) -> bool:
    return value.kind == "const" and not value.value
