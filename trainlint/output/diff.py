"""Diffs of whole files on standard output: for a person escaped and coloured, else as `patch` takes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO

from trainlint.output.secrets import hide_secrets, in_secret_block
from trainlint.output.terminal import Style, is_terminal, visible, wants_colour
from trainlint.output.text import inert
from trainlint.output.unified import DiffLine, unified

LONGEST = 1000
"""Characters of a line that a person is shown: notebooks hold images in one."""

_SIGNS = {"added": "+", "removed": "-", "same": " "}
_COLOURS = {"file": "bold", "hunk": "advice"}
_WIDE = ("utf-16", "utf-32")


class Diffs:
    """Writes diffs to a stream. Values that look secret are starred out in either form."""

    def __init__(self, color: str, stream: IO[str]) -> None:
        self._stream = stream
        self._style = Style(colour=wants_colour(color, stream))
        # GitHub's runner obeys lines of a log, and its log is no terminal.
        self._for_people = self._style.colour or is_terminal(stream) or bool(os.environ.get("GITHUB_ACTIONS"))

    def write(self, path: str, before: bytes, after: bytes, encoding: str) -> None:
        """Writes the diff of one file's bytes, which hold text in this encoding."""
        old, new = before.decode(encoding), after.decode(encoding)
        lines = _without_secrets(old, new, path)
        if self._for_people:
            self._stream.write("".join(self._shown(line) + "\n" for line in lines))
            self._stream.flush()
            return
        codec = "utf-8" if encoding.startswith(_WIDE) else encoding
        self._stream.flush()
        self._stream.buffer.write(b"".join(_raw(line, codec) for line in lines))  # type: ignore[attr-defined]
        self._stream.flush()

    def _shown(self, line: DiffLine) -> str:
        text = line.text.removesuffix("\r")
        cut = text if len(text) <= LONGEST else text[:LONGEST] + "…"
        shown = inert(_SIGNS.get(line.kind, "") + _visible(cut))
        colour = _COLOURS.get(line.kind, line.kind)
        return self._style(colour, shown) if colour in ("bold", "advice", "added", "removed") else shown


def _visible(text: str) -> str:
    """What a person may be shown, tabs kept."""
    return "\t".join(visible(part) for part in text.split("\t"))


def _raw(line: DiffLine, codec: str) -> bytes:
    if line.kind == "file":
        # A tab ends a name with blanks, for `patch`.
        name = visible(line.text) + ("\t" if " " in line.text[4:] else "")
        return name.encode("utf-8", "backslashreplace") + b"\n"
    return (_SIGNS.get(line.kind, "") + line.text).encode(codec, "backslashreplace") + b"\n"


def _without_secrets(old: str, new: str, path: str) -> Iterator[DiffLine]:
    texts = {"removed": old, "same": old, "added": new}
    lines = {kind: text.split("\n") for kind, text in texts.items()}
    for line in unified(old, new, path):
        if line.kind not in lines:
            yield line
        elif in_secret_block(lines[line.kind], line.number):
            yield DiffLine(line.kind, "*" * len(line.text), line.number)
        else:
            yield DiffLine(line.kind, hide_secrets(line.text), line.number)
