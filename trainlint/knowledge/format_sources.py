"""From the YAML files under `formats/` to the one JSON file a run reads."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from trainlint.knowledge.format_model import Format
from trainlint.knowledge.formats import SOURCES, CompiledFormats
from trainlint.knowledge.sources import KnowledgeError

_SHARED = ("recognition", "loaders", "names")


def compile_formats(
    folder: Path = SOURCES, stamp: dict[str, tuple[int, int]] | None = None
) -> CompiledFormats:
    """The compiled form of every file in the folder.

    Raises KnowledgeError naming the file and the place in it that does not follow the schema.
    """
    content: dict[str, Any] = {"stamp": stamp or {}, "formats": {}}
    for path in sorted(folder.glob("*.yaml")):
        document = _load(path)
        shared = document.pop("shared", None)
        if shared is None:
            content["formats"][_format(document, path).id] = document
        elif shared in _SHARED:
            content[shared] = document
        else:
            raise KnowledgeError(f"{path}: shared: {shared!r} is none of {', '.join(_SHARED)}")
    try:
        return msgspec.convert(content, CompiledFormats)
    except msgspec.ValidationError as error:
        raise KnowledgeError(f"{folder}: {error}") from None


def write_formats(compiled: CompiledFormats, target: Path) -> None:
    """Write the compiled form in place of an older one. Raises OSError where the folder cannot be written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(msgspec.json.encode(compiled))
        Path(temporary).replace(target)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _format(document: dict[str, Any], path: Path) -> Format:
    try:
        return msgspec.convert(document, Format)
    except msgspec.ValidationError as error:
        raise KnowledgeError(f"{path}: {error}") from None


def _load(path: Path) -> dict[str, Any]:
    import yaml  # noqa: PLC0415

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise KnowledgeError(f"{path}: {error}") from None
    if not isinstance(content, dict):
        raise KnowledgeError(f"{path}: a mapping is expected")
    return content
