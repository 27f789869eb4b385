"""Judging values that their setting cannot have, in code and in configs: a negative rate, a dropout of 15."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

import msgspec

from trainlint.checks.config_hits import fact, is_retired, off
from trainlint.checks.project import ProjectView
from trainlint.findings import Span
from trainlint.knowledge.domains import Domain, domains
from trainlint.knowledge.format_model import Format, key_word
from trainlint.knowledge.formats import load_formats
from trainlint.recipe.config.fields import Reading, places_of
from trainlint.recipe.config.file import ConfigFile
from trainlint.recipe.config.scalars import is_dynamic, loader_for, typed
from trainlint.recipe.config.tree import Found, children_of, entries_of, value_node, walk_entries
from trainlint.recipe.model import Hit, Link, Recipe, Value
from trainlint.text.document import Document

_SHOWN = 60
_CODE = (".py", ".ipynb")
_GENERIC = "generic"
_GROUPS = ("optimizers", "loaders")


class _Written(msgspec.Struct, frozen=True):
    """A number that stands under a key of a config, and the domain it should lie in."""

    key: str
    found: Found
    domain: Domain


def out_of_domain_value(project: ProjectView) -> Iterator[Hit]:
    """A hit for every number that its setting cannot have, each place once."""
    told: set[Span] = set()
    for hit in (*_in_configs(project), *_in_code(project)):
        if hit.at not in told:
            told.add(hit.at)
            yield hit


def _in_code(project: ProjectView) -> Iterator[Hit]:
    for recipe in project.recipes:
        if recipe.kind == "program":
            for table in (
                *recipe.groups.get("optimizers", ()),
                *recipe.groups.get("loaders", ()),
                recipe.facts,
            ):
                yield from _of_table(recipe, table)


def _of_table(recipe: Recipe, table: Mapping[str, Value]) -> Iterator[Hit]:
    for domain in domains():
        for path in () if domain.formats else domain.paths:
            value = table.get(path)
            if value is None or not value.known or value.span is None or not value.span.path.endswith(_CODE):
                continue
            number = _number(value.value)
            if number is None or (domain.unit and value.unit != domain.unit) or not domain.refuses(number):
                continue
            facts = _facts(domain, number, f"{domain.title} of {value.value}", value.span)
            links = tuple(Link(link.span, link.label) for link in value.chain)
            yield Hit(value.span, facts, links, program=recipe.entry, evidence=f"{path}={value.value}")


def _in_configs(project: ProjectView) -> Iterator[Hit]:
    for config in project.configs:
        if (
            config.recognition.recognised
            and config.recognition.kind != "sweep"
            and not is_retired(config.path)
        ):
            for document in config.documents:
                yield from _of_document(config, document)


def _of_document(config: ConfigFile, document: Document) -> Iterator[Hit]:
    format_ = load_formats().formats.get(config.recognition.format)
    if format_ is None:
        return
    loader = loader_for(document, config.loader)
    for written in _numbers(document, format_, loader):
        for found in _scalars(written.found):
            number = None if is_dynamic(found.value) else _number(typed(found.value, loader).value)
            if number is not None and written.domain.refuses(number):
                at = Span(document.path, *found.value.place)
                shown = f"`{written.key[:_SHOWN]}: {found.value.raw[:_SHOWN]}`"
                facts = _facts(written.domain, number, shown, at)
                yield Hit(at, facts, evidence=f"{written.key}: {found.value.raw[:_SHOWN]}")


def _numbers(document: Document, format_: Format, loader: str) -> Iterator[_Written]:
    """The numbers of a document that a domain is known for: by the format's own keys, its fields, by name."""
    own = [domain for domain in domains() if format_.id in domain.formats]
    for domain in own:
        for key in domain.keys:
            found = value_node(document.root, key.split("."))
            if found is not None:
                yield _Written(key, found, domain)
    places = places_of(Reading(document, _narrowed(format_.id), loader))
    for domain in domains():
        for path in () if domain.formats else domain.paths:
            for place in places.get(path, ()):
                key = _key(place.found)
                if place.sure and _fits(domain, key, place.field.unit) and place.field.scale == 1.0:
                    yield _Written(key, place.found, domain)
    if format_.id == _GENERIC:
        yield from _named(document, format_)


@functools.lru_cache(maxsize=64)
def _narrowed(format_id: str) -> Format:
    """A format with the fields that a domain is known for: the others need not be looked for."""
    paths = {path for domain in domains() if not domain.formats for path in domain.paths}
    format_ = load_formats().formats[format_id]
    return msgspec.structs.replace(format_, fields=tuple(each for each in format_.fields if each.to in paths))


def _fits(domain: Domain, key: str, unit: str) -> bool:
    """Whether a domain speaks of a key: its unit, its words."""
    word = key_word(key)
    told = not domain.words or any(each in word for each in domain.words)
    return told and (not domain.unit or domain.unit == unit)


def _named(document: Document, format_: Format) -> Iterator[_Written]:
    """Keys that no recipe path holds, by their names."""
    words = {word: domain for domain in domains() if not domain.formats for word in domain.keys}
    rates = format_.group_words["rate"]
    for found in walk_entries(document.root):
        domain = words.get(key_word(str(found.path[-1]))) if found.entry is not None else None
        if domain is None:
            continue
        around = value_node(document.root, found.path[:-1]) if domain.beside_rate else None
        beside = {key_word(key) for key in entries_of(around.value)} if around is not None else set()
        if not domain.beside_rate or not rates.isdisjoint(beside):
            yield _Written(_key(found), found, domain)


def _key(found: Found) -> str:
    return next((str(step) for step in reversed(found.path) if isinstance(step, str)), "")


def _scalars(found: Found) -> Iterator[Found]:
    """A value, or the elements of a list of values."""
    each = [found] if found.value.kind == "scalar" else list(children_of(found))
    return (one for one in each if one.value.kind == "scalar" and found.value.kind != "mapping")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _facts(domain: Domain, number: float, shown: str, at: Span) -> dict[str, Value]:
    return {
        "shown": fact(shown, at),
        "title": fact(domain.title, at),
        "range": fact(domain.range, at) if domain.range else off(at),
        "why": fact(domain.why, at),
        "hint": fact("write a number" if number != number else domain.hint, at),
        "nan": fact(number != number, at),
        "edge": fact(number == domain.exclusive_maximum, at),
    }
