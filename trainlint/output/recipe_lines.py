"""Configs of a folder for people: one line each, and below it what differs from the config's base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainlint.findings import Span
from trainlint.output.places import Places
from trainlint.output.recipe import shown_value
from trainlint.output.terminal import Style, pad, visible, width
from trainlint.recipe.model import Recipe, State, Value

SUMMARY = {
    "optimizer.name": "",
    "optimizer.lr": "rate",
    "schedule.name": "",
    "warmup.length": "warmup",
    "batch.effective": "batch",
    "batch.per_device": "per device",
    "train.length": "",
    "repro.seed": "seed",
}
"""The fields a line tells, with the word in front of each; "" where the value speaks for itself."""

_ABSENT = "–"
_WRITTEN = frozenset({State.EXPLICIT, State.INHERITED, State.OFF, State.DEFAULT})
_WIDEST_PATH = 60


def config_lines(
    recipes: Sequence[tuple[Recipe, Places]], known: Sequence[tuple[Recipe, Places]], style: Style
) -> str:
    """The lines of configs, in their order; those with bases have a second one.

    `known` are all recipes there are, of which some may be bases.
    """
    by_entry = {(places.root, recipe.entry): recipe for recipe, places in known}
    column = min(max((width(_path(*each)) for each in recipes), default=0), _WIDEST_PATH)
    lines: list[str] = []
    for recipe, places in recipes:
        lines.append(f"{style('bold', pad(_path(recipe, places), column))}  {_summary(recipe)}".rstrip())
        base = _base(recipe, places, by_entry)
        told = _differences(recipe, base) if base is not None else _own(recipe)
        if told and len(recipe.files) > 1:
            against = f"against {visible(places.path(base.entry))}" if base is not None else "over its bases"
            lines.append(style("dim", f"    {against}: ") + "; ".join(told))
    return "\n".join(lines) + "\n" if lines else ""


def _path(recipe: Recipe, places: Places) -> str:
    return visible(places.path(recipe.entry))


def _summary(recipe: Recipe) -> str:
    shown: list[str] = []
    for path, word in SUMMARY.items():
        value = recipe.facts.get(path)
        known = value is not None and (value.known or value.state is State.OFF)
        if value is None or not known or (path == "batch.per_device" and _known(recipe, "batch.effective")):
            continue
        if value.state is State.OFF:
            shown.append(f"no {word}" if word else "")
        elif (
            path == "batch.effective" and value.state is State.DEFAULT and _known(recipe, "batch.per_device")
        ):
            shown.append(f"{word} {shown_value(path, value)} a device")
        else:
            shown.append(f"{word} {shown_value(path, value)}".strip())
    return ", ".join(filter(None, shown))


def _known(recipe: Recipe, path: str) -> bool:
    value = recipe.facts.get(path)
    return value is not None and value.known


def _base(recipe: Recipe, places: Places, by_entry: Mapping[tuple[str, str], Recipe]) -> Recipe | None:
    """The recipe of the file that a config names first as its base; None where that is none by itself."""
    return by_entry.get((places.root, recipe.files[1])) if len(recipe.files) > 1 else None


def _differences(recipe: Recipe, base: Recipe) -> list[str]:
    """What is trained with in place of what the base says, field by field."""
    told = {}
    for path in recipe.facts.keys() | base.facts.keys():
        mine, theirs = recipe.facts.get(path), base.facts.get(path)
        if not path.startswith("meta.") and _tells(path, mine, theirs):
            before, after = (_shown(path, each) for each in (theirs, mine))
            if before != after:
                told[path] = f"{before} → {after}"
    return _once(recipe, told)


def _tells(path: str, *values: Value | None) -> bool:
    """Whether a field is worth a word: one of the line's, or one that either config writes; never a guess."""
    present = [value for value in values if value is not None]
    if any(value.state not in _WRITTEN and not value.known for value in present):
        return False
    return path in SUMMARY or any(value.state in _WRITTEN for value in present)


def _own(recipe: Recipe) -> list[str]:
    """What a config writes itself, where its bases are no runs of their own."""
    told = {
        path: _shown(path, value)
        for path, value in recipe.facts.items()
        if value.state is State.EXPLICIT
        and value.span is not None
        and value.span.path == recipe.entry
        and not path.startswith("meta.")
    }
    return _once(recipe, told)


def _once(recipe: Recipe, told: Mapping[str, str]) -> list[str]:
    """Each place that several fields are read from told once, by the field that a config's line tells."""
    seen: set[Span] = set()
    kept: list[str] = []
    for path in sorted(told, key=lambda each: (each not in SUMMARY, each)):
        value = recipe.facts.get(path)
        if value is not None and value.span is not None:
            if value.span in seen:
                continue
            seen.add(value.span)
        kept.append(f"{path} {told[path]}")
    return sorted(kept)


def _shown(path: str, value: Value | None) -> str:
    return _ABSENT if value is None else shown_value(path, value)
