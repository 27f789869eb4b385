"""What layers, norms, dropouts and activations are to the rules about structure: structure.json."""

from __future__ import annotations

import functools
from pathlib import Path

import msgspec

_FILE = Path(__file__).with_name("structure.json")


class BatchNormFact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch norm: the position of its momentum (-1: by name only), and whether that weighs what is `new` or
    what is `old` in the running statistics."""

    position: int
    kept: str


class Containers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The list and the mapping that register modules, and those that register parameters."""

    modules: tuple[str, str]
    parameters: tuple[str, str]


class StructureFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All names are canonical.

    `modules` are the base classes of networks by framework, `frames` those of them whose constructor needs no
    argument. `dropouts` are functions that drop unless a parameter (name, position) says otherwise, with what
    to pass; `implicit_softmax` those that guess their dimension, `softmax_dim` all with the position of it.
    `weighted` are names of layers with weights, `activations` names by kind, both without package.
    """

    modules: dict[str, frozenset[str]]
    frames: frozenset[str]
    parameters: frozenset[str]
    containers: dict[str, Containers]
    norms: dict[str, frozenset[str]]
    batch_norms: dict[str, BatchNormFact]
    dropouts: dict[str, tuple[str, int, str]]
    implicit_softmax: dict[str, int]
    softmax_dim: dict[str, int]
    sequentials: frozenset[str]
    weighted: frozenset[str]
    activations: dict[str, frozenset[str]]


@functools.lru_cache(maxsize=1)
def structure_facts() -> StructureFacts:
    """The tables of the package."""
    return msgspec.json.decode(_FILE.read_bytes(), type=StructureFacts)


@functools.lru_cache(maxsize=1024)
def is_norm(name: str) -> bool:
    """Whether a canonical name is a normalisation layer with weights."""
    package, _, simple = name.rpartition(".")
    return simple in structure_facts().norms.get(package, frozenset())


@functools.lru_cache(maxsize=1024)
def activation_kind(name: str) -> str:
    """relu, relu6, sigmoid, tanh, softmax or log_softmax, by the name of a function or layer; else ""."""
    simple = name.rpartition(".")[2]
    return next((kind for kind, names in structure_facts().activations.items() if simple in names), "")
