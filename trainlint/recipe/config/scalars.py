"""Typing the scalars of a config by the loader that will read them, as far as that is known."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from trainlint.knowledge.formats import load_formats
from trainlint.text.document import Document, Node
from trainlint.text.scalars import LOADERS, Scalar, is_opaque, resolve

UNKNOWN_LOADER = "unknown"

_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_FREE = frozenset({"coerced", UNKNOWN_LOADER})


class Typed(msgspec.Struct, frozen=True):
    """A scalar's value.

    `known` is false where something fills it in later, or only unread code could say; then `reason`.
    """

    value: Scalar = None
    known: bool = True
    dynamic: bool = False
    reason: str = ""


def is_number_text(text: str) -> bool:
    """Whether a text reads as a decimal number to people: 0.1, 1e-4, 1_000."""
    return _NUMBER.fullmatch(text.strip()) is not None


def number_of(text: str) -> float:
    """The number a text reads as to people. Raises ValueError where it is none."""
    return float(text.strip().replace("_", ""))


def spelled_as_number(raw: str, loader: str) -> str:
    """The number in a spelling that the loader takes for one: `1e-4` is 1.0e-4 for PyYAML."""
    text = raw.strip().replace("_", "").lower()
    mantissa, exponent, power = text.partition("e")
    if not exponent or loader not in ("pyyaml", "literal-eval"):
        return text
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    mantissa = f"{mantissa}0" if mantissa.endswith(".") else mantissa
    signed = power if power[:1] in ("+", "-") else f"+{power}"
    spelled = f"{mantissa}e{signed}"
    return spelled if number_of(spelled) == number_of(text) else text


def is_dynamic(node: Node) -> bool:
    """Whether a scalar is filled in later: an interpolation, a reference, "auto", OmegaConf's `???`."""
    facts = load_formats().recognition
    if is_opaque(node):
        return True
    return node.kind == "scalar" and _filled_in(node.raw, facts.dynamic_values, facts.dynamic_markers)


def _filled_in(text: str, values: Sequence[str], markers: Sequence[str]) -> bool:
    return text in values or any(marker in text for marker in markers)


def loader_for(document: Document, loader: str) -> str:
    """The loader kind that types a document: JSON and TOML type themselves, YAML has a reader."""
    return loader if document.format == "yaml" else document.format


def typed(node: Node, loader: str) -> Typed:
    """The value of a scalar under a loader kind.

    Where the loader is not known, a text that reads as a number counts as that number: any run that does not
    stop at it uses it so. Collections are not known.
    """
    if node.kind != "scalar":
        return Typed(known=False, reason=f"a {node.kind} stands here, not a value")
    if is_dynamic(node):
        return Typed(
            node.raw,
            known=False,
            dynamic=True,
            reason=f"`{node.tag or node.raw}` is filled in when the config is loaded",
        )
    if loader in _FREE:
        value = resolve(node, "omegaconf")
        bare = loader == "coerced" or node.style == "plain"
        return Typed(number_of(value) if bare and isinstance(value, str) and is_number_text(value) else value)
    return Typed(resolve(node, loader if loader in LOADERS else "json"))
