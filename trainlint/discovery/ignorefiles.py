"""Which ignore files speak about a path: nested `.gitignore` files up to the repository's top."""

from __future__ import annotations

from pathlib import Path

from trainlint.discovery.gitignore import Patterns

VCS_FOLDERS = (".git", ".hg", ".jj", ".svn")


class IgnoreLevel:
    """One ignore file and the levels above it; the deepest file that speaks about a path decides.

    `strip` and `prefix` turn a path relative to the walked root into one relative to the file's folder.
    """

    __slots__ = ("above", "patterns", "prefix", "strip")

    def __init__(
        self, patterns: Patterns, above: IgnoreLevel | None, *, strip: int = 0, prefix: str = ""
    ) -> None:
        self.patterns = patterns
        self.above = above
        self.strip = strip
        self.prefix = prefix

    def verdict(self, path: str) -> bool | None:
        """What this file alone says, as `Patterns.verdict` has it."""
        return self.patterns.verdict(self.prefix + path[self.strip :])


def ignored(level: IgnoreLevel | None, path: str) -> bool:
    """Whether the files from `level` upwards exclude this root-relative path; folders end in a slash."""
    while level is not None:
        verdict = level.verdict(path)
        if verdict is not None:
            return verdict
        level = level.above
    return False


def read_ignore_file(file: Path) -> Patterns | None:
    """The patterns of an ignore file; None where it is absent, unreadable or empty."""
    try:
        text = file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return None
    return Patterns(text.split("\n")) or None


def levels_for(root: Path, start: str) -> IgnoreLevel | None:
    """The ignore files above the folder `root`/`start` where a walk begins, from the repository's top down.

    A file that excludes this very folder is left out: whoever names a folder wants it read.
    """
    folder = root / start if start else root
    repository = next((place for place in (root, *root.parents) if is_repository(place)), root)
    sources = [(repository, repository / ".git" / "info" / "exclude")]
    above = [parent for parent in reversed(folder.parents) if parent.is_relative_to(repository)]
    sources += [(place, place / ".gitignore") for place in above]
    level = None
    for place, file in sources:
        patterns = read_ignore_file(file)
        if patterns is None or (place != folder and patterns.excludes(_below(folder, place) + "/")):
            continue
        if place.is_relative_to(root):
            level = IgnoreLevel(patterns, level, strip=len(_prefix(place, root)))
        else:
            level = IgnoreLevel(patterns, level, prefix=_prefix(root, place))
    return level


def is_repository(folder: Path) -> bool:
    """Whether a version control system keeps its data here."""
    return any((folder / name).exists() for name in VCS_FOLDERS)


def _below(folder: Path, place: Path) -> str:
    below = folder.relative_to(place).as_posix()
    return "" if below == "." else below


def _prefix(folder: Path, place: Path) -> str:
    below = _below(folder, place)
    return below + "/" if below else ""
