"""What earlier runs left of a project's Python, and what this one adds."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trainlint.analysis.facts import Outline, UnitFacts
from trainlint.analysis.index.project import ProjectIndex, module_name
from trainlint.cache.answers import NUMERIC, PROGRAM, Access, Answers
from trainlint.cache.coding import decode, encode, unpacked
from trainlint.cache.memory import Memory
from trainlint.cache.packing import pack
from trainlint.cache.store import digest_of
from trainlint.cache.whole import UNSURE
from trainlint.findings import Notice
from trainlint.pipeline.keeping import KeptProgram, holding_of
from trainlint.pipeline.linked import Linked
from trainlint.pipeline.sources import ProjectSources
from trainlint.pipeline.stages import Interpreted, Outlined

OUTLINE = "outline"


class KeptOutline(msgspec.Struct, array_like=True):
    """A file at a glance, None where it could not be read, and what there was to say about it."""

    outline: Outline | None
    notices: list[Notice]


class KnownOutlines:
    """The outlines of a project's files by their content. `missing` are the paths of the others."""

    def __init__(self, memory: Memory, sources: ProjectSources, paths: Sequence[str]) -> None:
        self._memory = memory
        self._known: dict[str, KeptOutline] = {}
        scope = memory.scope(sources.project.settings.versions)
        packages = sources.packages
        self._keys = {path: _outline_key(scope, memory, path, packages) for path in paths}
        found = memory.store.get_many(list(self._keys.values()))
        for path, key in self._keys.items():
            kept = decode(found.get(key), KeptOutline)
            if kept is not None:
                self._known[path] = kept
        self.missing = [path for path in paths if path not in self._known]

    def with_fresh(self, fresh: Outlined) -> Outlined:
        """All of them, sorted by path, together with those read now, which are kept."""
        self._keep(fresh)
        outlines = [kept.outline for kept in self._known.values() if kept.outline is not None]
        broken = [path for path, kept in self._known.items() if kept.outline is None]
        notices = [notice for kept in self._known.values() for notice in kept.notices]
        return Outlined(
            sorted([*outlines, *fresh.outlines], key=lambda outline: outline.path),
            sorted([*broken, *fresh.broken]),
            [*notices, *fresh.notices],
        )

    def _keep(self, fresh: Outlined) -> None:
        about: dict[str, list[Notice]] = {}
        for notice in fresh.notices:
            about.setdefault(notice.path, []).append(notice)
        outlines = {outline.path: outline for outline in fresh.outlines}
        for path in self.missing:
            notices = about.get(path, [])
            unsure = any(notice.kind in UNSURE for notice in notices)
            if path in self._memory.contents.overlaid or unsure or not (path in outlines or notices):
                continue
            kept = KeptOutline(outlines.get(path), notices)
            self._memory.store.put(self._keys[path], OUTLINE, encode(kept))


def _outline_key(scope: bytes, memory: Memory, path: str, packages: set[str]) -> bytes:
    module, is_package = module_name(path, packages)
    content = memory.contents.digests.get(path, b"")
    name = f"{path}\0{module}\0{is_package}".encode("utf-8", "surrogateescape")
    return digest_of(scope, OUTLINE.encode(), name, content)


class KnownAnswers:
    """The candidates of files and the programs that earlier runs found and that still hold."""

    def __init__(self, memory: Memory, sources: ProjectSources, index: ProjectIndex) -> None:
        settings = sources.project.settings
        scope = digest_of(memory.scope(settings.versions), pack(settings.devices))
        self._memory = memory
        self._facts: list[UnitFacts] = []
        self._programs: list[Linked] = []
        access = Access(str(memory.store.folder), scope, memory.contents.digests)
        self.answers = Answers(memory.store, access, holding_of(sources, index, memory.contents.digests))

    def missing(self, files: Sequence[str], entries: Sequence[str]) -> tuple[list[str], list[str]]:
        """The files and programs of which nothing is known that holds."""
        known: set[str] = set()
        for path, value in self.answers.values(NUMERIC, files).items():
            facts = unpacked(value, list[UnitFacts])
            if facts is not None:
                known.add(path)
                self._facts += facts
        linked: set[str] = set()
        for path, value in self.answers.values(PROGRAM, entries).items():
            program = unpacked(value, KeptProgram)
            if program is not None:
                linked.add(path)
                self._programs.append(program.linked)
                self._facts += program.facts
        return [path for path in files if path not in known], [path for path in entries if path not in linked]

    def with_fresh(self, fresh: Interpreted) -> Interpreted:
        """All of them, sorted, together with those found now, which are kept."""
        self.answers.keep(fresh.kept, self._memory.contents.overlaid)
        facts: dict[tuple[str, str], UnitFacts] = {}
        # Who only used a reading knows its limits alone: the one with candidates is the whole.
        for each in (*self._facts, *fresh.facts):
            key = (each.path, each.qualname)
            if key not in facts or each.candidates:
                facts[key] = each
        programs = {each.entry: each for each in (*self._programs, *fresh.programs)}
        return Interpreted(
            [facts[key] for key in sorted(facts)], [programs[key] for key in sorted(programs)], fresh.notices
        )
