"""`sys.argv`, as the launch lines of a program fill it: without any, the program's name alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.values import Origin, Resolved, unknown

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.scope import ProgramScope

ARGV = "sys.argv"


def argv(scope: ProgramScope) -> Resolved:
    """The words of the command line: known where there is no launch line, or every one has the same."""
    lines = scope.launched_words()
    words = lines[0] if lines else ()
    if any([text for text, _ in line] != [text for text, _ in words] for line in lines[1:]):
        return unknown("sys.argv: the launch lines differ")
    items = [Resolved("const", value=scope.entry, option=ARGV)]
    for text, span in words:
        if text is None:
            items.append(unknown("a word of the launch line that is not known"))
        else:
            origins = (Origin(span, "the launch line"),)
            items.append(Resolved("const", value=text, option=ARGV, origins=origins))
    return Resolved("sequence", items=tuple(items), option=ARGV)
