"""Which fixes one round applies: whole or not at all, none in the way of another, the same on every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from trainlint.findings import Finding
from trainlint.text.edits import Change, Taken

SAFE = "safe"


class Applicable(msgspec.Struct, frozen=True):
    """A finding with a fix that may be applied: its changes by path."""

    finding: Finding
    changes: Mapping[str, tuple[Change, ...]]


class Round(msgspec.Struct):
    """The fixes of one round, and all their changes by path."""

    fixes: list[Applicable]
    changes: dict[str, list[Change]]


def is_allowed(finding: Finding, *, unsafe: bool) -> bool:
    """Whether a finding has a fix of a kind that the user asked for."""
    fix = finding.fix
    return fix is not None and bool(fix.edits) and (unsafe or fix.safety == SAFE)


def choose(applicable: Sequence[Applicable]) -> Round:
    """The first fix in the order of the report, and after it each that no chosen one is in the way of.

    What is left out waits for the next round, when it is made anew for the changed text.
    """
    taken: dict[str, Taken] = {}
    chosen: list[Applicable] = []
    for each in sorted(applicable, key=_order):
        rooms = [(taken.setdefault(path, Taken()), changes) for path, changes in each.changes.items()]
        if all(room.has_room(changes) for room, changes in rooms):
            chosen.append(each)
            for room, changes in rooms:
                room.add(changes)
    return Round(chosen, {path: room.changes for path, room in taken.items() if room.changes})


def _order(each: Applicable) -> tuple[object, ...]:
    title = each.finding.fix.title if each.finding.fix else ""
    return (*each.finding.sort_key, title, sorted((path, *changes) for path, changes in each.changes.items()))
