"""New lines end as those around them do: rules write plain line ends."""

from __future__ import annotations

import re

from trainlint.findings import Edit
from trainlint.text.source import Source

_LINE_END = re.compile(r"\r\n|\r|\n")


def with_own_line_ends(source: Source | None, edit: Edit) -> Edit:
    """The edit of a text with the line ends of the line it is in; a missing final one stays missing."""
    text = edit.text
    if source is None or not ("\n" in text or "\r" in text or edit.span.line > len(source.starts)):
        return edit
    if edit.span.line > len(source.starts) and not text.startswith(("\n", "\r")):
        # A line behind one without an end: the end goes between them, the last line has none again.
        text = _LINE_END.sub("\n", text)
        text = "\n" + text.removesuffix("\n") if text else text
    end = _end_near(source, edit.span.line)
    return Edit(edit.span, _LINE_END.sub(lambda _: end, text))


def _end_near(source: Source, line: int) -> str:
    """How a line ends; if it does not, how the one before it does; else what prevails."""
    starts = source.starts
    for number in (line, line - 1):
        if 1 <= number < len(starts):
            return str(_LINE_END.findall(source.text, starts[number - 1], starts[number])[-1])
    return source.newline
