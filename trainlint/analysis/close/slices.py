"""Units as texts that libcst can parse on their own, and exact positions in them.

A slice is the unit's original lines, under `if 1:` where they are indented, so that columns are the file's.
(libcst drops a form feed before an unindented statement of the same line: there, columns are one too low.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from trainlint.analysis.facts import Place, Unit

if TYPE_CHECKING:
    import libcst

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_CLASS_HEADER = re.compile(r"\s*class\s")
_WRAPPER = "if 1:"
_CACHED_SLICES = 256


class Slice(msgspec.Struct, frozen=True):
    """Source of one unit. `line_map[n]` is the file's line of the slice's line n (1-based; 0 for the wrapper
    and for index 0). An empty `text` has nothing to read.
    """

    text: str
    line_map: list[int]


def split_lines(text: str) -> list[str]:
    r"""The lines of a source text, without their ends. Only \r\n, \r and \n end a line, as for Python's
    tokenizer."""
    return _LINE_BREAK.split(text) if "\r" in text else text.split("\n")


def unit_source(lines: Sequence[str], unit: Unit) -> Slice:
    """The text of a unit, cut from its file's lines (see `split_lines`)."""
    numbers = [number for first, last in unit.lines for number in range(first, min(last, len(lines)) + 1)]
    taken = [lines[number - 1] for number in numbers]
    if numbers and numbers[0] == 1:
        taken[0] = taken[0].removeprefix("\ufeff")
    if unit.kind == "class" and taken and _CLASS_HEADER.match(taken[0]):
        numbers, taken = _without_header(numbers, taken)
    if not taken:
        return Slice("", [0])
    if taken[0].rpartition("\f")[2][:1] not in (" ", "\t"):
        return Slice("\n".join([*taken, ""]), [0, *numbers])
    return Slice("\n".join([_WRAPPER, *taken, ""]), [0, 0, *numbers])


def _without_header(numbers: list[int], lines: list[str]) -> tuple[list[int], list[str]]:
    """Blank the header of a class whose body stands on its header's line: `class A: x = 1`."""
    depth = 0
    for index, line in enumerate(lines):
        for column, character in enumerate(line):
            if character in "([{":
                depth += 1
            elif character in ")]}":
                depth -= 1
            elif character == ":" and depth == 0:
                blank = " " * (column + 1) + line[column + 1 :]
                return numbers[index:], [blank, *lines[index + 1 :]]
    return [], []


@lru_cache(maxsize=_CACHED_SLICES)
def _parsed(text: str) -> libcst.Module:
    import libcst  # noqa: PLC0415 - late: runs that find everything in the cache never need it

    return libcst.parse_module(text)


def parse_slice(piece: Slice) -> libcst.Module:
    """The libcst tree of a slice, kept for slices of the same text: never change it.

    Raises libcst.ParserSyntaxError where libcst refuses what Python accepts.
    """
    return _parsed(piece.text)


def positions(
    module: libcst.Module, nodes: Iterable[libcst.CSTNode], line_map: Sequence[int]
) -> dict[libcst.CSTNode, Place]:
    """Where nodes of a slice's tree stand in the file: line, column, end line, end column, ends exclusive.

    Whitespace and the parentheses around an expression do not count. Nodes that are not of this tree are left
    out.
    """
    from trainlint.analysis.close.positions import places  # noqa: PLC0415 - needs libcst

    return places(module, nodes, line_map)
