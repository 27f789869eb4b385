"""Judging config files themselves: keys written twice, numbers that are text, files that do not parse."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainlint.findings import Span
from trainlint.knowledge.format_model import key_word
from trainlint.knowledge.formats import load_formats
from trainlint.recipe.config.file import ConfigFile, KeyUse
from trainlint.recipe.config.recognise import Recognition, is_template, recognise_broken
from trainlint.recipe.config.scalars import is_number_text, loader_for, spelled_as_number, typed
from trainlint.recipe.config.tree import Found, walk_entries
from trainlint.recipe.model import Hit, Link, State, Value
from trainlint.text.document import Document, Entry, Node
from trainlint.text.scalars import is_opaque
from trainlint.text.walk import nodes_of

_LOADER_NAMES = {
    "pyyaml": "PyYAML",
    "literal-eval": "PyYAML",
    "omegaconf": "OmegaConf",
    "yaml12": "ruamel.yaml",
    "json": "JSON",
    "hjson": "the DeepSpeed reader",
    "toml": "TOML",
}
_SHOWN_KEY = 60
_PLAIN_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def duplicate_key(config: ConfigFile) -> Iterator[Hit]:
    """A hit for every key that a mapping holds again, at the last one.

    Files that no training reads give none.
    """
    if not config.judged:
        return
    for document in config.documents:
        for node in nodes_of(document.root):
            if len(node.items) > 1 and len({entry.key.raw for entry in node.items}) < len(node.items):
                yield from _duplicates(config, document, node)


def _duplicates(config: ConfigFile, document: Document, mapping: Node) -> Iterator[Hit]:
    seen: dict[tuple[str, str], Entry] = {}
    repeated: dict[tuple[str, str], list[Entry]] = {}
    for entry in mapping.items:
        if entry.merge or entry.key.kind != "scalar":
            continue
        identity = _key_identity(entry.key)
        if identity in seen:
            repeated.setdefault(identity, [seen[identity]]).append(entry)
        else:
            seen[identity] = entry
    for entries in repeated.values():
        yield _duplicate_hit(config, document, entries)


def _key_identity(key: Node) -> tuple[str, str]:
    """`1` and `"1"` are two keys to every YAML reader, `lr` and `"lr"` are one."""
    value = typed(key, "pyyaml").value
    return (type(value).__name__, str(value))


def _duplicate_hit(config: ConfigFile, document: Document, entries: list[Entry]) -> Hit:
    last = entries[-1]
    at = _span(document, last.key)
    differs = any(not _same(entry.value, last.value) for entry in entries[:-1])
    refused = load_formats().refuses_duplicates(config.loader)
    facts = {
        "key": _text(last.key.raw[:_SHOWN_KEY], at),
        "times": Value(len(entries), State.DERIVED, span=at),
        "first_line": Value(entries[0].key.place[0], State.DERIVED, span=at),
        "differs": Value(differs, State.DERIVED, span=at),
        "refused": Value(refused, State.DERIVED, span=at),
        "loader": _text(_LOADER_NAMES.get(config.loader, "the loader"), at),
    }
    related = tuple(Link(_span(document, entry.key), _role(entry, refused=refused)) for entry in entries[:-1])
    return Hit(at, facts, related, evidence=f"{last.key.raw}×{len(entries)}")


def _role(entry: Entry, *, refused: bool) -> str:
    return "written here first" if refused else f"`{entry.key.raw[:_SHOWN_KEY]}` here is dropped"


def _same(left: Node, right: Node) -> bool:
    """Whether two values are written alike: kinds, texts, tags, order."""
    pairs = [(left, right)]
    compared: set[tuple[int, int]] = set()
    while pairs:
        one, other = pairs.pop()
        if one is other or (id(one), id(other)) in compared:
            continue
        compared.add((id(one), id(other)))
        if (one.kind, one.raw, one.tag) != (other.kind, other.raw, other.tag):
            return False
        if (one.style == "plain") != (other.style == "plain") and one.raw != "":
            return False
        if len(one.items) != len(other.items) or len(one.children) != len(other.children):
            return False
        pairs.extend(zip(one.children, other.children, strict=True))
        for mine, theirs in zip(one.items, other.items, strict=True):
            pairs += [(mine.key, theirs.key), (mine.value, theirs.value)]
    return True


def text_number(config: ConfigFile) -> Iterator[Hit]:
    """A hit for every number that the file's known loader reads as text, unless code converts it.

    None for sweeps: text-exponent speaks of theirs.
    """
    if not config.judged or config.recognition.kind == "sweep":
        return
    for document in config.documents:
        loader = loader_for(document, config.loader)
        if loader in _LOADER_NAMES:
            for found in _text_numbers(document, loader):
                yield from _text_hit(config, document, found, loader)


def _text_numbers(document: Document, loader: str) -> Iterator[Found]:
    """Scalars spelled like a number that the loader leaves text; of a list only the first."""
    if not any(_may_be_text(node) for node in nodes_of(document.root)):
        return
    listed: set[int] = set()
    parents: dict[tuple[str | int, ...], Node] = {}
    for found in walk_entries(document.root):
        parents[found.path] = found.value
        node = found.value
        if node.kind != "scalar" or not _may_be_text(node) or is_opaque(node):
            continue
        reach = "pyyaml" if loader == "literal-eval" and _in_list(found) else loader
        if isinstance(typed(node, reach).value, str):
            around = parents.get(found.path[:-1])
            if isinstance(found.path[-1], int) and around is not None:
                if id(around) in listed:
                    continue
                listed.add(id(around))
            yield found


def _may_be_text(node: Node) -> bool:
    """Whether some loader could read a scalar as text that people read as a number.

    Plain digits with a point among them are a number to every loader.
    """
    raw = node.raw
    if node.kind != "scalar" or (node.style == "plain" and not node.tag and _PLAIN_NUMBER.fullmatch(raw)):
        return False
    return is_number_text(raw)


def _in_list(found: Found) -> bool:
    return any(isinstance(step, int) for step in found.path)


def _text_hit(config: ConfigFile, document: Document, found: Found, loader: str) -> Iterator[Hit]:
    node = found.value
    uses = [use for use in config.uses if use.path == found.path]
    if any(use.converted for use in uses):
        return
    needed = [use for use in uses if use.numeric]
    if not needed and not _is_number_key(found):
        return
    at = _span(document, node)
    key = next((str(step) for step in reversed(found.path) if isinstance(step, str)), "")
    facts = {
        "key": _text(key[:_SHOWN_KEY], at),
        "written": _text(node.raw if node.style == "plain" else f'"{node.raw}"', at),
        "number": _text(spelled_as_number(node.raw, loader), at),
        "loader": _text(_LOADER_NAMES[loader], at),
        "quoted": Value(node.style != "plain", State.DERIVED, span=at),
        "loaded": Value(bool(config.read_by), State.DERIVED, span=at),
        "used": Value(bool(needed), State.DERIVED, span=at),
    }
    program = config.read_by[0].program if config.read_by else ""
    yield Hit(at, facts, _reading(config, needed), program=program, evidence=f"{key}: {node.raw}")


def _reading(config: ConfigFile, uses: list[KeyUse]) -> tuple[Link, ...]:
    loads = tuple(Link(reader.span, "the file is loaded here") for reader in config.read_by)
    elsewhere = (use for use in uses if use.span.path != config.path)
    return loads + tuple(Link(use.span, "used as a number here") for use in elsewhere)


def _is_number_key(found: Found) -> bool:
    """Whether the key alone says that a number is meant.

    Quotes may be meant too, so fewer keys count for quoted text.
    """
    word = next((key_word(step) for step in reversed(found.path) if isinstance(step, str)), "")
    generic = load_formats().generic
    return word in (generic.number_words if found.value.style == "plain" else generic.quoted_number_words)


def unparsable_config(config: ConfigFile) -> Iterator[Hit]:
    """A hit where reading stopped, in a file that code loads or that looks like a training config."""
    broken = next((each for each in config.broken if each.kind == "config-syntax"), None)
    if broken is None:
        return
    seems = recognise_broken(config.source.text, config.path)
    if is_template(config.source.text) or not (config.read_by or seems.recognised):
        return
    at = _broken_span(config, broken.line, broken.column)
    facts = {
        "reason": _text(broken.message, at),
        "loaded": Value(bool(config.read_by), State.DERIVED, span=at),
        "format": _text(_title(seems), at),
    }
    loads = tuple(Link(reader.span, "the file is loaded here") for reader in config.read_by)
    program = config.read_by[0].program if config.read_by else ""
    yield Hit(at, facts, loads, program=program, evidence=broken.message)


def _title(recognition: Recognition) -> str:
    """The trainer's name, "" for a project's own config and for what is none."""
    format_ = load_formats().formats.get(recognition.format)
    return format_.title if format_ is not None and format_.fingerprint else ""


def _broken_span(config: ConfigFile, line: int, column: int) -> Span:
    """From where reading stopped to the end of that line, or the last line that holds anything."""
    lines = config.source.lines
    if line > len(lines) or not lines[line - 1].strip():
        written = [number for number, text in enumerate(lines[:line], start=1) if text.strip()]
        line = written[-1] if written else 1
        text = lines[line - 1] if lines else ""
        column = len(text) - len(text.lstrip()) + 1
    end = len(lines[line - 1].rstrip()) + 1 if lines else 1
    return Span(config.path, line, column, line, max(end, column + 1))


def _span(document: Document, node: Node) -> Span:
    return Span(document.path, *node.place)


def _text(value: str, at: Span) -> Value:
    return Value(value, State.DERIVED, span=at)
