"""Writes what fixing gave: each file whole or not at all, and files that one fix changes all or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from trainlint.fixing.choosing import Applicable
from trainlint.fixing.rounds import Changed
from trainlint.rewriting.files import CHANGED, RewriteError, check_writable, current, replace


def write(changed: Sequence[Changed], fixes: Sequence[Applicable]) -> dict[str, str]:
    """Writes the files. Returns those that were not written and why; they are as they were."""
    failed: dict[str, str] = {}
    for group in _groups(changed, fixes):
        failed |= _write_together(group)
    return failed


def _groups(changed: Sequence[Changed], fixes: Sequence[Applicable]) -> list[list[Changed]]:
    """The files, those that fixes tie together in one group, in order."""
    group_of = {each.path: {each.path} for each in changed}
    for fix in fixes:
        tied = [path for path in fix.changes if path in group_of]
        union: set[str] = set().union(*(group_of[path] for path in tied))
        group_of |= dict.fromkeys(union, union)
    by_path = {each.path: each for each in changed}
    groups = dict.fromkeys(tuple(sorted(group_of[each.path])) for each in changed)
    return [[by_path[path] for path in group] for group in groups]


def _write_together(group: Sequence[Changed]) -> dict[str, str]:
    done: list[Changed] = []
    try:
        for each in group:
            failing = each
            check_writable(each.file)
            if current(each.file) != each.original.data:
                raise RewriteError(CHANGED)
        for each in group:
            failing = each
            replace(each.file, each.original.data, each.after)
            done.append(each)
    except RewriteError as error:
        stuck = _put_back(done)
        others = {each.path: f"fixes tie it to {failing.path}" for each in group if each is not failing}
        return {**others, failing.path: str(error), **stuck}
    return {}


def _put_back(done: Iterable[Changed]) -> dict[str, str]:
    """Undoes what was written of a group; what could not be undone."""
    problems = ((each.path, _problem(each.file, each.after, each.original.data)) for each in done)
    return {path: f"it was fixed, and cannot be put back: {why}" for path, why in problems if why}


def _problem(file: Path, before: bytes, after: bytes) -> str:
    try:
        replace(file, before, after)
    except RewriteError as error:
        return str(error)
    return ""
