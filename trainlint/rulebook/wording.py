"""Messages: templates with `{path}` places, and values as people write them.

A template is text with `{path}` for a value, `[[ … ]]` for a part that is left out unless every value in it
is known, and `{{`, `}}` for braces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from trainlint.recipe.model import Scalar, State, Value

_TOKEN = re.compile(r"\{\{|\}\}|\{([A-Za-z_][\w.-]*)\}|\[\[|\]\]|[{}]")
_LONGEST_TEXT = 80
_LARGEST_COUNT = 10**15

UnitOf = Callable[[str], str]

_COUNTED = {"epochs": "epoch", "steps": "step", "devices": "device", "updates": "update", "tokens": "token"}


class Place(str):
    """A `{path}` of a template."""


class Part(tuple[str, ...]):
    """Texts and places of a template that stand or fall together."""


Piece = str | Part


class TemplateError(ValueError):
    """A template that cannot be read; the text says why."""


@cache
def parse_template(text: str) -> tuple[Piece, ...]:
    """The template's pieces: texts, places and optional parts.

    Raises TemplateError for a brace that belongs to no place and for brackets that do not pair.
    """
    pieces: list[Piece] = []
    part: list[str] | None = None
    end = 0
    for match in _TOKEN.finditer(text):
        into = pieces if part is None else part
        into.append(text[end : match.start()])
        end = match.end()
        mark = match[0]
        if mark in ("{{", "}}"):
            into.append(mark[0])
        elif match[1]:
            into.append(Place(match[1]))
        elif mark == "[[" and part is None:
            part = []
        elif mark == "]]" and part is not None:
            pieces.append(Part(part))
            part = None
        else:
            raise TemplateError(f"`{mark}` at character {match.start() + 1} belongs to no place or part")
    if part is not None:
        raise TemplateError("`[[` is never closed")
    return (*pieces, text[end:])


def template_paths(text: str) -> tuple[set[str], set[str]]:
    """The paths a template always shows, and those inside its optional parts."""
    always: set[str] = set()
    optional: set[str] = set()
    for piece in parse_template(text):
        if isinstance(piece, Part):
            optional.update(str(one) for one in piece if isinstance(one, Place))
        elif isinstance(piece, Place):
            always.add(str(piece))
    return always, optional


def render(text: str, facts: Mapping[str, Value], unit_of: UnitOf) -> str:
    """The template with every place filled from `facts`. A value that is not known reads "unknown"."""
    shown: list[str] = []
    for piece in parse_template(text):
        if not isinstance(piece, Part):
            shown.append(_fill(piece, facts, unit_of))
        elif all(_sayable(facts.get(one)) for one in piece if isinstance(one, Place)):
            shown.extend(_fill(one, facts, unit_of) for one in piece)
    return "".join(shown)


def _fill(piece: str, facts: Mapping[str, Value], unit_of: UnitOf) -> str:
    if not isinstance(piece, Place):
        return piece
    value = facts.get(piece)
    return format_value(value, unit_of(piece)) if value is not None else "unknown"


def _sayable(value: Value | None) -> bool:
    return value is not None and (value.known or value.state is State.OFF)


def format_value(value: Value, unit: str) -> str:
    """The value as a message shows it: `4,096`, `0.1`, `1e-5`, `90 epochs`, `true`, `off`.

    `unit` is the declared one; "length" takes the value's own.
    """
    if value.state is State.OFF:
        return "off"
    if value.choices and not value.known:
        return " or ".join(format_scalar(choice, unit) for choice in value.choices)
    if not value.known:
        return "unknown"
    return format_scalar(value.value, value.unit if unit == "length" else unit)


def format_scalar(scalar: Scalar, unit: str = "") -> str:
    """A bare value in a unit: counts with thousands separators and their noun, rates short."""
    if scalar is None:
        return "none"
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    if isinstance(scalar, str):
        return _one_line(scalar)
    if unit in _COUNTED:
        noun = _COUNTED[unit] if scalar == 1 else unit
        return f"{_number(scalar)} {noun}"
    if unit == "fraction":
        return f"{_ratio(scalar * 100)} % of the run"
    return _ratio(scalar) if unit == "ratio" else _number(scalar)


def _number(scalar: float) -> str:
    if isinstance(scalar, int):
        return f"{scalar:,}" if abs(scalar) < _LARGEST_COUNT else "more than 10^15"
    if scalar.is_integer() and abs(scalar) < _LARGEST_COUNT:
        return f"{int(scalar):,}"
    return _short_exponent(f"{scalar:g}")


def _ratio(scalar: float) -> str:
    text = f"{scalar:,.0f}" if 100 <= abs(scalar) < _LARGEST_COUNT else f"{scalar:.2g}"
    return _short_exponent(text)


def _short_exponent(text: str) -> str:
    return re.sub(r"e([+-])0*(\d+)", lambda match: "e" + match[1].strip("+") + match[2], text)


def _one_line(text: str) -> str:
    plain = "".join(char if char.isprintable() else " " for char in text)
    return plain if len(plain) <= _LONGEST_TEXT else plain[: _LONGEST_TEXT - 1] + "…"
