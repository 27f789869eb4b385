"""Words that hint at what a program's parts are for: program_words.json, read once."""

from __future__ import annotations

import functools
from pathlib import Path

import msgspec

_FILE = Path(__file__).with_name("program_words.json")


@functools.lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    return msgspec.json.decode(_FILE.read_bytes(), type=dict[str, frozenset[str]])


def program_words(topic: str) -> frozenset[str]:
    """The words of a topic ("train", "eval", "ordered", …), all in lower case. Raises KeyError for an unknown
    topic."""
    return _lists()[topic]
