"""Judging the keys of a project's own config by its code: those that nothing reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from trainlint.checks.config_hits import fact, off, place
from trainlint.recipe.config.file import ConfigFile
from trainlint.recipe.config.project_reads import KeyReads
from trainlint.recipe.config.tree import entries_of, walk_keys
from trainlint.recipe.model import Hit, Link
from trainlint.text.document import Document, Entry, Node

_OWN = ("", "generic")
_LEAST_ASKED = 2
_CLOSE = 0.8
_NOTHING = frozenset({"", "null", "none", "~"})


def unread_key(config: ConfigFile) -> Iterator[Hit]:
    """A hit for every key that no code of the project asks for, where all that code does with it is known."""
    code, recognition = config.code, config.recognition
    if recognition.format not in _OWN or recognition.kind == "sweep" or config.composed is not None:
        return
    if code is None or code.words is None or not config.read_by or len(config.documents) != 1:
        return
    document, words = config.documents[0], code.words
    if all(key in words for key, _ in walk_keys(document.root)) or code.reads is None:
        return
    reads = code.reads.of({(each.span.path, each.span.line) for each in config.read_by})
    if reads is not None and _asked_at_the_top(document, reads) >= _LEAST_ASKED:
        yield from _below(config, document, document.root, (), reads, words)


def _asked_at_the_top(document: Document, reads: KeyReads) -> int:
    keys = entries_of(document.root) if document.root.kind == "mapping" else {}
    return sum((key,) in reads.asked for key in keys)


def _below(
    config: ConfigFile,
    document: Document,
    mapping: Node,
    above: tuple[str, ...],
    reads: KeyReads,
    words: frozenset[str],
) -> Iterator[Hit]:
    for key, entry in entries_of(mapping).items():
        path = (*above, key)
        if not reads.is_closed(path) or (above and above not in reads.asked):
            continue
        if key in words:
            if entry.value.kind == "mapping":
                yield from _below(config, document, entry.value, path, reads, words)
        elif _is_meant(entry) and not _is_referred_to(config, key):
            yield _hit(config, document, mapping, path, entry, reads)


def _is_meant(entry: Entry) -> bool:
    """Whether a key is there to be read: a plain name with a value, and no anchor for other values."""
    key, value = entry.key, entry.value
    if entry.merge or not key.raw.isidentifier() or key.raw.startswith("_"):
        return False
    nothing = value.kind == "scalar" and value.style == "plain" and value.raw.lower() in _NOTHING
    return not nothing and not value.anchored


def _is_referred_to(config: ConfigFile, key: str) -> bool:
    """Whether another value of the file may be made from it: `${train.key}`."""
    text = config.source.text
    return "${" in text and any(key in part.partition("}")[0] for part in text.split("${")[1:])


def _hit(
    config: ConfigFile,
    document: Document,
    mapping: Node,
    path: tuple[str, ...],
    entry: Entry,
    reads: KeyReads,
) -> Hit:
    at = place(document, entry.key)
    missing = {keys[-1] for keys in reads.asked if keys[:-1] == path[:-1]} - set(entries_of(mapping))
    close = difflib.get_close_matches(path[-1], sorted(missing), 1, _CLOSE)
    facts = {
        "key": fact(".".join(path), at),
        "suggestion": fact(close[0], at) if close else off(at),
    }
    loads = tuple(Link(reader.span, "the file is loaded here") for reader in config.read_by)
    return Hit(at, facts, loads, program=config.read_by[0].program, evidence=".".join(path))
