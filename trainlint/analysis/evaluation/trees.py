"""Trees of settings: yacs nodes, OmegaConf, easydict, namespaces made of a mapping, configs laid over others.

A tree is made by a call (kind `object`, filed as config-tree) or is of kind `overlay`: `items` are whole
trees, the last on top, `keys` the way down from their roots; `site` is the call that made the root. Looking a
key up asks the layers from the top, then what the program changes in place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.layers import Layers
from trainlint.analysis.evaluation.values import Frame, Resolved, describe, join, site_of, unknown

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator
    from trainlint.knowledge.base import Entry

ABSENT = Resolved("absent")
_OBJECTS = frozenset({"instance", "namespace"})
_BELOW = frozenset({"mapping", "config", "overlay"}) | _OBJECTS


class Trees:
    """The part of the evaluator that knows trees of settings."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.layers = Layers(evaluator)

    def entry(self, value: Resolved) -> Entry | None:
        """What is known of the call that made a tree; None for what is none."""
        entry = self.evaluator.entry(value.name) if value.kind == "object" else None
        return entry if entry is not None and entry.kind == "config-tree" else None

    def made(self, entry: Entry, frame: Frame, index: int, values: Sequence[Resolved]) -> Resolved | None:
        """What a call of kind config-tree, config-merge or config-overrides gives; None for others."""
        site = site_of(frame, index)
        if entry.kind == "config-tree":
            first = values[0] if values else None
            structured = first is not None and (first.kind == "instance" or first.kind == "class")
            if structured and first is not None:
                return self.evaluator.structures.plain(first, frame, index)
            return Resolved("object", name=entry.name, site=site, frame=frame, term=index)
        if entry.kind == "config-merge":
            if any(key == "*" for key in frame.term(index).keys):
                return unknown(f"{entry.name} of a starred argument")
            return Resolved("overlay", items=tuple(values), site=site)
        if entry.kind == "config-overrides":
            found = self.layers.from_words(values[0]) if values else self.layers.launched_words()
            return Resolved("mapping") if found.kind == "absent" else found
        return None

    def attribute(self, base: Resolved, name: str, reader: Frame | None) -> Resolved:
        """`base.name` or `base["name"]` of a tree, changes in place included."""
        found = self._found(base, name)
        path = (*base.keys, name)
        found = self.evaluator.changes.after(base, name, found, reader)
        if found.kind == "absent":
            return unknown(f"{'.'.join(path)} is not set in what was read", frozenset({name}))
        if found.kind in ("const", "choice", "unknown", "sequence") and name not in found.words:
            found = dataclasses.replace(found, words=found.words | {name})
        return found

    def child(self, layer: Resolved, name: str) -> Resolved:
        """One key of a layer as it stands, `absent` where the layer does not have it."""
        if layer.kind == "mapping":
            missing = ABSENT if layer.complete else unknown(f"{name} of a mapping that is not known whole")
            return layer.entries.get(name, missing)
        if layer.kind == "config":
            return self.evaluator.configs.get(layer, name)
        if layer.kind == "overlay":
            return self._found(layer, name)
        if layer.kind == "choice":
            return join([self.child(item, name) for item in layer.items], layer.condition, layer.option)
        if layer.kind == "namespace":
            declared = name in self.evaluator.options.declared()
            return self.evaluator.options.option(layer, name) if declared else ABSENT
        if layer.kind == "instance":
            found = self.evaluator.attribute(layer, name)
            return ABSENT if found.kind == "unknown" and found.name.startswith("attribute ") else found
        if self.entry(layer) is not None:
            return self._found(layer, name)
        if layer.kind == "const" and layer.value in (None, ""):
            return ABSENT
        return unknown(f"{name} of {describe(layer)}", frozenset({name}))

    def has(self, value: Resolved) -> bool:
        """Whether a value holds settings by name."""
        return value.kind in _BELOW or value.kind == "namespace" or self.entry(value) is not None

    def named(self, value: Resolved, names: Sequence[str]) -> dict[str, Resolved]:
        """The settings of these names that a tree has."""
        held = {name: self.child(value, name) for name in names}
        return {
            name: self.evaluator.attribute(value, name)
            for name, found in held.items()
            if found.kind != "absent"
        }

    def file_layer(self, given: Resolved, loader: str, place: tuple[Frame, int] | None) -> Resolved:
        """The settings of a file that is named at a place: nothing where none is named by default."""
        value = given.default()
        if value.kind == "const" and value.value in (None, ""):
            return ABSENT
        path = self.evaluator.file_names.of(*place) if place is not None else None
        if path is None or place is None:
            return unknown(f"a config file whose name is not known: {value.name or describe(value)}")
        frame, index = place
        return self.evaluator.configs.load(path, frame.facts.path, loader, frame.span(index))

    def _found(self, base: Resolved, name: str) -> Resolved:
        layers = self.layers.of(base)
        return self._resolve(layers, (*base.keys, name), base)

    def _resolve(self, layers: Sequence[Resolved], path: tuple[str, ...], base: Resolved) -> Resolved:
        below: list[Resolved] = []
        for position in range(len(layers) - 1, -1, -1):
            layer = layers[position]
            if layer.kind == "absent":
                continue
            uncertain = layer.kind == "part" and layer.name == "maybe"
            found = self._down(layer.items[0] if uncertain else layer, path)
            if found.kind == "absent":
                continue
            if found.kind in _BELOW or self.entry(found) is not None:
                below.append(found)
                continue
            if below:
                break
            if uncertain:
                rest = self._resolve(layers[:position], path, base)
                return found if rest.kind == "absent" else join([found, rest])
            reference = self._reference(layer, path)
            if reference and base.kind == "overlay":
                root = dataclasses.replace(base, keys=())
                return self._walk(root, reference)
            return found
        if len(below) <= 1 and all(found.kind in _OBJECTS for found in below):
            return below[0] if below else ABSENT
        return Resolved("overlay", items=self._roots(base), keys=path, site=base.site)

    def _roots(self, base: Resolved) -> tuple[Resolved, ...]:
        return base.items if base.kind == "overlay" else (base,)

    def _down(self, layer: Resolved, path: tuple[str, ...]) -> Resolved:
        value = layer
        for key in path:
            value = self.layers.own(value, key) if self.entry(value) is not None else self.child(value, key)
            if value.kind in ("absent", "unknown"):
                return value
        return value

    def _walk(self, root: Resolved, path: tuple[str, ...]) -> Resolved:
        value = root
        for key in path:
            value = self._found(value, key) if self.has(value) else unknown(f"{key} of {describe(value)}")
        return value

    def _reference(self, layer: Resolved, path: tuple[str, ...]) -> tuple[str, ...]:
        """Where `${a.b}` points that stands in a file of several that are laid over one another."""
        holder = self._down(layer, path[:-1]) if layer.kind != "config" or path[:-1] else layer
        raw = self.evaluator.configs.reference(holder, path[-1]) if holder.kind == "config" else ""
        return tuple(raw.split(".")) if raw else ()
