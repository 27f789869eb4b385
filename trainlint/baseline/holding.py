"""Which findings a baseline holds back, and which of its entries are over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from trainlint.baseline.file import Entries
from trainlint.baseline.keys import Key


def held_back(keys: Sequence[Key], known: Entries) -> list[bool]:
    """For each finding, by its key, whether it is held back.

    Where a key has more findings than are known nobody can tell the new one from the old ones: all of them
    are reported.
    """
    counts = Counter(keys)
    return [counts[key] <= known.get(key, 0) for key in keys]


def under_new_names(known: Entries, aliases: Mapping[str, str]) -> dict[Key, int]:
    """The entries with former names of rules (`aliases`: former → present) replaced."""
    found: dict[Key, int] = {}
    for key, count in known.items():
        present = msgspec.structs.replace(key, rule=aliases.get(key.rule, key.rule))
        found[present] = max(count, found.get(present, 0))
    return found


class Pruned(msgspec.Struct):
    """What is left of a baseline, and how many findings of it are gone."""

    entries: dict[Key, int]
    gone: int


def pruned(known: Entries, keys: Sequence[Key], is_judged: Callable[[Key], bool]) -> Pruned:
    """The baseline without what no longer occurs. Of a key that was not judged nothing is known: it stays."""
    counts = Counter(keys)
    left: dict[Key, int] = {}
    for key, count in known.items():
        rest = min(count, counts[key]) if is_judged(key) else count
        if rest:
            left[key] = rest
    return Pruned(left, sum(known.values()) - sum(left.values()))
