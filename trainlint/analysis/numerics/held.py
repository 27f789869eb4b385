"""What an attribute of an object holds, from what its methods leave in it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trainlint.analysis.facts import NumericSummary
from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.summaries import joined

_NOTHING = "other"
"""Kind of what is no number: an attribute begins as None."""
_STAYS = origins.PROBABILITIES | frozenset({origins.LEARNED, origins.NETWORK_OUTPUT})
"""What an attribute is whatever is done between two methods; a count or a deviation may be checked there."""


def tells(first: NumericSummary | None) -> bool:
    """Whether what `__init__` leaves in an attribute is more than None: then it counts."""
    return first is not None and first.kind != _NOTHING


def held(first: NumericSummary | None, later: Iterable[NumericSummary | None]) -> NumericSummary | None:
    """What readers of an attribute may know that begins as None, or as something unknown (`first`), and in
    which other methods leave these; None where nothing is known."""
    found = [_lasting(each) for each in later if each is None or tells(each)]
    return joined(found) if found else first


def _lasting(summary: NumericSummary | None) -> NumericSummary:
    if summary is None or summary.kind == "module":
        return NumericSummary()
    return summary if summary.origin in _STAYS else msgspec.structs.replace(summary, origin="")
