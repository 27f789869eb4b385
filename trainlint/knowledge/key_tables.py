"""Which keys the releases of a trainer know, from the tables that `scripts/key_tables.py` reads off them."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable
from pathlib import Path

import msgspec

_FOLDER = Path(__file__).parent / "keys"
_CLOSE = 0.8
_SWALLOWS = "**"


class KnownKey(msgspec.Struct, frozen=True):
    """A key. `types` are the JSON types its field takes, none where it may be anything.

    `absent` are the releases read that do not know it.
    """

    types: frozenset[str] = frozenset()
    absent: tuple[str, ...] = ()


class KeyTable(msgspec.Struct, frozen=True):
    """The keys of one format over the releases read, the oldest first."""

    format: str
    versions: tuple[str, ...]
    keys: dict[str, KnownKey]


class KeySchema:
    """The keys that may stand in one mapping of a config: those of any release.

    `swallows`: what it does not know is dropped without a word.
    """

    def __init__(self, keys: dict[str, KnownKey], releases: str, *, swallows: bool) -> None:
        self.keys = keys
        self.releases = releases
        self.swallows = swallows

    def suggestion(self, key: str) -> str:
        """The known key that a misspelt one is closest to, "" where none is close."""
        close = self._close_to(key, 1)
        return close[0] if close else ""

    def is_sole(self, key: str) -> bool:
        """Whether a misspelt key is close to one known key only."""
        return len(self._close_to(key, 2)) == 1

    def _close_to(self, key: str, most: int) -> list[str]:
        return difflib.get_close_matches(key, [each for each in self.keys if "." not in each], most, _CLOSE)


@functools.lru_cache(maxsize=16)
def key_table(name: str) -> KeyTable:
    """The table of a format. Raises OSError or msgspec.DecodeError where the package is damaged."""
    return msgspec.json.decode((_FOLDER / f"{name}.json").read_bytes(), type=KeyTable)


@functools.lru_cache(maxsize=64)
def key_schema(tables: tuple[str, ...], section: str, *, swallows: bool) -> KeySchema | None:
    """The keys of some tables below a section (`Optimizer.AdamW`, "" for the root).

    None where they have none.
    """
    prefix = f"{section}." if section else ""
    found: dict[str, KnownKey] = {}
    for table in map(key_table, tables):
        for key, known in table.keys.items():
            if key.startswith(prefix) and "." not in key[len(prefix) :]:
                found[key[len(prefix) :]] = known
    if not found:
        return None
    swallowing = found.pop(_SWALLOWS, None) is not None
    return KeySchema(found, _releases(key_table(tables[0]).versions), swallows=swallows or swallowing)


def _releases(versions: Iterable[str]) -> str:
    ordered = list(versions)
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"
