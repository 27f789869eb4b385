"""The command-line options of a program as facts."""

from __future__ import annotations

from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.model import State, Value


def flag_elements(seen: Observations) -> list[dict[str, Value]]:
    """One mapping of `flag.*` values for each option that a type turns its text into, in order of place."""
    found = []
    for options in seen.evaluator.options.declared().values():
        for option in options:
            if not option.kind or option.at is None:
                continue
            name = option.default.option
            found.append((option.at, name, option.kind.rpartition(".")[2].rpartition("::")[2], option.kind))
    return [
        {
            "flag.name": Value(name, State.EXPLICIT, span=at),
            "flag.type": Value(shown, State.EXPLICIT, span=at),
            "flag.builtin": derived(kind.startswith("builtins."), at),
        }
        for at, name, shown, kind in sorted(found, key=lambda each: each[0])
    ]
