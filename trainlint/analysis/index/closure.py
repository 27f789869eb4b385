"""Which files a program reaches through its imports, and what it imports from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trainlint.analysis.index.modules import FileTree, Found, folder_of, join
from trainlint.analysis.index.record import Remembered
from trainlint.analysis.index.targets import ClosureResult

if TYPE_CHECKING:
    from trainlint.analysis.index.project import ProjectIndex


class _Links(msgspec.Struct):
    """Where one file's imports lead: files in the order they run, names outside the project, and names not
    found."""

    paths: dict[str, None] = msgspec.field(default_factory=dict)
    external: dict[str, None] = msgspec.field(default_factory=dict)
    unresolved: dict[tuple[str, int], None] = msgspec.field(default_factory=dict)


class ImportGraph:
    """The import edges between files, found when asked for."""

    def __init__(self, index: ProjectIndex, tree: FileTree, broken: frozenset[str]) -> None:
        self._index = index
        self._tree = tree
        self._broken = broken
        self._links_of = Remembered(index.recorder, self._find_links)

    def closure(self, path: str) -> ClosureResult:
        """See ProjectIndex.import_closure."""
        result = ClosureResult([], {}, [], [])
        waiting, seen = [path], {path}
        while waiting:
            current = waiting.pop()
            if current in self._broken:
                result.broken.append(current)
            if current not in self._index.outlines:
                continue
            result.paths.append(current)
            links = self._links_of(current)
            for name in links.external:
                result.external.setdefault(name, []).append(current)
            result.unresolved.extend((current, name, line) for name, line in links.unresolved)
            fresh = [each for each in links.paths if each not in seen]
            seen.update(fresh)
            waiting.extend(reversed(fresh))
        return result

    def _find_links(self, path: str) -> _Links:
        links = _Links()
        for entry in self._index.outlines[path].imports:
            found, complete = self._index.reach(path, entry)
            if found is None:
                if entry.relative:
                    links.unresolved[entry.target, entry.line] = None
                else:
                    links.external[entry.target] = None
                continue
            for each in self._executed(found, len(entry.target.split("."))):
                if each != path:
                    links.paths[each] = None
            if not complete and found.path not in self._broken:
                links.unresolved[entry.target, entry.line] = None
        return links

    def _executed(self, found: Found, length: int) -> list[str]:
        """The files that importing a module runs: the packages it is in, outermost first, then itself."""
        is_package = found.path.endswith("/__init__.py")
        folder = folder_of(found.path)
        levels = length - len(found.rest) - 1
        packages = []
        if is_package:
            folder = folder_of(folder)
        for _ in range(levels):
            if self._tree.is_package(folder):
                packages.append(join(folder, "__init__.py"))
            folder = folder_of(folder)
        return [*reversed(packages), found.path]
