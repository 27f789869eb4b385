"""Values and keys of YAML, JSON and TOML texts, changed where they stand: the rest stays as it is."""

from __future__ import annotations

import re

from trainlint.findings import Edit, Span
from trainlint.text.document import Entry, Node
from trainlint.text.source import Source

Edits = list[Edit]

_PLAIN = re.compile(r"[A-Za-z0-9_.+-]+")
"""Texts that no reader of YAML takes for anything but one scalar."""

_QUOTES = {"single": "'", "double": '"', "json": '"'}


def replace_scalar(source: Source, node: Node, text: str) -> Edits | None:
    """Write a plain word or number in a scalar's place, without quotes."""
    if node.kind != "scalar" or _written(source, node) is None or not _PLAIN.fullmatch(text):
        return None
    return [_edit(source, source.offset(*node.place[:2]), source.offset(*node.place[2:]), text)]


def replace_text(source: Source, node: Node, text: str) -> Edits | None:
    """Write another text in a scalar's place, in the quotes it has."""
    done = replace_scalar(source, node, text)
    quote = _QUOTES.get(node.style, "")
    return [Edit(each.span, f"{quote}{each.text}{quote}") for each in done] if done else None


def quote_scalar(source: Source, node: Node) -> Edits | None:
    """Put a plain word in double quotes, so that every reader takes it for text."""
    done = replace_scalar(source, node, node.raw) if node.style == "plain" and not node.tag else None
    return [Edit(each.span, f'"{each.text}"') for each in done] if done else None


def wrap_text(source: Source, node: Node, before: str, behind: str) -> Edits | None:
    """Write something before and behind a scalar's text, inside the quotes it has."""
    if node.kind != "scalar" or node.tag or _written(source, node) is None:
        return None
    quoted = len(_QUOTES.get(node.style, ""))
    start = source.offset(*node.place[:2]) + quoted
    end = source.offset(*node.place[2:]) - quoted
    return [_edit(source, start, start, before), _edit(source, end, end, behind)]


def rename_entry(source: Source, entry: Entry, name: str) -> Edits | None:
    """Write another name in a key's place, in the quotes it has.

    None for a key that an alias may repeat elsewhere.
    """
    return None if entry.key.anchored else replace_text(source, entry.key, name)


def _written(source: Source, node: Node) -> str | None:
    """A scalar's source text where a reader takes it as it is: of one line, with nothing escaped."""
    start, end = source.offset(*node.place[:2]), source.offset(*node.place[2:])
    text = source.text[start:end]
    quote = _QUOTES.get(node.style, "")
    return text if text == f"{quote}{node.raw}{quote}" and "\n" not in text else None


def delete_entry(source: Source, entry: Entry) -> Edits | None:
    """Take a key out, with all of its lines.

    None where anything else stands in them: another key, a comment, an anchor that an alias may name.
    """
    line, column, _, _ = entry.key.place
    start, end = source.starts[line - 1], source.offset(*_end(entry))
    last = source.position(end)[0]
    below = source.starts[last] if last < len(source.starts) else len(source.text)
    before, behind = source.text[start : start + column - 1], source.text[end:below]
    if before.strip(" \t") or behind.strip(" \t\r\n") not in ("", ","):
        return None
    if any(sign in source.text[start:end] for sign in "#&") or entry.value.anchored or entry.value.tag:
        return None
    return [_edit(source, start, below, "")]


def _end(entry: Entry) -> tuple[int, int]:
    """Where an entry ends: an empty value has its place behind the colon, or none of its own."""
    return max(entry.key.place[2:], entry.value.place[2:])


def insert_entry(source: Source, mapping: Node, key: str, text: str) -> Edits | None:
    """Write a YAML key in front of a mapping's others, on a line of its own where they have theirs."""
    if not mapping.items:
        return None
    first = mapping.items[0].key
    line, column, _, _ = first.place
    offset = source.offset(line, column)
    before = source.text[source.starts[line - 1] : offset]
    if not before.strip(" "):
        return [_edit(source, offset - len(before), offset - len(before), f"{before}{key}: {text}\n")]
    if source.text[:offset].rstrip(" \t\r\n").endswith("{"):
        return [_edit(source, offset, offset, f"{key}: {text}, ")]
    return None


def _edit(source: Source, start: int, end: int, text: str) -> Edit:
    return Edit(Span(source.path, *source.place(start, end)), text)
