"""The story of one field of a recipe: where its value comes from, or what stopped the analysis."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from trainlint.findings import Span
from trainlint.output.places import Places
from trainlint.output.recipe import shown_value
from trainlint.output.secrets import hide_secrets
from trainlint.output.terminal import Style, pad, visible, width
from trainlint.recipe.model import Recipe, State, Value
from trainlint.recipe.schema import recipe_schema
from trainlint.rulebook.wording import format_scalar

MAX_SHOWN = 80
"""Most characters of a source line that are shown."""

_LOOPS = frozenset({"for", "while"})
_PATH = re.compile(r"\b[a-z]+(?:\.[a-z_0-9]+)+")
_BEHIND = {
    "optimizer": "optimizer.name",
    "schedule": "schedule.name",
    "warmup": "schedule.name",
    "rate": "schedule.name",
    "batch": "batch.per_device",
    "train": "train.length",
}
"""The field that the others of a family hang on, by the family's first word."""


def why_text(recipe: Recipe, field: str, places: Places, style: Style) -> str:
    """Where one field's value comes from, step by step, or why it is not known; for a field of the elements
    of a list, of each element."""
    elements = _elements(recipe, field)
    if not elements:
        value = recipe.facts.get(field) or Value(reason=_why_missing(recipe, field))
        return _story(recipe, field, value, places, style)
    stories = (
        _story(
            recipe, field, element.get(field) or Value(reason="nothing tells it of this one"), places, style
        )
        for element in elements
    )
    return "".join(dict.fromkeys(stories))


def _elements(recipe: Recipe, field: str) -> Sequence[Mapping[str, Value]]:
    """The elements of the list that a field belongs to; none where it is a field of the whole recipe."""
    groups = {prefix: name for name, prefix in recipe_schema().groups.items()}
    name = groups.get(field.partition(".")[0], "")
    elements = recipe.groups.get(name, [])
    return () if field in recipe.facts and len(elements) < 2 else elements


def _story(recipe: Recipe, field: str, value: Value, places: Places, style: Style) -> str:
    head = f"{style('bold', visible(places.path(recipe.entry)))}  {visible(field)}"
    where = f"  {visible(places.line(value.span))}" if value.span else ""
    if value.state is State.UNKNOWN:
        lines = [f"{head} is unknown: {visible(hide_secrets(value.reason)) or 'nothing tells it'}"]
        source = _source(value.span, places) if value.span is not None else ""
        if source:
            lines.append(f"  at {visible(source)}  {style('dim', where.strip())}")
    else:
        lines = [f"{head} = {shown_value(field, value)} ({value.state.value}){where}"]
        if value.reason:
            lines.append(f"  {visible(hide_secrets(value.reason))}")
    if value.choices:
        lines.append("  one of " + ", ".join(visible(format_scalar(choice)) for choice in value.choices))
    labels = [visible(hide_secrets(link.label)) for link in value.chain]
    column = max(map(width, labels), default=0)
    for label, link in zip(labels, value.chain, strict=True):
        lines.append(f"  - {pad(label, column)}  {style('dim', visible(places.line(link.span)))}")
    return "\n".join(lines) + "\n"


def _source(span: Span, places: Places) -> str:
    """What is written at a place, on one line; "" where it cannot be read, or is a notebook's cell."""
    if span.cell is not None:
        return ""
    try:
        text = Path(places.absolute(span.path)).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    lines = text.splitlines()[span.line - 1 : span.end_line]
    if not lines:
        return ""
    if (span.line, span.column) != (span.end_line, span.end_column):
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        if lines[0] in _LOOPS:
            lines = [text.splitlines()[span.line - 1]]
    shown = " ".join(" ".join(map(hide_secrets, lines)).split())
    return shown if len(shown) <= MAX_SHOWN else f"{shown[: MAX_SHOWN - 1]}…"


def _why_missing(recipe: Recipe, field: str) -> str:
    """Why a recipe does not have a field at all: there is nothing of its kind, or it hangs on another that is
    not known."""
    schema = recipe_schema()
    family = field.partition(".")[0]
    group = next((name for name, prefix in schema.groups.items() if prefix == family), "")
    if group and family not in _BEHIND:
        return f"there are no {group} in what was read"
    for other in _behind(field):
        value = recipe.facts.get(other)
        if value is not None and value.state is State.UNKNOWN:
            return f"it hangs on {other}: {value.reason or 'that is unknown'}"
    return "nothing in what was read tells it"


def _behind(field: str) -> Iterator[str]:
    """The fields that a field may follow from: those its formula names, then those of its family."""
    schema = recipe_schema()
    yield from (path for path in _PATH.findall(schema.leaves[field].derived) if path in schema.leaves)
    family = field.partition(".")[0]
    if family in _BEHIND:
        yield _BEHIND[family]
    yield from (path for path in schema.leaves if path.startswith(f"{family}.") and path != field)
