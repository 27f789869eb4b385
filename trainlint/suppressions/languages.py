"""The suppressions of a file, whatever its language. Parsers are imported when their language occurs."""

from __future__ import annotations

from trainlint.suppressions.comments import (
    JSON_SIGNS,
    MARK,
    Read,
    python_suppressions,
    read_comments,
)
from trainlint.text.source import Source


def suppressions_of(source: Source, language: str) -> Read:
    """The suppression comments of a file's text; none in a language without comments that we know."""
    if MARK not in source.text:
        return Read()
    if language in ("python", "notebook"):
        return python_suppressions(source.text)
    if language == "yaml":
        from trainlint.text.yaml import yaml_comments  # noqa: PLC0415

        return read_comments(yaml_comments(source), source.lines)
    if language in ("shell", "make", "requirements"):
        from trainlint.text.shell import shell_comments  # noqa: PLC0415

        return read_comments(shell_comments(source), source.lines)
    if language == "toml":
        from trainlint.text.toml import toml_comments  # noqa: PLC0415

        return read_comments(toml_comments(source), source.lines)
    if language == "json":
        from trainlint.text.json import json_comments  # noqa: PLC0415

        return read_comments(json_comments(source), source.lines, JSON_SIGNS)
    return Read()
