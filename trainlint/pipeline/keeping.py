"""What interpretation leaves for later runs: facts of units, candidates of files, programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from trainlint.analysis.close.reader import Reader
from trainlint.analysis.facts import UnitFacts
from trainlint.analysis.index.project import ProjectIndex
from trainlint.analysis.index.record import Recorder, Trail
from trainlint.cache.answers import NUMERIC, PROGRAM, UNITS, Kept, KeptUnit
from trainlint.cache.packing import pack
from trainlint.cache.rests import CONFIGS, Holding, rests_of
from trainlint.cache.store import digest_of
from trainlint.pipeline.linked import Linked
from trainlint.pipeline.sources import ProjectSources


class KeptProgram(msgspec.Struct):
    """A program; `facts` are the readings it used that met limits."""

    linked: Linked
    facts: list[UnitFacts]


class Consulted(frozenset[str]):
    """The paths of configs, which notes that it was asked."""

    _recorder: Recorder

    def __new__(cls, paths: Iterable[str], recorder: Recorder) -> Consulted:
        """The set of these paths."""
        made = super().__new__(cls, paths)
        made._recorder = recorder
        return made

    def __contains__(self, path: object) -> bool:
        self._recorder.other(CONFIGS)
        return super().__contains__(path)

    def __iter__(self) -> Iterator[str]:
        self._recorder.other(CONFIGS)
        return super().__iter__()


def holding_of(sources: ProjectSources, index: ProjectIndex, digests: Mapping[str, bytes]) -> Holding:
    """The state of a project that answers are compared with."""

    def launches(entry: str) -> bytes:
        return digest_of(pack([line for line in sources.launches if line.entry == entry]))

    return Holding(index, digests, sources.config_paths(), launches)


def is_telling(facts: UnitFacts) -> bool:
    """Whether judging needs the reading of a unit: it has candidates, met a limit, or asks something of its
    callers."""
    return bool(facts.candidates or facts.limits or facts.preconditions)


class Keeper:
    """Collects answers as they are found."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._kept: list[Kept] = []

    def numeric(self, path: str, trail: Trail) -> None:
        """The readings of a file's units are done."""
        found = [facts for facts in self._used(trail) if is_telling(facts)]
        self._add(NUMERIC, path, trail, found)

    def program(self, entry: str, trail: Trail, linked: Linked) -> None:
        """A program is linked."""
        found = [facts for facts in self._used(trail) if facts.limits]
        self._add(PROGRAM, entry, trail, KeptProgram(linked, found))

    def taken(self, *, whole: bool) -> list[Kept]:
        """What was found since this was asked last; the facts of units only if nothing failed (`whole`)."""
        kept, self._kept = self._kept, []
        fresh: dict[str, list[UnitFacts]] = {}
        for facts in self._reader.fresh():
            fresh.setdefault(facts.path, []).append(facts)
        return [*kept, *(self._units(path, units) for path, units in fresh.items())] if whole else kept

    def _units(self, path: str, units: list[UnitFacts]) -> Kept:
        total = Trail()
        value = []
        for facts in units:
            trail = self._reader.trail(path, facts.qualname)
            total.parts.add(trail)
            others = (each.unit for each in trail.all() if each.unit not in (None, (path, facts.qualname)))
            limits = [(*place, found) for place in others if place and (found := self._reader.limits(place))]
            value.append(KeptUnit(facts.qualname, pack(facts), sorted(limits)))
        return Kept(UNITS, path, rests_of(total), pack(value))

    def _used(self, trail: Trail) -> list[UnitFacts]:
        """The readings on a trail as far as judging needs them."""
        places = {each.unit for each in trail.all() if each.unit is not None}
        return [self._brief(*place) for place in sorted(places)]

    def _brief(self, path: str, qualname: str) -> UnitFacts:
        facts = self._reader.read(path, qualname)
        candidates = facts.candidates if facts is not None else []
        needed = facts.preconditions if facts is not None else []
        limits = self._reader.limits((path, qualname))
        return UnitFacts(
            path, qualname, [], [], [], [], {}, {}, [],
            candidates=candidates, limits=limits, preconditions=needed,
        )  # fmt: skip

    def _add(self, kind: str, path: str, trail: Trail, value: object) -> None:
        self._kept.append(Kept(kind, path, rests_of(trail), pack(value)))
