"""What the last layers and functions of a network make of a value: activations.json."""

from __future__ import annotations

import functools
from pathlib import Path

import msgspec

_FILE = Path(__file__).with_name("activations.json")


class _Tables(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Kind → names of its functions and layers; `affine` are layers without an activation, `same` what
    changes shape, type or place and no range."""

    activations: dict[str, frozenset[str]]
    affine: frozenset[str]
    same: frozenset[str]
    packages: tuple[str, ...]


@functools.lru_cache(maxsize=1)
def _tables() -> _Tables:
    return msgspec.json.decode(_FILE.read_bytes(), type=_Tables)


@functools.lru_cache(maxsize=2048)
def activation(name: str) -> str:
    """softmax, log-softmax, sigmoid, log-sigmoid, relu or tanh, by a canonical name or that of a method of a
    tensor; "affine" for layers that end without one, "same" for what keeps the range; "" for all else."""
    package, _, simple = name.partition(".")[0], *name.rpartition(".")[1:]
    tables = _tables()
    if "." in name and package not in tables.packages:
        return ""
    for kind, names in tables.activations.items():
        if simple in names:
            return kind
    if simple in tables.affine:
        return "affine"
    return "same" if simple in tables.same else ""
