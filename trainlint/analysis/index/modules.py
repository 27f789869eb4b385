"""Which file of the project a dotted module name means to the file that imports it.

Names are found by path, from the folders that may stand on `sys.path` for the importing file.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Collection, Iterable
from typing import NamedTuple

from trainlint.analysis.index.record import Recorder

BUILTINS = frozenset(dir(builtins))
_SOURCE_FOLDERS = frozenset({"src", "lib", "python", "packages"})


class Found(NamedTuple):
    """A file of the project that a prefix of a dotted name means, and the names that are left."""

    path: str
    rest: tuple[str, ...]


class Root(NamedTuple):
    """A folder that may be on `sys.path`. From a weak one only names are taken that cannot be meant
    otherwise."""

    folder: str
    weak: bool


def module_name(path: str, packages: Collection[str] = ()) -> tuple[str, bool]:
    """The dotted name of a file, from its POSIX path below the project root, and whether it is a package's
    `__init__`.

    It is unique: the way from the root, without a leading `src` folder (unless `packages`, the folders that
    hold an `__init__.py`, says that `src` is a package itself).
    """
    parts = path.split("/")
    stem = parts.pop().rpartition(".")[0]
    if parts and parts[0] == "src" and "src" not in packages:
        parts = parts[1:]
    is_package = stem == "__init__"
    return ".".join(parts if is_package else [*parts, stem]), is_package


def folder_of(path: str) -> str:
    """The folder of a POSIX path; "" for the project root."""
    return path.rpartition("/")[0]


def join(folder: str, name: str) -> str:
    """A POSIX path below a folder, "" being the project root."""
    return f"{folder}/{name}" if folder else name


ROOTS = "roots "
"""Begins the key under which it is noted where a folder's files find modules; behind it stand "s" or "m", for
scripts and other modules, and the folder."""


class FileTree:
    """The project's Python files as import finds them.

    `scripts` are the files that are run; `recorder` is told what was looked for.
    """

    def __init__(
        self, paths: Iterable[str], scripts: Collection[str], recorder: Recorder | None = None
    ) -> None:
        self._recorder = recorder or Recorder()
        self.files = frozenset(paths)
        self.scripts = frozenset(scripts)
        self.packages = frozenset(
            folder_of(path) for path in self.files if path.rpartition("/")[2] == "__init__.py"
        )
        self._folders = _with_ancestors({folder_of(path) for path in self.files})
        self._script_folders = frozenset(folder_of(path) for path in self.scripts)
        self._distributions = self._find_distributions()
        self._roots: dict[tuple[str, bool], tuple[Root, ...]] = {}

    def top_folder(self, folder: str) -> str:
        """The folder above the outermost package that a folder belongs to; the folder itself outside
        packages."""
        while folder in self.packages and folder:
            folder = folder_of(folder)
        return folder

    def roots(self, path: str) -> tuple[Root, ...]:
        """The folders where an absolute import in a file may be found, most likely first."""
        return self.roots_of(folder_of(path), script=path in self.scripts)

    def roots_of(self, folder: str, *, script: bool) -> tuple[Root, ...]:
        """The same for any script, or any other module, in a folder."""
        self._recorder.other(f"{ROOTS}{'s' if script else 'm'}{folder}")
        key = (folder, script)
        found = self._roots.get(key)
        if found is None:
            found = self._roots[key] = tuple(self._order(*key))
        return found

    def is_package(self, folder: str) -> bool:
        """Whether a folder holds an `__init__.py`."""
        self._recorder.place(folder)
        return folder in self.packages

    def state(self, where: str) -> int:
        """What stands at a path without ending; see ProjectIndex.place_state."""
        module = 2 * (f"{where}.py" in self.files)
        return (join(where, "__init__.py") in self.files) + module + 4 * (where in self._folders)

    def locate(self, folder: str, parts: tuple[str, ...]) -> Found | None:
        """The longest prefix of a dotted name that is a file below a folder."""
        where = folder
        found = None
        for index, part in enumerate(parts):
            where = join(where, part)
            self._recorder.place(where)
            for path in (f"{where}/__init__.py", f"{where}.py"):
                if path in self.files:
                    found = Found(path, parts[index + 1 :])
                    break
            if where not in self._folders:
                break
        return found

    def _order(self, folder: str, is_script: bool) -> Iterable[Root]:
        chain = [folder]
        while chain[-1]:
            chain.append(folder_of(chain[-1]))
        strong = [folder] if is_script else []
        if folder in self.packages:
            strong.append(self.top_folder(folder))
        strong.extend(each for each in chain if each in self._script_folders and each not in self.packages)
        strong.append("")
        weak = [
            each
            for each in chain
            if each == folder or each not in self.packages or each in self._script_folders
        ]
        seen: set[str] = set()
        for each in strong:
            for root in (each, join(each, "src")):
                if root not in seen and root in self._folders and (root == each or root not in self.packages):
                    seen.add(root)
                    yield Root(root, False)
        for root in (*weak, *(join(each, "src") for each in weak), *self._distributions):
            if root not in seen and root in self._folders:
                seen.add(root)
                yield Root(root, True)

    def _find_distributions(self) -> list[str]:
        """Folders elsewhere in the project that installing it would put on `sys.path`."""
        tops = {self.top_folder(package) for package in self.packages}
        return sorted(
            top
            for top in tops
            if top.rpartition("/")[2] in _SOURCE_FOLDERS or join(top, "setup.py") in self.files
        )


def is_standard(name: str) -> bool:
    """Whether the first part of a dotted name is a module of the standard library."""
    return name.partition(".")[0] in sys.stdlib_module_names  # "builtins" is one of them


def _with_ancestors(folders: set[str]) -> frozenset[str]:
    found: set[str] = {""}
    for folder in folders:
        while folder and folder not in found:
            found.add(folder)
            folder = folder_of(folder)
    return frozenset(found)
