"""Warm runs beside ruff without its cache, a commit of two files, and what filling a cache costs a cold run.

    python benchmarks/warm.py FOLDER [--turns N] [--edit FILE FILE]

The folder is copied first. Times are the least of several turns, of all tools in turn: wall and user seconds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Least:
    """The least wall and user seconds of what is run by a name."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[float, float]] = {}

    def run(self, name: str, command: list[str]) -> None:
        """Runs a command, whatever its exit code, and counts it."""
        wall, user = time.perf_counter(), os.times().children_user
        done = subprocess.run(command, **QUIET, check=False)  # type: ignore[call-overload]
        if done.returncode > 1:
            raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}")
        spent = (time.perf_counter() - wall, os.times().children_user - user)
        before = self.found.get(name, spent)
        self.found[name] = (min(before[0], spent[0]), min(before[1], spent[1]))

    def show(self) -> None:
        """Prints them."""
        for name, (wall, user) in self.found.items():
            print(f"{name:<34} {wall:7.2f} s wall {user:7.2f} s user")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--edit", nargs=2, default=None, metavar="FILE", help="below the folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trainlint-warm-") as place:
        copy = Path(place, "project")
        shutil.copytree(options.folder, copy, ignore=shutil.ignore_patterns(".trainlint_cache", ".git"))
        (copy / ".git").mkdir()
        measure(copy, options.turns, options.edit)


def measure(project: Path, turns: int, edited: list[str] | None) -> None:
    """Every kind of run in turn, then the table."""
    ours = [sys.executable, "-m", "trainlint", "-j", "1"]
    ruff = [str(Path(sysconfig.get_path("scripts"), "ruff")), "check", "--no-cache", "-q", str(project)]
    least = Least()
    for _ in range(turns):
        least.run("cold, --no-cache", [*ours, "--no-cache", str(project)])
        shutil.rmtree(project / ".trainlint_cache", ignore_errors=True)
        least.run("cold, filling the cache", [*ours, str(project)])
        least.run("warm", [*ours, str(project)])
        least.run("ruff check --no-cache", ruff)
        if edited:
            files = [project / name for name in edited]
            for file in files:
                file.write_text(file.read_text() + "\n# edited\n")
            least.run("two edited files, the rest warm", [*ours, *map(str, files)])
    least.show()


if __name__ == "__main__":
    main()
