"""What a written scalar becomes: the value depends on the loader that will read it.

`1e-4` is text to PyYAML and a number to OmegaConf; `yes` is true to PyYAML and text to YAML 1.2.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from typing import NamedTuple

from trainlint.text.document import Node

Scalar = None | bool | int | float | str

LOADERS = ("pyyaml", "yaml12", "omegaconf", "literal-eval", "json", "toml", "python")
"""PyYAML; ruamel and HyperPyYAML; OmegaConf and Hydra; PyYAML and `ast.literal_eval` (yacs, PaddleClas)."""

LENGTH_LIMIT = 300
"""Longer spellings stay text: no number of a recipe has so many digits, and such integers fit no float."""

_INF_NAN = r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
_TRUE_FALSE = r"true|True|TRUE|false|False|FALSE"
_YAML11_BOOL = rf"{_TRUE_FALSE}|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF"
_YAML11_INT = r"[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)"
_YAML11_FLOAT = (
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    rf"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|{_INF_NAN}"
)
_DIGITS = r"[-+]?[0-9]+(?:_[0-9]+)*"
_YAML_NULL = r"|~|null|Null|NULL"


class _Table(NamedTuple):
    """The plain spellings a loader reads as something else than text."""

    null: re.Pattern[str]
    boolean: re.Pattern[str]
    integer: re.Pattern[str]
    number: re.Pattern[str]
    to_int: Callable[[str], int]


def _yaml11_int(text: str) -> int:
    digits = text.replace("_", "")
    sign, digits = (-1, digits[1:]) if digits.startswith("-") else (1, digits.lstrip("+"))
    if ":" in digits:
        return sign * int(_base_60(digits, int))
    if digits.startswith("0b"):
        return sign * int(digits[2:], 2)
    if digits.startswith("0x"):
        return sign * int(digits[2:], 16)
    return sign * int(digits, 8 if digits.startswith("0") else 10)


def _yaml12_int(text: str) -> int:
    digits = text.replace("_", "")
    sign, digits = (-1, digits[1:]) if digits.startswith("-") else (1, digits.lstrip("+"))
    bases = {"0b": 2, "0o": 8, "0x": 16}
    base = bases.get(digits[:2])
    return sign * (int(digits[2:], base) if base else int(digits))


def _base_60(digits: str, kind: Callable[[str], float]) -> float:
    total: float = 0
    for part in digits.split(":"):
        total = total * 60 + kind(part)
    return total


def _to_float(text: str) -> float:
    digits = text.replace("_", "").lower()
    sign, digits = (-1.0, digits[1:]) if digits.startswith("-") else (1.0, digits.removeprefix("+"))
    if digits.startswith("."):
        digits = {".inf": "inf", ".nan": "nan"}.get(digits, digits)
    return sign * (_base_60(digits, float) if ":" in digits else float(digits))


def _table(null: str, boolean: str, integer: str, number: str, to_int: Callable[[str], int]) -> _Table:
    return _Table(re.compile(null), re.compile(boolean), re.compile(integer), re.compile(number), to_int)


_PYYAML = _table(_YAML_NULL, _YAML11_BOOL, _YAML11_INT, _YAML11_FLOAT, _yaml11_int)
_OMEGACONF = _table(
    _YAML_NULL,
    _YAML11_BOOL,
    _YAML11_INT,
    rf"{_YAML11_FLOAT}|{_DIGITS}\.[0-9_]*(?:[eE][-+]?[0-9]+)?|{_DIGITS}[eE][-+]?[0-9]+",
    _yaml11_int,
)
_YAML12 = _table(
    _YAML_NULL,
    _TRUE_FALSE,
    r"(?!_)[-+]?(?:0b[01_]+|0o?[0-7_]+|[0-9_]+|0x[0-9a-fA-F_]+)",
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    rf"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?|{_INF_NAN}",
    _yaml12_int,
)
_JSON = _table(
    r"null",
    r"true|false",
    r"-?(?:0|[1-9][0-9]*)",
    r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|-?Infinity|NaN",
    int,
)
_TOML = _table(
    r"(?!)",
    r"true|false",
    r"[-+]?(?:0|[1-9](?:_?[0-9])*)|0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+",
    r"[-+]?(?:0|[1-9](?:_?[0-9])*)(?:\.[0-9](?:_?[0-9])*)?(?:[eE][-+]?[0-9](?:_?[0-9])*)?|[-+]?(?:inf|nan)",
    _yaml12_int,
)
_PYTHON = _table(
    r"None",
    r"True|False",
    r"-?(?:0|[1-9](?:_?[0-9])*)|-?0[xX][0-9a-fA-F_]+|-?0[oO][0-7_]+|-?0[bB][01_]+",
    r"-?(?:[0-9](?:_?[0-9])*)?\.?(?:[0-9](?:_?[0-9])*)?(?:[eE][-+]?[0-9]+)?|-?(?:inf|nan)",
    lambda text: int(text, 0),
)
_TABLES = {
    "python": _PYTHON,
    "pyyaml": _PYYAML,
    "omegaconf": _OMEGACONF,
    "yaml12": _YAML12,
    "literal-eval": _PYYAML,
    "json": _JSON,
    "toml": _TOML,
}

_BARE_STYLES = frozenset({"plain", "json", "toml"})
_CORE_TAGS = frozenset({"", "!", "!!str", "!!null", "!!bool", "!!int", "!!float", "!!timestamp", "!!binary"})
_TRUE = frozenset({"true", "yes", "on"})
_LITERAL = re.compile(r"""[\s(+\-]*(?:[.\d]|[bBuUrR]{0,2}['"]|(?:None|True|False)\b)""")


def resolve(node: Node, loader: str) -> Scalar:
    """The value a loader of LOADERS gives a scalar node. Dates and what the loader would refuse stay text.

    A tag that only the reader's own code understands (`is_opaque`) leaves the text. Raises TypeError for a
    mapping or sequence.
    """
    if node.kind != "scalar":
        raise TypeError(f"a {node.kind} has no scalar value")
    value = _typed(node, _TABLES[loader])
    return _literal(value) if loader == "literal-eval" and isinstance(value, str) else value


def is_opaque(node: Node) -> bool:
    """Whether the node's tag (`!ref`, `!!python/name:...`) leaves its value to the reader's own code."""
    known = _CORE_TAGS if node.kind == "scalar" else ("", "!", "!!map", "!!seq", "!!omap", "!!set", "!!pairs")
    return node.tag not in known


def _typed(node: Node, table: _Table) -> Scalar:
    raw = node.raw
    if len(raw) > LENGTH_LIMIT:
        return raw
    try:
        if node.tag:
            return _tagged(raw, node.tag, table)
        return _plain(raw, table) if node.style in _BARE_STYLES else raw
    except ValueError:  # spellings such as `0x_` that match the table and still are no number
        return raw


def _plain(raw: str, table: _Table) -> Scalar:
    if table.null.fullmatch(raw):
        return None
    if table.boolean.fullmatch(raw):
        return raw.lower() in _TRUE
    if table.integer.fullmatch(raw):
        return table.to_int(raw)
    if table.number.fullmatch(raw):
        return _to_float(raw)
    return raw


def _tagged(raw: str, tag: str, table: _Table) -> Scalar:
    if tag == "!!null":
        return None
    if tag == "!!bool" and re.fullmatch(_YAML11_BOOL, raw, re.IGNORECASE):
        return raw.lower() in _TRUE
    if tag == "!!int":
        return table.to_int(raw)
    if tag == "!!float":
        return _to_float(raw)
    return raw


def _literal(text: str) -> Scalar:
    if len(text) > LENGTH_LIMIT or not _LITERAL.match(text):
        return text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if value is None or isinstance(value, bool | int | float | str) else text
