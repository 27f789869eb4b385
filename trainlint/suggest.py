"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Iterable

_ALIKE = 0.6
_ALIKE_BEGINNING = 0.8
_SHORTEST_BEGINNING = 4


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like `word`, or that most likely begins with it; None where none comes near."""
    from difflib import SequenceMatcher, get_close_matches  # noqa: PLC0415

    folded = word.lower().replace("_", "-")
    names = {name.lower().replace("_", "-"): name for name in sorted(set(candidates), reverse=True)}
    if folded in names:
        return names[folded]
    found = get_close_matches(folded, sorted(names), n=1, cutoff=_ALIKE)
    if found:
        return names[found[0]]
    if len(folded) < _SHORTEST_BEGINNING:
        return None
    ratios = [
        (SequenceMatcher(None, folded, name[: len(folded) + 1]).ratio(), name) for name in sorted(names)
    ]
    best = max(ratios, default=(0.0, ""), key=lambda pair: pair[0])
    return names[best[1]] if best[0] >= _ALIKE_BEGINNING else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """`"; did you mean 'x'?"`, or an empty text where no candidate comes near."""
    name = closest(word, candidates)
    return f"; did you mean {name!r}?" if name is not None else ""
