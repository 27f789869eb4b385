"""Suppression comments that silence nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from trainlint.findings import Span
from trainlint.recipe.model import Hit, State, Value


class IdleName(msgspec.Struct, frozen=True):
    """A name in a suppression that silenced nothing, or a comment that names none.

    `problem` is unused, unknown or malformed; `place` is where it would apply, `suggestion` the name that was
    probably meant, `detail` why the comment cannot be read. Empty texts are absent facts.
    """

    at: Span
    problem: str
    name: str = ""
    place: str = ""
    suggestion: str = ""
    detail: str = ""


def unused_suppression(idle: Iterable[IdleName]) -> Iterator[Hit]:
    """One hit per idle name."""
    for entry in idle:
        texts = {
            "problem": entry.problem,
            "name": entry.name,
            "place": entry.place,
            "suggestion": entry.suggestion,
            "detail": entry.detail,
        }
        facts = {name: Value(text, State.EXPLICIT) for name, text in texts.items() if text}
        yield Hit(at=entry.at, facts=facts, evidence=f"{entry.problem} {entry.name}".strip())
