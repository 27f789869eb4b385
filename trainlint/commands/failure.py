"""One clear line for whatever ended a command."""

from __future__ import annotations

from trainlint.discovery.projects import PathError
from trainlint.output.terminal import visible
from trainlint.pipeline.blame import own_place
from trainlint.settings.model import SettingsError


def is_usage_error(error: Exception) -> bool:
    """Whether the user can mend it: a path, a setting, a file that cannot be read or written."""
    return isinstance(error, (PathError, SettingsError, OSError))


def describe(error: Exception) -> str:
    """What happened, on one line; for an internal error also where, and how to report it."""
    text = visible(str(error)) or type(error).__name__
    if is_usage_error(error):
        return text
    where = own_place(error)
    advice = "nothing is wrong with your command: please report this with what TRAINLINT_DEBUG=1 prints"
    return f"{type(error).__name__}: {text}{where}; {advice}"
