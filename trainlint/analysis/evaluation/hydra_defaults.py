"""Composing a Hydra config: the files its defaults list names, each under its package.

https://hydra.cc/docs/advanced/defaults_list/, read in hydra-core 1.3.8
"""

from __future__ import annotations

import dataclasses
import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.values import Resolved, unknown
from trainlint.findings import Span
from trainlint.knowledge.hydra_lists import (
    MAX_DEPTH,
    MAX_FILES,
    SELF,
    UNSAID,
    Listed,
    from_root,
    listed_config,
    listed_group,
)

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """Where a config stands: its folder, the package its keys go to, how deep it was named."""

    folder: str
    package: str
    depth: int


class Composer:
    """Composes one primary config. `folder` is the config path as code gives it."""

    def __init__(self, evaluator: Evaluator, folder: str, from_file: str, at: Span | None) -> None:
        self.evaluator = evaluator
        self.folder = folder
        self.from_file = from_file
        self.at = at
        self._chosen: dict[str, Resolved] = {}
        self._files = 0

    def compose(self, name: str) -> list[Resolved]:
        """The layers of the whole config, the lowest first; an unknown one where a file cannot be found."""
        primary = self._load(name)
        if primary.kind != "config":
            return [primary]
        self._chosen = dict(self._overrides(primary))
        package = from_root(self.evaluator.configs.header(primary))
        layers = list(self._layers(primary, _Place("", package, 0)))
        words = self.evaluator.trees.layers.launched_words(besides=self._groups_on_lines())
        return [*layers, *([words] if words.kind != "absent" else [])]

    def _layers(self, config: Resolved, place: _Place) -> Iterator[Resolved]:
        """A config's own layer and those of its defaults list, in their order."""
        own = _under(config, place.package)
        defaults = self.evaluator.configs.get(config, "defaults")
        if defaults.kind == "absent":
            yield own
            return
        if defaults.kind != "sequence" or place.depth > MAX_DEPTH:
            yield unknown(f"the defaults list of {config.name}")
            return
        found: list[Resolved] = []
        own_seen = False
        for item in defaults.items:
            if item.kind == "const" and item.value == SELF:
                own_seen = True
                found.append(own)
            elif item.kind == "const" and isinstance(item.value, str):
                found += self._named(item.value, place)
            elif item.kind == "config":
                found += self._groups(item, place)
            elif not (item.kind == "const" and item.value is None):
                found.append(unknown(f"an entry of the defaults list of {config.name}: {item.name}"))
        yield from found
        if not own_seen:
            # Where the list does not say so, older versions let the named files win.
            yield own
            yield from (layer for layer in found if layer.kind == "unknown")

    def _named(self, text: str, place: _Place) -> Iterator[Resolved]:
        """`- base`: a config of the same folder (or of the root)."""
        named = listed_config(text, place.folder)
        yield from self._file(named.path, named.group, named, place)

    def _groups(self, item: Resolved, place: _Place) -> Iterator[Resolved]:
        """`- optimizer: sgd`, `- optional /data@train: images`."""
        for key in self.evaluator.configs.keys(item):
            named = listed_group(key, place.folder)
            if named is None or not named.is_composed:
                continue
            chosen = self._choice(key.split()[-1], named.path, self.evaluator.configs.get(item, key))
            if chosen.kind == "const" and chosen.value is None:
                continue
            options = chosen.items if chosen.kind == "sequence" else (chosen,)
            for option in options:
                if option.kind != "const" or not isinstance(option.value, str) or option.value == UNSAID:
                    yield unknown(f"which {named.path} is chosen: {option.name or option.value}")
                    continue
                yield from self._file(f"{named.path}/{option.value}", named.path, named, place)

    def _file(self, path: str, folder: str, named: Listed, place: _Place) -> Iterator[Resolved]:
        self._files += 1
        config = self._load(path) if self._files <= MAX_FILES else unknown("too many config files")
        if config.kind == "config":
            package = named.package(place.package, self.evaluator.configs.header(config))
            yield from self._layers(config, _Place(folder, package, place.depth + 1))
        elif not named.optional:
            yield config

    def _choice(self, written: str, path: str, default: Resolved) -> Resolved:
        """What a group is set to: by every launch line, by an `override` entry, else as it is written."""
        given = self.evaluator.scope.launched_keys()
        for key in (written, path):
            values = dict.fromkeys(text for text, _ in given.get(key, ()))
            if len(values) == 1:
                return Resolved("const", value=next(iter(values)))
            if values:
                return unknown("the launch lines differ")
        return self._chosen.get(path, default)

    def _overrides(self, config: Resolved) -> Iterator[tuple[str, Resolved]]:
        defaults = self.evaluator.configs.get(config, "defaults")
        for item in defaults.items if defaults.kind == "sequence" else ():
            for key in self.evaluator.configs.keys(item) if item.kind == "config" else ():
                named = listed_group(key, "")
                if named is not None and named.overrides:
                    yield named.path, self.evaluator.configs.get(item, key)

    def _groups_on_lines(self) -> frozenset[str]:
        """Keys of the launch lines that choose a config of a group."""
        found = []
        for key, given in self.evaluator.scope.launched_keys().items():
            path = key.partition("@")[0]
            texts = [text for text, _ in given if isinstance(text, str)]
            if any(self._load(f"{path}/{text}").kind == "config" for text in texts if text):
                found.append(key)
        return frozenset(found)

    def _load(self, path: str) -> Resolved:
        name = path if path.endswith((".yaml", ".yml")) else f"{path}.yaml"
        literal = posixpath.join(self.folder, name)
        return self.evaluator.configs.load(literal, self.from_file, "omegaconf", self.at)


def _under(config: Resolved, package: str) -> Resolved:
    """A config as a layer of the whole: its keys go below its package."""
    for part in reversed(package.split(".") if package else []):
        config = Resolved("mapping", entries={part: config})
    return config
