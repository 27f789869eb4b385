"""Which regular expressions a page may hold: short ones that cannot take exponential time."""

from __future__ import annotations

import re

LONGEST_PATTERN = 200
MOST_UNBOUNDED = 4

_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?P<extension>[:aiLmsux-]+\)?|P?[<=!>][^)]?))?|\)|\||"
    r"(?P<repeat>[*+]|\{\d+,?\d*\}|\{,\d+\})|[\s\S]"
)


def refuse_pattern(pattern: str) -> str:
    """Why the pattern is refused, or "" where it may be used.

    Refused: too long, not a valid expression, look-around and back-references, a repeated group that itself
    repeats or branches, and more unbounded repeats than a text of bounded length can bear.
    """
    if len(pattern) > LONGEST_PATTERN:
        return f"longer than {LONGEST_PATTERN} characters"
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"not a regular expression: {error}"
    if re.search(r"\\[1-9]|\(\?(?:[=!<]|P[=>])(?!P)|\(\?\(", pattern):
        return "look-around, named groups and back-references are not allowed"
    return _refuse_repeats(pattern)


def _refuse_repeats(pattern: str) -> str:
    """Follow the groups; remember for each whether something inside repeats or branches."""
    open_groups: list[bool] = []
    busy = False
    closed_busy = False
    unbounded = 0
    for match in _TOKEN.finditer(pattern):
        piece = match[0]
        just_closed = closed_busy
        closed_busy = False
        if piece.startswith("(") and not (match["extension"] or "").endswith(")"):
            open_groups.append(busy)
            busy = False
        elif piece == ")" and open_groups:
            closed_busy = busy
            busy = open_groups.pop() or busy
        elif piece == "|":
            busy = True
        elif match["repeat"]:
            if just_closed:
                return "a repeated group repeats or branches inside"
            busy = True
            unbounded += piece in ("*", "+") or piece.endswith(",}")
    if unbounded > MOST_UNBOUNDED:
        return f"more than {MOST_UNBOUNDED} unbounded repeats"
    return ""
