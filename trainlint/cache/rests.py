"""What a kept answer rests on, and whether that still holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from trainlint.analysis.close.site_words import has_needs
from trainlint.analysis.facts import Outline
from trainlint.analysis.index.modules import ROOTS
from trainlint.analysis.index.project import ProjectIndex
from trainlint.analysis.index.record import EVERYTHING, Trail
from trainlint.cache.packing import pack
from trainlint.cache.store import digest_of

CONFIGS = "configs"
"""Key of which files are configs."""
LAUNCHES = "launches "
"""Begins the key of the launch lines of an entry file, whose path stands behind it."""


class Rests(msgspec.Struct, array_like=True):
    """A trail as data; each list is sorted."""

    contents: list[str]
    names: list[str]
    places: list[str]
    others: list[str]


def rests_of(trail: Trail) -> Rests:
    """All that a trail and its parts hold."""
    whole = trail.whole()
    # Who may have used anything of a file needs no word on its names.
    names = whole.names - whole.contents
    return Rests(sorted(whole.contents), sorted(names), sorted(whole.places), sorted(whole.others))


class Holding:
    """The state of a project's files in this run. `launches` gives a digest of an entry's launch lines,
    `configs` are the paths of configs."""

    def __init__(
        self,
        index: ProjectIndex,
        digests: Mapping[str, bytes],
        configs: Sequence[str],
        launches: Callable[[str], bytes],
    ) -> None:
        self._index = index
        self._digests = digests
        self._configs = configs
        self._launches = launches
        self._names: dict[str, bytes] = {}
        self._others: dict[str, bytes] = {}

    def state(self, rests: Rests) -> bytes:
        """A digest of all that the answer rests on, as it is now."""
        return digest_of(
            pack(rests),
            *(self._digests.get(path, b"") for path in rests.contents),
            *(self._names_of(path) for path in rests.names),
            bytes(self._index.place_state(where) for where in rests.places),
            *(self._other(key) for key in rests.others),
        )

    def _names_of(self, path: str) -> bytes:
        known = self._names.get(path)
        if known is None:
            outline = self._index.by_path(path)
            known = names_digest(outline) if outline is not None else self._digests.get(path, b"")
            self._names[path] = known
        return known

    def _other(self, key: str) -> bytes:
        known = self._others.get(key)
        if known is None:
            known = self._others[key] = self._find_other(key)
        return known

    def _find_other(self, key: str) -> bytes:
        if key == EVERYTHING:
            return digest_of(*self._everything())
        if key == CONFIGS:
            return digest_of(*(path.encode("utf-8", "surrogateescape") for path in self._configs))
        if key.startswith(LAUNCHES):
            return self._launches(key[len(LAUNCHES) :])
        kind, folder = key[len(ROOTS)], key[len(ROOTS) + 1 :]
        return digest_of(pack(self._index.root_folders(folder, script=kind == "s")))

    def _everything(self) -> Iterator[bytes]:
        for path in (*self._index.outlines, *self._index.unread):
            yield path.encode("utf-8", "surrogateescape")
            yield self._digests.get(path, b"")


def names_digest(outline: Outline) -> bytes:
    """A digest of what imports and definitions tell of a file: no lines, and of what its units do only
    whether they may need something of their parameters."""
    heads = [
        (
            unit.qualname,
            unit.kind,
            [parameter.name for parameter in unit.params],
            unit.decorators,
            unit.bases,
            unit.conditional,
            unit.metaclass,
            has_needs(unit),
        )
        for unit in outline.units
    ]
    imports = [(each.local, each.target, each.unit, each.relative) for each in outline.imports]
    head = (outline.module, outline.is_package, outline.main_guard, outline.exports, outline.dynamic)
    return digest_of(pack((head, list(outline.symbols.items()), imports, heads)))
