"""Answers about parts of a project, each with what it rests on: taken again as long as that holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from trainlint.analysis.close.reader import Recalled
from trainlint.analysis.facts import UnitFacts
from trainlint.analysis.index.record import Trail
from trainlint.cache.coding import decode, encode, unpacked
from trainlint.cache.packing import pack
from trainlint.cache.rests import Holding, Rests
from trainlint.cache.store import Store, digest_of

NUMERIC = "numeric"
PROGRAM = "program"
UNITS = "units"


class Kept(msgspec.Struct, array_like=True):
    """An answer of some kind about a file, encoded, and what it rests on."""

    kind: str
    path: str
    rests: Rests
    value: bytes


class KeptUnit(msgspec.Struct, array_like=True):
    """The encoded facts of a unit; `limits` are those that the readings of units met which it used."""

    qualname: str
    facts: bytes
    limits: list[tuple[str, str, list[str]]] = []


class _Stored(msgspec.Struct, array_like=True):
    """`state` is the digest of what the answer rested on when it was found."""

    rests: Rests
    state: bytes
    value: bytes


class Access(msgspec.Struct):
    """What another process needs to look answers up. `scope` is a digest of what they all depend on."""

    folder: str
    scope: bytes
    digests: dict[str, bytes]

    def answers(self, holding: Holding) -> Answers:
        """A view of the store that only reads."""
        return Answers(Store(Path(self.folder), writing=False), self, holding)


class Answers:
    """The answers in a store, for one state of a project."""

    def __init__(self, store: Store, access: Access, holding: Holding) -> None:
        self._store = store
        self.access = access
        self._holding = holding

    def values(self, kind: str, paths: Sequence[str]) -> dict[str, bytes]:
        """The encoded answers about those files that have one which still holds."""
        found: dict[str, bytes] = {}
        keys = {self._key(kind, path): path for path in paths}
        for key, data in self._store.get_many(list(keys)).items():
            stored = decode(data, _Stored)
            if stored is not None and self._holding.state(stored.rests) == stored.state:
                found[keys[key]] = stored.value
        return found

    def units(self, path: str) -> Iterator[Recalled]:
        """What is remembered of the units of a file."""
        data = self._store.get(self._key(UNITS, path))
        stored = decode(data, _Stored)
        if stored is None or self._holding.state(stored.rests) != stored.state:
            return
        trail = trail_of(stored.rests)
        for unit in _decoded_units(stored.value):
            facts = unpacked(unit.facts, UnitFacts)
            if facts is not None:
                yield Recalled(facts, trail, {(where, name): limits for where, name, limits in unit.limits})

    def keep(self, answers: Iterable[Kept], overlaid: Collection[str]) -> None:
        """Has answers written that rest on files alone, not on what stands for files."""
        for each in _merged(answers):
            rests = each.rests
            if overlaid and (rests.others or not rests_apart(rests, overlaid)):
                continue
            if each.kind == UNITS:
                each = self._with_known(each)
            stored = _Stored(each.rests, self._holding.state(each.rests), each.value)
            self._store.put(self._key(each.kind, each.path), each.kind, encode(stored))

    def _with_known(self, fresh: Kept) -> Kept:
        """The units of a file with those that were remembered of it, as far as they still hold."""
        stored = decode(self._store.get(self._key(UNITS, fresh.path)), _Stored)
        if stored is None or self._holding.state(stored.rests) != stored.state:
            return fresh
        return next(_merged([Kept(UNITS, fresh.path, stored.rests, stored.value), fresh]))

    def _key(self, kind: str, path: str) -> bytes:
        own = self.access.digests.get(path, b"")
        name = path.encode("utf-8", "surrogateescape")
        return digest_of(self.access.scope, kind.encode(), name, own)


def trail_of(rests: Rests) -> Trail:
    """The trail that was kept as data."""
    trail = Trail()
    trail.contents.update(rests.contents)
    trail.names.update(rests.names)
    trail.places.update(rests.places)
    trail.others.update(rests.others)
    return trail


def rests_apart(rests: Rests, paths: Collection[str]) -> bool:
    """Whether an answer rests on none of these files."""
    return not any(path in paths for path in (*rests.contents, *rests.names))


def _merged(answers: Iterable[Kept]) -> Iterator[Kept]:
    """One answer of a kind about a file: the units that several processes read are put together."""
    together: dict[str, list[Kept]] = {}
    for each in answers:
        if each.kind == UNITS:
            together.setdefault(each.path, []).append(each)
        else:
            yield each
    for path, parts in together.items():
        if len(parts) == 1:
            yield parts[0]
            continue
        units = {unit.qualname: unit for part in parts for unit in _decoded_units(part.value)}
        value = pack([units[name] for name in sorted(units)])
        yield Kept(UNITS, path, _union([part.rests for part in parts]), value)


def _union(parts: Sequence[Rests]) -> Rests:
    contents = {path for part in parts for path in part.contents}
    return Rests(
        sorted(contents),
        sorted({path for part in parts for path in part.names} - contents),
        sorted({where for part in parts for where in part.places}),
        sorted({key for part in parts for key in part.others}),
    )


def _decoded_units(value: bytes) -> list[KeptUnit]:
    return unpacked(value, list[KeptUnit]) or []
