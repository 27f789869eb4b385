"""Configs: keys written twice, keys that go by another name, words that want quotes."""

from __future__ import annotations

from trainlint.findings import Edit, Span
from trainlint.fixing.making.config_text import delete_entry, quote_scalar, rename_entry
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


def rename_to_suggestion(ground: Ground) -> list[Edit] | None:
    """The key that a finding stands at, under the name that the trainer knows."""
    return _renamed(ground, ground.finding.span, ground.text("suggestion"))


def rename_to_share(ground: Ground) -> list[Edit] | None:
    """The key of a value that is a share of the run, under the name that takes shares."""
    key = ground.facts.get("key")
    return _renamed(ground, key.span if key is not None else None, ground.text("ratio"))


def _renamed(ground: Ground, key: Span | None, name: str) -> list[Edit] | None:
    source = ground.material.source(ground.path)
    entry = ground.material.entry_at(key) if key is not None and key.path == ground.path else None
    return rename_entry(source, entry, name) if source is not None and entry is not None and name else None


def quote(ground: Ground) -> list[Edit] | None:
    """The word that a finding stands at, in quotes."""
    source, node = ground.material.source(ground.path), ground.material.node(ground.finding.span)
    return quote_scalar(source, node) if source is not None and node is not None else None
