"""From fact files to the one JSON file a run reads."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec

from trainlint.knowledge.compiled_form import Compiled, Entry, FrameworkFacts, Older, Param, StoredEntry
from trainlint.knowledge.signatures import parse_call
from trainlint.knowledge.sources import (
    FRAMEWORKS,
    FrameworkFile,
    KnowledgeError,
    NameFacts,
    NumericRow,
    read_source,
    source_paths,
)

_T = TypeVar("_T")

COMPILED_NAME = "knowledge.json"

EFFECTS = ("seed", "optimizer", "schedule", "order")
"""What an unread call could have done: seed a generator, change an optimizer or a rate, order the data."""

_QUIET_KINDS = frozenset(
    {"layer", "builtin", "transform", "numeric", "dataset-wrapper", "init", "container", "module-base"}
)
"""Kinds whose mention is no reason for a close reading, unless they draw, regularise or can fail."""

_TELLING_CHECKS = frozenset({"root", "quotient"})
"""Sites that their function's name tells. `log` and `exp` are words of too much else."""


class Compiler:
    """Merges fact files into the compiled form; raises KnowledgeError at the first contradiction."""

    def __init__(self) -> None:
        self.labels: dict[str, str] = {}
        self.backends: dict[str, str] = {}
        self.generators: dict[str, str] = {}
        self.seedings: dict[str, str] = {}
        self.ranks: dict[str, int] = {}
        self.packages: dict[str, str] = {}
        self.wholes: set[str] = set()
        self.conventions: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.names: dict[str, dict[str, StoredEntry]] = {}
        self.methods: dict[str, list[StoredEntry]] = {}
        self.inert: dict[str, dict[str, bool]] = {}
        self.words: set[str] = set()

    def add(self, path: Path, source: FrameworkFile) -> None:
        """Take in one file."""
        framework = source.framework
        names = self.names.setdefault(framework, {})
        self.labels[framework] = source.label or self.labels.get(framework, framework)
        self.ranks[framework] = min(source.rank, self.ranks.get(framework, source.rank))
        self.backends[framework] = source.backend or self.backends.get(framework, framework)
        self.generators[framework] = source.generator or self.generators.get(framework, "")
        self.seedings[framework] = source.seeding or self.seedings.get(framework, "")
        self._merge(path, self.packages, dict.fromkeys(source.packages, framework))
        self.wholes.update(source.packages if source.whole else ())
        self._merge(path, self.conventions, source.conventions)
        self._merge(path, self.aliases, source.aliases)
        for name, facts in _each_name(source):
            if name in names:
                _refuse(path, f"{name} is described twice")
            names[name] = self._stored(path, name, facts, source)
            if not facts.quiet:
                self._hear(names[name].entry, name.rpartition(".")[2])
        for receiver, methods in source.methods.items():
            for name, facts in methods.items():
                stored = self._stored(path, name, facts, source, receiver)
                self.methods.setdefault(name, []).append(stored)
                if not facts.quiet:
                    self._hear(stored.entry, name)
        for row in source.numeric:
            self._add_numeric(path, row, source)
        for verdict, table in ((True, source.inert), (False, source.active)):
            for effect, prefixes in table.items():
                for each in EFFECTS if effect == "all" else (effect,):
                    self._mark(path, each, prefixes, verdict)
        self.words.update(source.vocabulary)

    def _mark(self, path: Path, effect: str, prefixes: list[str], verdict: bool) -> None:
        if effect not in EFFECTS:
            _refuse(path, f"{effect} is no effect; known are all, {', '.join(EFFECTS)}")
        self._merge(path, self.inert.setdefault(effect, {}), dict.fromkeys(prefixes, verdict))

    @staticmethod
    def _merge(path: Path, into: dict[str, _T], new: dict[str, _T]) -> None:
        for key, value in new.items():
            if into.setdefault(key, value) != value:
                _refuse(path, f"{key} already stands for {into[key]!r}, not {value!r}")

    def _stored(
        self, path: Path, name: str, facts: NameFacts, source: FrameworkFile, receiver: str = ""
    ) -> StoredEntry:
        params = _params(path, name, facts.call)
        entry = Entry(
            name="",
            kind=facts.kind or ("method" if receiver else ""),
            framework=source.framework,
            params=params,
            fields=facts.fields,
            renamed=_renamed(source, params),
            family=facts.family,
            shape=facts.shape,
            seeds=tuple(facts.seeds),
            random=facts.random,
            style=facts.style,
            regularizer=facts.regularizer,
            transfer=facts.transfer,
            check=facts.check,
            effect=facts.effect,
            effects=tuple(facts.effects),
            receiver=receiver,
            extra=facts.facts,
        )
        if not entry.kind:
            _refuse(path, f"{name} has no kind")
        _check_fields(path, name, entry.fields, entry.params)
        return StoredEntry(entry, tuple(_older(path, name, facts, entry)))

    def _add_numeric(self, path: Path, row: NumericRow, source: FrameworkFile) -> None:
        names = self.names[source.framework]
        for name in row.functions:
            params = _params(path, name, row.call)
            known = names.get(name)
            if known is None:
                entry = self._numeric_entry(row, source, params)
            elif known.entry.transfer:
                _refuse(path, f"{name} already has the transfer {known.entry.transfer}")
            else:
                entry = msgspec.structs.replace(
                    known.entry,
                    params=known.entry.params or params,
                    transfer=row.transfer,
                    check=row.check,
                    renamed=_renamed(source, known.entry.params or params),
                    extra={**row.facts, **known.entry.extra},
                )
            names[name] = StoredEntry(entry, known.older if known else ())
            self._hear(entry, name.rpartition(".")[2])
        call = row.method_call
        params = _params(path, row.transfer, row.call if call is None else call)
        if call is None:
            params = params[1:]
        for name in row.methods:
            entry = self._numeric_entry(row, source, params, source.numeric_receiver)
            self.methods.setdefault(name, []).append(StoredEntry(entry))
            self._hear(entry, name)

    @staticmethod
    def _numeric_entry(
        row: NumericRow, source: FrameworkFile, params: tuple[Param, ...], receiver: str = ""
    ) -> Entry:
        return Entry(
            name="",
            kind="numeric",
            framework=source.framework,
            params=params,
            renamed=_renamed(source, params),
            transfer=row.transfer,
            check=row.check,
            receiver=receiver,
            extra=dict(row.facts),
        )

    def _generator(self, framework: str) -> str:
        return self.generators[framework] or self.generators.get(self.backends[framework], "")

    def _ranked(self, name: str) -> list[StoredEntry]:
        return sorted(self.methods[name], key=lambda stored: self.ranks[stored.entry.framework])

    def _hear(self, entry: Entry, word: str) -> None:
        told = entry.check in _TELLING_CHECKS or entry.regularizer or entry.random
        if entry.kind not in _QUIET_KINDS or told:
            self.words.add(word)

    def vocabulary(self) -> frozenset[str]:
        """Last components of telling names and of their aliases, telling methods, the files' own words."""
        spellings = {
            alias.rpartition(".")[2]
            for alias, target in self.aliases.items()
            if target.rpartition(".")[2] in self.words
        }
        return frozenset(self.words | spellings) - {"*"}

    def result(self, stamp: dict[str, tuple[int, int]]) -> Compiled:
        """The compiled form, in a fixed order."""
        encoder = msgspec.json.Encoder(order="sorted")
        return Compiled(
            stamp=stamp,
            conventions=self.conventions,
            vocabulary=self.vocabulary(),
            aliases=self.aliases,
            packages=self.packages,
            wholes=frozenset(self.wholes),
            inert=self.inert,
            methods={name: msgspec.Raw(encoder.encode(self._ranked(name))) for name in self.methods},
            frameworks={
                framework: FrameworkFacts(
                    label=self.labels[framework],
                    backend=self.backends[framework],
                    generator=self._generator(framework),
                    seeding=self.seedings[framework] or self.seedings.get(self.backends[framework], ""),
                    names=msgspec.Raw(encoder.encode(names)),
                )
                for framework, names in self.names.items()
            },
        )


