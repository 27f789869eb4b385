"""How large the network of a run is, and how many things hold its fit back."""

from __future__ import annotations

from trainlint.knowledge.model_sizes import model_size
from trainlint.recipe.model import Link, State, Value

_STACK = {
    "reg.mixup": "mixup or CutMix",
    "reg.label_smoothing": "label smoothing",
    "reg.dropout": "dropout",
    "reg.drop_path": "drop path",
}


def derive_size(facts: dict[str, Value]) -> None:
    """Add model.size, and reg.stacked where two or more regularisers beside the weight decay are on."""
    name = facts.get("model.name")
    size = model_size(name.value) if name is not None and name.known and isinstance(name.value, str) else ""
    if name is not None and size:
        reason = f"{name.value}"
        facts.setdefault("model.size", Value(size, State.DERIVED, "", name.span, name.chain, reason))
    active = {path: facts[path] for path in _STACK if path in facts and _is_on(facts[path])}
    if len(active) > 1:
        first = next(iter(active.values()))
        links = tuple(
            Link(value.span, f"{_STACK[path]} {value.value}") for path, value in active.items() if value.span
        )
        listed = ", ".join(_STACK[path] for path in active)
        facts.setdefault("reg.stacked", Value(listed, State.DERIVED, "", first.span, links))
        facts.setdefault("reg.stack", Value(len(active), State.DERIVED, "", first.span, links))


def _is_on(value: Value) -> bool:
    number = value.value
    return value.known and isinstance(number, int | float) and not isinstance(number, bool) and number > 0
