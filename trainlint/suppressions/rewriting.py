"""Writes a text with comments added back to its file: same encoding, byte order mark, line ends and mode."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from trainlint.output.files import write_bytes_atomically
from trainlint.suppressions.adding import Added
from trainlint.text.document import Broken, Node
from trainlint.text.json import parse_json
from trainlint.text.notebook import NotebookSource, read_notebook
from trainlint.text.source import Source, read_source, source_of

_MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")


class RewriteError(Exception):
    """Why a file cannot be rewritten; it is as it was."""


def rewritten(file: Path, linted: Source, language: str, added: Added) -> bytes:
    """The bytes of a file with the comments added. `linted` is the text that was judged.

    Raises RewriteError where the file is not what was judged any more, or cannot hold the comments.
    """
    data = _current(file)
    source = read_source(file, linted.path, language == "python")
    if isinstance(source, Broken):
        raise RewriteError(source.message)
    if encoded(source, source.text) != data:
        raise RewriteError(f"its encoding ({source.encoding}) would not survive being written back")
    if language == "notebook":
        return encoded(source, _in_notebook(source, linted, added))
    if source.text != linted.text:
        raise RewriteError("it has changed since it was read")
    return encoded(source, added.text)


def replace(file: Path, before: bytes, after: bytes) -> None:
    """Writes a file unless somebody else has meanwhile. Raises RewriteError; the file is old or new."""
    if file.is_symlink():
        # It may lead anywhere: only what is named is written.
        raise RewriteError("it is a link: name the file it leads to")
    if not os.access(file, os.W_OK):
        raise RewriteError("it is read-only")
    if _current(file) != before:
        raise RewriteError("it has changed since it was read")
    try:
        write_bytes_atomically(file, after)
    except OSError as error:
        raise RewriteError(f"it cannot be written: {error.strerror}") from error


def encoded(source: Source, text: str) -> bytes:
    """A text as the file that `source` came from would hold it. Raises RewriteError where it cannot."""
    try:
        body = text.encode(source.encoding)
    except (UnicodeError, LookupError) as error:
        raise RewriteError(f"the comment cannot be written in its encoding, {source.encoding}") from error
    return (_MARKS.get(source.encoding, b"") if source.bom else b"") + body


def _current(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RewriteError(f"it cannot be read: {error.strerror}") from error


def _in_notebook(source: Source, linted: Source, added: Added) -> str:
    """The notebook's own text with the changed lines put into the JSON texts that hold them."""
    notebook = read_notebook(source)
    if isinstance(notebook, Broken) or notebook.source.text != linted.text:
        raise RewriteError("it has changed since it was read")
    documents, _ = parse_json(source)
    cells = documents[0].root.get("cells") if documents else None
    if cells is None or cells.kind != "sequence":
        raise RewriteError("a notebook of an old format: save it again first")
    text = source.text
    for start, end, literal in sorted(_literals(notebook, cells, source, added.lines), reverse=True):
        text = text[:start] + literal + text[end:]
    again = read_notebook(source_of(source.path, text))
    if isinstance(again, Broken) or again.source.text != added.text:
        raise RewriteError("its cells are written in a way that comments cannot be added to")
    return text


def _literals(
    notebook: NotebookSource, cells: Node, source: Source, lines: Mapping[int, str]
) -> list[tuple[int, int, str]]:
    """Start, end and new form of the JSON texts that change."""
    changes: dict[tuple[int, int], dict[int, str]] = {}
    for number, line in lines.items():
        cell, inside = notebook.locate(number)
        written = cells.children[cell - 1].get("source")
        holder = _holder([written] if written is None or not written.children else written.children, inside)
        if holder is None:
            raise RewriteError(f"cell {cell} is written in a way that comments cannot be added to")
        node, offset = holder
        place = (source.offset(*node.place[:2]), source.offset(*node.place[2:]))
        changes.setdefault(place, {})[offset] = line
    return [(*place, _literal(source.text[slice(*place)], edits)) for place, edits in changes.items()]


def _holder(texts: list[Node] | list[None] | list[Node | None], line: int) -> tuple[Node, int] | None:
    """The text that holds a line of a cell as a whole, and the line's position in it, from 0."""
    before = 0
    for node in texts:
        if node is None or node.kind != "scalar":
            return None
        held = [part for part in _LINE.findall(node.raw) if part]
        if before + len(held) >= line:
            return node, line - before - 1
        if held and not held[-1].endswith(("\n", "\r")):
            return None
        before += len(held)
    return None


def _literal(token: str, edits: Mapping[int, str]) -> str:
    """A JSON text with some of its lines replaced; a last line without an end stays so."""
    parts = [part for part in _LINE.findall(json.loads(token)) if part]
    for number, line in edits.items():
        ended = parts[number].endswith(("\n", "\r"))
        parts[number] = line if ended else line.removesuffix("\n")
    return json.dumps("".join(parts), ensure_ascii="\\u" in token)
