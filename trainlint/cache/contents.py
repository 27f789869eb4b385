"""What the files of a project hold, as digests: taken once, before anything is read."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Mapping

from trainlint.cache.store import digest_of
from trainlint.discovery.walk import SourceFile
from trainlint.text.source import NOTEBOOK_LIMIT, PYTHON_LIMIT

_LARGE = frozenset({"notebook", "lock", "yaml", "toml"})
"""Languages of files of which more may be read than of a Python file: lock files are YAML and TOML too."""
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
_TICK = 2_000_000_000
"""Nanoseconds within which two changes of a file may leave it with the same time of change."""

Stamp = tuple[int, int, int]


class Contents:
    """Path → digest of as much of a file as any run reads, in `digests`. Files that cannot be read have one
    too: of why. `overlay` holds texts that stand for files."""

    def __init__(self, root: str, files: Iterable[SourceFile], overlay: Mapping[str, str]) -> None:
        self._root = root
        self._most: dict[str, int] = {}
        self._stamps: dict[str, Stamp | None] = {}
        self._taken = time.time_ns()
        self.digests: dict[str, bytes] = {}
        self.overlaid = frozenset(overlay)
        for file in files:
            path = file.path
            if path in overlay:
                # No file's digest: the bytes of those must be decoded first.
                text = overlay[path].encode("utf-8", "surrogatepass")
                self.digests[path] = digest_of(b"text", text)
                continue
            self._most[path] = NOTEBOOK_LIMIT if file.language in _LARGE else PYTHON_LIMIT
            self.digests[path], self._stamps[path] = self._look(path)

    def still_hold(self) -> bool:
        """Whether no file was changed since: what was read in between is what the digests are of."""
        return all(self._unchanged(path, stamp) for path, stamp in self._stamps.items())

    def _unchanged(self, path: str, stamp: Stamp | None) -> bool:
        if stamp is not None and self._taken - stamp[1] > _TICK:
            try:
                return _stamp(os.stat(f"{self._root}/{path}")) == stamp  # noqa: PTH116 - thousands of files
            except OSError:
                return False
        return self._look(path) == (self.digests[path], stamp)

    def _look(self, path: str) -> tuple[bytes, Stamp | None]:
        try:
            return _digest(f"{self._root}/{path}", self._most[path])
        except (OSError, ValueError) as error:
            return digest_of(b"unreadable", str(error).encode("utf-8", "surrogateescape")), None


def file_digest(path: str) -> bytes:
    """The digest of a small file that is no part of the project's own, or of why it cannot be read."""
    try:
        return _digest(path, NOTEBOOK_LIMIT)[0]
    except (OSError, ValueError) as error:
        return digest_of(b"unreadable", str(error).encode("utf-8", "surrogateescape"))


def _digest(path: str, most: int) -> tuple[bytes, Stamp | None]:
    status = os.stat(path)  # noqa: PTH116 - thousands of files
    if not stat.S_ISREG(status.st_mode):
        return digest_of(b"irregular", str(stat.S_IFMT(status.st_mode)).encode()), None
    # A pipe may have taken the file's place: opening must not wait for its writer.
    handle = os.open(path, _FLAGS)
    try:
        return digest_of(b"file", _read(handle, most + 1)), _stamp(status)
    finally:
        os.close(handle)


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _read(handle: int, most: int) -> bytes:
    data = os.read(handle, most)
    parts = [data]
    size = len(data)
    while data and size < most:
        data = os.read(handle, most - size)
        parts.append(data)
        size += len(data)
    return b"".join(parts)
