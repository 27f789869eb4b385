"""Where a format's fields stand in a document, and the one value each recipe path gets from them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from trainlint.findings import Span
from trainlint.knowledge.format_model import Field, Format, Scalar, key_word
from trainlint.knowledge.formats import load_formats
from trainlint.recipe.config.references import referred_to
from trainlint.recipe.config.scalars import is_number_text, typed
from trainlint.recipe.config.tree import Found, entries_of, find_all, walk_entries
from trainlint.recipe.model import Link, State, Value
from trainlint.text.document import Document, Node

_PRESENCE_ORDER = (State.EXPLICIT, State.INHERITED, State.DYNAMIC, State.UNKNOWN, State.OFF)
_FALSE = (None, False, 0, "", "none", "null", "false", "no", "off")


class Place(msgspec.Struct, frozen=True):
    """One spot a field is written at.

    `sure` is false where its sections do not say that the field is meant.
    """

    field: Field
    found: Found
    sure: bool = True


class Reading(msgspec.Struct, frozen=True):
    """A document read as a format by a loader kind.

    `version` is the trainer's, "" where the project does not say. `chains` leads from the config to each of
    its bases.
    """

    document: Document
    format: Format
    loader: str
    version: str = ""
    chains: Mapping[str, tuple[Link, ...]] = {}

    def span(self, node: Node) -> Span:
        """Where a node stands."""
        return Span(node.path or self.document.path, *node.place)

    def is_inherited(self, node: Node) -> bool:
        """Whether a base of the config wrote the node."""
        return node.path not in ("", self.document.path)


def places_of(reading: Reading) -> dict[str, list[Place]]:
    """Recipe path → every spot that could set it, in source order."""
    places: dict[str, list[Place]] = {}
    root = reading.document.root
    present = frozenset(entries_of(root) if root.kind == "mapping" else ())
    for field in reading.format.fields:
        for place in _at_paths(reading, field, present):
            places.setdefault(field.to, []).append(place)
    if reading.format.sections:
        for found in walk_entries(reading.document.root):
            for place in _by_name(reading.format, found):
                places.setdefault(place.field.to, []).append(place)
    return places


def _at_paths(reading: Reading, field: Field, present: Collection[str]) -> list[Place]:
    """The places that a field's key paths lead to; `present` are the keys at the root."""
    spots: list[Place] = []
    for pattern in field.at:
        if pattern.partition(".")[0] not in present and not pattern.startswith("*"):
            continue
        spots.extend(Place(field, found) for found in find_all(reading.document.root, pattern))
        if spots and not field.several and field.type != "presence":
            break
    return spots


def _by_name(format_: Format, found: Found) -> list[Place]:
    if found.value.kind == "mapping" or not isinstance(found.path[-1], str):
        return []
    word = key_word(found.path[-1])
    if word not in format_.fields_of_word:
        return []
    above = [key_word(str(step)) for step in found.path[:-1]]
    if any(step in format_.other_phases for step in above):
        return []
    places = []
    for field in format_.fields_of_word.get(word, ()):
        inside = field.inside
        if found.value.kind == "sequence" and field.type != "number":
            continue
        if word in field.names:
            places.append(Place(field, found, sure=_belongs(above, field.sections, format_)))
        elif inside and word in inside.names and above and _belongs(above[-1:], inside.sections, format_):
            outer = (*field.sections, *inside.sections)
            if _belongs(above, outer, format_):
                places.append(Place(field, found))
    return places


def _belongs(above: Sequence[str], allowed: Sequence[str], format_: Format) -> bool:
    return all(not format_.section_words.get(word, frozenset()).isdisjoint(allowed) for word in above)


def field_value(reading: Reading, places: Sequence[Place]) -> Value | None:
    """The value that the places of one recipe path agree on; None where they say nothing.

    Places that disagree give an unknown value that names them.
    """
    sure = [place for place in places if place.sure]
    values = [value for place in sure if (value := _read(reading, place)) is not None]
    if not values:
        return _elsewhere(reading, places) if len(sure) < len(places) else None
    if places[0].field.type == "presence":
        return min(values, key=lambda value: _PRESENCE_ORDER.index(value.state))
    if places[0].field.several == "largest":
        return _largest(values)
    values = _without_idle(values)
    first = values[0]
    others = [
        value
        for value in values[1:]
        if (value.value, value.unit, value.state) != (first.value, first.unit, first.state)
    ]
    if not others or all(value.state is State.OFF for value in values):
        return first
    return _disagreement([first, *others])


def _without_idle(values: list[Value]) -> list[Value]:
    """Without the zeros and nulls beside a set value: `warmup_steps: 0` next to `warmup_epochs: 5`.

    A switch (`warmup: false`) is no such zero.
    """
    set_ = [value for value in values if value.state is not State.OFF or value.value is False]
    return set_ or values


def _elsewhere(reading: Reading, places: Sequence[Place]) -> Value:
    found = places[0].found
    where = ".".join(str(step) for step in found.path[:-1])
    return Value(
        span=reading.span(found.value), reason=f"written under `{where}`, which may mean something else"
    )


def _disagreement(values: Sequence[Value]) -> Value:
    links = tuple(Link(value.span, f"{value.value}") for value in values if value.span is not None)
    lines = ", ".join(str(link.span.line) for link in links)
    choices = tuple(value.value for value in values)
    return Value(
        span=values[0].span, chain=links, choices=choices, reason=f"written differently on lines {lines}"
    )


