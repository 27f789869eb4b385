"""Which keys the releases of a trainer know, from the tables that `scripts/key_tables.py` reads off them."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from trainlint.knowledge.versions import is_before

_FOLDER = Path(__file__).parent / "keys"
_CLOSE = 0.8
_SWALLOWS = "**"

Versions = tuple[tuple[str, str], ...]
"""Packages and the versions of them that a project uses, in any order."""


class KnownKey(msgspec.Struct, frozen=True):
    """A key. `types` are the JSON types its field takes, none where it may be anything.

    `since` is the first release read that knows it, where an older one was read, `until` the first that no
    longer does; `renamed` the key that took its place. `inner`: only code asks for it, no schema has it.
    """

    types: frozenset[str] = frozenset()
    since: str = ""
    until: str = ""
    renamed: str = ""
    inner: bool = False


class KeyTable(msgspec.Struct, frozen=True):
    """The keys of one package over the releases read, the oldest first."""

    format: str
    versions: tuple[str, ...]
    keys: dict[str, KnownKey]

    def knows(self, key: KnownKey, version: str) -> bool:
        """Whether a version may know a key: true unless the releases read on both sides of it do not."""
        if key.since and not is_before(self._before(key.since), version):
            return False
        return not key.until or is_before(version, key.until)

    def _before(self, release: str) -> str:
        return self.versions[self.versions.index(release) - 1]


class OtherRelease(msgspec.Struct, frozen=True):
    """A key of other releases than the version of a package that a project uses."""

    package: str
    version: str
    key: KnownKey


class KeySchema:
    """The keys that may stand in one mapping of a config: those of any release, or of the versions in use.

    `others` are keys that only other releases know. `swallows`: what it does not know is dropped without a
    word.
    """

    def __init__(
        self,
        keys: dict[str, KnownKey],
        releases: str,
        others: Mapping[str, OtherRelease] | None = None,
        *,
        swallows: bool,
    ) -> None:
        self.keys = keys
        self.releases = releases
        self.others = others or {}
        self.swallows = swallows

    def suggestion(self, key: str) -> str:
        """The known key that took the place of one, or that a misspelt one is closest to, "" without one."""
        other = self.others.get(key)
        if other is not None:
            return other.key.renamed if other.key.renamed in self.keys else ""
        close = self._close_to(key, 1)
        return close[0] if close else ""

    def is_sole(self, key: str) -> bool:
        """Whether a misspelt key is close to one known key only."""
        return key not in self.others and len(self._close_to(key, 2)) == 1

    def _close_to(self, key: str, most: int) -> list[str]:
        listed = [name for name, each in self.keys.items() if "." not in name and not each.inner]
        return difflib.get_close_matches(key, listed, most, _CLOSE)


@functools.lru_cache(maxsize=16)
def key_table(name: str) -> KeyTable:
    """The table of a package. Raises OSError or msgspec.DecodeError where ours is damaged."""
    return msgspec.json.decode((_FOLDER / f"{name}.json").read_bytes(), type=KeyTable)


@functools.lru_cache(maxsize=64)
def key_schema(
    tables: tuple[str, ...], section: str, versions: Versions = (), *, swallows: bool
) -> KeySchema | None:
    """The keys of some tables below a section (`Optimizer.AdamW`, "" for the root).

    `versions` are those of the packages that a project uses, where it says. None where the tables have none.
    """
    prefix = f"{section}." if section else ""
    used = dict(versions)
    found: dict[str, KnownKey] = {}
    others: dict[str, OtherRelease] = {}
    for table in map(key_table, tables):
        version = used.get(table.format, "")
        for key, known in table.keys.items():
            name = key[len(prefix) :]
            if not key.startswith(prefix) or "." in name:
                continue
            if version and not table.knows(known, version):
                others[name] = OtherRelease(table.format, version, known)
            else:
                found[name] = _either(found[name], known) if name in found else known
    if not found:
        return None
    swallowing = found.pop(_SWALLOWS, None) is not None
    others = {name: other for name, other in others.items() if name not in found}
    releases = _releases(key_table(tables[0]).versions)
    return KeySchema(found, releases, others, swallows=swallows or swallowing)


def _either(one: KnownKey, other: KnownKey) -> KnownKey:
    """A key that two packages know: it takes what either takes, and is gone where both dropped it."""
    types = one.types | other.types if one.types and other.types else frozenset[str]()
    gone = bool(one.until and other.until)
    return KnownKey(
        types,
        until=other.until if gone else "",
        renamed=other.renamed or one.renamed if gone else "",
        inner=one.inner and other.inner,
    )


def _releases(versions: Iterable[str]) -> str:
    ordered = list(versions)
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"
