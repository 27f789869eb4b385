"""How large a classification network is, by its name: model_sizes.json, read once."""

from __future__ import annotations

import functools
import json
from importlib import resources

import msgspec


class _Sizes(msgspec.Struct, frozen=True):
    mobile: tuple[str, ...]
    small: tuple[str, ...]
    narrow: tuple[str, ...]


@functools.cache
def _sizes() -> _Sizes:
    text = resources.files("trainlint.knowledge").joinpath("model_sizes.json").read_text("utf-8")
    return msgspec.convert(json.loads(text), _Sizes)


@functools.lru_cache(maxsize=512)
def model_size(name: str) -> str:
    """narrow, mobile or small, by a model's published name; "" for every other."""
    known = _sizes()
    words = name.rpartition("/")[2].lower().replace("_", "").replace("-", "")
    for begun in (words, words.rpartition(".")[2]):
        if begun.startswith(known.mobile):
            return "narrow" if any(part in begun for part in known.narrow) else "mobile"
        if any(begun.startswith(each) and not begun[len(each) :][:1].isdigit() for each in known.small):
            return "small"
    return ""
