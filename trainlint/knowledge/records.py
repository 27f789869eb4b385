"""What keeps a record of a run, and which packages keep none: records.json, read once."""

from __future__ import annotations

import functools
from pathlib import Path

import msgspec

from trainlint.knowledge.roles import words_of

_FILE = Path(__file__).with_name("records.json")


class _Tables(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words in the names of calls that record, names that only sound so, packages without any record."""

    words: frozenset[str]
    mathematical: frozenset[str]
    silent: frozenset[str]


@functools.lru_cache(maxsize=1)
def _tables() -> _Tables:
    return msgspec.json.decode(_FILE.read_bytes(), type=_Tables)


@functools.lru_cache(maxsize=4096)
def may_record(name: str) -> bool:
    """Whether a call, as written ("self.log", "writer.add_scalar"), may tell or keep something of the run."""
    simple = name.rpartition(".")[2]
    if simple.lower() in _tables().mathematical:
        return False
    return not _tables().words.isdisjoint(words_of(simple))


def keeps_no_record(package: str) -> bool:
    """Whether a package, by its import name, does nothing that shows how a training goes unless it is asked
    to."""
    return package.partition(".")[0] in _tables().silent
