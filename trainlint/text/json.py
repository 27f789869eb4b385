"""JSON as a tree whose every node knows its span; comments and trailing commas are tolerated, as in JSONC."""

from __future__ import annotations

import json
import re
from typing import NoReturn

import msgspec

from trainlint.text.document import Broken, Document, Entry, Node, RefusedError
from trainlint.text.source import Source
from trainlint.text.walk import NODE_BUDGET

DEPTH_LIMIT = 200
"""Collections inside collections."""

_SPACE = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|#[^\r\n]*|/\*(?s:.*?)\*/)*")
_STRING_OR_COMMENT = re.compile(
    r'"(?:[^"\\\r\n]|\\.)*"|(?P<comment>//[^\r\n]*|#[^\r\n]*|/\*(?s:.*?)(?:\*/|\Z))'
)
_SPACE_STARTS = frozenset(" \t\r\n/#")
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"')
_BARE = re.compile(
    r"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null|NaN|-?Infinity)(?![\w.+-])"
)
_WORD = re.compile(r"[^\s,:{}\[\]\"]+")


def parse_json(source: Source) -> tuple[list[Document], list[Broken]]:
    """The one document of a JSON file, or why there is none. Duplicate keys are kept, NaN and Infinity read.

    Text has style "double" and its escapes resolved; numbers and words have style "json" and their spelling.
    """
    try:
        root = _Reader(source).read()
    except RefusedError as refused:
        return [], [refused.broken]
    return [Document(source.path, "json", root)], []


def json_comments(source: Source) -> list[tuple[int, int, str]]:
    """Line, column and text of every comment, the signs around it included."""
    found = (match for match in _STRING_OR_COMMENT.finditer(source.text) if match["comment"])
    return [(*source.position(match.start()), match["comment"]) for match in found]


class _Frame(msgspec.Struct):
    """A collection that is still open; `key` is a mapping's key that waits for its value."""

    node: Node
    start: int
    key: Node | None = None


class _Reader:
    """Reads tokens left to right; the open collections are a stack."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._text = source.text
        self._offset = 0
        self._stack: list[_Frame] = []
        self._nodes = 0

    def read(self) -> Node:
        """The root; raises RefusedError at the first problem."""
        root = self._value()
        while self._stack:
            frame = self._stack[-1]
            node = self._member(frame) if frame.node.kind == "mapping" else self._element()
            if node is None:
                self._stack.pop()
                frame.node.place = self._source.place(frame.start, self._offset)
                continue
            self._attach(frame, node)
        self._skip()
        if self._offset < len(self._text):
            self._refuse("there is more text after the end of the document")
        return root

    def _attach(self, frame: _Frame, node: Node) -> None:
        if frame.key is None:
            frame.node.children.append(node)
            return
        frame.node.items.append(Entry(frame.key, node))
        frame.key = None

    def _element(self) -> Node | None:
        frame = self._stack[-1]
        if self._closes("]", first=not frame.node.children):
            return None
        return self._value()

    def _member(self, frame: _Frame) -> Node | None:
        if self._closes("}", first=not frame.node.items):
            return None
        if not self._peek('"'):
            self._refuse(f"expected a key in double quotes, found {self._here()}")
        frame.key = self._scalar()
        self._skip()
        if not self._peek(":"):
            self._refuse(f"expected ':' after the key, found {self._here()}")
        self._offset += 1
        return self._value()

    def _value(self) -> Node:
        self._skip()
        start = self._offset
        kind = {"{": "mapping", "[": "sequence"}.get(self._text[start : start + 1])
        if kind is None:
            return self._scalar()
        if len(self._stack) >= DEPTH_LIMIT:
            self._refuse(f"nested more than {DEPTH_LIMIT} levels deep", kind="too-deep")
        self._count()
        self._offset += 1
        node = Node(kind, self._source.place(start, self._offset), style="json")
        self._stack.append(_Frame(node, start))
        return node

    def _scalar(self) -> Node:
        start = self._offset
        quoted = self._peek('"')
        match = (_STRING if quoted else _BARE).match(self._text, start)
        if match is None:
            self._refuse("this text is never closed" if quoted else f"expected a value, found {self._here()}")
        self._count()
        self._offset = match.end()
        raw = self._unescaped(match[0], start) if quoted else match[0]
        return Node("scalar", self._source.place(start, self._offset), raw, "double" if quoted else "json")

    def _unescaped(self, token: str, start: int) -> str:
        if "\\" not in token:
            return token[1:-1]
        try:
            text = str(json.loads(token))
        except ValueError:
            self._offset = start
            self._refuse("unknown escape in this text; double the backslash")
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _closes(self, bracket: str, *, first: bool) -> bool:
        """Step over a comma or the closing bracket; whether it was the bracket."""
        self._skip()
        if not first and self._peek(","):
            self._offset += 1
            self._skip()
        elif not first and not self._peek(bracket):
            self._unclosed_or(f"expected ',' or '{bracket}', found {self._here()}")
        if self._peek(bracket):
            self._offset += 1
            return True
        if self._offset >= len(self._text):
            self._unclosed_or("")
        return False

    def _unclosed_or(self, reason: str) -> NoReturn:
        if self._offset >= len(self._text):
            self._offset = self._stack[-1].start
            reason = "this bracket is never closed"
        self._refuse(reason)

    def _skip(self) -> None:
        if self._text[self._offset : self._offset + 1] in _SPACE_STARTS:
            match = _SPACE.match(self._text, self._offset)
            self._offset = match.end() if match else self._offset

    def _peek(self, character: str) -> bool:
        return self._text.startswith(character, self._offset)

    def _here(self) -> str:
        """The word or character at the current offset, shortened, for a message."""
        if self._offset >= len(self._text):
            return "the end of the file"
        match = _WORD.match(self._text, self._offset)
        return repr(match[0][:20] if match else self._text[self._offset])

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > NODE_BUDGET:
            self._refuse(f"more than {NODE_BUDGET:,} values", kind="budget")

    def _refuse(self, reason: str, kind: str = "config-syntax") -> NoReturn:
        raise RefusedError(Broken(kind, *self._source.position(self._offset), reason))
