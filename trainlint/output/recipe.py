"""A program's recipe for people: every field with its value, how it is known and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from trainlint.output.places import Places
from trainlint.output.secrets import looks_secret
from trainlint.output.terminal import Style, pad, visible, width
from trainlint.recipe.model import Recipe, State, Value
from trainlint.recipe.schema import recipe_schema
from trainlint.rulebook.wording import format_value

BARS = "▁▂▃▄▅▆▇█"
CURVE_COLUMNS = 60
VALUE_COLUMNS = 24


def recipe_text(recipe: Recipe, places: Places, style: Style) -> str:
    """The recipe's known fields with provenance, its learning rate's curve, and the unknown fields."""
    lines = [style("bold", visible(places.path(recipe.entry))) + f"  {visible(recipe.kind)}"]
    known = {path: value for path, value in sorted(recipe.facts.items()) if value.state is not State.UNKNOWN}
    column = max(map(width, known), default=0)
    for path, value in known.items():
        shown = pad(shown_value(path, value), VALUE_COLUMNS)
        state = pad(value.state.value, len(State.DEFAULT.value))
        where = visible(places.line(value.span)) if value.span else ""
        lines.append(f"  {pad(visible(path), column)}  {shown}  {style('dim', state)}  {where}".rstrip())
    if recipe.curve:
        lines.append(f"  learning rate  {sparkline(recipe.curve)}  {_range(recipe.curve)}")
    unknown = sorted(path for path, value in recipe.facts.items() if value.state is State.UNKNOWN)
    if unknown:
        lines.append(style("dim", "  unknown: " + ", ".join(map(visible, unknown))))
    return "\n".join(lines) + "\n"


def sparkline(curve: Sequence[float], columns: int = CURVE_COLUMNS) -> str:
    """The curve as a row of bars from zero to its peak, averaged down to at most `columns`."""
    count = min(len(curve), columns)
    finite = [max(rate, 0.0) if isfinite(rate) else 0.0 for rate in curve]
    means = [_mean(finite[len(finite) * i // count : len(finite) * (i + 1) // count]) for i in range(count)]
    peak = max(means, default=0.0)
    if not 0 < peak < float("inf"):
        return BARS[0] * count
    top = len(BARS) - 1
    return "".join(BARS[round(min(mean / peak, 1.0) * top)] for mean in means)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _range(curve: Sequence[float]) -> str:
    return f"{curve[0]:g} → {curve[-1]:g}, peak {max(curve):g}"


def shown_value(path: str, value: Value) -> str:
    """A value as people read it, with its unit; "off" where it is switched off."""
    if value.state is State.OFF:
        return "off"
    if looks_secret(path):
        return "***"
    leaf = recipe_schema().leaves.get(path)
    return visible(format_value(value, value.unit or (leaf.unit if leaf is not None else "")))
