"""TOML as a tree whose every node knows its span: the standard parser judges, a light scan finds places."""

from __future__ import annotations

import re
import sys
from typing import NoReturn

import msgspec

from trainlint.text.document import Broken, Document, Entry, Node, RefusedError
from trainlint.text.source import Source
from trainlint.text.walk import NODE_BUDGET

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

DEPTH_LIMIT = 200
"""Arrays and inline tables inside each other, and parts of a key."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\(?s:.)|"(?!""))*"""(?:"(?!"")){0,2}'
    r"|'''(?:[^']|'(?!''))*'''(?:'(?!'')){0,2}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
)
_STRING_OR_COMMENT = re.compile(rf"{_STRING.pattern}|(?P<comment>#[^\n]*)")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9][0-9:.+\-Zz]*|[^\s,\]}#\"'\[{]+")
_DUPLICATE_WORDS = ("overwrite", "declare", "immutable", "duplicate")
_ERROR_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


def parse_toml(source: Source) -> tuple[list[Document], list[Broken]]:
    """The one document of a TOML file, or why there is none.

    Text has style "double" or "single" and its escapes resolved; other scalars have style "toml" and keep
    their spelling.
    """
    scan = _Scan(source)
    scan_error: Broken | None = None
    try:
        root = scan.read()
    except RefusedError as refused:
        scan_error = refused.broken
        if scan_error.kind != "config-syntax":
            return [], [scan_error]
    try:
        tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        return [], [_explain(error, source, scan.duplicate)]
    except (RecursionError, ValueError):
        return [], [Broken("config-syntax", 1, 1, "cannot be parsed")]
    if scan_error is not None:
        return [], [scan_error]
    return [Document(source.path, "toml", root)], []


def toml_comments(source: Source) -> list[tuple[int, int, str]]:
    """Line, column and text (from the `#` on) of every comment."""
    found = (match for match in _STRING_OR_COMMENT.finditer(source.text) if match["comment"])
    return [(*source.position(match.start()), match["comment"].rstrip("\r")) for match in found]


def _explain(error: Exception, source: Source, duplicate: Broken | None) -> Broken:
    text = str(error)
    if duplicate is not None and any(word in text.lower() for word in _DUPLICATE_WORDS):
        return duplicate
    match = _ERROR_PLACE.search(text)
    place = (
        (int(match[1]), int(match[2])) if match and match[1] else source.position(len(source.text.rstrip()))
    )
    reason = _ERROR_PLACE.sub("", text.splitlines()[0])
    return Broken("config-syntax", *place, reason[:1].lower() + reason[1:])


class _Frame(msgspec.Struct):
    """An array or inline table that is still open."""

    node: Node
    start: int


