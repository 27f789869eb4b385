"""What holds a program's fit back: dropout, label smoothing, mixup, stochastic depth."""

from __future__ import annotations

from trainlint.recipe.code.leaves import leaf
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.model import Value

_PATHS = {
    "dropout": "reg.dropout",
    "label_smoothing": "reg.label_smoothing",
    "mixup": "reg.mixup",
    "drop_path": "reg.drop_path",
}


def regularizers(seen: Observations) -> dict[str, Value]:
    """`reg.*`: for each kind the largest known strength; switchable where every one hangs on an option or a
    config."""
    found: dict[str, Value] = {}
    switchable = True
    for call in seen.calls:
        entry = call.entry
        if entry is None or call.method or entry.regularizer not in _PATHS:
            continue
        parameter = entry.fields.get(entry.regularizer)
        if parameter is None:
            continue
        given = seen.arguments(call).get(parameter)
        value = leaf(given, call, default=entry.default(entry.regularizer), unit="ratio")
        if not value.known or not isinstance(value.value, (int, float)) or value.value <= 0:
            switchable = switchable and value.known
            continue
        if given is None or not (given.option or given.kind == "choice"):
            switchable = False
        path = _PATHS[entry.regularizer]
        known = found.get(path)
        if known is None or not isinstance(known.value, (int, float)) or value.value > known.value:
            found[path] = value
    if found:
        first = next(iter(found.values()))
        found["reg.all_switchable"] = Value(switchable, first.state, span=first.span)
    return found
