"""Judging the keys of a config by what its trainer knows: misspelt, left over, of the wrong type."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from trainlint.checks.config_hits import is_retired
from trainlint.checks.config_targets import PACKAGE, Argument, unknown_arguments
from trainlint.findings import Span
from trainlint.knowledge.format_model import Format
from trainlint.knowledge.formats import load_formats
from trainlint.knowledge.key_tables import KeySchema, OtherRelease, key_schema
from trainlint.knowledge.versions import is_before, shown_version
from trainlint.recipe.config.file import ConfigFile
from trainlint.recipe.config.scalars import is_dynamic, is_number_text, loader_for, typed
from trainlint.recipe.config.tree import entries_of, value_node
from trainlint.recipe.model import Hit, State, Value
from trainlint.text.document import Document, Entry, Node

_SHOWN = 60
_LONG, _NEARLY = 8, 0.93
"""Where classes of the project add keys, only these are taken for misspelt: so long, and so much alike."""

_NOTHING = frozenset({"", "null", "none", "~"})
_NUMBERS = frozenset({"integer", "number", "null"})


def unknown_key(config: ConfigFile) -> Iterator[Hit]:
    """A hit for every key with a value that no release of the config's trainer knows, or not the one that the
    project uses; and for every argument that an optimizer or scheduler of PyTorch named in the config does
    not take.
    """
    for document, schema, mapping in _judged(config):
        format_ = load_formats().formats[config.recognition.format]
        shared = format_.keys == "shared" and mapping is document.root
        for key, entry in entries_of(mapping).items():
            if key in schema.keys or not _is_meant(entry) or _is_newer(config, key):
                continue
            at = _span(document, entry.key)
            suggestion = schema.suggestion(key)
            misspelt = key not in schema.others
            if shared and ((misspelt and not _nearly(key, suggestion)) or _is_spoken_of(config, key)):
                continue
            facts = {
                "key": _fact(key[:_SHOWN], at),
                "suggestion": _fact(suggestion, at) if suggestion else Value(None, State.OFF, span=at),
                "trainer": _fact(format_.title, at),
                "releases": _fact(schema.releases, at),
                "swallowed": _fact(schema.swallows, at),
                "free": _fact(suggestion not in entries_of(mapping), at),
                "fits": _fact(_fits(entry, key, schema, loader_for(document, config.loader)), at),
                **_of_other_releases(schema.others.get(key), at),
            }
            yield Hit(at, facts, evidence=key)
    for document in config.documents if config.judged and PACKAGE in config.source.text else ():
        for argument in unknown_arguments(document):
            yield _argument_hit(document, argument)


def _of_other_releases(other: OtherRelease | None, at: Span) -> dict[str, Value]:
    """The facts on a key that only other releases know than the one that the project uses."""
    if other is None:
        return {name: Value(None, State.OFF, span=at) for name in ("used", "came", "went")}
    came, went = other.key.since, other.key.until
    gone = bool(went) and not is_before(other.version, went)
    return {
        "used": _fact(f"{other.package} {shown_version(other.version)}", at),
        "came": Value(None, State.OFF, span=at) if gone else _fact(came, at),
        "went": _fact(went, at) if gone else Value(None, State.OFF, span=at),
    }


def _argument_hit(document: Document, argument: Argument) -> Hit:
    key = argument.entry.key.raw
    at = _span(document, argument.entry.key)
    suggestion = argument.suggestion
    facts = {
        "key": _fact(key[:_SHOWN], at),
        "suggestion": _fact(suggestion, at) if suggestion else Value(None, State.OFF, span=at),
        "trainer": _fact(argument.target, at),
        "releases": _fact("1.8 to the newest", at),
        "swallowed": _fact(False, at),
        "free": _fact(argument.free, at),
        "fits": _fact(False, at),
        **_of_other_releases(None, at),
    }
    return Hit(at, facts, evidence=f"{argument.target}: {key}")


def _fits(entry: Entry, key: str, schema: KeySchema, loader: str) -> bool:
    """Whether the one known key that a misspelt one is close to takes the value that stands there."""
    known = schema.keys.get(schema.suggestion(key))
    if known is None or not schema.is_sole(key):
        return False
    if entry.value.kind != "scalar":
        return ("array" if entry.value.kind == "sequence" else "object") in known.types
    return not is_dynamic(entry.value) and _json_type(entry.value, loader) in _widened(known.types)


def _widened(types: frozenset[str]) -> frozenset[str]:
    return types | {"integer"} if "number" in types else types


def _json_type(node: Node, loader: str) -> str:
    """The JSON type of a scalar as its loader reads it; a text that reads as a number is one."""
    value = typed(node, loader).value
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, str) and not is_number_text(value):
        return "string"
    return "integer" if float(str(value).replace("_", "")).is_integer() else "number"


def wrong_type(config: ConfigFile) -> Iterator[Hit]:
    """A hit for every value whose type the field it stands for does not take in any release."""
    for document, schema, mapping in _judged(config):
        title = load_formats().formats[config.recognition.format].title
        loader = loader_for(document, config.loader)
        for key, entry in entries_of(mapping).items():
            known = schema.keys.get(key)
            if known is None or not known.types or entry.value.kind != "scalar":
                continue
            wanted = _refused(entry.value, known.types, loader)
            if wanted:
                at = _span(document, entry.value)
                facts = {
                    "key": _fact(key[:_SHOWN], _span(document, entry.key)),
                    "written": _fact(entry.value.raw[:_SHOWN], at),
                    "wanted": _fact(wanted, at),
                    "trainer": _fact(title, at),
                    "ratio": _ratio(key, schema, at),
                    "share": _fact(_is_share(entry.value, loader, _ratio(key, schema, at), mapping), at),
                }
                yield Hit(at, facts, evidence=f"{key}: {entry.value.raw[:_SHOWN]}")


def _refused(node: Node, types: frozenset[str], loader: str) -> str:
    """What the field wants instead of a value, "" where the value will do.

    Only what every reader refuses: a fraction where whole numbers are wanted, a word where numbers are.
    """
    if is_dynamic(node) or not types <= _NUMBERS or node.raw.lower() in _NOTHING:
        return ""
    value = typed(node, loader).value
    if isinstance(value, float) and "number" not in types and value != int(value):
        return "a whole number"
    if isinstance(value, str) and not is_number_text(value) and value.lower() not in ("inf", "-inf", "nan"):
        return "a number" if "number" in types else "a whole number"
    return ""


def _ratio(key: str, schema: KeySchema, at: Span) -> Value:
    """The key that takes the same length as a share of the run."""
    other = f"{key.removesuffix('_steps')}_ratio"
    return (
        _fact(other, at)
        if key.endswith("_steps") and other in schema.keys
        else Value(None, State.OFF, span=at)
    )


def _is_share(node: Node, loader: str, ratio: Value, mapping: Node) -> bool:
    """Whether a value is a share of the run that the key for shares could take: it is not written yet."""
    value = typed(node, loader).value
    return (
        isinstance(value, float)
        and 0 < value < 1
        and isinstance(ratio.value, str)
        and ratio.value not in entries_of(mapping)
    )


def _judged(config: ConfigFile) -> Iterator[tuple[Document, KeySchema, Node]]:
    """The mappings of a config of which it is known what may stand in them."""
    format_ = load_formats().formats.get(config.recognition.format)
    if (
        format_ is None
        or not format_.key_tables
        or config.recognition.kind == "sweep"
        or is_retired(config.path)
    ):
        return
    for document in config.documents:
        if document.root.kind != "mapping" or _has_other_schema(document.root, format_):
            continue
        versions = tuple(sorted((name, config.versions.get(name, "")) for name in format_.key_tables))
        whole = key_schema(format_.key_tables, "", versions, swallows=format_.keys == "open")
        if whole is not None:
            yield document, whole, document.root
        for section, selector in format_.key_sections.items():
            found = value_node(document.root, section.split("."))
            part = _part_of(section, selector, found.value) if found is not None else ""
            schema = key_schema(format_.key_tables, part, versions, swallows=False) if part else None
            if found is not None and schema is not None:
                yield document, schema, found.value


def _part_of(section: str, selector: str, held: Node) -> str:
    """The part of a table that a section's keys are in, "" where the section does not tell."""
    if held.kind != "mapping" or not selector:
        return section if held.kind == "mapping" else ""
    chosen = held.get(selector)
    return f"{section}.{chosen.raw}" if chosen is not None and chosen.kind == "scalar" else ""


