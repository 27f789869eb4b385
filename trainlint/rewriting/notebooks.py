"""Changed lines of a notebook's code, put back into the JSON texts that hold them; nothing else changes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from trainlint.rewriting.files import CHANGED, RewriteError
from trainlint.text.document import Broken, Node
from trainlint.text.json import parse_json
from trainlint.text.notebook import NotebookSource, read_notebook
from trainlint.text.source import Source, source_of

_EMPTY = '""'
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")


def in_notebook(source: Source, linted: str, lines: Mapping[int, str]) -> str:
    """The notebook's own text, changed in these lines.

    `linted` is its code as it was judged; `lines` gives, by the number of a line of it, what stands there
    instead: several lines, one, or none; each with its end. Raises RewriteError where the notebook does not
    hold that code line for line, or would not hold the new one.
    """
    notebook = read_notebook(source)
    if isinstance(notebook, Broken) or notebook.source.text != linted:
        raise RewriteError(CHANGED)
    text = source.text
    cells = _cells(source)
    changes = [
        _cell_change(source, cells[cell - 1], cell, change) for cell, change in _by_cell(notebook, lines)
    ]
    for start, end, literal in sorted(changes, reverse=True):
        text = text[:start] + literal + text[end:]
    again = read_notebook(source_of(source.path, text))
    if isinstance(again, Broken) or len(again.broken) > len(notebook.broken):
        raise RewriteError("its code would no longer parse")
    if not _holds(again, notebook, lines):
        raise _unfit()
    return text


def _holds(notebook: NotebookSource, before: NotebookSource, lines: Mapping[int, str]) -> bool:
    """Whether a changed notebook holds the code it should, cell for cell.

    A cell without any is read as an empty line. What ends a cell has no newline, so that an empty line which
    becomes the last one is no line any more.
    """
    found = ["".join(cell) for _, cell in _cells_of(notebook)]
    wanted = [
        "".join(lines.get(first + place, line) for place, line in enumerate(cell))
        for first, cell in _cells_of(before)
    ]
    return len(found) == len(wanted) and all(
        have == (want or "\n") or (have + "\n" == want and want.endswith(("\n\n", "\n\r\n")))
        for have, want in zip(found, wanted, strict=True)
    )


def _cells_of(notebook: NotebookSource) -> Iterator[tuple[int, list[str]]]:
    """The number of the first line of each code cell, and its lines."""
    judged = [line for line in _LINE.findall(notebook.source.text) if line]
    ends = [*notebook.firsts[1:], len(judged) + 1]
    for first, end in zip(notebook.firsts, ends, strict=True):
        yield first, judged[first - 1 : end - 1]


def _unfit(cell: int | None = None) -> RewriteError:
    what = "its cells are" if cell is None else f"its cell {cell} is"
    return RewriteError(f"{what} written in a way that comments cannot be added to nor code changed in")


def _by_cell(
    notebook: NotebookSource, lines: Mapping[int, str]
) -> Iterator[tuple[int, dict[int, tuple[str, str]]]]:
    """The changes of each cell: by line in it (from 0) what was judged there, and what is to be there."""
    judged = notebook.source.lines
    cells: dict[int, dict[int, tuple[str, str]]] = {}
    for number, line in lines.items():
        cell, inside = notebook.locate(number)
        cells.setdefault(cell, {})[inside - 1] = (judged[number - 1], line)
    yield from cells.items()


def _cells(source: Source) -> list[Node]:
    documents, _ = parse_json(source)
    cells = documents[0].root.get("cells") if documents else None
    if cells is None or cells.kind != "sequence":
        raise RewriteError("a notebook of an old format: save it again first")
    return cells.children


class _Part(msgspec.Struct):
    """One JSON text of a cell: what stands before it, its token, what follows up to the comma."""

    before: str
    token: str
    after: str


def _cell_change(
    source: Source, node: Node, cell: int, changes: Mapping[int, tuple[str, str]]
) -> tuple[int, int, str]:
    """Start and end of a cell's source in the notebook's text, and its new form."""
    written = node.get("source")
    if written is None:
        raise _unfit(cell)
    start, end = _place(source, written)
    if written.kind == "scalar":
        (token,) = _tokens(source.text[start:end], 0, changes, cell, is_last=True) or [_EMPTY]
        return start, end, token
    if not written.children:
        return start, end, f"[{','.join(_tokens(_EMPTY, 0, changes, cell, is_last=True, split=True))}]"
    parts = _parts(source, written, cell)
    return start, end, _list(parts, source.text[start:end], changes, cell)


def _place(source: Source, node: Node) -> tuple[int, int]:
    return source.offset(*node.place[:2]), source.offset(*node.place[2:])


def _parts(source: Source, written: Node, cell: int) -> list[_Part]:
    """The texts of a cell's list, with the blanks and commas between them."""
    parts: list[_Part] = []
    at = _place(source, written)[0] + 1
    for child in written.children:
        if child.kind != "scalar":
            raise _unfit(cell)
        start, end = _place(source, child)
        between = source.text[at:start]
        after, comma, before = between.rpartition(",")
        if parts:
            parts[-1].after = after
        elif comma:
            raise _unfit(cell)
        parts.append(_Part(before, source.text[start:end], ""))
        at = end
    return parts


