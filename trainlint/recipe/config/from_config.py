"""An entry config as a recipe: every field its format maps, what the framework adds, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainlint.knowledge.format_model import Field, key_word
from trainlint.knowledge.formats import FormatKnowledge, load_formats
from trainlint.recipe.config.adapters.adapted import Adapted
from trainlint.recipe.config.adapters.registry import adapted
from trainlint.recipe.config.dialects import in_other_words
from trainlint.recipe.config.effects import absent_value, effect_values
from trainlint.recipe.config.fields import Place, Reading, field_value, places_of
from trainlint.recipe.config.purpose import purpose_of
from trainlint.recipe.config.recognise import Recognition
from trainlint.recipe.config.scalars import loader_for
from trainlint.recipe.config.tree import walk_entries
from trainlint.recipe.derived import derive
from trainlint.recipe.model import Link, Recipe, State, Value
from trainlint.text.document import Document

_GROUPS = {"optimizers": "optimizer.", "loaders": "loader."}


def config_recipe(
    document: Document,
    recognition: Recognition,
    knowledge: FormatKnowledge | None = None,
    loader: str | None = None,
    versions: Mapping[str, str] | None = None,
    *,
    files: Sequence[str] = (),
    chains: Mapping[str, tuple[Link, ...]] | None = None,
    devices: int | None = None,
) -> Recipe | None:
    """The recipe of an entry config; None for fragments, sweeps and formats that are recognised only.

    `loader` is the kind of the library that the project's code reads the file with, where that is known; else
    the format's own. `versions` are the versions the project uses, by framework. `files` and `chains` tell of
    the bases that are merged in, `devices` how many a run uses where the config does not say.
    """
    known = knowledge or load_formats()
    format_ = known.formats.get(recognition.format)
    if recognition.kind != "recipe" or format_ is None or not format_.fields:
        return None
    version = (versions or {}).get(format_.framework, "")
    kind = loader_for(document, loader or format_.loader)
    reading = Reading(document, format_, kind, version, chains or {})
    places = places_of(reading)
    facts = _written(reading, places)
    extra = adapted(reading, facts) if format_.adapter else Adapted()
    facts.update(extra.facts)
    facts.update(effect_values(reading, format_.effects))
    facts.update(_what_words_say(reading, facts))
    derive(facts, _with_devices(facts, _batch_scope(places), devices))
    _describe(reading, recognition, facts)
    span = reading.span(document.root)
    return Recipe(
        document.path, recognition.kind, span, facts, _groups(facts, extra), tuple(files) or (document.path,)
    )


def _written(reading: Reading, places: dict[str, list[Place]]) -> dict[str, Value]:
    facts: dict[str, Value] = {}
    for path, spots in places.items():
        value = field_value(reading, spots)
        if value is not None:
            facts[path] = value
    for field in reading.format.fields:
        if field.absent is not None and field.to not in facts:
            value = in_other_words(reading, field) or absent_value(reading, field.absent, field.at)
            if value is not None:
                facts[field.to] = value
    return facts


def _what_words_say(reading: Reading, facts: dict[str, Value]) -> dict[str, Value]:
    """Facts that no field holds: whether the rate is as written, and whether the loader sets the order."""
    said: dict[str, Value] = {}
    words = _words(reading) if reading.format.sections else frozenset()
    rate, shuffle = facts.get("optimizer.lr"), facts.get("loader.shuffle")
    if rate is not None and rate.known and words.isdisjoint(reading.format.rate_scaling):
        said["batch.lr_from_batch"] = Value(
            False, State.DERIVED, span=rate.span, reason="the rate is a written number"
        )
    if shuffle is not None and shuffle.known and words.isdisjoint(reading.format.ordered_data):
        said["loader.style"] = Value(
            "map", State.DERIVED, span=shuffle.span, reason="the config turns shuffling on or off"
        )
    return said


def _words(reading: Reading) -> frozenset[str]:
    words: set[str] = set()
    for found in walk_entries(reading.document.root):
        words.update(key_word(step) for step in found.path if isinstance(step, str))
        if found.value.kind == "scalar":
            words.add(key_word(found.value.raw))
    return frozenset(words)


def _with_devices(facts: dict[str, Value], scope: str, devices: int | None) -> str:
    """Whom the batch is for, after the setting `devices` has had its say: "some-device" where it is one
    device's, and nothing says how many there are."""
    if scope != "device" or "batch.devices" in facts:
        return scope
    if devices is None:
        return "some-device"
    reason = "the setting `devices`"
    facts["batch.devices"] = Value(devices, State.INHERITED, "devices", reason=reason)
    return scope


def _batch_scope(places: dict[str, list[Place]]) -> str:
    fields: list[Field] = [place.field for place in places.get("batch.per_device", ()) if place.sure]
    scopes = {field.scope for field in fields}
    return scopes.pop() if len(scopes) == 1 else ""


def _describe(reading: Reading, recognition: Recognition, facts: dict[str, Value]) -> None:
    span = reading.span(reading.document.root)
    facts["meta.framework"] = Value(
        reading.format.framework, State.DERIVED, span=span, reason=recognition.reason
    )
    facts["meta.kind"] = Value(recognition.kind, State.DERIVED, span=span, reason=recognition.reason)
    facts["meta.trains"] = Value(True, State.DERIVED, span=span, reason="an entry config of a training run")
    facts["meta.purpose"] = purpose_of(reading, facts)
    if "reg.any" in facts:
        facts["reg.all_switchable"] = Value(
            True, State.DERIVED, span=facts["reg.any"].span, reason="each is a config key"
        )


def _groups(facts: dict[str, Value], extra: Adapted) -> dict[str, list[dict[str, Value]]]:
    groups: dict[str, list[dict[str, Value]]] = {}
    for group, prefix in _GROUPS.items():
        element = {path: value for path, value in facts.items() if path.startswith(prefix)}
        if element:
            groups[group] = [element]
    if extra.schedulers:
        groups["schedulers"] = extra.schedulers
    if extra.loaders:
        groups["loaders"] = [*groups.get("loaders", ()), *extra.loaders]
    return groups
