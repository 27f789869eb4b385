"""Recurrent layers, and whether anything clips the gradients that flow through them."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Resolved
from trainlint.findings import Span
from trainlint.knowledge.layers import layer_kind
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.optimization.optimizers import Optimizers
from trainlint.recipe.code.programs import runs_when_made
from trainlint.recipe.model import State, Value

_KEYWORDS = frozenset(
    "clipnorm clipvalue global_clipnorm gradient_clip_val grad_clip max_grad_norm clip_grad clip_norm"
    " grad_clip_norm clip_grad_norm gradient_clip gradient_clipping".split()
)
_CLIP_WORDS = ("clip", "clamp")
_CLIPPERS = ("trainer", "optimizer")
"""Kinds of calls that take an argument which makes them clip."""


def recurrence(
    seen: Observations, optimizers: Optimizers, batched: bool, at: Span | None
) -> dict[str, Value]:
    """`model.recurrent` and `train.clips`; nothing of a model without a recurrent layer.

    Without batches (`batched`, from a loader) or a `fit` it is a demonstration on a few samples.
    """
    layers = [call for call in seen.calls if _is_recurrent(call)]
    if not layers or not (batched or seen.methods("fit")):
        return {}
    first = layers[0]
    return {
        "model.recurrent": Value(first.name.rpartition(".")[2], State.EXPLICIT, span=first.span),
        "train.clips": _clips(seen, optimizers, at),
    }


def _is_recurrent(call: Call) -> bool:
    if call.method:
        return False
    known = call.entry is not None and bool(call.entry.extra.get("recurrent"))
    return known or layer_kind(call.name) == "recurrent"


def _clips(seen: Observations, optimizers: Optimizers, at: Span | None) -> Value:
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
    for call in seen.made(*_CLIPPERS):
        if any(not _is_none(value) for key, value in seen.arguments(call).items() if key in _KEYWORDS):
            return derived(True, at)
        if not seen.complete(call):
            return unknown_value("a starred argument may ask for clipping", call.span)
    unread = (
        seen.unread.value("clip")
        or _compiled_with(seen)
        or _told_from_outside(seen, at)
        or (None if optimizers.calls else optimizers.stepped())
    )
    if unread is not None:
        return unread
    if any(
        call.entry is not None and call.entry.framework == "transformers" for call in seen.made("trainer")
    ):
        return derived(True, at)
    steps = seen.methods("backward", "minimize", "apply_gradients", "fit")
    placed = next((call.span for call in steps if call.span is not None), at)
    return derived(False, placed)


def _compiled_with(seen: Observations) -> Value | None:
    """Why what a Keras model is compiled with may clip: it was made by a call that was not read."""
    for call in seen.methods("compile"):
        record = call.frame.term(call.term)
        given = dict(zip(record.keys, record.args[1:], strict=True)).get("optimizer")
        for leaf in seen.evaluator.value(call.frame, given).alternatives() if given is not None else ():
            known = seen.evaluator.entry(leaf.name) if leaf.kind == "object" else None
            if leaf.kind == "unknown" or (leaf.kind in ("object", "external") and known is None):
                return unknown_value(f"{leaf.name or 'the optimizer'} was not read", call.span)
    return None


def _told_from_outside(seen: Observations, at: Span | None) -> Value | None:
    """An unknown leaf where the trainer takes its arguments from a command line or a config file."""
    if not seen.program.imports(runs_when_made):
        return None
    return unknown_value("the command line or a config file may ask for clipping", at)


def _is_none(value: Resolved) -> bool:
    return value.kind == "const" and not value.value
