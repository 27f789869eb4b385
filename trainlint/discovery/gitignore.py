"""Patterns as git reads them in `.gitignore`; the settings' patterns are of the same kind."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern


class Patterns:
    """The lines of one ignore file, or the patterns of one setting; paths are relative to its folder.

    A line that is no pattern is passed over, as git does.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        written = [line for line in lines if line.strip() and not line.startswith("#")]
        self._spec = _compile(written) if written else None

    def __bool__(self) -> bool:
        return self._spec is not None

    def verdict(self, path: str) -> bool | None:
        """True: excluded, False: taken back by a `!` pattern, None: no pattern is about it.

        Folders end in a slash. The question is about the entry alone, in a walk that has entered its folder.
        """
        if self._spec is None:
            return None
        if not path.endswith("/"):
            return self._spec.check_file(path).include
        # The library answers for files: it ranks `!*/` below `*`, and takes `data/**` to be about `data/`
        # too.
        for pattern in reversed(self._spec.patterns):
            entry = path[:-1] if str(pattern.pattern).endswith("/**") else path
            if pattern.include is not None and pattern.match_file(entry) is not None:
                return pattern.include
        return None

    def excludes(self, path: str) -> bool:
        """Whether a path or one of its folders is excluded."""
        ends = [index for index, char in enumerate(path, start=1) if char == "/" and index < len(path)]
        return any(self.verdict(path[:end]) for end in (*ends, len(path)))


def _compile(lines: Iterable[str]) -> GitIgnoreSpec | None:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - many projects ignore nothing

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        patterns = [pattern for pattern in map(_pattern, lines) if pattern is not None]
    return GitIgnoreSpec(patterns, backend="simple") if patterns else None


def _pattern(line: str) -> GitIgnoreSpecPattern | None:
    from pathspec.patterns.gitignore import GitIgnorePatternError  # noqa: PLC0415
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # noqa: PLC0415

    try:
        return GitIgnoreSpecPattern(line)
    except (GitIgnorePatternError, re.error):
        return None