def compile_sources(paths: Iterable[Path], stamp: dict[str, tuple[int, int]] | None = None) -> Compiled:
    """Read and merge fact files. Raises KnowledgeError."""
    compiler = Compiler()
    for path in paths:
        compiler.add(path, read_source(path))
    return compiler.result(stamp or {})


def compile_knowledge(target_dir: Path) -> Path:
    """Compile the package's fact files into `target_dir` (for a wheel: no stamp) and return the file written.

    Raises KnowledgeError for a fact file that does not follow the schema, OSError where it cannot write.
    """
    compiled = compile_sources(source_paths(FRAMEWORKS))
    return write_compiled(compiled, target_dir)


def write_compiled(compiled: Compiled, target_dir: Path) -> Path:
    """Write the compiled form atomically and return its path. Raises OSError."""
    target_dir.mkdir(parents=True, exist_ok=True)
    target = target_dir / COMPILED_NAME
    handle, temporary = tempfile.mkstemp(dir=target_dir, prefix=COMPILED_NAME, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(msgspec.json.encode(compiled, order="sorted"))
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    return target


def _params(path: Path, name: str, call: str) -> tuple[Param, ...]:
    try:
        return parse_call(call)
    except ValueError as error:
        _refuse(path, f"{name}: {error}")


def _older(path: Path, name: str, facts: NameFacts, entry: Entry) -> Iterable[Older]:
    for version in facts.versions:
        params = None if version.call is None else _params(path, name, version.call)
        fields = entry.fields if version.fields is None else version.fields
        known = entry.params if params is None else params
        _check_fields(path, f"{name} before {version.until}", fields, known)
        yield Older(version.until, params, version.fields, version.facts)


def _check_fields(path: Path, name: str, fields: dict[str, str], params: tuple[Param, ...]) -> None:
    known = {param.name for param in params}
    for field, parameter in fields.items():
        if parameter not in known:
            _refuse(path, f"{name}: field {field} names {parameter}, which is no parameter")


def _renamed(source: FrameworkFile, params: tuple[Param, ...]) -> dict[str, str]:
    known = {param.name for param in params}
    return {old: new for old, new in source.renamed.items() if new in known and old not in known}


def _each_name(source: FrameworkFile) -> Iterable[tuple[str, NameFacts]]:
    yield from source.names.items()
    for group in source.groups:
        for name in group.names:
            yield f"{group.under}.{name}", group


def _refuse(path: Path, reason: str) -> NoReturn:
    raise KnowledgeError(f"{path}: {reason}")
