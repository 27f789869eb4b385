"""What code does with a config it has loaded: config_readers.json, read once."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import msgspec


class ConfigReaders(msgspec.Struct, frozen=True):
    """Plain names. `config_readers.json` says what each group is."""

    modules: frozenset[str]
    calls: frozenset[str]
    of: frozenset[str]
    copies: frozenset[str]
    inert: frozenset[str]
    asking: frozenset[str]
    changing: frozenset[str]

    def loads(self, callee: str) -> bool:
        """Whether a call by this name as it is written loads a config."""
        owner, _, name = callee.rpartition(".")
        if name in self.of:
            return True
        return name in self.calls and not self.modules.isdisjoint(owner.split("."))


@cache
def config_readers() -> ConfigReaders:
    """All that is known."""
    text = resources.files("trainlint.knowledge").joinpath("config_readers.json").read_text("utf-8")
    return msgspec.convert(json.loads(text), ConfigReaders)
