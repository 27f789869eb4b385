"""What `${a.b}` of OmegaConf and `!ref <a>` of HyperPyYAML refer to in the same config."""

from __future__ import annotations

import re

import msgspec

from trainlint.recipe.config.tree import Found, value_node
from trainlint.text.document import Node

_STEPS = 8
_HYPERPYYAML = re.compile(r"<([\w.\[\]-]+)>")
_INTERPOLATION = re.compile(r"\$\{(\.*)([\w./\[\]-]+)\}")
_RAW_LOADERS = frozenset({"pyyaml", "json", "toml", "python", "literal-eval", "hjson"})
"""Loaders that leave `${…}` a text."""


class Referred(msgspec.Struct, frozen=True):
    """What stands at the end of references; `via` are the scalars that refer, in their order."""

    found: Found
    via: tuple[Node, ...] = ()


def referred_to(root: Node, found: Found, loader: str) -> Referred:
    """The value that a scalar stands for; itself where it refers to nothing, or leads in a circle."""
    at = found
    via: list[Node] = []
    for _ in range(_STEPS):
        target = _target(root, at, loader)
        if target is None:
            return Referred(at, tuple(via))
        via.append(at.value)
        at = target
    return Referred(found)


def _target(root: Node, found: Found, loader: str) -> Found | None:
    node = found.value
    if node.kind != "scalar":
        return None
    if node.tag == "!ref":
        match = _HYPERPYYAML.fullmatch(node.raw.strip())
        return value_node(root, match[1].split(".")) if match else None
    if loader in _RAW_LOADERS or not node.raw.startswith("${"):
        return None
    match = _INTERPOLATION.fullmatch(node.raw)
    if match is None:
        return None
    steps = [step for step in re.split(r"[.\[\]]", match[2]) if step]
    # One dot is the mapping the reference stands in, each further one the mapping around it.
    above = list(found.path[: -len(match[1])]) if match[1] else []
    return value_node(root, [*above, *steps])
