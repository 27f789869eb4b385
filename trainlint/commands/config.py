"""`trainlint config`: the settings in force for a path, and the file and line each comes from."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from trainlint.discovery.projects import PathError, find_root
from trainlint.settings.file import layers, settings_file_in
from trainlint.settings.layers import Layer, Origin, leaves, merged, origins
from trainlint.settings.model import KEYS, Settings

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_COMMENT_COLUMN = 50


class Effective(msgspec.Struct):
    """The settings of one project. `layers` are the files they come from, lowest first; none for defaults."""

    root: str
    settings: Settings
    layers: list[Layer]


def show_settings(path: str, form: str) -> str:
    """The settings in force for a path, as TOML that says the same again, or as JSON.

    Raises PathError for a missing path and SettingsError for settings that cannot be used.
    """
    effective = effective_settings(path)
    return _json(effective) if form == "json" else to_toml(effective)


def effective_settings(path: str) -> Effective:
    """The settings in force for a path: read, laid over each other and checked as for a run."""
    from trainlint.rulebook.loading import load_rulebook  # noqa: PLC0415
    from trainlint.settings.selection import selected_rules  # noqa: PLC0415

    if not Path(path).exists():
        raise PathError(f"no such file or folder: {path}")
    root = find_root(path)
    file = settings_file_in(root)
    found = layers(file) if file is not None else []
    settings = merged(found) if found else Settings()
    selected_rules(load_rulebook([Path(folder) for folder in settings.rulebooks]), settings)
    return Effective(str(root), settings, found)


def to_toml(effective: Effective) -> str:
    """The settings as TOML, what is not set as comments; behind each its file and line.

    `extend` is a comment too: what the extended files say is there already.
    """
    read = " <- ".join(_shown(layer.file) for layer in reversed(effective.layers))
    lines = [f"# {_shown(effective.root)}: {read or 'no settings file, all defaults'}"]
    tables: list[str] = []
    for keys, value in leaves(effective.settings):
        origin = _origin_text(effective, keys)
        if len(keys) == 1 and isinstance(value, dict):
            tables += ["", f"# [{keys[0]}]".ljust(_COMMENT_COLUMN) + "  # default: empty"]
        elif len(keys) > 1:
            header = f"[{'.'.join(map(_key, keys[:-1]))}]"
            if header not in tables:
                tables += ["", header]
            tables.append(_commented(f"{_key(keys[-1])} = {_value(value)}", origin))
        else:
            meant = effective.settings.fails_at if keys[0] == "fail-on" else value
            shown = f"{keys[0]} = {_value(meant)}" if meant is not None else f"{keys[0]} ="
            idle = value is None or keys[0] == "extend"
            lines.append(_commented(f"# {shown}" if idle else shown, origin))
    return "\n".join([*lines, *tables]) + "\n"


def _json(effective: Effective) -> str:
    settings: dict[str, Any] = {}
    for key, field in KEYS.items():
        settings[key] = _plain(getattr(effective.settings, field))
    found = [
        {"setting": list(keys), "origins": [_origin(each) for each in origins(effective.layers, keys)]}
        for keys, _ in leaves(effective.settings)
    ]
    document = {
        "root": effective.root,
        "files": [layer.file for layer in reversed(effective.layers)],
        "settings": settings,
        "origins": [entry for entry in found if entry["origins"]],
    }
    return json.dumps(document, indent=2) + "\n"


def _origin(origin: Origin) -> dict[str, Any]:
    return {"file": origin.file, "line": origin.line}


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _origin_text(effective: Effective, keys: Sequence[str]) -> str:
    found = origins(effective.layers, keys)
    return ", ".join(f"{_shown(each.file)}:{each.line}" for each in found) or "default"


def _shown(path: str) -> str:
    """A path as people know it, unable to end the comment it stands in."""
    from trainlint.output.terminal import visible  # noqa: PLC0415

    place = Path(path)
    try:
        return visible(place.relative_to(Path.cwd()).as_posix())
    except ValueError:
        return visible(place.as_posix())


def _commented(text: str, comment: str) -> str:
    return f"{text.ljust(_COMMENT_COLUMN)}  # {comment}"


def _key(name: str) -> str:
    return name if name and set(name) <= _BARE else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return _text(str(value.value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(str(name))} = {_value(each)}" for name, each in value.items()) + "}"
    return repr(value)


def _text(text: str) -> str:
    r"""A TOML text on one line; what a terminal would act on is written `\u001b`."""
    shown = (char if char.isprintable() and char not in '"\\' else _escaped(char) for char in text)
    return f'"{"".join(shown)}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
