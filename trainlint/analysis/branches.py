"""What the condition of a branch is, as far as its terms tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from trainlint.analysis.facts import Condition, Term


def is_main_guard(terms: Sequence[Term], test: int) -> bool:
    """Whether a condition, given by its place in a unit's term table, is `__name__ == "__main__"`."""
    term = terms[test]
    return (
        term.op == "cmp" and term.name == "==" and any(terms[side].value == "__main__" for side in term.args)
    )


def known_by(terms: Sequence[Term], conditions: Iterable[Condition]) -> dict[int, bool]:
    """What holds where all these conditions do, by the place in the unit's term table: the conditions, and
    what `not`, `and` and `or` in them say of their parts."""
    return dict(part for each in conditions for part in _parts(terms, each.term, each.holds))


def _parts(terms: Sequence[Term], test: int, holds: bool) -> Iterator[tuple[int, bool]]:
    yield test, holds
    term = terms[test]
    if term.op == "un" and term.name == "not":
        yield from _parts(terms, term.args[0], not holds)
    elif term.op == "bool" and term.name == ("and" if holds else "or"):
        for part in term.args:
            yield from _parts(terms, part, holds)
