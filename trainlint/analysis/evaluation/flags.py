"""Flags of absl and TensorFlow 1, and the config objects of ml_collections that a flag names a file for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, Site, join, unknown

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

FLAGS = "absl.flags.FLAGS"
CONFIG = "ml_collections.ConfigDict"
MAKER = "get_config"
"""The function that a config file defines."""

_DEFINITIONS = (
    "DEFINE_float", "DEFINE_integer", "DEFINE_bool", "DEFINE_boolean", "DEFINE_string", "DEFINE_enum",
    "DEFINE_config_file", "DEFINE_config_dict",
)  # fmt: skip


def is_made_here(name: str, values: Sequence[Resolved]) -> bool:
    """Whether a call makes a config that the code fills and loads none: `ConfigDict()`, `ConfigDict({…})`."""
    return name == CONFIG and all(value.kind == "mapping" for value in values)


class Flags:
    """The flags a program defines, and what its configs hold; both found once."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._defined: dict[str, Resolved] | None = None
        self._attributes: dict[tuple[Site, str], Resolved] = {}

    def flag(self, name: str) -> Resolved:
        """What a flag is where the command line does not set it."""
        if self._defined is None:
            self._defined = {}
            self._defined.update(self._definitions())
        return self._defined.get(name) or unknown(f"flag {name} is not defined in code that was read")

    def held(self, flag: Resolved) -> Resolved | None:
        """What the holder that a definition returns stands for: `_LR = DEFINE_float(…)`, then `_LR.value`."""
        entry = self.evaluator.entry(flag.name)
        if entry is None or entry.framework != "absl" or entry.kind != "parser-argument":
            return None
        name = self._name(flag)
        return self.flag(name) if name else None

    def attribute(self, config: Resolved, name: str) -> Resolved:
        """What a config holds under a name: the value last stored there, or handed to its constructor."""
        missing = unknown(f"{name} of a config", frozenset({name}))
        if config.site is None or config.frame is None:
            return missing
        key = (config.site, name)
        if key not in self._attributes:
            self._attributes[key] = missing
            self._attributes[key] = self._stored(config, config.frame, name) or missing
        return self._attributes[key]

    def _stored(self, config: Resolved, frame: Frame, name: str) -> Resolved | None:
        if _goes_elsewhere(config, frame):
            return unknown(f"{name} may be set where the config is handed on", frozenset({name}))
        found = self._initial(config, frame, name)
        for event in frame.facts.events:
            if event.kind != "store-attr" or event.name != name:
                continue
            base = self.evaluator.value(frame, event.term)
            if base.site != config.site:
                continue
            if event.conditions or event.loop >= 0:
                return unknown(f"{name} is set on a condition", frozenset({name}))
            label = f"{name} in {frame.facts.path.rpartition('/')[2]}"
            value = self.evaluator.value(frame, event.value)
            found = dataclasses.replace(value, origins=(Origin(frame.span(event.value), label),))
        if found is None or found.kind not in ("const", "sequence"):
            return found
        return dataclasses.replace(found, option="--config", words=found.words | {name})

    def _initial(self, config: Resolved, frame: Frame, name: str) -> Resolved | None:
        given = frame.term(config.term).args[1:2]
        value = self.evaluator.value(frame, given[0]) if given else None
        return value.entries.get(name) if value is not None and value.kind == "mapping" else None

    def _definitions(self) -> Iterator[tuple[str, Resolved]]:
        mentioning = self.evaluator.scope.units_mentioning
        for place in dict.fromkeys(place for word in _DEFINITIONS for place in mentioning(word)):
            frame = self.evaluator.root(*place)
            for event in frame.facts.events if frame is not None else ():
                if event.kind != "call" or frame is None:
                    continue
                made = self.evaluator.value(frame, event.term)
                entry = self.evaluator.entry(made.name) if made.kind == "object" else None
                if entry is not None and entry.framework == "absl" and entry.kind == "parser-argument":
                    name = self._name(made)
                    if name:
                        yield name, self._default(made, name)

    def _name(self, definition: Resolved) -> str:
        name = self.evaluator.binder.arguments(definition).get("name")
        return name.value if name is not None and isinstance(name.value, str) else ""

    def _default(self, definition: Resolved, name: str) -> Resolved:
        entry = self.evaluator.entry(definition.name)
        arguments = self.evaluator.binder.arguments(definition)
        assert entry is not None
        if "file" in entry.fields:
            return self._config(arguments.get(entry.fields["file"]))
        default = arguments.get(entry.fields["default"])
        if default is None:
            return unknown(f"flag --{name} has no default", frozenset({name}))
        if default.kind == "const" and default.value is None:
            return unknown(f"flag --{name} has no default", frozenset({name}))
        default = dataclasses.replace(default, option=f"--{name}", words=default.words | {name})
        origins = [origin.span for origin in default.origins if origin.span is not None]
        return default.with_origin(Origin(origins[0] if origins else None, f"default of --{name}"))

    def _config(self, default: Resolved | None) -> Resolved:
        """What the config file makes that a flag names, or that a person would name: the folder's default."""
        literal = default.value if default is not None and default.kind == "const" else None
        if default is not None and default.kind != "const":
            return unknown("the config file's name is not constant")
        path = self.evaluator.scope.config_script(literal if isinstance(literal, str) else "")
        frame = self.evaluator.root(path, MAKER) if path else None
        if frame is None:
            return unknown("which config file the flag names is not known")
        returns = [back for back in frame.facts.returns if back.nested < 0 and not back.yields]
        return join([self.evaluator.value(frame, back.term) for back in returns])


def _goes_elsewhere(config: Resolved, frame: Frame) -> bool:
    """Whether the config is passed to a call, or updated from a mapping, in the unit that makes it."""
    for event in frame.facts.events:
        if event.kind != "call":
            continue
        call = frame.term(event.term)
        callee = frame.term(call.args[0])
        updates = callee.op == "attr" and callee.name.startswith("update") and callee.args[0] == config.term
        if updates or config.term in call.args[1:]:
            return True
    return False
