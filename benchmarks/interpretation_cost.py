"""What interpreting costs beside parsing: python benchmarks/interpretation_cost.py FOLDER [--repeat N].

Interpreting, positions included, is to cost at most as much as libcst needs to parse the slices that are
read. Both are seconds of one run in this process, cold, so that the ratio means the same on any machine; the
best of the repeats counts. Exit code 1: interpreting costs more than the aim.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import libcst

from trainlint.analysis.close import slices
from trainlint.linter import lint
from trainlint.settings.model import Settings

AIM = 1.0
"""Interpreting over parsing, at most."""


@dataclass
class Parsing:
    """Stands in for `libcst.parse_module` and adds up its seconds and what it was given."""

    seconds: float = 0.0
    slices: int = 0
    lines: int = 0

    def __call__(self, text: str) -> libcst.Module:
        """The tree of a slice."""
        started = time.perf_counter()
        module = _PARSE(text)
        self.seconds += time.perf_counter() - started
        self.slices += 1
        self.lines += text.count("\n")
        return module


_PARSE = libcst.parse_module


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 1 where interpreting costs more than the aim, 2 where there is no folder."""
    arguments = _parser().parse_args(argv)
    if not arguments.folder.is_dir():
        print(f"interpretation_cost: not a folder: {arguments.folder}", file=sys.stderr)
        return 2
    measured = [measure(arguments.folder) for _ in range(arguments.repeat)]
    parsing, interpreting = min(measured, key=lambda pair: pair[1] / pair[0].seconds)
    ratio = interpreting / parsing.seconds
    print(f"{parsing.slices} slices, {parsing.lines} lines")
    print(f"  parsing      {parsing.seconds:8.2f} s   1.00")
    print(f"  interpreting {interpreting:8.2f} s   {ratio:.2f}")
    print(f"ratio {ratio:.2f}, aim {AIM:.2f}: {'met' if ratio <= AIM else 'missed'}")
    return 0 if ratio <= AIM else 1


def measure(folder: Path) -> tuple[Parsing, float]:
    """What parsing slices took in one run, and the rest of the stage that interprets, in seconds."""
    slices._parsed.cache_clear()  # each repeat is cold
    parsing = Parsing()
    libcst.parse_module = parsing  # type: ignore[assignment]
    try:
        report = lint([folder], Settings(jobs=1, select=("numerics",)))
    finally:
        libcst.parse_module = _PARSE
    return parsing, report.seconds["interpret"] - parsing.seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="interpretation_cost.py", description=__doc__)
    parser.add_argument("folder", type=Path, help="an unpacked package")
    parser.add_argument("--repeat", type=int, default=2, help="runs; the best counts")
    return parser


if __name__ == "__main__":
    sys.exit(main())
