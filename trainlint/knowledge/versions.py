"""Comparing library versions by their leading numbers."""

from __future__ import annotations

import itertools
import re


def is_before(version: str, until: str) -> bool:
    """Whether `version` is older than `until`; suffixes ("rc1", "+cu121") do not count."""
    left, right = _numbers(version), _numbers(until)
    if not left or not right:
        return False
    for one, other in itertools.zip_longest(left, right, fillvalue=0):
        if one != other:
            return one < other
    return False


def _numbers(version: str) -> list[int]:
    match = re.match(r"\s*[v=]*(\d+(?:\.\d+)*)", version, re.ASCII)
    return [int(part[:9]) for part in match.group(1).split(".")] if match else []
