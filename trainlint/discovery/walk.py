"""Walks a project's tree: which files trainlint reads, in a fixed order, pruned as early as possible.

Links to folders are not followed: what they show is read where it lives, or lies outside the project.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from trainlint.discovery.gitignore import Patterns
from trainlint.discovery.ignorefiles import VCS_FOLDERS, IgnoreLevel, ignored, levels_for, read_ignore_file
from trainlint.discovery.locks import is_lock_file
from trainlint.discovery.requirements import is_requirements_file
from trainlint.findings import Notice

LANGUAGES = {
    ".py": "python",
    ".ipynb": "notebook",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".jsonc": "json",
    ".toml": "toml",
    ".sh": "shell",
    ".bash": "shell",
    ".slurm": "shell",
    ".sbatch": "shell",
    ".mk": "make",
}
_BY_NAME = {"Makefile": "make", "makefile": "make", "GNUmakefile": "make", "Pipfile": "requirements"}
_ABOUT_DEPENDENCIES = frozenset({".txt", ".in", ".cfg", ".lock"})
"""Endings of files that may say what is to be installed; most files with them say something else."""

BASELINE_FILE = "trainlint-baseline.json"
"""Where a project's baseline stands, below its root; no config of anything."""

VENDORED = frozenset(
    {
        "site-packages",
        "dist-packages",
        "node_modules",
        "bower_components",
        "third_party",
        "third-party",
        "thirdparty",
        "3rdparty",
        "vendor",
        "vendored",
        "_vendor",
        "__pycache__",
        "__pypackages__",
    }
)
TOOL_OUTPUT = frozenset({"build", "dist", "wandb", "mlruns"})
"""Folders that tools write, unless they are packages: `pkg/wandb/__init__.py` is somebody's own code."""
TEST_FOLDERS = frozenset({"tests", "test"})
ENVIRONMENT_MARKS = frozenset({"pyvenv.cfg", "conda-meta"})
PROJECT_MARKS = frozenset({"trainlint.toml", "pyproject.toml", *VCS_FOLDERS})


class SourceFile(msgspec.Struct, frozen=True, order=True):
    """A file trainlint reads. `path` is POSIX and relative to the project root."""

    path: str
    language: str


class Tree(msgspec.Struct):
    """What a walk found.

    `folders` are those entered, `marked` those below the root that may be projects of their own. All paths
    are POSIX and relative to the project root; "" is the root.
    """

    files: list[SourceFile] = msgspec.field(default_factory=list)
    folders: set[str] = msgspec.field(default_factory=set)
    marked: list[str] = msgspec.field(default_factory=list)
    notices: list[Notice] = msgspec.field(default_factory=list)


def language_of(name: str) -> str | None:
    """The language of a file by its name, None where trainlint does not read such files."""
    extension = os.path.splitext(name)[1]  # noqa: PTH122 - a Path per name is slow
    if extension in _ABOUT_DEPENDENCIES:
        base = name.rpartition("/")[2]
        return "requirements" if is_requirements_file(base) else ("lock" if is_lock_file(base) else None)
    if extension == ".json" and name.rpartition("/")[2] == BASELINE_FILE:
        return None
    return LANGUAGES.get(extension.lower()) if extension else _BY_NAME.get(name.rpartition("/")[2])


def holds_source(name: str) -> bool:
    """Whether a file of this name holds code or settings: then nothing of ours, no report, may replace it."""
    return name == BASELINE_FILE or language_of(name) not in (None, "json")


def is_test(name: str, *, folder: bool) -> bool:
    """Whether a file or folder of this name holds tests, by pytest's conventions."""
    if folder:
        return name in TEST_FOLDERS
    return (
        name == "conftest.py"
        or (name.startswith("test_") and name.endswith(".py"))
        or name.endswith("_test.py")
    )


def walk(
    root: Path,
    start: str = "",
    *,
    exclude: Patterns | None = None,
    with_tests: bool = False,
    limit: int | None = None,
) -> Tree:
    """The files below `root`/`start` that the default rules let through, sorted by path.

    `start` itself is entered whatever the rules say. With a `limit` the walk ends once it has found more
    files.
    """
    tree = Tree()
    walker = _Walker(str(root), tree, exclude, with_tests)
    pending: list[tuple[str, IgnoreLevel | None]] = [(start, levels_for(root, start))]
    while pending and (limit is None or len(tree.files) <= limit):
        folder, level = pending.pop()
        pending.extend(reversed(walker.enter(folder, level)))
    tree.files.sort()
    tree.marked.sort()
    return tree


class _Walker:
    def __init__(self, root: str, tree: Tree, exclude: Patterns | None, with_tests: bool) -> None:
        self.root = root
        self.tree = tree
        self.exclude = exclude
        self.with_tests = with_tests

    def enter(self, folder: str, level: IgnoreLevel | None) -> list[tuple[str, IgnoreLevel | None]]:
        """Takes the files of one folder; returns the folders to enter next, each with its ignore files."""
        try:
            with os.scandir(f"{self.root}/{folder}") as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self.tree.notices.append(
                Notice(folder or ".", 1, "unreadable", f"folder not read: {error.strerror}")
            )
            return []
        names = {entry.name for entry in entries}
        if folder and names & ENVIRONMENT_MARKS:
            return []
        self.tree.folders.add(folder)
        if folder and names & PROJECT_MARKS:
            self.tree.marked.append(folder)
        prefix = folder + "/" if folder else ""
        if ".gitignore" in names:
            patterns = read_ignore_file(Path(self.root, prefix + ".gitignore"))
            if patterns is not None:
                level = IgnoreLevel(patterns, level, strip=len(prefix))
        inside: list[tuple[str, IgnoreLevel | None]] = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if self._enters(entry, prefix, level):
                    inside.append((prefix + entry.name, level))
            else:
                self._take(entry, prefix, level)
        return inside

    def _enters(self, entry: os.DirEntry[str], prefix: str, level: IgnoreLevel | None) -> bool:
        name = entry.name
        if name in VENDORED or name.endswith(".egg-info"):
            return False
        if name in TEST_FOLDERS and not self.with_tests:
            return False
        if name in TOOL_OUTPUT and not Path(entry.path, "__init__.py").is_file():
            return False
        return not self._ignored(f"{prefix}{name}/", level)

    def _take(self, entry: os.DirEntry[str], prefix: str, level: IgnoreLevel | None) -> None:
        language = language_of(entry.name)
        if language is None or (is_test(entry.name, folder=False) and not self.with_tests):
            return
        path = prefix + entry.name
        if self._ignored(path, level) or not self._is_own_file(entry, language):
            return
        self.tree.files.append(SourceFile(path, language))

    def _ignored(self, path: str, level: IgnoreLevel | None) -> bool:
        if self.exclude is not None and self.exclude.verdict(path):
            return True
        return level is not None and ignored(level, path)

    def _is_own_file(self, entry: os.DirEntry[str], language: str) -> bool:
        """A link counts where it leads out of the project: inside, its target is read anyway. One that leads
        nowhere or in a circle is a module that programs may import and that cannot be read."""
        try:
            if not entry.is_symlink():
                return entry.is_file(follow_symlinks=False)
            target = Path(os.path.realpath(entry.path))
            if target.is_file():
                return not target.is_relative_to(self.root)
            return language == "python" and not target.is_dir()
        except OSError:
            return language == "python"
