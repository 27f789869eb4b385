"""The recipe: what a run will train with, every leaf a Value that knows where it came from."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec

from trainlint.findings import Span

Scalar = None | bool | int | float | str


class State(str, enum.Enum):
    """How a value is known. Rules fire on explicit, inherited and derived values unless they name another
    state."""

    EXPLICIT = "explicit"
    INHERITED = "inherited"
    DEFAULT = "framework-default"
    DERIVED = "derived"
    DYNAMIC = "dynamic"
    SPACE = "space"
    OFF = "off"
    UNKNOWN = "unknown"


class Link(msgspec.Struct, frozen=True):
    """One step of the way a value came: a place and what it contributed ("default of --lr")."""

    span: Span
    label: str


class Value(msgspec.Struct):
    """A leaf of the recipe. `unit` is epochs, steps, samples, … or ""; `reason` says why a value is unknown.

    `chain` runs from where the value is used to where it was written; `span` is the place to point at.
    `choices` holds the possible values where branches disagree.
    """

    value: Scalar = None
    state: State = State.UNKNOWN
    unit: str = ""
    span: Span | None = None
    chain: tuple[Link, ...] = ()
    reason: str = ""
    choices: tuple[Scalar, ...] = ()

    @property
    def known(self) -> bool:
        """Whether rules may compare this value."""
        return self.state in (State.EXPLICIT, State.INHERITED, State.DERIVED, State.DEFAULT)


Facts = Mapping[str, Value]
"""Dotted path → value."""


class Recipe(msgspec.Struct):
    """One training program or entry config.

    `facts` maps dotted paths of recipe.schema.json to values; `groups` holds the lists the schema declares
    (`optimizers`, `loaders`, …), each element a mapping of the paths below its singular (`optimizer.lr`,
    `loader.shuffle`). The primary element of each list also stands in `facts`. `entry` is the path that names
    the program.
    """

    entry: str
    kind: str
    span: Span
    facts: dict[str, Value]
    groups: dict[str, list[dict[str, Value]]] = msgspec.field(default_factory=dict)
    files: tuple[str, ...] = ()
    curve: tuple[float, ...] = ()

    def get(self, path: str) -> Value:
        """The value at a dotted path; an unknown Value where the analysis never filled it."""
        return self.facts.get(path) or Value(reason="not looked for")


class Hit(msgspec.Struct):
    """What a check function gives: a place, the facts its page's cases and message read, and the evidence.

    `facts` keys are the names the page's `facts:` front matter declares.
    """

    at: Span
    facts: dict[str, Value] = msgspec.field(default_factory=dict)
    related: tuple[Link, ...] = ()
    symbol: str = ""
    program: str = ""
    evidence: str = ""
