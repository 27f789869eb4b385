"""The front matter of a rule page: YAML as data, with the line of every value.

`off`, `yes` and `no` are text here and `1e-4` is a number: a page means what it looks like.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import yaml

DEEPEST_FRONT_MATTER = 20
MOST_EVENTS = 5000

Path = tuple[str | int, ...]


class PageReadError(Exception):
    """A page cannot be read: the 1-based line and the reason."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class FrontMatter(msgspec.Struct):
    """The front matter as data, and the page's line of every value by its path."""

    data: dict[str, Any]
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line of the value at `path`, or of the nearest value around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_front_matter(text: str) -> FrontMatter:
    """The front matter's data and lines; the text starts on line 2 of its page.

    Raises PageReadError for YAML that does not parse, aliases, repeated keys, and what is too deep or large.
    """
    try:
        _refuse_hostile(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise PageReadError(mark.line + 2 if mark else 1, f"{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise PageReadError(1, str(error).splitlines()[0]) from None
    if not isinstance(node, yaml.MappingNode):
        raise PageReadError(2, "the front matter is not a mapping")
    lines: dict[Path, int] = {}
    return FrontMatter(data=_data(node, (), lines), lines=lines)


def _refuse_hostile(text: str) -> None:
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        line = event.start_mark.line + 2 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise PageReadError(line, "aliases are not allowed in a front matter")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST_FRONT_MATTER or count > MOST_EVENTS:
            raise PageReadError(line, "the front matter is too deep or too large")


def _data(node: Any, path: Path, lines: dict[Path, int]) -> Any:
    lines[path] = node.start_mark.line + 2
    if node.id == "sequence":
        return [_data(child, (*path, index), lines) for index, child in enumerate(node.value)]
    if node.id == "scalar":
        return _scalar(node)
    found: dict[str, Any] = {}
    for key, value in node.value:
        if key.id != "scalar":
            raise PageReadError(key.start_mark.line + 2, "keys are plain text")
        if key.value in found:
            raise PageReadError(key.start_mark.line + 2, f"`{key.value}` is given twice")
        inner = (*path, key.value)
        found[key.value] = _data(value, inner, lines)
        lines[inner] = key.start_mark.line + 2
    return found


_CONSTANTS = {"true": True, "false": False, "null": None, "~": None, "": None}


def _scalar(node: Any) -> str | bool | int | float | None:
    text: str = node.value
    if node.style is not None:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if re.fullmatch(r"[-+]?\d{1,18}", text):
        return int(text)
    if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?", text):
        return float(text)
    return text
