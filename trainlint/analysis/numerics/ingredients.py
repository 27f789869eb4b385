"""What a term is made from."""

from __future__ import annotations

from collections.abc import Sequence

from trainlint.analysis.facts import Term

_MOST = 120
"""Terms that are looked at: beyond them, what is missing is taken to be no part."""


def ingredients(terms: Sequence[Term], index: int) -> set[int]:
    """The terms that a term is made from, itself among them, up to a count."""
    seen, stack = {index}, [index]
    while stack and len(seen) < _MOST:
        for argument in terms[stack.pop()].args:
            if argument not in seen:
                seen.add(argument)
                stack.append(argument)
    return seen
