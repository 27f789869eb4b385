"""YAML as a tree whose every node knows its span. Tags are never constructed; duplicates and merges are kept.

Built from parser events with an explicit stack, so nesting is counted before anything recurses.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import msgspec
import yaml

from trainlint.text.document import Broken, Document, Entry, Node, RefusedError
from trainlint.text.source import Source
from trainlint.text.walk import NODE_BUDGET
from trainlint.text.yaml_errors import explain

_Event = Any
"""A PyYAML event: its stubs leave every mark optional, the parsers always set them."""

DEPTH_LIMIT = 200
"""Collections inside collections. Hand-written configs stay below 20."""

_CORE_TAG = "tag:yaml.org,2002:"
_STYLES = {"'": "single", '"': "double", "|": "literal", ">": "folded"}
_PROPERTIES = re.compile(r"(?:(?:!<[^>\s]*>|![^\s,\[\]{}]*|&[^\s,\[\]{}]+)(?:[ \t\r\n]|(?<=\s)#[^\r\n]*)*)+")
_LINE = re.compile(r"[^\r\n]*")
_COMMENT = re.compile(r"(?<![^\s])#[^\r\n]*")


def parse_yaml(source: Source) -> tuple[list[Document], list[Broken]]:
    """The documents of a file up to the first problem, and that problem (at most one).

    An alias is the very node it names, so a tree can share nodes and be cyclic: visit it with `text.walk`.
    A collection used as a key has its source text as `raw`. A file of comments alone has no documents.
    """
    builder = _Builder(source)
    try:
        for event in _events(source.text):
            builder.take(event)
    except RefusedError as refused:
        return builder.documents, [refused.broken]
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        return builder.documents, [explain(error, source)]
    return builder.documents, []


def yaml_comments(source: Source) -> list[tuple[int, int, str]]:
    """Line, column and text (from the `#` on) of every comment of a file that mentions "trainlint:"."""
    if "trainlint:" not in source.text:
        return []
    hidden = list(_texts(source.text))
    return [(*source.position(start), text) for start, text in _comments_outside(source.text, hidden)]


def _events(text: str) -> Iterator[_Event]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.parse(text, Loader=loader)


def _texts(text: str) -> Iterator[tuple[int, int]]:
    """The offsets of quoted and block scalars, up to where reading stops: behind it every `#` counts."""
    depth = 0
    with contextlib.suppress(yaml.YAMLError, UnicodeEncodeError):
        for event in _events(text):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEPTH_LIMIT:
                    return
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            elif isinstance(event, yaml.ScalarEvent) and event.style in _STYLES:
                yield _body(text, event)


def _comments_outside(text: str, hidden: list[tuple[int, int]]) -> Iterator[tuple[int, str]]:
    start = 0
    for low, high in [*hidden, (len(text), len(text))]:
        for match in _COMMENT.finditer(text, start, low):
            yield match.start(), match[0]
        start = high


def _body(text: str, event: _Event) -> tuple[int, int]:
    """The offsets of a quoted scalar, or of a block scalar's lines: its header may carry a comment."""
    start, end = event.start_mark.index, event.end_mark.index
    if event.style in ("|", ">"):
        header = _skip_properties(text, start, end)
        first_line = _LINE.match(text, header)
        start = first_line.end() if first_line else start
    return start, end


def _skip_properties(text: str, start: int, end: int) -> int:
    match = _PROPERTIES.match(text, start, end)
    return match.end() if match else start


class _Frame(msgspec.Struct):
    """A collection that is still open. `end` is the offset where what it holds so far ends."""

    node: Node
    start: int
    end: int
    flow: bool
    key: Node | None = None


class _Builder:
    """Turns parser events into documents."""

    def __init__(self, source: Source) -> None:
        self.documents: list[Document] = []
        self._source = source
        self._stack: list[_Frame] = []
        self._anchors: dict[str, Node] = {}
        self._root: Node | None = None
        self._nodes = 0

    def take(self, event: _Event) -> None:
        """Account for one event; raises RefusedError where the file goes past a limit or names no anchor."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._open(event, "mapping")
        elif kind is yaml.SequenceStartEvent:
            self._open(event, "sequence")
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._close(event)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._anchors, self._root = {}, None
        elif kind is yaml.DocumentEndEvent and self._root is not None:
            document = Document(self._source.path, "yaml", self._root, len(self.documents))
            self.documents.append(document)

    def _scalar(self, event: _Event) -> None:
        text = self._source.text
        end = event.end_mark.index
        start = event.start_mark.index
        tagged = event.tag is not None or event.anchor is not None
        if tagged:
            start = _skip_properties(text, start, end)
        style = _STYLES.get(event.style or "", "plain")
        if style in ("literal", "folded"):
            end = start + len(text[start:end].rstrip())
        node = Node(
            "scalar", self._source.place(start, end), event.value, style, _tag(event.tag) if tagged else ""
        )
        self._register(event, node)
        self._add(node, end)

    def _open(self, event: _Event, kind: str) -> None:
        start = event.start_mark.index
        if event.tag is not None or event.anchor is not None:
            start = _skip_properties(self._source.text, start, len(self._source.text))
        if len(self._stack) >= DEPTH_LIMIT:
            self._refuse("too-deep", start, f"nested more than {DEPTH_LIMIT} levels deep")
        node = Node(kind, self._source.place(start, start), tag=_tag(event.tag))
        self._register(event, node)
        self._stack.append(_Frame(node, start, start, bool(event.flow_style)))

    def _close(self, event: _Event) -> None:
        frame = self._stack.pop()
        if frame.flow:
            frame.end = event.end_mark.index
        frame.node.place = self._source.place(frame.start, frame.end)
        self._add(frame.node, frame.end, frame.start)

    def _alias(self, event: _Event) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        node = self._anchors.get(event.anchor)
        if node is None:
            self._refuse("config-syntax", start, f"alias *{event.anchor} names no anchor above it")
        node.anchored = True
        self._add(node, end, start)

    def _add(self, node: Node, end: int, start: int = -1) -> None:
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        frame.end = end
        if frame.node.kind == "sequence":
            frame.node.children.append(node)
        elif frame.key is None:
            if node.kind != "scalar":
                node.raw = node.raw or self._source.text[start:end]
            frame.key = node
        else:
            merge = frame.key.raw == "<<" and frame.key.style == "plain" and frame.key.tag in ("", "!!merge")
            frame.node.items.append(Entry(frame.key, node, merge))
            frame.key = None

    def _register(self, event: _Event, node: Node) -> None:
        self._nodes += 1
        if self._nodes > NODE_BUDGET:
            self._refuse("budget", event.start_mark.index, f"more than {NODE_BUDGET:,} values")
        if event.anchor is not None:
            self._anchors[event.anchor] = node

    def _refuse(self, kind: str, offset: int, reason: str) -> NoReturn:
        raise RefusedError(Broken(kind, *self._source.position(offset), reason))


def _tag(tag: str | None) -> str:
    """A tag as people write it: `!!float`, `!ref`, `!` for "not a plain scalar"."""
    if tag is None:
        return ""
    return "!!" + tag[len(_CORE_TAG) :] if tag.startswith(_CORE_TAG) else tag
