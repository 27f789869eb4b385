"""Hides values of keys that look like secrets, keeping every column where it was."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORDS = (
    r"pass[-_]?word|passwd|pass[-_]?phrase|secret|api[-_]?key|access[-_]?key|private[-_]?key|secret[-_]?key|"
    r"signing[-_]?key|credentials?|(?:auth|access|api|hf|hub|bot|refresh|bearer|github|gitlab|wandb|login|session)[-_]?token"
)
_NAME = rf"(?:[\w-]*(?:{_WORDS})|token|pwd)(?:[-_]?(?:id|value|string|base64))?"
_KEY = re.compile(rf"^{_NAME}$", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    rf"(?<![\w-])(?P<key>{_NAME})(?P<close>[\"']?\]?)(?P<separator>\s*[:=](?!=)\s*)", re.IGNORECASE
)
_QUOTED = re.compile(r"""[rbuf]{0,2}("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)""", re.IGNORECASE)
_WORD = re.compile(r"[^\s,;)}\]]+")
_TO_COMMENT = re.compile(r".*?(?=\s+#|\s*$)")
_BLOCK = re.compile(r"""^(?P<indent>\s*)(?:-\s+)?["']?(?P<key>[\w-]+)["']?\s*:\s*[|>][-+\d]*\s*(?:#.*)?$""")
_HARMLESS = re.compile(
    r"^(?:none|null|true|false|~|\$\{?\w+\}?|\d{1,3}|[A-Za-z_][\w.]*[(\[].*)$", re.IGNORECASE
)


def looks_secret(key: str) -> bool:
    """Whether a key (the last part of a dotted one) is named like a password, key or access token."""
    return _KEY.match(key.rpartition(".")[2]) is not None


def hide_secrets(text: str) -> str:
    """The text with the values written after secret-looking keys replaced by as many asterisks."""
    found = _ASSIGNMENT.search(text)
    while found is not None:
        start, end = found.end(), _value_end(text, found)
        value = text[start:end]
        if value and not _HARMLESS.match(value):
            text = text[:start] + "*" * (end - start) + text[end:]
        found = _ASSIGNMENT.search(text, max(end, found.end()))
    return text


def _value_end(text: str, found: re.Match[str]) -> int:
    start = found.end()
    quoted = _QUOTED.match(text, start)
    if quoted:
        return quoted.end()
    starts_line = not text[: found.start("key")].strip(" \t-\"'")
    plain_yaml = starts_line and ":" in found["separator"]
    match = (_TO_COMMENT if plain_yaml else _WORD).match(text, start)
    return match.end() if match else start


def in_secret_block(lines: Sequence[str], number: int) -> bool:
    """Whether a line (1-based) is part of a YAML block scalar that stands under a secret-looking key."""
    indent = _indent(lines[number - 1])
    for above in range(number - 1, 0, -1):
        line = lines[above - 1]
        if not line.strip() or _indent(line) >= indent:
            continue
        opening = _BLOCK.match(line)
        if opening:
            return looks_secret(opening["key"])
        indent = _indent(line)
        if indent == 0:
            return False
    return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