def _largest(values: Sequence[Value]) -> Value:
    switch = next((value for value in values if value.state is State.OFF and value.value is False), None)
    if switch is not None and len(values) > 1:
        return Value(span=switch.span, reason="a switch turns it off while its strength is written")
    numbers = [value for value in values if value.known and _number(value.value) is not None]
    if numbers:
        return max(numbers, key=lambda value: _number(value.value) or 0.0)
    return next((value for value in values if value.state is State.OFF), values[0])


def _number(value: Scalar) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _read(reading: Reading, place: Place) -> Value | None:
    """What one place says; None where it says nothing about the field."""
    referred = referred_to(reading.document.root, place.found, reading.loader)
    value = _said(reading, place, referred.found)
    if value is None:
        return None
    links = tuple(Link(reading.span(node), node.raw) for node in referred.via)
    if reading.is_inherited(referred.found.value):
        chain = (*links, *reading.chains.get(referred.found.value.path, ()), *value.chain)
        state = State.INHERITED if value.state is State.EXPLICIT else value.state
        return msgspec.structs.replace(value, state=state, chain=chain)
    return msgspec.structs.replace(value, chain=(*links, *value.chain)) if links else value


def _said(reading: Reading, place: Place, found: Found) -> Value | None:
    field, node = place.field, found.value
    span = reading.span(node)
    if field.type == "presence":
        return _presence(reading, node)
    scalar = typed(node, _loader_at(reading, found))
    if scalar.dynamic:
        return Value(scalar.value, State.DYNAMIC, field.unit, span, reason=scalar.reason)
    if not scalar.known:
        return None if field.type == "switch" else Value(span=span, reason=scalar.reason)
    if _is_off(field, scalar.value, node):
        if field.off_is:
            return Value(field.off_is, State.EXPLICIT, field.unit, span)
        return Value(False if scalar.value is False else None, State.OFF, field.unit, span)
    if node.raw == "" and node.style == "plain":
        return None
    if field.type == "switch":
        return _as_switch(scalar.value, span)
    return _TYPES[field.type](field, scalar.value, span)


def _loader_at(reading: Reading, found: Found) -> str:
    """`ast.literal_eval` reaches the text under mappings only."""
    in_list = any(isinstance(step, int) for step in found.path)
    return "pyyaml" if reading.loader == "literal-eval" and in_list else reading.loader


def _is_off(field: Field, value: Scalar, node: Node) -> bool:
    if node.raw == "" and node.style == "plain":
        return False
    if field.off_zero and _number(value) == 0:
        return True
    if field.type == "switch":
        return value in _FALSE if not isinstance(value, str) else value.lower() in _FALSE
    low = value.lower() if isinstance(value, str) else value
    return any(low == off and type(low) is type(off) for off in field.off_values)


def _as_number(field: Field, value: Scalar, span: Span) -> Value:
    number = _number(value)
    if number is None:
        text = isinstance(value, str) and is_number_text(value)
        why = f"`{value}` is text to the loader that reads it" if text else f"`{value}` is no number"
        return Value(span=span, unit=field.unit, reason=why)
    scaled = value if field.scale == 1.0 else number * field.scale
    return Value(scaled, State.EXPLICIT, field.unit, span)


def _as_flag(field: Field, value: Scalar, span: Span) -> Value:
    if isinstance(value, bool):
        return Value(value, State.EXPLICIT, field.unit, span)
    return Value(span=span, reason=f"`{value}` is neither true nor false")


def _as_text(field: Field, value: Scalar, span: Span) -> Value:
    return (
        Value(value, State.EXPLICIT, field.unit, span)
        if isinstance(value, str)
        else Value(span=span, reason="no text")
    )


def _as_name(field: Field, value: Scalar, span: Span) -> Value:
    known = load_formats().names.find(field.vocabulary, value) if isinstance(value, str) else None
    if known is None:
        return Value(span=span, reason=f"`{value}` is no name that trainlint knows here")
    return Value(known[0], State.EXPLICIT, field.unit, span)


def _as_switch(value: Scalar, span: Span) -> Value | None:
    if _number(value) is not None:
        return Value(span=span, reason=f"`{value}` has no unit: epochs or steps")
    return None


_TYPES = {"number": _as_number, "flag": _as_flag, "text": _as_text, "name": _as_name}


def _presence(reading: Reading, node: Node) -> Value | None:
    """Whether something is switched on or named: a path, a true flag, a mapping."""
    span = reading.span(node)
    if node.kind != "scalar":
        return Value(value=True, state=State.EXPLICIT, span=span) if node.items or node.children else None
    scalar = typed(node, reading.loader)
    if scalar.dynamic:
        return Value(state=State.DYNAMIC, span=span, reason=scalar.reason)
    low = scalar.value.lower() if isinstance(scalar.value, str) else scalar.value
    if low in _FALSE:
        return Value(value=False, state=State.OFF, span=span)
    return Value(value=True, state=State.EXPLICIT, span=span)


def is_set(reading: Reading, places: Iterable[Found]) -> Found | None:
    """The first of the places that is switched on or names something."""
    for found in places:
        value = _presence(reading, found.value)
        if value is not None and value.state in (State.EXPLICIT, State.INHERITED):
            return found
    return None
