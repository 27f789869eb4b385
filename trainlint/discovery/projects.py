"""From the paths a user names to projects: their root, the files that give context, and those reported on.

The root is the nearest folder with a settings file, else the repository, else the named path's own folder.
Everything below it is context; findings are reported for what was named. Several projects in one run are
normal in a monorepo.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from trainlint.discovery.gitignore import Patterns
from trainlint.discovery.ignorefiles import is_repository
from trainlint.discovery.paths import canonical, pattern_form
from trainlint.discovery.walk import TEST_FOLDERS, SourceFile, Tree, is_test, language_of, walk
from trainlint.findings import Notice
from trainlint.settings.file import load_settings, settings_file_in
from trainlint.settings.model import Settings, laid_over

LOOSE_LIMIT = 2000
"""Of a larger folder without settings and repository only the named files' own folders are context."""


class PathError(Exception):
    """Named paths that do not exist: a usage error. The text names each of them."""


class Project(msgspec.Struct):
    """One project of a run.

    `context` is sorted; `named` holds the paths of `context` that findings are reported for. `root` is
    absolute; `notices` tell what discovery itself could not read.
    """

    root: str
    settings: Settings
    context: list[SourceFile]
    named: frozenset[str]
    notices: list[Notice] = msgspec.field(default_factory=list)


class Discovery(msgspec.Struct):
    """The projects of a run, sorted by root."""

    projects: list[Project]


def discover(
    paths: Sequence[str | Path],
    given: Settings | None = None,
    *,
    virtual: str | Path | None = None,
) -> Discovery:
    """The projects the named paths belong to. `given` is laid over each project's own settings.

    `virtual` is a file that need not exist, because its text comes from elsewhere (standard input, an
    editor). With `force_exclude` among the settings a named file is taken only where a walk would have found
    it. Raises PathError for missing paths and SettingsError for settings that cannot be used.
    """
    wanted = [canonical(path) for path in paths]
    _refuse_missing(paths, wanted)
    if virtual is not None:
        wanted.append(canonical(virtual))
    roots = _Roots(wanted)
    plans: dict[str, _Plan] = {}
    pending = sorted(set(wanted))
    while pending:
        path = pending.pop()
        root = roots.of(path)
        if root not in plans:
            plans[root] = _Plan(root, given, loose=roots.loose(root))
        pending += plans[root].name(path, roots)
    return Discovery([plans[root].project() for root in sorted(plans)])


def find_root(path: str | Path) -> Path:
    """The root of the project a path belongs to. The path need not exist."""
    target = canonical(path)
    return Path(_Roots([target]).of(target))


def overlay_of(project: Project, stdin: tuple[str, str] | None) -> dict[str, str]:
    """Standard input, or an editor's buffer, as the text of the project's file it stands for."""
    if stdin is None:
        return {}
    path = Path(canonical(stdin[0]))
    try:
        return {path.relative_to(project.root).as_posix(): stdin[1]}
    except ValueError:
        return {}


def _refuse_missing(paths: Sequence[str | Path], wanted: Sequence[str]) -> None:
    missing = [str(path) for path, place in zip(paths, wanted, strict=True) if not _exists(place)]
    if missing:
        raise PathError("no such file or folder: " + ", ".join(missing))


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


class _Roots:
    """Which root a path has. Folders are looked at once."""

    def __init__(self, named: Iterable[str]) -> None:
        self._settings: dict[Path, bool] = {}
        self._repositories: dict[Path, bool] = {}
        own = sorted({self._own_folder(path) for path in named if self._marked(path) is None})
        self._loose = [folder for folder in own if not any(_inside(folder, other) for other in own)]

    def of(self, path: str) -> str:
        marked = self._marked(path)
        if marked is not None:
            return str(marked)
        folder = self._own_folder(path)
        return next((loose for loose in self._loose if folder == loose or _inside(folder, loose)), folder)

    def loose(self, root: str) -> bool:
        """Whether the root is only a named path's folder: no settings file and no repository says so."""
        return root in self._loose

    def _marked(self, path: str) -> Path | None:
        folder = Path(self._own_folder(path))
        chain = (folder, *folder.parents)
        for candidate in chain:
            if self._has_settings(candidate):
                return candidate
        return next((candidate for candidate in chain if self._has_repository(candidate)), None)

    def _has_settings(self, folder: Path) -> bool:
        if folder not in self._settings:
            self._settings[folder] = settings_file_in(folder) is not None
        return self._settings[folder]

    def _has_repository(self, folder: Path) -> bool:
        if folder not in self._repositories:
            self._repositories[folder] = is_repository(folder)
        return self._repositories[folder]

    @staticmethod
    def _own_folder(path: str) -> str:
        return path if Path(path).is_dir() else str(Path(path).parent)


