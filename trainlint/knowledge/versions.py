"""Comparing library versions by their leading numbers, and what a version specifier allows."""

from __future__ import annotations

import itertools
import re

_CLAUSE = re.compile(r"(===|==|~=|!=|<=|>=|<|>|=|\^|~|)\s*v?(\d[\w.*+!-]*)")
_LATEST_PART = 999_999
"""Stands for "any later part": 2.999999 is above every 2.x."""


def is_before(version: str, until: str) -> bool:
    """Whether `version` is older than `until`; suffixes ("rc1", "+cu121") do not count."""
    left, right = _numbers(version), _numbers(until)
    if not left or not right:
        return False
    for one, other in itertools.zip_longest(left, right, fillvalue=0):
        if one != other:
            return one < other
    return False


def strictness(specifier: str) -> str:
    """How far a specifier of pip, Poetry or conda fixes a version.

    exact: one release ("==2.1.0"). bounded: not beyond some release ("<3", "~=2.1", "^2.1", "2.1.*").
    open: any later release fits (">=2.1", "*", "").
    """
    clauses = _clauses(specifier)
    if any(operator in ("==", "===", "") and "*" not in version for operator, version in clauses):
        return "exact"
    return "bounded" if any(_ceiling(*clause) for clause in clauses) else "open"


def newest_allowed(specifier: str) -> str:
    """The newest version a specifier allows, for comparing; "" where it sets no upper limit.

    Where the limit itself is left out ("<3"), a number just below it: "2.999999".
    """
    ceilings = [ceiling for clause in _clauses(specifier) if (ceiling := _ceiling(*clause))]
    lowest = ""
    for ceiling in ceilings:
        if not lowest or is_before(ceiling, lowest):
            lowest = ceiling
    return lowest


def shown_version(version: str) -> str:
    """A version for people; what stands for any later part is an x: 2.999999 is 2.x."""
    return ".".join("x" if part == str(_LATEST_PART) else part for part in version.split("."))


def _clauses(specifier: str) -> list[tuple[str, str]]:
    """The (operator, version) pairs of a specifier; of alternatives ("2.0 || 2.1", "2.0|2.1") the last."""
    last = re.split(r"\|\|?", specifier)[-1]
    return [(match[1], match[2]) for match in _CLAUSE.finditer(last)]


def _ceiling(operator: str, version: str) -> str:
    numbers = _numbers(version)
    if not numbers:
        return ""
    if operator in ("==", "===", "", "<=", "=") and "*" not in version:
        # conda's single sign stands for every release that begins so.
        return _below([*numbers, None]) if operator == "=" else version
    if operator in ("==", "", "="):
        return _below([*numbers, None])
    if operator == "~=":
        return _below([*numbers[:-1], None])
    if operator == "~":
        return _below([*numbers[:2], None])
    if operator == "^":
        changing = next((index for index, number in enumerate(numbers) if number), len(numbers) - 1)
        return _below([*numbers[: changing + 1], None])
    return _before(numbers) if operator == "<" else ""


def _before(numbers: list[int]) -> str:
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers = numbers[:-1]
    return _below([*numbers[:-1], numbers[-1] - 1, None]) if numbers[-1] else ""


def _below(parts: list[int | None]) -> str:
    return ".".join(str(_LATEST_PART if part is None else part) for part in parts)


def _numbers(version: str) -> list[int]:
    match = re.match(r"\s*[v=]*(\d+(?:\.\d+)*)", version, re.ASCII)
    return [int(part[:9]) for part in match.group(1).split(".")] if match else []
