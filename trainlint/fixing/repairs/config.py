"""Keys of configs that are written twice."""

from __future__ import annotations

from trainlint.findings import Edit
from trainlint.fixing.making.config_text import delete_entry
from trainlint.fixing.making.ground import Ground


def drop_earlier(ground: Ground) -> list[Edit] | None:
    """The lines of the keys that a later one replaces, taken out; None where any of them holds more."""
    source = ground.material.source(ground.path)
    earlier = [ground.material.entry_at(related.span) for related in ground.finding.related]
    if source is None or not earlier:
        return None
    edits: list[Edit] = []
    for entry in earlier:
        taken = delete_entry(source, entry) if entry is not None else None
        if taken is None:
            return None
        edits += taken
    return edits
