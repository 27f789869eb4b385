"""What a value in the cache depends on besides the project: our own code and facts, Python, its libraries."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from trainlint.cache.store import digest_of
from trainlint.version import VERSION

PACKAGE = Path(__file__).parents[1]

FORMAT = 1
"""Rises with every change of what values look like."""

_LIBRARIES = frozenset(
    {"jsonschema", "libcst", "msgspec", "pathspec", "pyyaml", "referencing", "tomli", "tree_sitter"}
    | {"tree_sitter_bash"}
)
_COMPILED = frozenset({"__pycache__", "compiled", "rules_compiled.json"})
"""Made from the rest, in the course of a run."""


def own_digest() -> bytes:
    """A digest of this trainlint: version and files, the Python that runs it, the libraries it reads with."""
    parts = [f"{FORMAT} {VERSION} {sys.implementation.name} {sys.version}".encode()]
    record = _record()
    parts += [record] if record else [line.encode("utf-8", "surrogateescape") for line in _sources()]
    parts += [name.encode("utf-8", "surrogateescape") for name in _libraries()]
    return digest_of(*parts)


def _record() -> bytes:
    """What the installer wrote down of our files, with a digest of each; nothing in a checkout."""
    try:
        found = (PACKAGE.parent / f"trainlint-{VERSION}.dist-info" / "RECORD").read_bytes()
    except OSError:
        return b""
    return found if b"trainlint/linter.py," in found else b""


def _sources() -> Iterator[str]:
    """Path, size and time of change of every file of a checkout that answers depend on."""
    waiting = [str(PACKAGE), str(PACKAGE.parent / "rules")]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.name in _COMPILED or entry.name.startswith((".", "rules_compiled.json")):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            else:
                status = entry.stat()
                yield f"{os.path.relpath(entry.path, PACKAGE)} {status.st_size} {status.st_mtime_ns}"


def _libraries() -> list[str]:
    """The libraries that decide what is read, each with its version, as the installer names them."""
    import msgspec  # noqa: PLC0415

    try:
        names = os.listdir(Path(msgspec.__file__).parents[1])  # noqa: PTH208 - names are all that is needed
    except OSError:
        return []
    return sorted(
        name for name in names if name.endswith(".dist-info") and name.lower().partition("-")[0] in _LIBRARIES
    )
