"""Notebooks as Python: the code cells as one text, and where every line of it came from."""

from __future__ import annotations

import ast
import bisect
import json
import re
import warnings
from typing import Any

import msgspec

from trainlint.text.document import Broken
from trainlint.text.guard import refusal
from trainlint.text.lexer import logical_lines
from trainlint.text.source import Source, source_of

_PYTHON_MAGICS = frozenset(
    {"time", "timeit", "capture", "prun", "memit", "mprun", "lprun", "python", "python3", "debug"}
)
"""Cell magics whose body is Python that runs in the kernel's process or in a like one."""

_MAGIC = re.compile(r"([ \t]*)(?:[%!?]|[^\W\d][\w.]*\?{1,2}[ \t]*(?m:$))")
_CONTINUED = re.compile(r"(?:[^\n]*\\\n)*[^\n]*\n")
_ASSIGNED_MAGIC = re.compile(r"([ \t]*[^\W\d][\w.,\t \[\]'\"]*=[ \t]*)[%!](?!=)")
_CELL_MAGIC = re.compile(r"\s*%%(\w+)")


class NotebookSource(msgspec.Struct):
    """The Python of a notebook. `source` holds the code cells joined, magics replaced, line for line.

    `cells` are the 1-based numbers of these cells among all cells, `firsts` the line of `source` each starts
    at. A cell that does not parse is left out; `broken` says why, with the line within the cell.
    """

    path: str
    source: Source
    cells: list[int] = msgspec.field(default_factory=list)
    firsts: list[int] = msgspec.field(default_factory=list)
    broken: list[Broken] = msgspec.field(default_factory=list)

    def locate(self, line: int) -> tuple[int, int]:
        """The 1-based cell and the line within it that a line of `source` came from."""
        if not self.cells:
            return 1, line
        index = max(bisect.bisect_right(self.firsts, line) - 1, 0)
        return self.cells[index], line - self.firsts[index] + 1


def read_notebook(source: Source) -> NotebookSource | Broken:
    """The Python of a notebook file, or why there is none. A kernel of another language gives empty code."""
    try:
        notebook = json.loads(source.text)
    except json.JSONDecodeError as error:
        return Broken("syntax", *source.position(error.pos), f"not a notebook: {error.msg.lower()}")
    except (RecursionError, ValueError):
        return Broken("too-deep", 1, 1, "not a notebook: JSON nested too deeply")
    if not isinstance(notebook, dict):
        return Broken("syntax", 1, 1, "not a notebook: the file holds no JSON object")
    if "cells" not in notebook and "worksheets" not in notebook:
        return Broken("syntax", 1, 1, "not a notebook: the file holds no cells")
    read = NotebookSource(source.path, source_of(source.path, ""))
    texts: list[str] = []
    line = 1
    for number, cell in enumerate(_cells(notebook) if _is_python(notebook) else [], start=1):
        if not _is_code(cell):
            continue
        text = _plain_python(_cell_text(cell))
        if broken := _unparsable(text, number):
            read.broken.append(broken)
            continue
        read.cells.append(number)
        read.firsts.append(line)
        texts.append(text)
        line += text.count("\n")
    read.source = source_of(source.path, "".join(texts))
    return read


def _cells(notebook: dict[str, Any]) -> list[Any]:
    """All cells, also of format 3, where worksheets hold them."""
    cells = _list(notebook, "cells")
    for sheet in _list(notebook, "worksheets"):
        cells += _list(sheet, "cells")
    return cells


def _list(holder: object, key: str) -> list[Any]:
    held = holder.get(key) if isinstance(holder, dict) else None
    return list(held) if isinstance(held, list) else []


def _is_code(cell: object) -> bool:
    return isinstance(cell, dict) and cell.get("cell_type") == "code"


def _is_python(notebook: dict[str, Any]) -> bool:
    """Whether the kernel runs Python; a notebook that does not say so is taken to."""
    metadata = notebook.get("metadata")
    if not isinstance(metadata, dict):
        return True
    for place, key in (("kernelspec", "language"), ("language_info", "name")):
        said = metadata.get(place)
        if isinstance(said, dict) and isinstance(said.get(key), str):
            return str(said[key]).lower() in ("python", "python3", "ipython")
    return True


def _cell_text(cell: dict[str, Any]) -> str:
    """The cell's source with \\n line ends and a final one, so that cells never share a line."""
    written = cell.get("source", cell.get("input", ""))
    parts = written if isinstance(written, list) else [written]
    text = "".join(part for part in parts if isinstance(part, str))
    text = text.replace("\0", " ").replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else text + "\n"


def _plain_python(text: str) -> str:
    """The cell with every magic replaced by `pass`, line for line."""
    magic = _CELL_MAGIC.match(text)
    if magic and magic[1] not in _PYTHON_MAGICS:
        return "\n" * text.count("\n")
    if not any(sign in text for sign in "%!?"):
        return text
    pieces: list[str] = []
    start = 0
    while start < len(text):
        plain, start = _plain_line(text, start)
        pieces.append(plain)
    return "".join(pieces)


def _plain_line(text: str, start: int) -> tuple[str, int]:
    """The logical line at `start`, a magic replaced, and where the next one starts."""
    assigned, magic = _ASSIGNED_MAGIC.match(text, start), _MAGIC.match(text, start)
    if assigned is None and magic is None:
        end = min(next(logical_lines(text, start))[1] + 1, len(text))
        return text[start:end], end
    written = _CONTINUED.match(text, start)
    end = written.end() if written else len(text)
    plain = assigned[1] + "get_ipython()" if assigned else (magic[1] if magic else "") + "pass"
    return plain + "\n" * text.count("\n", start, end), end


def _unparsable(text: str, number: int) -> Broken | None:
    """Why a cell is no Python, with the line within the cell."""
    cell = source_of("", text)
    if broken := refusal(cell):
        return Broken(broken.kind, broken.line, broken.column, f"cell {number}: {broken.message}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return Broken("syntax", error.lineno or 1, error.offset or 1, f"cell {number}: {error.msg}")
    except (ValueError, MemoryError, RecursionError):
        return Broken("syntax", 1, 1, f"cell {number}: cannot be parsed")
    return None
