"""Path spelling: one POSIX form for reports, patterns and fingerprints, whatever the system writes.

Everything but `canonical` is pure text, so that Windows forms can be tested anywhere.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
from pathlib import Path

WINDOWS = os.name == "nt"


def posix_form(path: str, *, windows: bool = WINDOWS) -> str:
    r"""The path with forward slashes and an upper-case drive letter, `.` and doubled slashes removed.

    `C:\a\b` becomes `C:/a/b`, `\\server\share\x` becomes `//server/share/x`, `\\?\C:\a` becomes `C:/a`.
    With `windows=False` a backslash is an ordinary character of a name and stays.
    """
    if not windows:
        return posixpath.normpath(path).replace("//", "/", 1) if path else path
    plain = path.replace("/", "\\")
    if plain.upper().startswith("\\\\?\\UNC\\"):
        plain = "\\\\" + plain[8:]
    elif plain.startswith("\\\\?\\"):
        plain = plain[4:]
    drive, rest = ntpath.splitdrive(plain)
    if len(drive) == 2 and drive[1] == ":":
        drive = drive.upper()
    tidy = ntpath.normpath(rest) if rest else ""
    return (drive + tidy).replace("\\", "/")


def relative_form(path: str, start: str, *, windows: bool = WINDOWS) -> str:
    """`path` as seen from `start`, both absolute; the absolute POSIX form where they share no drive.

    Windows compares names without case, as its file systems do; the answer keeps the spelling of `path`.
    """
    target, base = posix_form(path, windows=windows), posix_form(start, windows=windows)
    try:
        found = ntpath.relpath(target, base) if windows else posixpath.relpath(target, base)
    except ValueError:
        return target
    return found.replace("\\", "/") if windows else found


def pattern_form(pattern: str, root: str = "", *, windows: bool = WINDOWS) -> str:
    r"""A pattern of the settings or the command line as a gitignore pattern below `root`.

    Backslashes are separators on every system, so one settings file works everywhere. A pattern that spells
    out an absolute path below `root` is anchored there; `./` is dropped; `!` and a trailing slash keep their
    meaning.
    """
    negated = pattern.startswith("!")
    text = pattern[1:] if negated else pattern
    text = text.replace("\\", "/")
    base = posix_form(root, windows=windows).rstrip("/")
    drive_letter = len(text) > 1 and text[1] == ":"
    if drive_letter:
        text = text[0].upper() + text[1:]
    if base and _under(text, base, fold=windows or drive_letter):
        text = text[len(base) :] or "/"
    while text.startswith("./"):
        text = "/" + text[2:]
    return ("!" if negated else "") + text


def _under(text: str, base: str, *, fold: bool) -> bool:
    head = text[: len(base)]
    same = head.lower() == base.lower() if fold else head == base
    return same and text[len(base) : len(base) + 1] in ("", "/")


def canonical(path: str | Path) -> str:
    """The absolute native path, linked folders resolved; a file that is a link itself keeps its name."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - Path.resolve would follow the last link too
    if Path(absolute).is_dir():
        return os.path.realpath(absolute)
    folder, name = os.path.split(absolute)
    return str(Path(os.path.realpath(folder)) / name)
