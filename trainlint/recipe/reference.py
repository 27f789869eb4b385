"""What a rate is measured by: the scale of its data, and the usual rate for 256 samples."""

from __future__ import annotations

import re
from collections.abc import Iterable

from trainlint.knowledge.formats import load_formats
from trainlint.recipe.model import State, Value

_USUAL_RATE, _USUAL_BATCH = 0.1, 256
_EXPONENTS = {"sgd": 1.0}
_WORDS = re.compile(r"[^a-z0-9]+")


def derive_reference(facts: dict[str, Value], *, batch_known: bool) -> None:
    """Add data.scale, and for SGD on ImageNet with a batch-norm net the conventional reference.

    `batch_known` is false where one device's batch stands for the whole one.
    """
    scale = facts.get("data.scale") or data_scale(facts)
    if scale is not None:
        facts["data.scale"] = scale
    batch, rate = facts.get("batch.effective"), facts.get("rate.peak")
    if scale is None or scale.value != "imagenet" or batch is None or rate is None or not batch_known:
        return
    family, size, peak = facts.get("optimizer.family"), batch.value, rate.value
    exponent = _EXPONENTS.get(str(family.value)) if family is not None else None
    if exponent is None or not batch.known or not _has_batch_norm(facts.get("model.name")):
        return
    if not isinstance(size, int | float) or not isinstance(peak, int | float) or size <= 0:
        return
    expected = _USUAL_RATE * (size / _USUAL_BATCH) ** exponent
    why = f"{_USUAL_RATE} for {_USUAL_BATCH} samples, linear in the batch"
    facts["rate.reference"] = Value(_USUAL_RATE, State.DERIVED, "rate", reason=why)
    facts["batch.reference"] = Value(_USUAL_BATCH, State.DERIVED, "samples", reason=why)
    facts["rate.reference_kind"] = Value("convention", State.DERIVED, reason=why)
    facts["rate.expected"] = Value(expected, State.DERIVED, "rate", batch.span, batch.chain, why)
    facts["rate.scaling_ratio"] = Value(peak / expected, State.DERIVED, "ratio", rate.span, rate.chain, why)


def data_scale(facts: dict[str, Value]) -> Value | None:
    """imagenet or small, by the words of the data set's name or path; None where they say neither."""
    for path in ("loader.dataset", "data.train_split"):
        value = facts.get(path)
        if value is None or not value.known or not isinstance(value.value, str):
            continue
        scale = scale_of(value.value)
        if scale:
            return Value(scale, State.DERIVED, span=value.span, reason=f"`{value.value}`")
    return None


def scale_of(text: str) -> str:
    """imagenet or small, where the words of a text say one of them; else ""."""
    scales = load_formats().recognition.data_scales
    found = {scale for scale, words in scales.items() if _has_word(text, words)}
    if len(found) > 1:
        found.discard("imagenet")  # tiny-imagenet, imagenet100
    return found.pop() if len(found) == 1 else ""


def _has_batch_norm(model: Value | None) -> bool:
    if model is None or not model.known or not isinstance(model.value, str):
        return False
    name = model.value.lower()
    return "bn" in name or not any(
        name.startswith(word) for word in load_formats().recognition.without_batch_norm
    )


def _has_word(text: str, words: Iterable[str]) -> bool:
    plain = f"_{_WORDS.sub('_', text.lower())}_"
    return any(f"_{word}_" in plain for word in words)
