"""How Hydra reads the entries of a defaults list: the file that each names, the package its keys go to.

Source: `hydra/core/default_element.py` of hydra-core 1.3.8, https://hydra.cc/docs/advanced/defaults_list/
"""

from __future__ import annotations

import dataclasses
import posixpath
from collections.abc import Iterable

MAX_FILES = 64
MAX_DEPTH = 8
SELF = "_self_"
"""The entry that stands for the config's own keys."""
UNSAID = "???"
"""The choice that a launch line has to make."""

_ROOT, _GROUP, _HERE = "_global_", "_group_", "_here_"
_OWN_GROUP = "hydra"
_HEADER, _HEADER_LINES, _HEADER_WORDS = "@package", 20, 2


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """An entry's name. `path` begins at the folder of the primary config, `below` is the package that the
    entry's group stands for, `given` the package that is written behind an @, None without one."""

    path: str
    below: str
    given: str | None = None
    optional: bool = False
    overrides: bool = False

    @property
    def group(self) -> str:
        """The folder of a config that is named by its path."""
        return posixpath.dirname(self.path)

    @property
    def is_composed(self) -> bool:
        """Whether the list takes in a config: an override only chooses, and Hydra's own groups set no run."""
        return not self.overrides and not self.is_hydras

    @property
    def is_hydras(self) -> bool:
        """Whether the group is one of Hydra's own settings, which come with its package."""
        return self.path.partition("/")[0] == _OWN_GROUP

    def package(self, parent: str, header: str) -> str:
        """Where the keys of the named config go: into the package of the config that names it, unless the
        entry or the header begins at the root. What the entry says goes before the header."""
        if self.given is None and header:
            return from_root(header)
        below = self.below if self.given is None else "" if self.given == _HERE else self.given
        whole = ".".join(part for part in (parent, below) if part)
        return from_root(whole)


def listed_config(text: str, folder: str) -> Listed:
    """What `- base@train` names, in a list of a config of that folder."""
    path, below, given = _named(text, folder)
    return Listed(path, posixpath.dirname(below).replace("/", "."), given)


def listed_group(key: str, folder: str) -> Listed | None:
    """What the key of `- optional /data@train: images` names; None for an empty one."""
    words = key.split()
    if not words:
        return None
    path, below, given = _named(words[-1], folder)
    keywords = words[:-1]
    return Listed(path, below.replace("/", "."), given, "optional" in keywords, "override" in keywords)


def header_package(lines: Iterable[str]) -> str:
    """The package that a comment at a file's top names (`# @package _global_`); "" without one, and where it
    says that the package is that of the group."""
    for _, line in zip(range(_HEADER_LINES), lines, strict=False):
        words = line.lstrip("#").split()
        if line.startswith("#") and words[:1] == [_HEADER] and len(words) == _HEADER_WORDS:
            return words[1] if words[1] != _GROUP else ""
    return ""


def from_root(package: str) -> str:
    """A package without what stands before its last `_global_`."""
    return package.rpartition(_ROOT)[2].removeprefix(".") if _ROOT in package else package


def _named(text: str, folder: str) -> tuple[str, str, str | None]:
    name, at, given = text.partition("@")
    absolute = name.startswith("/")
    below = name[1:] if absolute else name
    return below if absolute else posixpath.join(folder, name), below, given if at else None
