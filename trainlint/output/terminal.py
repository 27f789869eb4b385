"""What may reach a terminal: our own colours, but nothing else that moves, colours or turns text."""

from __future__ import annotations

import os
import unicodedata
from typing import IO

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_CODES = {
    "error": "1;31",
    "warning": "1;33",
    "advice": "36",
    "notice": "35",
    "bold": "1",
    "dim": "2",
    "help": "32",
    "added": "32",
    "removed": "31",
}

TAB = 4


def visible(text: str) -> str:
    r"""The text on one line, what prints nothing spelled out: `\x1b`, `\u202e`; a tab as blanks."""
    if text.isprintable():
        return text
    return "".join(visible_char(char) for char in text)


def visible_char(char: str) -> str:
    """One character as `visible` shows it."""
    if char == "\t":
        return " " * TAB
    if unicodedata.category(char) not in _HIDDEN:
        return char
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """Columns a visible text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def pad(text: str, columns: int) -> str:
    """The text filled with blanks to at least `columns`."""
    return text + " " * (columns - width(text))


class Style:
    """Colours, or their absence."""

    def __init__(self, *, colour: bool) -> None:
        self.colour = colour

    def __call__(self, name: str, text: str) -> str:
        """`text`, which must be visible already, in the colour of a severity or a part of the report."""
        return f"\x1b[{_CODES[name]}m{text}\x1b[0m" if self.colour and text else text


def wants_colour(choice: str, stream: IO[str]) -> bool:
    """Whether to colour: `always`, `never`, or `auto`, which heeds NO_COLOR, FORCE_COLOR and the stream."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person sees the stream; a closed one is no terminal."""
    try:
        return stream.isatty()
    except ValueError:
        return False
