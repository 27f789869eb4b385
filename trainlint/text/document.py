"""Config files as trees whose every node knows where it was written."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

Place = tuple[int, int, int, int]
"""Line, column, end line, end column: 1-based, code points, end exclusive."""


class Node(msgspec.Struct):
    """A scalar, mapping or sequence of a YAML, JSON or TOML document.

    A scalar keeps its source text (`raw`, without quotes and escapes resolved), its `style` (plain, single,
    double, literal, folded, json, toml) and its explicit `tag` ("" where none was written), so that a loader
    can type it later.
    `items` holds a mapping's entries in source order, duplicates included; `children` a sequence's.
    An alias is the very node it names; `anchored` marks nodes reached through one.
    `path` is the file a node of a composed document was written in, "" for the document's own.
    """

    kind: str
    place: Place
    raw: str = ""
    style: str = "plain"
    tag: str = ""
    items: list[Entry] = msgspec.field(default_factory=list)
    children: list[Node] = msgspec.field(default_factory=list)
    anchored: bool = False
    path: str = ""

    def get(self, key: str) -> Node | None:
        """The value of the last entry with this key, as the lenient loaders read it; None where absent."""
        for entry in reversed(self.items):
            if entry.key.raw == key:
                return entry.value
        return None

    def keys(self) -> Iterator[str]:
        """Keys of a mapping in source order, duplicates included."""
        return (entry.key.raw for entry in self.items)


class Entry(msgspec.Struct):
    """One `key: value` of a mapping. `merge` marks a YAML `<<`."""

    key: Node
    value: Node
    merge: bool = False


class Document(msgspec.Struct):
    """One document of a file.

    `format` is yaml, json, toml or python; `index` counts documents of a multi-document file.
    """

    path: str
    format: str
    root: Node
    index: int = 0


class Broken(msgspec.Struct, frozen=True):
    """Why a file has no (further) documents: a Notice kind, the line and column, and a plain reason."""

    kind: str
    line: int
    column: int
    message: str


class RefusedError(Exception):
    """A document that is not read on: raised inside a reader, which then gives `broken` instead."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(broken.message)
        self.broken = broken
