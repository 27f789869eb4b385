"""How far experiment configs are from the config they are based on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from trainlint.checks.config_hits import fact
from trainlint.checks.judge import label
from trainlint.checks.project import ProjectView
from trainlint.recipe.model import Hit, Link, Recipe, State, Value

_THINGS: dict[str, tuple[str, ...]] = {
    "optimizer": ("optimizer.name", "optimizer.lr", "optimizer.weight_decay", "optimizer.momentum"),
    "batch": ("batch.per_device", "batch.effective", "batch.grad_accum"),
    "schedule": ("schedule.name", "train.epochs", "train.steps", "warmup.length"),
    "mixup": ("reg.mixup",),
    "label smoothing": ("reg.label_smoothing",),
    "dropout": ("reg.dropout",),
    "drop path": ("reg.drop_path",),
}
"""What one may change by itself, and the values that go with it: another optimizer wants another rate."""

_REGULARISER = "reg."
"""What no config writes unless it is on: a base that says nothing of it is without."""

_SAME = ("model.name", "loader.dataset", "data.train_split")
_COMPARED = frozenset({State.EXPLICIT, State.INHERITED, State.OFF, State.DEFAULT})


class _Change(msgspec.Struct, frozen=True):
    """A value that a config gives otherwise than its base."""

    path: str
    mine: Value
    theirs: Value


def many_changes_from_baseline(project: ProjectView) -> Iterator[Hit]:
    """A hit for every config that trains the same network on the same data as its base, and otherwise in
    several ways at once. How many are too many is for the page to say.
    """
    runs = {recipe.entry: recipe for recipe in project.recipes if recipe.kind == "recipe"}
    for recipe in runs.values():
        base = runs.get(recipe.files[1]) if len(recipe.files) > 1 else None
        if base is not None and _is_comparable(recipe, base):
            changes = _changes(recipe, base)
            if len(changes) > 1:
                yield _hit(recipe, base, changes)


def _is_comparable(recipe: Recipe, base: Recipe) -> bool:
    purposes = {each.get("meta.purpose").value for each in (recipe, base)}
    return purposes == {"scratch"} and all(_alike(recipe.get(path), base.get(path)) for path in _SAME)


def _alike(mine: Value, theirs: Value) -> bool:
    return mine.value == theirs.value and mine.known == theirs.known


def _changes(recipe: Recipe, base: Recipe) -> dict[str, list[_Change]]:
    """What is changed → its values. A rate that follows the batch is no change of its own."""
    found: dict[str, list[_Change]] = {}
    for thing, paths in _THINGS.items():
        changed = [each for path in paths if (each := _change(path, recipe, base)) is not None]
        if changed:
            found[thing] = changed
    rate = found.get("optimizer", [])
    if (
        "batch" in found
        and [each.path for each in rate] == ["optimizer.lr"]
        and _follows(rate[0], found["batch"])
    ):
        del found["optimizer"]
    return found


def _change(path: str, recipe: Recipe, base: Recipe) -> _Change | None:
    """How a value differs; None where it does not, or one of them is not known."""
    mine, theirs = recipe.get(path), base.get(path)
    if path.startswith(_REGULARISER) and path not in base.facts and mine.state is State.EXPLICIT:
        theirs = Value(None, State.OFF)
    if mine.state not in _COMPARED or theirs.state not in _COMPARED or mine.span is None:
        return None
    same = mine.value == theirs.value and mine.unit == theirs.unit
    written = mine.span.path == recipe.entry and mine.state is not State.DEFAULT
    return None if same or not written else _Change(path, mine, theirs)


def _follows(rate: _Change, batches: list[_Change]) -> bool:
    factor = _ratio(rate)
    return factor is not None and any(_ratio(each) == factor for each in batches)


def _ratio(change: _Change) -> float | None:
    mine, theirs = change.mine.value, change.theirs.value
    if not isinstance(mine, int | float) or not isinstance(theirs, int | float) or not theirs:
        return None
    return round(mine / theirs, 6)


def _hit(recipe: Recipe, base: Recipe, changes: Mapping[str, list[_Change]]) -> Hit:
    every = [each for group in changes.values() for each in group]
    first = min((each.mine.span for each in every if each.mine.span is not None), key=lambda at: at.line)
    facts = {
        "changes": fact(len(changes), first),
        "base": fact(base.entry, first),
        "listed": fact(", ".join(changes), first),
    }
    links = (Link(each.mine.span, _told(each)) for each in every if each.mine.span is not None)
    evidence = "; ".join(f"{each.path}={each.mine.value}" for each in every)
    return Hit(first, facts, tuple(links), program=recipe.entry, evidence=evidence)


def _told(change: _Change) -> str:
    return f"{label(change.path, change.mine)}; {label(change.path, change.theirs)} in the base"
