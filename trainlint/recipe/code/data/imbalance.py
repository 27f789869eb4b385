"""How a program makes up for rare classes: by drawing them more often, by weighting their loss."""

from __future__ import annotations

from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.model import Value

_FIELDS = ("weight", "pos_weight")
_MOVES = frozenset({"to", "cuda", "float", "double", "half"})
_CLASS_WEIGHTED = frozenset({"CrossEntropyLoss", "NLLLoss", "cross_entropy", "nll_loss", "BCEWithLogitsLoss"})


def class_weights(seen: Observations) -> dict[str, Value]:
    """`loss.class_weights`, where one loss of the program surely weights its classes."""
    for call in seen.made("loss"):
        if call.name.rpartition(".")[2] not in _CLASS_WEIGHTED or not _is_for_training(seen, call):
            continue
        for field in _FIELDS:
            if _is_weighted(seen, call, field) and not _is_sample_weight(call, field):
                return {"loss.class_weights": derived(call.name.rpartition(".")[2], call.span)}
    return {}


def _is_for_training(seen: Observations, call: Call) -> bool:
    words = set(words_of(call.frame.facts.qualname)) | {
        word for name in seen.names((call.site,)) for word in words_of(name)
    }
    happens = seen.happens(call.frame, call.event.conditions) is True
    return happens and not words & program_words("evaluate")


def _is_sample_weight(call: Call, field: str) -> bool:
    """Of the binary losses, `weight` is per sample."""
    return field == "weight" and "BCE" in call.name


def _is_weighted(seen: Observations, call: Call, field: str) -> bool:
    """Whether a tensor is passed: not None, nor what may be None, nor an option."""
    given = seen.argument(call, field)
    if given is None or given.option:
        return False
    if given.kind == "unknown":
        return _is_computed(call, field)
    return given.kind in ("object", "part", "sequence")


def _is_computed(call: Call, field: str) -> bool:
    """Whether the argument, as passed by its keyword, is arithmetic, moved or cast: that is never None."""
    record = call.frame.term(call.term)
    parameter = call.entry.fields.get(field) if call.entry is not None else None
    for key, argument in zip(record.keys, record.args[1:], strict=True):
        if key == parameter:
            return _is_arithmetic(call, argument)
    return False


def _is_arithmetic(call: Call, term: int) -> bool:
    record = call.frame.term(term)
    callee = call.frame.term(record.args[0]) if record.op == "call" else record
    if record.op == "call" and callee.op == "attr" and callee.name in _MOVES:
        return _is_arithmetic(call, callee.args[0])
    return record.op == "bin"
