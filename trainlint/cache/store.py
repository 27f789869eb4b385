"""A table of values by key in one SQLite file. It answers with what was stored, or not at all.

Whatever is wrong with the file (another version's, damaged, somebody else's, locked, on a full disk) costs
the values, never the run: a file that is no store of ours is replaced, one that cannot be used is left alone.
Every value carries a digest over its key and itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from trainlint.cache.folder import DATABASE, FolderError, prepare, remove_database

if TYPE_CHECKING:
    import sqlite3

SCHEMA = (
    "CREATE TABLE entries (key BLOB PRIMARY KEY, kind TEXT NOT NULL, used INTEGER NOT NULL, "
    "digest BLOB NOT NULL, value BLOB NOT NULL) WITHOUT ROWID"
)
KEPT_DAYS = 14
"""Days after which a value that no run asked for is deleted."""

MOST_VALUE = 100_000_000
"""Bytes of the largest value that is kept."""

_DAY = 86_400
_DIGEST = 16
_PATIENCE = 2.0
"""Seconds to wait for another run that writes."""
_AT_ONCE = 500
_OURS = 0x74726C74
"""SQLite's application id of our files: "trlt"."""


def digest_of(*parts: bytes) -> bytes:
    """A digest of byte strings that tells where each ends."""
    total = blake2b(digest_size=_DIGEST)
    for part in parts:
        total.update(len(part).to_bytes(8, "little"))
        total.update(part)
    return total.digest()


class Store:
    """The values in a folder. `problem` says why they cannot be used, "" while they can."""

    def __init__(self, folder: Path, *, writing: bool = True) -> None:
        self.problem = ""
        self.folder = folder
        self._writing = writing
        self._now = int(time.time())
        self._stale: set[bytes] = set()
        self._waiting: dict[bytes, tuple[str, bytes]] = {}
        self._database: sqlite3.Connection | None = None
        try:
            self._database = self._opened()
        except (OSError, ValueError, FolderError) as error:
            self.problem = str(error) or type(error).__name__

    def get(self, key: bytes) -> bytes | None:
        """The value under a key."""
        return self.get_many((key,)).get(key)

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values of those keys that have one."""
        found: dict[bytes, bytes] = {}
        if self._database is None:
            return found
        import sqlite3  # noqa: PLC0415 - only where there is a cache

        try:
            for start in range(0, len(keys), _AT_ONCE):
                some = keys[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                question = f"SELECT key, used, digest, value FROM entries WHERE key IN ({marks})"  # noqa: S608
                for row in self._database.execute(question, tuple(some)):
                    self._take(row, found)
        except (sqlite3.Error, OverflowError, MemoryError) as error:
            self._fail(error)
        return found

    def _take(self, row: tuple[object, ...], found: dict[bytes, bytes]) -> None:
        key, used, digest, value = row
        if isinstance(key, bytes) and isinstance(value, bytes) and digest == digest_of(key, value):
            found[key] = value
            if not isinstance(used, int) or abs(self._now - used) > _DAY:
                self._stale.add(key)

    def put(self, key: bytes, kind: str, value: bytes | None) -> None:
        """Has a value written by `save`; None is no value."""
        if value is not None and len(value) <= MOST_VALUE:
            self._waiting[key] = (kind, value)

    def save(self, bounds: Mapping[str, int] | None = None) -> None:
        """Writes what waits, all of it or nothing, and deletes what is old: of a kind with a bound all but so
        many of the newest."""
        if self._database is None or not self._writing or not (self._waiting or self._stale):
            return
        import sqlite3  # noqa: PLC0415

        try:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                self._write(self._database)
                self._forget(self._database, bounds or {})
        except (sqlite3.Error, OverflowError) as error:
            self._fail(error)
        self._waiting.clear()
        self._stale.clear()

    def _write(self, database: sqlite3.Connection) -> None:
        database.executemany(
            "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)",
            (
                (key, kind, self._now, digest_of(key, value), value)
                for key, (kind, value) in self._waiting.items()
            ),
        )
        database.executemany(
            "UPDATE entries SET used = ? WHERE key = ?", ((self._now, key) for key in sorted(self._stale))
        )

    def _forget(self, database: sqlite3.Connection, bounds: Mapping[str, int]) -> None:
        for kind, most in bounds.items():
            database.execute(
                "DELETE FROM entries WHERE kind = ? AND key NOT IN "
                "(SELECT key FROM entries WHERE kind = ? ORDER BY used DESC LIMIT ?)",
                (kind, kind, most),
            )
        today = self._now // _DAY
        if database.execute("PRAGMA user_version").fetchone() != (today,):
            # A clock that went back must not keep values for ever.
            kept = (self._now - KEPT_DAYS * _DAY, self._now + _DAY)
            database.execute("DELETE FROM entries WHERE used < ? OR used > ?", kept)
            database.execute(f"PRAGMA user_version = {today}")

    def close(self) -> None:
        """Ends the connection."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _opened(self) -> sqlite3.Connection:
        import sqlite3  # noqa: PLC0415

        place = prepare(self.folder)
        try:
            return _connect(place)
        except sqlite3.DatabaseError as error:
            if not self._writing or not _is_damage(error, place):
                raise FolderError(f"{place}: {error}") from error
        remove_database(self.folder)
        try:
            return _connect(place)
        except sqlite3.DatabaseError as error:
            raise FolderError(f"{place}: {error}") from error

    def _fail(self, error: Exception) -> None:
        """The values are of no use in this run; a damaged file is of no use in any."""
        self.problem = str(error) or type(error).__name__
        self.close()
        if self._writing and _is_damage(error, self.folder / DATABASE):
            try:
                remove_database(self.folder)
            except OSError as refused:
                self.problem = str(refused)


