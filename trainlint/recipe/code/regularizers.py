"""What holds a program's fit back: dropout, label smoothing, mixup, stochastic depth."""

from __future__ import annotations

from trainlint.analysis.evaluation.operators import truthiness
from trainlint.recipe.code.leaves import leaf
from trainlint.recipe.code.observe import Call, Observations
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
        switched = _hangs_on_an_option(seen, call)
        if seen.runs(call) is False:
            continue
        if not value.known or not isinstance(value.value, (int, float)) or value.value <= 0:
            switchable = switchable and value.known
            continue
        if not switched and (given is None or not (given.option or given.kind == "choice")):
            switchable = False
        path = _PATHS[entry.regularizer]
        known = found.get(path)
        if known is None or not isinstance(known.value, (int, float)) or value.value > known.value:
            found[path] = value
    if found:
        first = next(iter(found.values()))
        found["reg.all_switchable"] = Value(switchable, first.state, span=first.span)
    return found


def _hangs_on_an_option(seen: Observations, call: Call) -> bool:
    """Whether a branch decides that the command line takes, or what was not read: `if args.plain:`."""
    values = (seen.evaluator.value(call.frame, each.term) for each in call.event.conditions)
    return any(value.option or truthiness(value) is None for value in values)
