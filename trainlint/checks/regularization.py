"""Whether a project has a plain run to compare its regularised runs with."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from trainlint.checks.project import ProjectView
from trainlint.recipe.model import Hit, Link, Recipe, State, Value

_REGULARISERS = {
    "reg.weight_decay": "weight decay",
    "reg.dropout": "dropout",
    "reg.label_smoothing": "label smoothing",
    "reg.mixup": "mixup",
    "reg.drop_path": "drop path",
}
_RUN_KINDS = frozenset({"program", "recipe", "partial"})
_MOST_RELATED = 8


class _Run(msgspec.Struct, frozen=True):
    """One way to train: a program, or a config some program reads. `regularised` is None where unknown."""

    recipe: Recipe
    regularised: bool | None
    active: dict[str, Value]
    is_config: bool


def regularization_without_baseline(project: ProjectView) -> Iterator[Hit]:
    """At most one hit: every run of the project regularises beyond the norm and no flag gives a plain one.

    Nothing where a run's regularisation is not known: that run may be the baseline.
    """
    programs = [recipe for recipe in project.recipes if _kind(recipe) == "program" and _trains(recipe)]
    configs = [recipe for recipe in project.recipes if _kind(recipe) != "program" and _trains(recipe)]
    if any(_a_flag_turns_it_off(program) for program in programs):
        return
    runs = [_config_run(config, programs) for config in configs]
    chosen = {config.entry for config in configs}
    runs += [
        _program_run(program)
        for program in programs
        if not chosen.intersection(program.files) and not (configs and _is_told_its_config(program))
    ]
    if not runs or not all(run.regularised and run.active for run in runs):
        return
    if any(_value(run.recipe, "meta.purpose") == "scratch" for run in runs):
        yield _hit(runs)


def _trains(recipe: Recipe) -> bool:
    """Whether the recipe is a run that could be compared with a baseline: real training of fresh weights."""
    if _kind(recipe) not in _RUN_KINDS or _value(recipe, "meta.trains") is False:
        return False
    if _value(recipe, "meta.toy") is True:
        return False
    purpose = recipe.get("meta.purpose")
    return not purpose.known or purpose.value == "scratch"


def _a_flag_turns_it_off(program: Recipe) -> bool:
    """Whether the command line can switch every regulariser off, or it is not known that it cannot.

    A value that a config file sets is no flag: the configs themselves are then the runs to look at.
    """
    active = _active(program)
    if active and all(_set_by_a_config(value) for value in active.values()):
        return False
    return bool(active) and _value(program, "reg.all_switchable") is not False


def _config_run(config: Recipe, programs: list[Recipe]) -> _Run:
    """The config as a run, with what the code of the program that reads it adds whatever the config says."""
    regularised = _known_flag(config)
    active = _active(config)
    for program in programs:
        if config.entry not in program.files:
            continue
        fixed = {path: v for path, v in _active(program).items() if not _set_by_a_config(v)}
        active = {**fixed, **active}
        if fixed and _known_flag(program):
            regularised = True
        elif regularised is None:
            regularised = _known_flag(program)
    return _Run(config, regularised, active, is_config=True)


def _is_told_its_config(program: Recipe) -> bool:
    """Whether a config named at run time decides what it does: its runs are then the project's configs."""
    return any(not value.known and "config file" in value.reason for value in program.facts.values())


def _program_run(program: Recipe) -> _Run:
    return _Run(program, _known_flag(program), _active(program), is_config=False)


def _active(recipe: Recipe) -> dict[str, Value]:
    """The regularisers known to be on, in a fixed order."""
    values = {path: recipe.get(path) for path in _REGULARISERS}
    return {path: value for path, value in values.items() if value.known and _positive(value)}


def _positive(value: Value) -> bool:
    return isinstance(value.value, int | float) and value.value > 0


def _set_by_a_config(value: Value) -> bool:
    return value.span is not None and not value.span.path.endswith((".py", ".ipynb"))


def _known_flag(recipe: Recipe) -> bool | None:
    value = _value(recipe, "reg.any")
    return value if isinstance(value, bool) else None


def _kind(recipe: Recipe) -> object:
    return _value(recipe, "meta.kind") or recipe.kind


def _value(recipe: Recipe, path: str) -> object:
    value = recipe.get(path)
    return value.value if value.known else None


def _hit(runs: list[_Run]) -> Hit:
    runs = sorted(runs, key=lambda run: (-len(run.active), run.recipe.entry))
    first = runs[0]
    places = [
        (value.span, f"{_REGULARISERS[path]} {value.value:g}")
        for run in runs
        for path, value in run.active.items()
        if value.span is not None and isinstance(value.value, int | float)
    ]
    listed = ", ".join(dict.fromkeys(_REGULARISERS[path] for run in runs for path in run.active))
    at = places[0][0] if places else first.recipe.span
    related = dict.fromkeys(Link(span, label) for span, label in places if span != at)
    facts = {
        "runs": Value(len(runs), State.DERIVED, span=at),
        "configs": Value(sum(run.is_config for run in runs), State.DERIVED, span=at),
        "regularisers": Value(listed, State.DERIVED, span=at),
    }
    return Hit(
        at=at,
        facts=facts,
        related=tuple(related)[:_MOST_RELATED],
        program=first.recipe.entry,
        evidence="; ".join(f"{run.recipe.entry}: {', '.join(run.active)}" for run in runs),
    )