def _list(parts: Sequence[_Part], whole: str, changes: Mapping[int, tuple[str, str]], cell: int) -> str:
    """The list of a cell's texts with the changes; a text of one line that became several is split."""
    new: list[_Part] = []
    line = 0
    for number, part in enumerate(parts):
        held = _lines(json.loads(part.token))
        here = {key: change for key, change in changes.items() if line <= key < line + len(held)}
        if not here:
            new.append(part)
        else:
            is_last = number == len(parts) - 1
            tokens = _tokens(part.token, line, here, cell, is_last=is_last, split=len(held) == 1)
            new += [_Part(part.before, token, "") for token in tokens[:-1]]
            new += [_Part(part.before, token, part.after) for token in tokens[-1:]]
            if is_last and not tokens and new and not held[-1].endswith("\n"):
                new[-1] = _without_end(new[-1])
        # A line that has no end goes on in the next text.
        line += sum(each.endswith(("\n", "\r")) for each in held)
    return "[" + ",".join(each.before + each.token + each.after for each in new) + _tail(whole, parts)


def _without_end(part: _Part) -> _Part:
    text = json.loads(part.token).removesuffix("\n").removesuffix("\r")
    return _Part(part.before, json.dumps(text, ensure_ascii="\\u" in part.token), part.after)


def _tail(whole: str, parts: Sequence[_Part]) -> str:
    """What stands between the last text and the end of the list, the bracket included."""
    used = 1 + sum(len(part.before) + len(part.token) + len(part.after) for part in parts)
    return whole[used + max(len(parts) - 1, 0) :]


def _tokens(
    token: str,
    first: int,
    changes: Mapping[int, tuple[str, str]],
    cell: int,
    *,
    is_last: bool,
    split: bool = False,
) -> list[str]:
    """A JSON text with some of its lines replaced: one, or with `split` one for each new line; none where
    nothing is left. A last line without an end stays so."""
    # An empty cell is one empty line.
    lines = _lines(json.loads(token)) or [""]
    ended = lines[-1].endswith(("\n", "\r"))
    if not ended and not is_last:
        # The line goes on in the next text.
        raise _unfit(cell)
    for number, (judged, new) in changes.items():
        if number - first >= len(lines) or lines[number - first].rstrip("\r\n") != judged:
            # What was judged is not what is written: a magic, say.
            raise _unfit(cell)
        end = "\r\n" if lines[number - first].endswith("\r\n") else "\n"
        lines[number - first] = new.replace("\n", end)
    text = "".join(lines)
    if is_last and not ended:
        text = text.removesuffix("\n").removesuffix("\r")
    pieces = _lines(text) if split else [text] * bool(text)
    return [json.dumps(piece, ensure_ascii="\\u" in token) for piece in pieces]


def _lines(text: str) -> list[str]:
    return [line for line in _LINE.findall(text) if line]
