"""Settings files on top of each other: what a project's file and those it extends say together, and where.

A layer is what one file writes. What the upper layer writes replaces what is below, except that lists that
take something away or add folders grow, and tables merge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from trainlint.settings.model import KEYS, Settings

GROWING = frozenset({"ignore", "exclude", "configs", "rulebooks"})
"""Settings whose lists add up from layer to layer."""


class Layer(msgspec.Struct, frozen=True):
    """What one file writes: `fields` holds the fields of Settings it sets, ready to use.

    `text` is the file's own, to find lines in; `prefix` the table that holds the settings.
    """

    file: str
    fields: dict[str, Any]
    text: str = ""
    prefix: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """The settings of this file alone."""
        return Settings(**self.fields, file=self.file)


class Origin(msgspec.Struct, frozen=True, order=True):
    """Where a setting is written. `line` is 1-based."""

    file: str
    line: int


def merged(layers: Sequence[Layer]) -> Settings:
    """The settings of all layers, lowest first; they stand in the topmost file."""
    fields: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.fields.items():
            fields[name] = _over(name, fields.get(name), value)
    return Settings(**fields, file=layers[-1].file)


def _over(name: str, below: Any, above: Any) -> Any:
    if below is None:
        return above
    if name in GROWING:
        return tuple(dict.fromkeys((*below, *above)))
    if name == "options":
        return {rule: {**below.get(rule, {}), **above.get(rule, {})} for rule in (*below, *above)}
    return {**below, **above} if isinstance(above, dict) else above


def origins(layers: Sequence[Layer], keys: Sequence[str]) -> list[Origin]:
    """Where the setting at `keys` is written, lowest layer first: every layer for lists that grow, else the
    topmost that writes it. Empty for a default."""
    writing = [layer for layer in layers if _writes(layer, keys)]
    relevant = writing if keys[0] in GROWING else writing[-1:]
    return [origin(layer, keys) for layer in relevant]


def origin(layer: Layer, keys: Sequence[str]) -> Origin:
    """The line of a layer's file that writes `keys`."""
    from trainlint.settings.file import line_of  # noqa: PLC0415 - it reads files into layers

    return Origin(layer.file, line_of(layer.text, (*layer.prefix, *keys)))


def _writes(layer: Layer, keys: Sequence[str]) -> bool:
    held: Any = layer.fields
    for part in (KEYS[keys[0]], *keys[1:]):
        if not isinstance(held, dict) or part not in held:
            return False
        held = held[part]
    return True


def leaves(settings: Settings) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every setting with the keys it is written under; entries of tables one by one."""
    for key, field in KEYS.items():
        yield from _leaves((key,), getattr(settings, field))


def _leaves(keys: tuple[str, ...], value: Any) -> Iterable[tuple[tuple[str, ...], Any]]:
    if not isinstance(value, dict) or not value:
        return [(keys, value)]
    return [leaf for name, entry in value.items() for leaf in _leaves((*keys, name), entry)]
