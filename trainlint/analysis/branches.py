"""What the condition of a branch is, as far as its terms tell."""

from __future__ import annotations

from collections.abc import Sequence

from trainlint.analysis.facts import Term


def is_main_guard(terms: Sequence[Term], test: int) -> bool:
    """Whether a condition, given by its place in a unit's term table, is `__name__ == "__main__"`."""
    term = terms[test]
    return (
        term.op == "cmp" and term.name == "==" and any(terms[side].value == "__main__" for side in term.args)
    )
