"""What a file is after a fix: a fix that would leave no valid file is none."""

from __future__ import annotations

from collections.abc import Iterable

from trainlint.findings import Edit
from trainlint.fixing.making.ground import Material
from trainlint.fixing.making.parsing import LANGUAGES, flaw
from trainlint.text.edits import EditError, applied, changes_of


def fits_and_parses(edits: Iterable[Edit], material: Material) -> bool:
    """Whether the edits touch different places, change something, and leave files that can be read."""
    by_path: dict[str, list[Edit]] = {}
    for edit in edits:
        by_path.setdefault(edit.span.path, []).append(edit)
    return all(_parses(path, own, material) for path, own in by_path.items())


def _parses(path: str, edits: list[Edit], material: Material) -> bool:
    source, language = material.source(path), material.sources.languages.get(path, "")
    if source is None or language not in LANGUAGES:
        return False
    try:
        changes = changes_of(source, edits)
    except EditError:
        return False
    return bool(changes) and not flaw(source, applied(source.text, changes), language)