def _has_other_schema(root: Node, format_: Format) -> bool:
    """Whether something brings keys of its own: another trainer class, a plugin of the user's."""
    for key, prefix in format_.other_schema.items():
        node = root.get(key)
        if node is None:
            continue
        values = node.children if node.kind == "sequence" else [node]
        if not prefix or any(not value.raw.startswith(prefix) for value in values):
            return True
    return False


def _is_newer(config: ConfigFile, key: str) -> bool:
    """Whether the trainer is part of the project and speaks of the key: it may be ahead of its releases.

    The optimizers' parameters are known by class, so the word alone says nothing of them.
    """
    format_ = load_formats().formats[config.recognition.format]
    if config.mentioned is None or not format_.package or format_.key_sections:
        return False
    return config.mentioned(format_.package, key)


def _nearly(key: str, known: str) -> bool:
    """Whether a key is a known one with a letter or a line too much, missing or wrong."""
    same = difflib.SequenceMatcher(None, key, known).ratio()
    return bool(known) and len(key) >= _LONG and same >= _NEARLY


def _is_spoken_of(config: ConfigFile, key: str) -> bool:
    """Whether any code of the project speaks of the key: a class of its own may take it."""
    return config.mentioned is None or config.mentioned("", key)


def _is_meant(entry: Entry) -> bool:
    """Whether a key is there to be read: it has a value, and holds no anchor for other values."""
    key, value = entry.key, entry.value
    if key.kind != "scalar" or key.raw.startswith(("_", ".", "x-", "$")) or not key.raw.isidentifier():
        return False
    if value.kind == "scalar" and value.style == "plain" and value.raw.lower() in _NOTHING:
        return False
    return not value.anchored


def _span(document: Document, node: Node) -> Span:
    return Span(document.path, *node.place)


def _fact(value: str | bool, at: Span) -> Value:
    return Value(value, State.DERIVED, span=at)