class _Scan:
    """Finds keys and values left to right; what it takes for granted, the standard parser checks."""

    def __init__(self, source: Source) -> None:
        self.duplicate: Broken | None = None
        self._source = source
        self._text = source.text
        self._offset = 0
        self._nodes = 0
        self._declared: set[int] = set()
        self._known: dict[int, dict[str, Entry]] = {}

    def read(self) -> Node:
        """The root; raises RefusedError where the text is no TOML or goes past a limit."""
        root = self._node("mapping", 0, len(self._text.rstrip()))
        table = root
        self._skip(_BLANK)
        while self._offset < len(self._text):
            start = self._offset
            if self._text.startswith("[", start):
                table = self._header(root)
            else:
                self._pair(table)
            table.place = (*table.place[:2], *self._source.position(self._offset))
            self._skip(_BLANK)
        root.place = self._source.place(0, len(self._text.rstrip()))
        return root

    def _header(self, root: Node) -> Node:
        start = self._offset
        double = self._text.startswith("[[", start)
        self._offset += 2 if double else 1
        keys = self._keys()
        self._expect("]]" if double else "]")
        parent = self._descend(root, keys[:-1])
        table = self._node("mapping", start, self._offset)
        entry = self._entries(parent).get(keys[-1].raw)
        if double and entry is not None and entry.value.kind == "sequence":
            entry.value.children.append(table)
        elif double:
            array = self._node("sequence", start, self._offset)
            array.children.append(table)
            self._add(parent, keys[-1], array)
        elif entry is not None and entry.value.kind == "mapping":
            if id(entry.value) in self._declared:
                self._note_duplicate(keys[-1], entry)
            table = entry.value
        else:
            self._add(parent, keys[-1], table)
        self._declared.add(id(table))
        return table

    def _pair(self, table: Node) -> None:
        """Read `key = value`, all open brackets of the value included."""
        stack: list[_Frame] = []
        self._assign(table, stack)
        while stack:
            frame = stack[-1]
            mapping = frame.node.kind == "mapping"
            self._skip(_BLANK)
            if self._text.startswith(",", self._offset):
                self._offset += 1
                self._skip(_BLANK)
            if self._text.startswith("}" if mapping else "]", self._offset):
                self._offset += 1
                frame.node.place = self._source.place(frame.start, self._offset)
                stack.pop()
            elif mapping:
                self._assign(frame.node, stack)
            else:
                frame.node.children.append(self._value(stack))

    def _assign(self, table: Node, stack: list[_Frame]) -> None:
        keys = self._keys()
        self._expect("=")
        self._skip(_SPACE)
        self._add(self._descend(table, keys[:-1]), keys[-1], self._value(stack))

    def _keys(self) -> list[Node]:
        keys: list[Node] = []
        while True:
            self._skip(_SPACE)
            keys.append(self._key())
            self._skip(_SPACE)
            if not self._text.startswith(".", self._offset):
                return keys
            if len(keys) >= DEPTH_LIMIT:
                self._refuse(f"a key of more than {DEPTH_LIMIT} parts", "too-deep")
            self._offset += 1

    def _key(self) -> Node:
        start = self._offset
        quoted = self._text[start : start + 1] in ('"', "'")
        match = (_STRING if quoted else _BARE_KEY).match(self._text, start)
        if match is None:
            self._refuse("expected a key")
        self._offset = match.end()
        node = self._node("scalar", start, self._offset)
        node.raw = self._text_of(match[0]) if quoted else match[0]
        node.style = _quote_style(match[0]) if quoted else "toml"
        return node

    def _value(self, stack: list[_Frame]) -> Node:
        start = self._offset
        kind = {"{": "mapping", "[": "sequence"}.get(self._text[start : start + 1])
        if kind is not None:
            if len(stack) >= DEPTH_LIMIT:
                self._refuse(f"nested more than {DEPTH_LIMIT} levels deep", "too-deep")
            self._offset += 1
            node = self._node(kind, start, self._offset)
            stack.append(_Frame(node, start))
            return node
        string = _STRING.match(self._text, start)
        match = string or _BARE_VALUE.match(self._text, start)
        if match is None:
            self._refuse("expected a value")
        self._offset = match.end()
        node = self._node("scalar", start, self._offset)
        node.raw = self._text_of(match[0]) if string else match[0]
        node.style = _quote_style(match[0]) if string else "toml"
        return node

    def _text_of(self, token: str) -> str:
        """The text a string literal stands for."""
        if "\\" not in token and not token.startswith(('"""', "'''")):
            return token[1:-1]
        try:
            return str(tomllib.loads(f"x={token}")["x"])
        except tomllib.TOMLDecodeError:
            self._refuse("not a valid text")

    def _descend(self, table: Node, keys: list[Node]) -> Node:
        """The table that dotted keys lead to, made where it is not there yet."""
        for key in keys:
            entry = self._entries(table).get(key.raw)
            if entry is None:
                entry = self._add(table, key, Node("mapping", key.place, style="toml"))
            table = entry.value
            if table.kind == "sequence" and table.children:
                table = table.children[-1]
            if table.kind != "mapping":
                self._note_duplicate(key, entry)
                return Node("mapping", key.place)
        return table

    def _entries(self, table: Node) -> dict[str, Entry]:
        return self._known.setdefault(id(table), {})

    def _add(self, table: Node, key: Node, value: Node) -> Entry:
        known = self._entries(table)
        entry = Entry(key, value)
        if key.raw in known:
            self._note_duplicate(key, known[key.raw])
        else:
            known[key.raw] = entry
        table.items.append(entry)
        return entry

    def _note_duplicate(self, key: Node, earlier: Entry) -> None:
        if self.duplicate is None:
            line, column = key.place[:2]
            reason = f"the key {key.raw!r} is already set on line {earlier.key.place[0]}"
            self.duplicate = Broken("config-syntax", line, column, reason)

    def _node(self, kind: str, start: int, end: int) -> Node:
        self._nodes += 1
        if self._nodes > NODE_BUDGET:
            self._refuse(f"more than {NODE_BUDGET:,} values", "budget")
        return Node(kind, self._source.place(start, end), style="toml")

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._offset)
        self._offset = match.end() if match else self._offset

    def _expect(self, sign: str) -> None:
        if not self._text.startswith(sign, self._offset):
            self._refuse(f"expected {sign!r}")
        self._offset += len(sign)

    def _refuse(self, reason: str, kind: str = "config-syntax") -> NoReturn:
        raise RefusedError(Broken(kind, *self._source.position(self._offset), reason))


def _quote_style(token: str) -> str:
    return "double" if token.startswith('"') else "single"
