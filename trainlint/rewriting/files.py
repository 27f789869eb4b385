"""A changed text back in its file: same encoding, byte order mark and mode; whole or not at all."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import msgspec

from trainlint.output.files import write_bytes_atomically
from trainlint.text.document import Broken
from trainlint.text.notebook import read_notebook
from trainlint.text.source import Source, read_source

_MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
CHANGED = "it has changed since it was read"


class RewriteError(Exception):
    """Why a file cannot be rewritten; it is as it was."""


class Original(msgspec.Struct, frozen=True):
    """A file as it is on disk: its bytes, and the text they hold (a notebook's is its JSON)."""

    data: bytes
    source: Source


def original(file: Path, linted: Source, language: str) -> Original:
    """The file that `linted`, the text that was judged, came from.

    Raises RewriteError where it holds another text by now, or one that would not survive being written back.
    """
    data = current(file)
    source = read_source(file, linted.path, language == "python")
    if isinstance(source, Broken):
        raise RewriteError(source.message)
    if encoded(source, source.text) != data:
        raise RewriteError(f"its encoding ({source.encoding}) would not survive being written back")
    if _code(source, language) != linted.text:
        raise RewriteError(CHANGED)
    return Original(data, source)


def check_writable(file: Path) -> None:
    """Raises RewriteError where a file must not or cannot be replaced."""
    if file.is_symlink():
        # It may lead anywhere: only what is named is written.
        raise RewriteError("it is a link: name the file it leads to")
    if not os.access(file, os.W_OK):
        raise RewriteError("it is read-only" if file.exists() else "it is gone")


def replace(file: Path, before: bytes, after: bytes) -> None:
    """Writes a file unless somebody else has meanwhile. Raises RewriteError; the file is old or new."""
    check_writable(file)
    if current(file) != before:
        raise RewriteError(CHANGED)
    try:
        write_bytes_atomically(file, after)
    except OSError as error:
        raise RewriteError(f"it cannot be written: {error.strerror or error}") from error


def encoded(source: Source, text: str) -> bytes:
    """A text as the file that `source` came from would hold it. Raises RewriteError where it cannot."""
    try:
        body = text.encode(source.encoding)
    except (UnicodeError, LookupError) as error:
        message = f"what is to be added cannot be written in its encoding, {source.encoding}"
        raise RewriteError(message) from error
    return (_MARKS.get(source.encoding, b"") if source.bom else b"") + body


def current(file: Path) -> bytes:
    """The bytes of a file. Raises RewriteError."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise RewriteError(f"it cannot be read: {error.strerror or error}") from error


def _code(source: Source, language: str) -> str | None:
    """What of a file is judged: all of it, or a notebook's code cells; None where that is no notebook."""
    if language != "notebook":
        return source.text
    notebook = read_notebook(source)
    return None if isinstance(notebook, Broken) else notebook.source.text
