"""Bytes to text: what a file's encoding is, where its lines end, and why it cannot be read."""

from __future__ import annotations

import bisect
import codecs
import os
import re
import stat
from functools import cached_property
from pathlib import Path

import msgspec

from trainlint.text.document import Broken, Place

PYTHON_LIMIT = 2_000_000
CONFIG_LIMIT = 1_000_000
NOTEBOOK_LIMIT = 20_000_000
"""Bytes. Notebooks are mostly images, and only their code is looked at."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_LINE_END_BYTES = re.compile(rb"\r\n|\r|\n")
_COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK = re.compile(rb"[ \t\f]*(?:#.*)?")
_OPEN_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
)

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""The UTF-32 marks come first: the little-endian one begins with that of UTF-16."""

_REFUSED_CODECS = frozenset({"idna", "punycode", "undefined", "mbcs", "oem"})
"""Codecs that take quadratic time or answer differently from machine to machine."""


class Source(msgspec.Struct, dict=True):
    """The text of one file. `text` keeps its line ends and has no byte order mark.

    `encoding`, `bom` and `newline` (the prevailing line end) say how to write it back.
    """

    path: str
    text: str
    encoding: str = "utf-8"
    bom: bool = False
    newline: str = "\n"

    @cached_property
    def lines(self) -> list[str]:
        r"""The lines without their ends. Only \r\n, \r and \n end a line: form feeds and U+2028 do not."""
        lines = _LINE_END.split(self.text)
        if not lines[-1]:
            lines.pop()
        return lines

    @cached_property
    def starts(self) -> list[int]:
        """The offset of every line's first character, also of the empty line behind a final line end."""
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column (1-based, code points) of an offset into the text."""
        line = bisect.bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def place(self, start: int, end: int) -> Place:
        """The place of a stretch of the text, given by offsets."""
        starts = self.starts
        line = bisect.bisect_right(starts, start)
        begin = starts[line - 1]
        if line == len(starts) or end < starts[line]:
            return line, start - begin + 1, line, end - begin + 1
        return line, start - begin + 1, *self.position(end)

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and column, the inverse of `position`."""
        return self.starts[line - 1] + column - 1


def source_of(path: str, text: str, encoding: str = "utf-8", *, bom: bool = False) -> Source:
    """A Source of text that is already decoded: a buffer of an editor, standard input."""
    if text.startswith("\ufeff"):
        text, bom = text[1:], True
    return Source(path=path, text=text, encoding=encoding, bom=bom, newline=_prevailing_newline(text))


def read_source(absolute: Path, path: str, python: bool) -> Source | Broken:
    """The text of a regular file, or why there is none. Never blocks on a pipe or device.

    `path` is the name that reports use; `python` selects Python's encoding rules and size limit.
    """
    limit = size_limit(path, python)
    try:
        data = _read_bytes(absolute, limit)
    except (OSError, ValueError) as error:
        return _unreadable(_reason(error))
    if isinstance(data, Broken):
        return data
    if len(data) > limit:
        return Broken("too-large", 1, 1, f"more than {limit // 1_000_000} MB, the limit for such a file")
    return decode(data, path, python)


def size_limit(path: str, python: bool) -> int:
    """The most bytes a file of this name may have."""
    if path.endswith(".ipynb"):
        return NOTEBOOK_LIMIT
    return PYTHON_LIMIT if python else CONFIG_LIMIT


def decode(data: bytes, path: str, python: bool) -> Source | Broken:
    """The text of `data`: by byte order mark, by PEP 263 cookie for Python, else UTF-8."""
    mark, encoding = _byte_order_mark(data)
    body = data[len(mark) :]
    if python:
        if mark and encoding != "utf-8":
            return Broken("encoding", 1, 1, f"Python source cannot be {encoding.upper()}")
        line, cookie = _cookie(body)
        chosen = _python_codec(cookie, line, bom=bool(mark))
        if isinstance(chosen, Broken):
            return chosen
        encoding = chosen
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        return _undecodable(body, error, encoding)
    except (LookupError, UnicodeError, ValueError) as error:
        return Broken("encoding", 1, 1, f"cannot be decoded as {encoding}: {error}")
    source = Source(path, text, encoding, bool(mark), _prevailing_newline(text))
    nul = text.find("\0")
    if nul >= 0:
        return Broken("encoding", *source.position(nul), "contains a NUL byte: this is not a text file")
    return source


def _read_bytes(absolute: Path, limit: int) -> bytes | Broken:
    # A look before opening keeps devices untouched; O_NONBLOCK covers a pipe that takes the file's place.
    if refusal := _irregular(absolute.stat()):
        return refusal
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
    )
    with os.fdopen(os.open(absolute, flags), "rb") as stream:
        return _irregular(os.fstat(stream.fileno())) or stream.read(limit + 1)


def _irregular(status: os.stat_result) -> Broken | None:
    if stat.S_ISREG(status.st_mode):
        return None
    return _unreadable("it is a directory" if stat.S_ISDIR(status.st_mode) else "it is not a regular file")


def _unreadable(reason: str) -> Broken:
    return Broken("unreadable", 1, 1, f"cannot be read: {reason}")


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "permission denied"
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)


def _byte_order_mark(data: bytes) -> tuple[bytes, str]:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return mark, encoding
    return b"", "utf-8"


def _cookie(data: bytes) -> tuple[int, str]:
    """The line and name of the coding cookie ("" without one): in line 1, or in line 2 below a blank."""
    for number, line in enumerate(_LINE_END_BYTES.split(data[:4096], maxsplit=2)[:2], start=1):
        if match := _COOKIE.match(line):
            return number, match[1].decode("ascii", "replace")
        if not _BLANK.fullmatch(line):
            break
    return 1, ""


def _python_codec(cookie: str, line: int, *, bom: bool) -> str | Broken:
    if not cookie:
        return "utf-8"
    try:
        codec = codecs.lookup(_normal_name(cookie))
    except (LookupError, ValueError, UnicodeError):
        return Broken("encoding", line, 1, f"unknown encoding {cookie!r} in the coding comment")
    if codec.name in _REFUSED_CODECS or not getattr(codec, "_is_text_encoding", True):
        return Broken("encoding", line, 1, f"encoding {cookie!r} is not supported")
    if bom and codec.name != "utf-8":
        return Broken("encoding", line, 1, f"coding comment says {cookie!r}, the byte order mark says UTF-8")
    return codec.name


def _normal_name(cookie: str) -> str:
    """Python reads `utf-8-unix` or `latin-1-dos`, which editors write, as the plain codec."""
    name = cookie[:12].lower().replace("_", "-")
    for plain in ("utf-8", "latin-1", "iso-8859-1", "iso-latin-1"):
        if name == plain or name.startswith(plain + "-"):
            return plain
    return cookie


def _undecodable(body: bytes, error: UnicodeDecodeError, encoding: str) -> Broken:
    before = body[: error.start]
    line = len(_LINE_END_BYTES.findall(before)) + 1
    last = _LINE_END_BYTES.split(before)[-1]
    column = len(last.decode(encoding, "replace")) + 1
    shown = body[error.start : error.start + 1].hex()
    if encoding.startswith(("utf-16", "utf-32")):
        line, column = 1, 1
    return Broken("encoding", line, column, f"not valid {encoding.upper()}: byte 0x{shown} cannot be decoded")


def _prevailing_newline(text: str) -> str:
    windows = text.count("\r\n")
    unix = text.count("\n") - windows
    old = text.count("\r") - windows
    if windows >= max(unix, old, 1):
        return "\r\n"
    return "\r" if old > unix else "\n"
