"""The compiled form of the knowledge: what the JSON holds and what a lookup returns."""

from __future__ import annotations

import msgspec

Scalar = None | bool | int | float | str
Constant = Scalar | list[Scalar]
Fact = Constant | dict[str, Constant]


class Param(msgspec.Struct, frozen=True, omit_defaults=True):
    """A formal parameter. `kind`: positional-only, normal, star, keyword-only, double-star.

    `default` is UNSET without a default, and also where the default is no constant (`has_default` tells).
    """

    name: str
    kind: str = "normal"
    has_default: bool = False
    default: Constant | msgspec.UnsetType = msgspec.UNSET


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one function, class or method.

    `fields` maps recipe fields to parameter names, `renamed` other spellings of a keyword to the parameter's.
    `seeds` are the generators it seeds; `random`: whether it draws at random (None: unknown, or no matter).
    `receiver` is what a method is called on ("tensor", "optimizer", …), empty for functions and classes.
    `effect` is what calling it does (backward, step, zero-grad, …); `effects` the closed-world effects it may
    have although its kind does not say so. `extra` holds the rarer facts (decoupled, decays, warmup, …): the
    JSON Schema explains them.
    """

    name: str
    kind: str
    framework: str
    params: tuple[Param, ...] = ()
    fields: dict[str, str] = {}
    renamed: dict[str, str] = {}
    family: str = ""
    shape: str = ""
    seeds: tuple[str, ...] = ()
    random: bool | None = None
    style: str = ""
    regularizer: str = ""
    transfer: str = ""
    check: str = ""
    effect: str = ""
    effects: tuple[str, ...] = ()
    receiver: str = ""
    extra: dict[str, Fact] = {}

    def param(self, name: str) -> Param | None:
        """The parameter of that name."""
        return next((param for param in self.params if param.name == name), None)

    def default(self, field: str) -> Constant | msgspec.UnsetType:
        """The constant default behind a recipe field; UNSET where there is none or it is no constant."""
        param = self.param(self.fields.get(field, ""))
        return msgspec.UNSET if param is None else param.default


class Older(msgspec.Struct, frozen=True, omit_defaults=True):
    """What differed before a version (exclusive)."""

    until: str
    params: tuple[Param, ...] | None = None
    fields: dict[str, str] | None = None
    extra: dict[str, Fact] = {}


class StoredEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry with its history, oldest first."""

    entry: Entry
    older: tuple[Older, ...] = ()


class FrameworkFacts(msgspec.Struct, frozen=True):
    """One framework. `backend` computes beneath it, `generator` is what its runs draw from, `seeding` the
    call a beginner would seed it with.

    `names` are its entries, not yet decoded.
    """

    label: str
    backend: str
    generator: str
    seeding: str
    names: msgspec.Raw


class Compiled(msgspec.Struct, frozen=True):
    """All knowledge in one file. `stamp` names the sources it was made from (empty: made for a wheel).

    `wholes` are the packages that are described whole enough for programs to be read without their source.
    `inert` maps an effect to packages and dotted prefixes with a verdict each; the longest prefix decides.
    """

    stamp: dict[str, tuple[int, int]]
    conventions: dict[str, str]
    vocabulary: frozenset[str]
    aliases: dict[str, str]
    packages: dict[str, str]
    wholes: frozenset[str]
    inert: dict[str, dict[str, bool]]
    methods: dict[str, msgspec.Raw]
    frameworks: dict[str, FrameworkFacts]
