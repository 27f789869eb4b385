"""Settings that a trainer refuses together: contradictions.json, read once."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import msgspec

Scalar = None | bool | int | float | str


class Demand(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"one_of": "in"}):
    """What must hold of the value at a key; all that is said must.

    `set`: it is written, and neither nothing, false nor zero. `absent`: it is not written; `or_absent`: that
    will do too.
    """

    true: bool = False
    const: Scalar | msgspec.UnsetType = msgspec.field(name="is", default=msgspec.UNSET)
    one_of: tuple[Scalar, ...] = ()
    not_in: tuple[Scalar, ...] = ()
    set: bool = False
    above: float | None = None
    at_most: float | None = None
    absent: bool = False
    or_absent: bool = False


class Contradiction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of some formats that do not go together.

    `when`: key path → what holds of it. `relation` holds of the values of `between`. The finding stands at
    the key `at`; `beside` are the keys named beside it, the others of `when` where it is empty.
    """

    formats: tuple[str, ...]
    at: str
    when: dict[str, Demand]
    why: str
    hint: str
    relation: str = ""
    between: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


class Contradictions(msgspec.Struct, frozen=True):
    """The rows, and the older names of keys."""

    rows: tuple[Contradiction, ...]
    aliases: dict[str, tuple[str, ...]]


@cache
def contradictions() -> Contradictions:
    """All that is known."""
    text = resources.files("trainlint.knowledge").joinpath("contradictions.json").read_text("utf-8")
    return msgspec.convert(json.loads(text), Contradictions)


@cache
def contradictions_of(format_id: str) -> tuple[Contradiction, ...]:
    """The rows of one config format."""
    return tuple(row for row in contradictions().rows if format_id in row.formats)
