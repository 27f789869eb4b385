"""The baseline's file: JSON, sorted, an entry a line, so that version control can merge it."""

from __future__ import annotations

import json
import stat
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec

from trainlint.baseline.keys import Key
from trainlint.discovery.walk import BASELINE_FILE
from trainlint.output.files import write_atomically
from trainlint.settings.model import SettingsError

VERSION = 1
TOOL = "trainlint"
_SIZE_LIMIT = 50_000_000
_CONFLICT = (b"<<<<<<<", b"=======", b">>>>>>>")


class BaselineError(SettingsError):
    """A baseline that cannot be used: a usage error. The text names the file."""


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    path: str
    rule: str
    scope: str
    evidence: str
    count: int


class _Head(msgspec.Struct):
    tool: str = ""
    version: int = 0


class _File(msgspec.Struct, forbid_unknown_fields=True):
    tool: str
    version: int
    entries: list[_Entry]


Entries = Mapping[Key, int]
"""How many findings of each key are known."""


def baseline_file(root: Path, named: str | None) -> Path | None:
    """The baseline to use: the named one ("" for none), else that of the project root, where there is one.

    Raises BaselineError where a named one does not exist.
    """
    if named == "":
        return None
    file = Path(named) if named is not None else root / BASELINE_FILE
    if named is not None and not file.exists():
        raise BaselineError(f"{file}: there is no such baseline: `trainlint baseline create` makes one")
    return file if file.exists() else None


def read_baseline(file: Path) -> dict[Key, int]:
    """The entries of a baseline. Raises BaselineError for what is none, or none of this version."""
    data = _bytes(file)
    try:
        head = msgspec.json.decode(data, type=_Head)
        if head.tool != TOOL:
            raise BaselineError(f"{file}: this is no baseline of trainlint; it is left as it is")
        if head.version != VERSION:
            message = f"{file}: a baseline of version {head.version}; this trainlint reads version {VERSION}"
            raise BaselineError(message)
        read = msgspec.json.decode(data, type=_File)
        json.loads(data, object_pairs_hook=_once)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unusable(file, data, error) from error
    found: dict[Key, int] = {}
    for entry in read.entries:
        if entry.count < 1:
            raise BaselineError(f"{file}: not a valid baseline: a count of {entry.count} for {entry.rule}")
        key = Key(entry.path, entry.rule, entry.scope, entry.evidence)
        # A merge may keep the line of both sides: the finding is still the same.
        found[key] = max(entry.count, found.get(key, 0))
    return found


def write_baseline(file: Path, entries: Entries) -> None:
    """Writes a baseline whole or not at all. Raises OSError."""
    write_atomically(file, to_json(entries))


def to_json(entries: Entries) -> str:
    """The document: the same for the same entries, an entry a line, in ASCII, line break at the end."""
    lines = [
        json.dumps({**msgspec.structs.asdict(key), "count": count})
        for key, count in sorted(entries.items())
        if count > 0
    ]
    body = ",\n".join(f"    {line}" for line in lines)
    held = f"[\n{body}\n  ]" if lines else "[]"
    return f'{{\n  "tool": "{TOOL}",\n  "version": {VERSION},\n  "entries": {held}\n}}\n'


def _bytes(file: Path) -> bytes:
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BaselineError(f"{file}: not a file")
        if status.st_size > _SIZE_LIMIT:
            raise BaselineError(f"{file}: more than {_SIZE_LIMIT // 1_000_000} MB: not a valid baseline")
        return file.read_bytes()
    except OSError as error:
        raise BaselineError(f"{file}: cannot be read: {error.strerror}") from error


def _once(pairs: list[tuple[str, object]]) -> None:
    """A bad merge may leave a key twice. Readers of JSON keep one of the values, and none tells which."""
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise msgspec.ValidationError(f"`{twice}` is written twice in one object")


def _unusable(file: Path, data: bytes, error: Exception) -> BaselineError:
    for number, line in enumerate(data.splitlines(), start=1):
        if line.startswith(_CONFLICT):
            return BaselineError(f"{file}:{number}: a merge is not finished here: conflict marks are left")
    reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
    advice = "restore it, or make a new one: trainlint baseline create --force"
    return BaselineError(f"{file}: not a valid baseline: {reason}; {advice}")


def counted(keys: list[Key]) -> dict[Key, int]:
    """How often each key occurs."""
    return dict(Counter(keys))
