"""Under which names the frameworks are installed: distributions.json, read once."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import msgspec

_FILE = Path(__file__).with_name("distributions.json")


@functools.lru_cache(maxsize=1)
def _table() -> dict[str, tuple[str, ...]]:
    return msgspec.json.decode(_FILE.read_bytes(), type=dict[str, tuple[str, ...]])


def normalized(name: str) -> str:
    """A distribution's name as indexes compare it: "PyTorch_Lightning" is "pytorch-lightning"."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(framework: str) -> tuple[str, ...]:
    """The names a framework can be installed under, normalized; none where none is known."""
    return _table().get(framework, ())


def framework_of(distribution: str) -> str:
    """The framework that a normalized distribution name installs; "" for anything else."""
    return next((framework for framework, names in _table().items() if distribution in names), "")
