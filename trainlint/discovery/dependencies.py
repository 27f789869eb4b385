"""What a project's requirements and locks say of library versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from trainlint.discovery.requirements import Requirement
from trainlint.knowledge.distributions import framework_of
from trainlint.knowledge.versions import newest_allowed, strictness


class Dependencies(msgspec.Struct):
    """The requirements of a project in order of path and line; `locked` maps a lock file to its versions.

    `published` are folders whose project is made to be installed by others, with its metadata; `packaged`
    those that are built as a package at all. Both end in no slash, "" is the root.
    """

    requirements: list[Requirement] = msgspec.field(default_factory=list)
    locked: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    published: frozenset[str] = frozenset()
    packaged: frozenset[str] = frozenset()

    def versions(self) -> dict[str, str]:
        """Library → the newest version the project can be run with, under the distribution's name and the
        framework's.

        What stands nearest the root decides, a lock before a pin; where files of one depth disagree, nothing.
        """
        decided: dict[str, str] = {}
        for depth in sorted({_depth(path) for path in self._files()}):
            locked = [table for path, table in self.locked.items() if _depth(path) == depth]
            pinned = [
                {each.name: newest}
                for each in self.requirements
                if _depth(each.span.path) == depth and (newest := newest_allowed(each.specifier))
            ]
            for level in (_agreed(locked), _agreed(pinned)):
                decided = {**level, **decided}
        frameworks = {framework_of(name): version for name, version in sorted(decided.items(), reverse=True)}
        frameworks.pop("", None)
        return {name: version for name, version in {**decided, **frameworks}.items() if version}

    def _files(self) -> Iterable[str]:
        return (*self.locked, *(each.span.path for each in self.requirements))

    def unpinned(self, names: Iterable[str], entry: str) -> Requirement | None:
        """The requirement by which a program's file gets one of these distributions in any later release.

        None where nothing asks for one, where it is bounded anywhere on the way to the file, or locked.
        """
        wanted = frozenset(names)
        near = [each for each in self.requirements if each.name in wanted and _covers(each.span.path, entry)]
        if any(strictness(each.specifier) != "open" or each.specifier == "@" for each in near):
            return None
        if any(_covers(path, entry) for path in self.locked):
            return None
        return min(near, key=lambda each: (-_depth(each.span.path), each.span), default=None)


def _depth(path: str) -> int:
    return path.count("/")


def _covers(path: str, entry: str) -> bool:
    """Whether a file lies in a folder on the way to another file, the folder `requirements` counting as its
    parent."""
    folder = path.rpartition("/")[0]
    folder = folder.removesuffix("requirements").rstrip("/") if folder.endswith("requirements") else folder
    return not folder or entry.startswith(folder + "/")


def _agreed(tables: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What no two tables contradict: "" stands for a disagreement."""
    found: dict[str, str] = {}
    for table in tables:
        for name, version in table.items():
            found[name] = version if found.get(name, version) == version else ""
    return found
