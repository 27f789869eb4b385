"""The folder that holds a cache: where it is, that it is ours, and how it is taken away again.

A folder that others made is never written to: a cache puts a `.gitignore` of everything beside itself.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

FOLDER = ".trainlint_cache"
VARIABLE = "TRAINLINT_CACHE_DIR"
DATABASE = "cache.sqlite"

TAG_FILE = "CACHEDIR.TAG"
_IGNORE_FILE = ".gitignore"
_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
"""What the Cache Directory Tagging Specification (https://bford.info/cachedir/) has such files begin with."""
_TAG = _SIGNATURE + b"\n# This folder is a cache of trainlint: it can be deleted at any time.\n"
_OWN_WORD = b"trainlint"

_PARTS = tuple(DATABASE + ending for ending in ("", "-journal", "-wal", "-shm"))


class FolderError(Exception):
    """A folder that cannot hold a cache; the text says why."""


def cache_folder(root: str, chosen: str | None) -> Path:
    """The folder of a project's cache: what options or settings choose, else the environment, else below the
    root."""
    wanted = chosen or os.environ.get(VARIABLE) or ""
    return Path(os.path.abspath(wanted)) if wanted else Path(root, FOLDER)  # noqa: PTH100 - links are told apart


def prepare(folder: Path) -> Path:
    """The place of the database in a folder that is made, and marked, where it is not there.

    Raises FolderError for what is not ours to fill, OSError where nothing can be written.
    """
    if folder.is_symlink():
        raise FolderError(f"{folder} is a link")
    folder.mkdir(parents=True, exist_ok=True)
    if not is_ours(folder):
        if not _may_become_ours(folder):
            raise FolderError(f"{folder} holds other files, and no {TAG_FILE} of trainlint")
        (folder / TAG_FILE).write_bytes(_TAG)
    if not os.path.lexists(folder / _IGNORE_FILE):
        (folder / _IGNORE_FILE).write_bytes(b"*\n")
    return folder / DATABASE


def _may_become_ours(folder: Path) -> bool:
    """Whether a folder is empty, or another run has just begun, or was ended, to make a cache of it."""
    if any(entry.name != TAG_FILE for entry in folder.iterdir()):
        return False
    tag = folder / TAG_FILE
    return not os.path.lexists(tag) or (not tag.is_symlink() and _TAG.startswith(tag.read_bytes()[:400]))


def is_ours(folder: Path) -> bool:
    """Whether a folder carries our mark."""
    try:
        with (folder / TAG_FILE).open("rb") as stream:
            head = stream.read(400)
    except OSError:
        return False
    return head.startswith(_SIGNATURE) and _OWN_WORD in head


def remove_database(folder: Path) -> None:
    """Deletes the database with what SQLite keeps beside it. Raises OSError where that fails."""
    for name in _PARTS:
        file = folder / name
        if file.is_dir() and not file.is_symlink():
            file.rmdir()
        elif os.path.lexists(file):
            file.unlink()


def clean(folder: Path) -> bool:
    """Deletes a cache with its folder; whether there was one.

    Raises FolderError for a folder that does not carry our mark or holds files of others too, and OSError.
    """
    if not os.path.lexists(folder):
        return False
    if folder.is_symlink() or not folder.is_dir() or not is_ours(folder):
        raise FolderError(f"{folder} is no cache of trainlint: it has no {TAG_FILE} of ours; nothing deleted")
    remove_database(folder)
    with contextlib.suppress(FileNotFoundError):
        (folder / _IGNORE_FILE).unlink()
    others = sorted(entry.name for entry in folder.iterdir() if entry.name != TAG_FILE)
    if others:
        raise FolderError(f"{folder} also holds {', '.join(others[:3])}: emptied of the cache, but kept")
    (folder / TAG_FILE).unlink()
    folder.rmdir()
    return True
