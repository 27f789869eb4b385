"""Lint programs before and after a fix: python benchmarks/fixed_pairs.py CHECKOUT [--strict] [--details].

CHECKOUT is ForeverZyh/TensorFlow-Program-Bugs; `forever_pairs.tsv` lists its pairs whose fix touches a
numeric hazard. A pair is flagged when a numeric finding of its buggy side lies within one line of a listed
one. On the fixed side, no numeric finding may lie on a line that the fix has changed.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lint_runs import Run, lint
from matching import Found

PAIRS = Path(__file__).resolve().parent / "forever_pairs.tsv"
AIM = 0.7
"""Of the pairs, at least this share is to be flagged."""


@dataclass(frozen=True)
class Pair:
    """One row of the list: the pair's folder, the file below either side, and its buggy lines."""

    name: str
    path: str
    lines: tuple[int, ...]
    hazard: str

    def is_hit(self, found: Found) -> bool:
        """Whether a finding of the buggy side lies within one line of a listed one."""
        near = any(found.line - 1 <= line <= found.end_line + 1 for line in self.lines)
        return found.path == self.path and near


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 1 where the aim is missed, 2 where a side is missing or could not be linted."""
    arguments = _parser().parse_args(argv)
    flagged, noisy, pairs = 0, 0, read_pairs()
    for pair in pairs:
        try:
            before, after = side(arguments.checkout, pair, "-buggy"), side(arguments.checkout, pair, "-fix")
            hits = [each for each in numeric(linted(before), arguments.strict) if pair.is_hit(each)]
            left = list(on_changed_lines(before, after, numeric(linted(after), arguments.strict)))
        except (OSError, RuntimeError) as error:
            print(f"fixed_pairs: {error}", file=sys.stderr)
            return 2
        flagged += bool(hits)
        noisy += bool(left)
        if arguments.details:
            told = ", ".join(sorted({each.rule for each in hits})) or f"missed: {pair.hazard}"
            print(f"{pair.name:24} {told}")
            print("".join(f"    still reported: {each}\n" for each in left), end="")
    share = flagged / len(pairs)
    print(f"{flagged} of {len(pairs)} buggy sides flagged ({share:.2f}, aim {AIM})")
    print(f"{noisy} fixed sides reported on a changed line (aim 0)")
    return 0 if share >= AIM and not noisy else 1


def read_pairs() -> list[Pair]:
    """The pairs of `forever_pairs.tsv`, in its order."""
    with PAIRS.open(encoding="utf-8", newline="") as table:
        return [
            Pair(
                row["pair"], row["path"], tuple(int(line) for line in row["lines"].split(",")), row["hazard"]
            )
            for row in csv.DictReader(table, delimiter="\t")
        ]


def side(checkout: Path, pair: Pair, ending: str) -> Path:
    """The folder of a pair's buggy or fixed side; FileNotFoundError where it has none."""
    for folder in sorted((checkout / pair.name).glob(f"*{ending}")):
        return folder
    raise FileNotFoundError(f"{checkout / pair.name} has no folder that ends in {ending}")


def linted(folder: Path) -> Run:
    """The folder linted whole in a process of its own; RuntimeError where it gave no report."""
    run = lint(folder, 600.0)
    if run.failure:
        raise RuntimeError(f"{folder}: {run.failure}")
    return run


def numeric(run: Run, strict: bool) -> list[Found]:
    """The numeric errors and warnings; without `strict` only those shown by default."""
    return [
        each
        for each in run.found
        if each.family == "numerics" and each.severity != "advice" and (strict or each.shown)
    ]


def on_changed_lines(before: Path, after: Path, found: list[Found]) -> Iterator[Found]:
    """The findings of the fixed side that touch a line which the buggy side does not have."""
    for each in found:
        old, new = before / each.path, after / each.path
        changed = changed_lines(text(old), text(new))
        if changed & set(range(each.line, each.end_line + 1)):
            yield each


def changed_lines(old: list[str], new: list[str]) -> set[int]:
    """The lines of `new`, counted from 1, that were added or altered."""
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return {line + 1 for tag, _, _, first, last in blocks if tag != "equal" for line in range(first, last)}


def text(path: Path) -> list[str]:
    """The lines of a file; none where it does not exist."""
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fixed_pairs.py", description=__doc__)
    parser.add_argument("checkout", type=Path, help="a checkout of ForeverZyh/TensorFlow-Program-Bugs")
    parser.add_argument("--strict", action="store_true", help="count findings of medium confidence too")
    parser.add_argument("--details", action="store_true", help="one line for each pair")
    return parser


if __name__ == "__main__":
    sys.exit(main())