def _connect(place: Path) -> sqlite3.Connection:
    """An open store; a new one where there is none.

    Raises sqlite3.DatabaseError for a file of another kind.
    """
    import sqlite3  # noqa: PLC0415

    if place.is_symlink() or (place.exists() and not place.is_file()):
        raise sqlite3.DatabaseError("not a file")
    database = sqlite3.connect(place, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA cell_size_check = ON")
        # A store that is lost with the power is a cold one: nothing has to wait for the disk.
        database.execute("PRAGMA synchronous = OFF")
        if not _shape(database):
            with database:
                database.execute("BEGIN IMMEDIATE")
                if not _shape(database):
                    database.execute(SCHEMA)
                    database.execute(f"PRAGMA application_id = {_OURS}")
        if _shape(database) != [("table", SCHEMA)] or _application(database) != _OURS:
            raise sqlite3.DatabaseError("not a cache of trainlint")
    except BaseException:
        database.close()
        raise
    return database


def _shape(database: sqlite3.Connection) -> list[tuple[object, ...]]:
    """What tables, views and triggers a database has: no view or trigger of somebody else's must run."""
    found: Iterable[tuple[object, ...]] = database.execute("SELECT type, sql FROM sqlite_master LIMIT 3")
    return list(found)


def _application(database: sqlite3.Connection) -> object:
    row = database.execute("PRAGMA application_id").fetchone()
    return row[0] if row else None


_PASSING = ("locked", "busy", "full", "unable to open", "i/o error", "out of memory", "interrupted")
"""Words of SQLite's messages about what another time, or another place, would not meet."""


def _is_damage(error: Exception, place: Path) -> bool:
    """Whether a file must be replaced to be of use again."""
    import sqlite3  # noqa: PLC0415

    text = str(error).lower()
    if not isinstance(error, sqlite3.DatabaseError) or any(word in text for word in _PASSING):
        return False
    if "readonly" in text or "read-only" in text:
        # The file's own header can say so too.
        return os.access(place, os.W_OK) and os.access(place.parent, os.W_OK)
    return True
