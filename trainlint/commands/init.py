"""`trainlint init`: a first settings file."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path

from trainlint.output.terminal import visible
from trainlint.settings.file import OWN_FILE, settings_file_in
from trainlint.settings.model import SettingsError

FIRST_SETTINGS = """\
# Settings of trainlint. Every line below is the default; take away the `#` of what you change.
# `trainlint config` shows what is in force, `trainlint rules` lists rules and families.

# select = ["all"]          # rules or families to run
# ignore = []               # rules or families not to run
# strict = false            # also report findings of medium confidence
# fail-on = "warning"       # lowest level that exits with 1: error, warning, advice, notice, never
# exclude = []              # files and folders not to read, patterns as in .gitignore
# require-reasons = false   # a suppression must say why

# [per-file-ignores]
# "scripts/*.py" = ["missing-seed"]

# [severity]
# missing-seed = "error"
"""


def write_first_settings(folder: str) -> str:
    """Writes trainlint.toml into a folder and returns what to tell the user.

    Never overwrites: raises SettingsError where the folder has settings already, OSError where it cannot be
    written.
    """
    place = Path(folder)
    if not place.is_dir():
        raise SettingsError(f"no such folder: {folder}")
    present = settings_file_in(place)
    if present is not None:
        raise SettingsError(f"{present} holds settings already: it is left as it is")
    target = place / OWN_FILE
    try:
        create_whole(target, FIRST_SETTINGS)
    except FileExistsError as error:
        raise SettingsError(f"{target} exists already: it is left as it is") from error
    told = f"wrote {target}: every setting in it is a comment, so nothing changes yet\n"
    above = _settings_above(place.resolve())
    if above is None:
        return told
    relative = Path(os.path.relpath(above, place.resolve())).as_posix()
    mine = "but the folder is a project of its own now"
    advice = f"write `extend = {json.dumps(relative)}` to build on it"
    return visible(f"{told.strip()}; {mine}, and {relative} no longer counts here: {advice}") + "\n"


def _settings_above(folder: Path) -> Path | None:
    """The settings that counted here before there were own ones."""
    found = (settings_file_in(parent) for parent in folder.parents)
    return next((file for file in found if file is not None), None)


def create_whole(target: Path, text: str) -> None:
    """Makes a new file, whole or not at all. Raises FileExistsError where there is one, also a link."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        _move_to_new(temporary, target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _move_to_new(temporary: Path, target: Path) -> None:
    """A hard link fails where the name is taken; a file system without them leaves a look before the move."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError as error:
        if os.path.lexists(target):
            raise FileExistsError(str(target)) from error
        temporary.replace(target)