def _inside(folder: str, other: str) -> bool:
    return folder != other and Path(folder).is_relative_to(other)


class _Plan:
    """Collects what is named of one project, then becomes it."""

    def __init__(self, root: str, given: Settings | None, *, loose: bool) -> None:
        self.root = Path(root)
        file = settings_file_in(self.root)
        self.settings = laid_over(given, load_settings(file) if file is not None else Settings())
        self.exclude = Patterns(pattern_form(pattern, str(self.root)) for pattern in self.settings.exclude)
        self.tree = walk(self.root, exclude=self.exclude, limit=LOOSE_LIMIT if loose else None)
        self.found = {file.path: file for file in self.tree.files}
        self.narrowed = loose and len(self.tree.files) > LOOSE_LIMIT
        if self.narrowed:
            self.tree, self.found = Tree(), {}
        self.extra: dict[str, SourceFile] = {}
        self.named: set[str] = set()
        self.notices: list[Notice] = []

    def name(self, path: str, roots: _Roots) -> list[str]:
        """Marks a path as named; returns the roots of other projects that lie below a named folder."""
        inside = Path(path).relative_to(self.root).as_posix()
        inside = "" if inside == "." else inside
        if Path(path).is_dir():
            return self._name_folder(inside, roots)
        self._name_file(inside)
        return []

    def _name_file(self, path: str) -> None:
        if self.narrowed:
            self._add_context(path)
        if self.settings.force_exclude and path not in self.found:
            return
        language = language_of(path) or _language_by_first_line(self.root / path)
        if language is None:
            message = "not read: neither Python nor YAML, JSON or TOML"
            self.notices.append(Notice(path, 1, "unreadable", message))
            return
        self.extra[path] = SourceFile(path, language)
        self.named.add(path)

    def _add_context(self, path: str) -> None:
        """The files beside a named one: all the context there is where the whole tree would be too much."""
        folder = path.rpartition("/")[0]
        for name in sorted(os.listdir(self.root / folder)):  # noqa: PTH208 - names are all that is needed
            beside = f"{folder}/{name}" if folder else name
            language = language_of(name)
            if language and not is_test(name, folder=False) and (self.root / beside).is_file():
                self.extra.setdefault(beside, SourceFile(beside, language))
        message = (
            f"more than {LOOSE_LIMIT:,} files and no settings file: only this file's folder was read with it"
        )
        self.notices.append(Notice(path, 1, "budget", message))

    def _name_folder(self, folder: str, roots: _Roots) -> list[str]:
        tree = self.tree
        if self.narrowed or folder not in tree.folders:
            with_tests = bool(TEST_FOLDERS & set(folder.split("/")))
            tree = walk(self.root, folder, exclude=self.exclude, with_tests=with_tests)
            self.notices += tree.notices
        prefix = folder + "/" if folder else ""
        files = [file for file in tree.files if file.path.startswith(prefix)]
        nested = self._nested_roots(tree, prefix, roots)
        for file in files:
            self.extra[file.path] = file
            if not any(file.path.startswith(inner) for inner in nested):
                self.named.add(file.path)
        return [str(self.root / inner.rstrip("/")) for inner in nested]

    def _nested_roots(self, tree: Tree, prefix: str, roots: _Roots) -> list[str]:
        marked = [folder for folder in tree.marked if folder.startswith(prefix) and folder + "/" != prefix]
        return [
            folder + "/" for folder in marked if roots.of(str(self.root / folder)) == str(self.root / folder)
        ]

    def project(self) -> Project:
        """The finished project."""
        context = self.found | self.extra
        notices = sorted({*self.tree.notices, *self.notices})
        return Project(
            str(self.root),
            self.settings,
            [context[path] for path in sorted(context)],
            frozenset(self.named),
            notices,
        )


def _language_by_first_line(file: Path) -> str | None:
    """Python for a script whose first line says so; None for anything else."""
    try:
        with file.open("rb") as stream:
            first = stream.readline(200)
    except OSError:
        return None
    return "python" if first.startswith(b"#!") and b"python" in first else None
