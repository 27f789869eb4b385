"""Objects that a program makes side by side: those of which it takes one, and those that are alike."""

from __future__ import annotations

from collections.abc import Sequence

from trainlint.recipe.code.leaves import absent
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.model import Value

_AGREED = {
    "optimizer.name": "optimizer.name",
    "optimizer.lr": "optimizer.lr",
    "optimizer.schedule.name": "schedule.name",
}
"""What is said of all optimizers where they agree, and where a recipe says it."""


def is_passed_over(seen: Observations, call: Call) -> bool:
    """Whether an object is made in a dict of alternatives of which another is taken:
    `{"sgd": SGD(…), "adam": Adam(…)}[name]`."""
    terms = call.frame.facts.terms
    for index, record in enumerate(terms):
        if record.op != "dict" or call.term not in record.args[1::2]:
            continue
        own = terms[record.args[2 * record.args[1::2].index(call.term)]].value
        takers = [each for each in terms if index in each.args]
        if any(each.op != "item" or each.args[0] != index for each in takers):
            return False
        taken = [seen.evaluator.value(call.frame, each.args[1]).default() for each in takers]
        return bool(taken) and all(key.kind == "const" and key.value != own for key in taken)
    return False


def agreed_facts(optimizers: Sequence[dict[str, Value]]) -> dict[str, Value]:
    """What several optimizers have in common, as those of a generator and its critic do."""
    first = optimizers[0]
    found = {
        path: first[own]
        for own, path in _AGREED.items()
        if first[own].known
        and all(each[own].known and each[own].value == first[own].value for each in optimizers)
    }
    schedule = found.get("schedule.name")
    if schedule is not None and schedule.value == "constant":
        found["warmup.length"] = absent(schedule.span)
    return found
