"""JSON Schemas of config formats for editors, from the key tables: they refuse what the rules on keys report,
and nothing else."""

from __future__ import annotations

from typing import Any

from trainlint.knowledge.format_model import Format
from trainlint.knowledge.formats import load_formats
from trainlint.knowledge.key_tables import KeySchema, KnownKey, key_schema, key_table

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBERS = frozenset({"integer", "number", "null"})
_TEXT_NUMBER = r"^\s*[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
_TEXT_SPECIAL = r"^([-+]?[iI][nN][fF]|[nN][aA][nN]|[nN][oO][nN][eE]|[nN][uU][lL][lL]|~|)$"
_IDENTIFIER = r"^[A-Za-z_]\w*$"
_REGEX_SIGNS = frozenset("\\^$.|?*+()[]{}")
_KEYS_OF_ONES_OWN = r"^(_|\.|x-|\$)"
"""Keys that are nobody's: they hold anchors and notes, and no trainer asks for them."""


def formats_with_keys() -> list[str]:
    """The formats of which it is known what may stand in them, in alphabetical order."""
    return sorted(name for name, each in load_formats().formats.items() if each.key_tables)


def format_schema(name: str) -> Schema:
    """The JSON Schema (draft 2020-12) of a format's configs. Raises KeyError where its keys are not known."""
    format_ = load_formats().formats[name]
    if not format_.key_tables:
        raise KeyError(name)
    read = "; ".join(f"{table} {', '.join(key_table(table).versions)}" for table in format_.key_tables)
    schema: Schema = {
        "$schema": DIALECT,
        "$id": f"urn:trainlint:format:{name}",
        "title": f"{format_.title} config",
        "description": f"Keys and types read from the sources of these releases: {read}.",
        "type": "object",
        "properties": {},
    }
    known = key_schema(format_.key_tables, "", swallows=False)
    if known is not None:
        schema["properties"] = _properties(known)
        if format_.keys != "shared":
            schema.update(_closed(format_, known))
    for section, selector in format_.key_sections.items():
        *above, last = section.split(".")
        at = schema
        for step in above:
            at = at["properties"][step]
        at["properties"][last] = _selected(format_, section, selector) if selector else _own(format_, section)
    return schema


def _own(format_: Format, section: str) -> Schema:
    """A section that has the same keys wherever it stands."""
    known = key_schema(format_.key_tables, section, swallows=False)
    if known is None:
        raise KeyError(section)
    return {
        "type": ["object", "null", "string", "boolean"],
        "properties": _properties(known),
        "propertyNames": _names(known),
    }


def _selected(format_: Format, section: str, selector: str) -> Schema:
    """A section whose keys depend on the class it names."""
    names = sorted(
        {
            key[len(section) + 1 :].partition(".")[0]
            for table in format_.key_tables
            for key in key_table(table).keys
            if key.startswith(f"{section}.")
        }
    )
    choices = []
    for each in names:
        known = key_schema(format_.key_tables, f"{section}.{each}", swallows=False)
        if known is not None:
            chosen = {"properties": {selector: {"const": each}}, "required": [selector]}
            then = {"properties": _properties(known), "propertyNames": _names(known)}
            choices.append({"if": chosen, "then": then})
    return {
        "type": ["object", "null", "string"],
        "properties": {selector: {"type": "string", "examples": names}},
        "allOf": choices,
    }


def _closed(format_: Format, known: KeySchema) -> Schema:
    """That no other keys may stand there, unless something brings keys of its own."""
    names: Schema = {"propertyNames": _names(known)}
    if not format_.other_schema:
        return names
    others = [_brings_keys(key, prefix) for key, prefix in format_.other_schema.items()]
    return {"if": {"not": {"anyOf": others}}, "then": names}


def _brings_keys(key: str, prefix: str) -> Schema:
    """That a key is there with anything but names that begin with `prefix`."""
    holds: Schema = {"required": [key]}
    if prefix:
        own = {"type": "string", "pattern": f"^{_escaped(prefix)}"}
        holds["properties"] = {key: {"not": {"anyOf": [own, {"type": "array", "items": own}]}}}
    return holds


def _names(known: KeySchema) -> Schema:
    names = {"enum": sorted(known.keys)}
    return {"anyOf": [names, {"pattern": _KEYS_OF_ONES_OWN}, {"not": {"pattern": _IDENTIFIER}}]}


def _properties(known: KeySchema) -> Schema:
    """What editors offer: keys that some release's schema has."""
    return {
        key: _property(each) for key, each in sorted(known.keys.items()) if "." not in key and not each.inner
    }


def _property(known: KnownKey) -> Schema:
    """The values a key takes: numbers are judged, of the others the type is only told."""
    schema: Schema = {}
    told = [" or ".join(sorted(known.types - {"null"})) or "null"] if known.types else []
    if known.since:
        told.append(f"since {known.since}")
    if known.until:
        told.append(f"until {known.until}")
        schema["deprecated"] = True
    if known.renamed:
        told.append(f"now {known.renamed}")
    if told:
        schema["description"] = ", ".join(told)
    if known.types and known.types <= _NUMBERS:
        schema.update(_number(whole="number" not in known.types))
    elif known.types and known.types <= {"boolean", "null"}:
        schema["examples"] = [True, False]
    return schema


def _number(*, whole: bool) -> Schema:
    """A number, or a text that is one or becomes one when the config is loaded."""
    facts = load_formats().recognition
    texts: list[Schema] = [{"pattern": _TEXT_NUMBER}, {"pattern": _TEXT_SPECIAL}]
    texts += [{"enum": sorted(facts.dynamic_values)}] if facts.dynamic_values else []
    texts += [{"pattern": _escaped(marker)} for marker in facts.dynamic_markers]
    return {
        "if": {"type": "string"},
        "then": {"anyOf": texts},
        "else": {"not": {"type": "number", "not": {"type": "integer"}}} if whole else True,
    }


def _escaped(text: str) -> str:
    """A text as a pattern that matches it, in the regular expressions of JSON Schema."""
    return "".join(f"\\{char}" if char in _REGEX_SIGNS else char for char in text)
