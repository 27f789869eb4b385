"""Judging words that YAML 1.1 takes for true or false where text is meant: a strategy of `no`, Norway."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainlint.checks.config_hits import fact, place
from trainlint.knowledge.boolean_words import boolean_words
from trainlint.knowledge.format_model import key_word
from trainlint.recipe.config.file import ConfigFile
from trainlint.recipe.config.scalars import loader_for, typed
from trainlint.recipe.config.tree import Found, walk_entries
from trainlint.recipe.model import Hit, Link
from trainlint.text.document import Document, Node
from trainlint.text.walk import nodes_of

_CODE = re.compile(r"[a-z]{2}(?:[-_][A-Za-z]{2,4})?|[A-Z]{2}")
_MAY_HOLD_WORD = re.compile(r"(?im)(?:^|[-:\[,{])[ \t]*(?:yes|no|on|off)[ \t]*(?:\r?$|[,\]}#:])")
"""Cheaper than a walk: where no word stands as a value or key, none is taken for a boolean."""

_OTHERS = 2
"""So many other codes make a list one of languages or countries."""


def ambiguous_boolean(config: ConfigFile) -> Iterator[Hit]:
    """A hit for every word that the loader takes for a boolean while text is meant."""
    if not config.judged or not _MAY_HOLD_WORD.search(config.source.text):
        return
    for document in config.documents:
        if document.format == "yaml" and any(map(_holds_word, nodes_of(document.root))):
            yield from _values(config, document)
            yield from _codes(config, document)


def _holds_word(node: Node) -> bool:
    return _is_word(node) or any(_is_word(entry.key) for entry in node.items)


def _is_word(node: Node) -> bool:
    return (
        node.kind == "scalar" and node.style == "plain" and not node.tag and node.raw in boolean_words().words
    )


def _is_taken(node: Node, document: Document, config: ConfigFile) -> bool:
    """Whether the loader takes a scalar for a boolean: those of YAML 1.2 do not."""
    return _is_word(node) and isinstance(typed(node, loader_for(document, config.loader)).value, bool)


def _values(config: ConfigFile, document: Document) -> Iterator[Hit]:
    """Values of keys that want a word."""
    for found in walk_entries(document.root):
        if found.entry is None or not _is_taken(found.value, document, config):
            continue
        meant = _meant(str(found.path[-1]), found.value, config)
        if meant:
            yield _hit(config, document, found.value, str(found.path[-1]), meant)


def _meant(key: str, node: Node, config: ConfigFile) -> str:
    """What is meant by a word under a key, "" where true or false may be."""
    known, word = boolean_words(), key_word(key)
    if word in known.choices:
        return "choice"
    if word in known.codes and node.raw in known.code_words:
        return "code"
    user = known.passed_to.get(word, "") if node.raw.lower() == "no" else ""
    return "choice" if user and config.mentioned is not None and config.mentioned("", user) else ""


def _codes(config: ConfigFile, document: Document) -> Iterator[Hit]:
    """Elements of lists and keys of mappings that stand among codes of languages or countries."""
    for found in (Found((), document.root), *walk_entries(document.root)):
        nodes = _members(found.value)
        taken = [node for node in nodes if node.raw in boolean_words().code_words]
        taken = [node for node in taken if _is_taken(node, document, config)]
        others = [node for node in nodes if node not in taken]
        if taken and len(others) >= _OTHERS and all(_is_code(node) for node in others):
            key = next((step for step in reversed(found.path) if isinstance(step, str)), "")
            for node in taken:
                yield _hit(config, document, node, key, "code" if found.value.kind == "sequence" else "key")


def _members(node: Node) -> list[Node]:
    """The elements of a list, the keys of a mapping."""
    return (
        node.children if node.kind == "sequence" else [entry.key for entry in node.items if not entry.merge]
    )


def _is_code(node: Node) -> bool:
    return node.kind == "scalar" and _CODE.fullmatch(node.raw) is not None and not _is_word(node)


def _hit(config: ConfigFile, document: Document, node: Node, key: str, meant: str) -> Hit:
    at = place(document, node)
    value = typed(node, loader_for(document, config.loader)).value
    facts = {
        "key": fact(key, at),
        "written": fact(node.raw, at),
        "value": fact("true" if value else "false", at),
        "meant": fact(meant, at),
    }
    loads = tuple(Link(reader.span, "the file is loaded here") for reader in config.read_by)
    program = config.read_by[0].program if config.read_by else ""
    return Hit(at, facts, loads, program=program, evidence=f"{key}: {node.raw}")
