"""Reads a settings file: which one a folder has, what it says, and where it says it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from trainlint.findings import Severity
from trainlint.settings.layers import Layer, merged
from trainlint.settings.model import FAIL_LEVELS, KEYS, Settings, SettingsError
from trainlint.suggest import did_you_mean

OWN_FILE = "trainlint.toml"
SHARED_FILE = "pyproject.toml"
_TABLE = ("tool", "trainlint")
_SIZE_LIMIT = 1_000_000
_CHAIN_LIMIT = 20
"""Bytes of a settings file, and files that extend one another."""


def settings_file_in(folder: Path, *, own: bool = True) -> Path | None:
    """The folder's trainlint.toml (unless `own` is false), else its pyproject.toml with a `[tool.trainlint]`
    table; else None."""
    if own and (folder / OWN_FILE).is_file():
        return folder / OWN_FILE
    shared = folder / SHARED_FILE
    try:
        text = shared.read_bytes()
    except OSError:
        return None
    if b"trainlint" not in text:
        return None
    try:
        tool = _parse(shared).get("tool")
        return shared if isinstance(tool, dict) and "trainlint" in tool else None
    except SettingsError:
        return shared if re.search(rb"(?m)^\s*\[\s*tool\s*\.\s*trainlint\b", text) else None


def load_settings(file: Path) -> Settings:
    """The settings of a file and of those it extends. SettingsError, with file and line, where they cannot be
    used."""
    return merged(layers(file))


def layers(file: Path) -> list[Layer]:
    """What a settings file and those it extends say, each by itself, the lowest first.

    SettingsError where one cannot be used; of files that are missing or extend themselves it tells the chain.
    """
    found: list[Layer] = []
    steps: list[str] = []
    current = file
    while True:
        layer = _layer_below(current, steps)
        found.append(layer)
        extended = layer.fields.get("extend")
        if extended is None:
            return found[::-1]
        step = f"{_readable(current)}:{line_of(layer.text, (*layer.prefix, 'extend'))}"
        steps.append(step)
        current = _extended(current, extended, steps, found)
        if current.name == SHARED_FILE and settings_file_in(current.parent, own=False) is None:
            message = f"extend: {_readable(current)} has no table [tool.trainlint]"
            raise SettingsError(f"{steps[-1]}: {message}")


def _layer_below(file: Path, steps: Sequence[str]) -> Layer:
    """What one file says. Where it cannot be used the error tells who extends it: they may not know it."""
    try:
        return _layer(file)
    except SettingsError as error:
        if not steps:
            raise
        raise SettingsError(f"{error} (extended by {' <- '.join(reversed(steps))})") from error


def _extended(file: Path, extended: str, steps: Sequence[str], found: Sequence[Layer]) -> Path:
    """The file that is named, refused where following it would lead nowhere."""
    if "://" in extended:
        message = "extend names a file: settings are not fetched, copy it into the project"
        raise SettingsError(f"{steps[-1]}: {message}")
    target = Path(os.path.normpath(file.parent / extended))
    chain = " -> ".join((*steps[1:], _readable(target)))
    problem = _no_file(target)
    if problem:
        raise SettingsError(f"{steps[0]}: extend: {chain}: {problem}")
    if any(_same(target, Path(layer.file)) for layer in found):
        raise SettingsError(
            f"{steps[0]}: extend goes in a circle: {_readable(Path(found[0].file))} -> {chain}"
        )
    if len(found) >= _CHAIN_LIMIT:
        raise SettingsError(
            f"{steps[0]}: extend: more than {_CHAIN_LIMIT} files, one extending the next: {chain}"
        )
    return target


def _same(first: Path, second: Path) -> bool:
    return os.path.realpath(first) == os.path.realpath(second)


def _no_file(target: Path) -> str:
    try:
        if not target.exists():
            return "there is no such file"
        return "" if target.is_file() else "it is not a file"
    except (OSError, ValueError) as error:
        return f"it cannot be read: {error}"


def _layer(file: Path) -> Layer:
    parsed = _parse(file)
    table = _section(file, parsed)
    fields = _fields({} if table is None else table, file)
    text = file.read_bytes().decode("utf-8-sig", errors="replace")
    return Layer(str(file), fields, text, _TABLE if file.name == SHARED_FILE else ())


def settings_from_table(table: Mapping[str, object], file: Path) -> Settings:
    """The settings of a parsed table; `file` is where it stands, for messages and relative folders."""
    return Settings(**_fields(table, file), file=str(file))


def _fields(table: Mapping[str, object], file: Path) -> dict[str, Any]:
    """The fields of Settings that a table sets, checked."""
    fields: dict[str, Any] = {}
    for key, value in table.items():
        if key not in KEYS:
            raise complaint(file, (key,), f"unknown setting {key!r}{did_you_mean(key, KEYS)}")
        fields[KEYS[key]] = _CHECKS[key](file, (key,), value)
    if "rulebooks" in fields:
        fields["rulebooks"] = tuple(str(file.parent / folder) for folder in fields["rulebooks"])
    if "cache_dir" in fields:
        fields["cache_dir"] = os.path.abspath(file.parent / fields["cache_dir"])  # noqa: PTH100
    return fields


def complaint(file: str | Path, keys: Sequence[str], message: str) -> SettingsError:
    """A SettingsError that points at the line of `keys` in a settings file."""
    where = Path(file)
    prefix = _TABLE if where.name == SHARED_FILE else ()
    try:
        line = line_of(where.read_text(encoding="utf-8", errors="replace"), (*prefix, *keys))
    except OSError:
        line = 1
    return SettingsError(f"{_readable(where)}:{line}: {message}")


_HEADER = re.compile(r"^\s*\[\[?([^\]]+)\]")
_ASSIGNMENT = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_KEY_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def line_of(text: str, keys: Sequence[str]) -> int:
    """The 1-based line that writes the TOML key `keys`, or the longest part of it with a line of its own."""
    wanted, best, best_length = tuple(keys), 1, 0
    header: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        found = _HEADER.match(line)
        if found:
            header = path = _parts(found[1])
        else:
            assigned = _ASSIGNMENT.match(line)
            if not assigned:
                continue
            path = header + _parts(assigned[1])
        if len(path) > best_length and wanted[: len(path)] == path:
            best, best_length = number, len(path)
    return best


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _KEY_PART.findall(dotted))


def _parse(file: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415
    try:
        if file.stat().st_size > _SIZE_LIMIT:
            raise SettingsError(f"{_readable(file)}:1: more than {_SIZE_LIMIT // 1_000_000} MB of settings")
        parsed: dict[str, Any] = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{_readable(file)}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{_readable(file)}:1: not UTF-8 (byte {error.start})") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _not_toml(file, str(error)) from error
    return parsed


def _not_toml(file: Path, reason: str) -> SettingsError:
    place = re.search(r"\(at line (\d+), column \d+\)", reason)
    if place is None:
        lines = len(file.read_bytes().splitlines()) or 1
        return SettingsError(f"{_readable(file)}:{lines}: not valid TOML: {reason}")
    return SettingsError(f"{_readable(file)}:{place[1]}: not valid TOML: {reason[: place.start()].strip()}")


def _section(file: Path, parsed: dict[str, Any]) -> dict[str, Any] | None:
    if file.name != SHARED_FILE:
        return parsed
    tool = parsed.get("tool")
    section = tool.get("trainlint") if isinstance(tool, dict) else None
    if section is not None and not isinstance(section, dict):
        raise complaint(file, (), "tool.trainlint must be a table")
    return section


def _readable(file: Path) -> str:
    try:
        return file.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return file.as_posix()


def _wrong(file: Path, keys: Sequence[str], wanted: str, value: object) -> SettingsError:
    shown = {True: "true", False: "false"}.get(value, repr(value)) if isinstance(value, bool) else repr(value)
    return complaint(file, keys, f"{'.'.join(keys)} must be {wanted}, not {shown[:60]}")


Check = Callable[[Path, "tuple[str, ...]", object], object]


def _flag(file: Path, keys: tuple[str, ...], value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(file, keys, "true or false", value)
    return value


def _count(file: Path, keys: tuple[str, ...], value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _wrong(file, keys, "a whole number of at least 1", value)
    return value


def _text(file: Path, keys: tuple[str, ...], value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(file, keys, "a text", value)
    return value


def _texts(file: Path, keys: tuple[str, ...], value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(file, keys, "a list of texts", value)
    return tuple(value)


def _one_of(choices: Sequence[str]) -> Check:
    def check(file: Path, keys: tuple[str, ...], value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            hint = did_you_mean(value, choices) if isinstance(value, str) else ""
            listed = ", ".join(choices[:-1]) + " or " + choices[-1]
            raise complaint(file, keys, f"{'.'.join(keys)} must be {listed}, not {value!r}{hint}")
        return value

    return check


def _severity(file: Path, keys: tuple[str, ...], value: object) -> Severity:
    return Severity(_one_of([level.value for level in Severity])(file, keys, value))


def _option(file: Path, keys: tuple[str, ...], value: object) -> object:
    if not isinstance(value, (bool, int, float, str, list)):
        raise _wrong(file, keys, "a flag, a number, a text or a list", value)
    return value


def _table_of(check: Check) -> Check:
    def check_table(file: Path, keys: tuple[str, ...], value: object) -> dict[str, object]:
        if not isinstance(value, dict):
            raise _wrong(file, keys, "a table", value)
        table = cast("dict[str, object]", value)
        return {name: check(file, (*keys, name), entry) for name, entry in table.items()}

    return check_table


_CHECKS: dict[str, Check] = {
    "extend": _text,
    "select": _texts,
    "ignore": _texts,
    "strict": _flag,
    "fail-on": _one_of(FAIL_LEVELS),
    "exclude": _texts,
    "per-file-ignores": _table_of(_texts),
    "options": _table_of(_table_of(_option)),
    "severity": _table_of(_severity),
    "rulebooks": _texts,
    "devices": _count,
    "configs": _texts,
    "jobs": _count,
    "versions": _table_of(_text),
    "require-reasons": _flag,
    "cache-dir": _text,
}
