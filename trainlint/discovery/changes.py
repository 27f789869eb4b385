"""What changed since a commit: git gives the old text, the comparison is ours.

Only git commands that read its database run: no diff driver, filter or hook of the repository is started, and
nothing is fetched.
"""

from __future__ import annotations

import difflib
import os
import subprocess  # no shell, fixed commands; a revision is resolved to a commit's hash first
from collections.abc import Sequence
from pathlib import Path

from trainlint.settings.model import SettingsError

_SECONDS = 120
_NAME_LIMIT = 250
_LINES_LIMIT = 100_000
"""Lines of both sides of a comparison; what is longer and differs counts as changed throughout."""

_DEEPEN = "the clone is shallow; `git fetch --unshallow` gets its history (actions/checkout: fetch-depth: 0)"

_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}


class Changes:
    """The state of a project's files at the commit where the work on top of a revision began."""

    def __init__(self, root: Path, revision: str) -> None:
        """Raises SettingsError outside a git repository, without git, and for what is no revision."""
        self._root = root
        self._revision = _checked(revision)
        self._commit = self._base()
        self._prefix = self._line("rev-parse", "--show-prefix")
        self._renamed = self._renames()
        self._old: dict[str, bytes | None] = {}

    def old_bytes(self, path: str) -> bytes | None:
        """What a file, given relative to the root, held at the commit; None where it was not there."""
        if path not in self._old:
            place = self._prefix + path
            name = self._renamed.get(place, place)
            done = self._git("cat-file", "blob", f"{self._commit}:{name}")
            self._old[path] = done.stdout if done.returncode == 0 else None
        return self._old[path]

    def _base(self) -> str:
        """The commit to compare with: where the branch left the revision, else the revision itself."""
        inside = self._git("rev-parse", "--is-inside-work-tree")
        if inside.returncode != 0:
            raise SettingsError(f"--diff-base: {self._root}: {_said(inside.stderr, 'no git repository')}")
        done = self._git("rev-parse", "--verify", "--quiet", f"{self._revision}^{{commit}}")
        commit = done.stdout.decode("ascii", "replace").strip()
        if done.returncode != 0 or not commit or not set(commit) <= set("0123456789abcdef"):
            advice = _DEEPEN if self._is_shallow() else "`git fetch` gets what others have pushed"
            raise SettingsError(f"--diff-base: git knows no commit {self._revision!r} here: {advice}")
        base = self._line("merge-base", commit, "HEAD")
        if not base and self._is_shallow():
            # Against its tip, what changed on the other branch would count as changed here.
            raise SettingsError(f"--diff-base: where HEAD left {self._revision!r} is not known: {_DEEPEN}")
        return base or commit

    def _is_shallow(self) -> bool:
        return self._line("rev-parse", "--is-shallow-repository") == "true"

    def _renames(self) -> dict[str, str]:
        """New names to old ones, of files whose renaming git has been told of."""
        done = self._git("diff-index", "--cached", "-M", "-z", "--diff-filter=R", self._commit)
        fields = os.fsdecode(done.stdout).split("\0")
        return {new: old for _, old, new in zip(fields[::3], fields[1::3], fields[2::3], strict=False)}

    def _line(self, *arguments: str) -> str:
        done = self._git(*arguments)
        return os.fsdecode(done.stdout).rstrip("\n") if done.returncode == 0 else ""

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments]
        try:
            return subprocess.run(
                command,
                cwd=self._root,
                env={**os.environ, **_QUIET},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            raise SettingsError("--diff-base needs git, which is not installed") from error
        except subprocess.TimeoutExpired as error:
            raise SettingsError(f"--diff-base: git gave no answer in {_SECONDS} seconds") from error
        except ValueError as error:
            raise SettingsError(f"--diff-base: git cannot be asked for this: {error}") from error


def changed_lines(old: Sequence[str], new: Sequence[str]) -> list[range]:
    """The 1-based lines of `new` that are not in `old`, as ranges. Deleted lines leave none."""
    if old == new:
        return []
    if len(old) + len(new) > _LINES_LIMIT:
        return [range(1, len(new) + 1)]
    # The longest common block is taken first: a copy of a function beside it is the new one, whichever of
    # its lines are equal.
    matcher = difflib.SequenceMatcher(None, old, new)
    return [
        range(low + 1, high + 1)
        for kind, _, _, low, high in matcher.get_opcodes()
        if kind in ("replace", "insert")
    ]


def _checked(revision: str) -> str:
    """The revision, refused where git would take it for an option or several words."""
    odd = not revision.isprintable() or any(char.isspace() for char in revision)
    if not revision or revision.startswith("-") or odd or len(revision) > _NAME_LIMIT:
        raise SettingsError(f"--diff-base: {revision[:60]!r} is not the name of a commit, branch or tag")
    return revision


def _said(output: bytes, otherwise: str) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else otherwise
