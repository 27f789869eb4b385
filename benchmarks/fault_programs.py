"""Which faulty programs a finding names: python benchmarks/fault_programs.py CHECKOUT MAP.

CHECKOUT is Wardat-ISU/DeepLocalize or neuralint/neuralint, MAP its table beside this file
(`deeplocalize.tsv`, `neuralint.tsv`): one row for each buggy program with its fault, what the fix changes,
and the rules that would name it. A program counts once, whatever the number of its files and findings. Rows
of the correct side are errors that reading confirmed; every other error there is one too many.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from lint_runs import lint
from matching import Found

_CORRECT = "Correct "
"""How the folders of the correct side begin."""


@dataclass(frozen=True)
class Program:
    """One row: `paths` is a pattern below the checkout; without `rules` its fault is in no rule's scope, and
    `why` says so."""

    side: str
    name: str
    paths: str
    fault: str
    rules: frozenset[str]
    why: str

    def holds(self, found: Found) -> bool:
        """Whether a finding lies in the program and is of a rule that names its fault."""
        return found.rule in self.rules and fnmatchcase(found.path, self.paths)


@dataclass(frozen=True)
class Score:
    """What one run over a checkout comes to: buggy programs by outcome, and errors nobody confirmed."""

    named: list[tuple[Program, list[str]]]
    missed: list[Program]
    outside: list[Program]
    unconfirmed: list[Found]

    @property
    def share(self) -> float:
        """Of the programs with a fault in some rule's scope, how many are named."""
        within = len(self.named) + len(self.missed)
        return len(self.named) / within if within else 0.0


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 1 where an error on the correct side is not confirmed, 2 where nothing could be
    linted."""
    arguments = _parser().parse_args(argv)
    run = lint(arguments.checkout, 1200.0)
    if run.failure:
        print(f"fault_programs: {run.failure}", file=sys.stderr)
        return 2
    shown = [each for each in run.found if arguments.strict or each.shown]
    score = judged(read_map(arguments.map), shown)
    if arguments.details:
        _print_details(score)
    within = len(score.named) + len(score.missed)
    buggy = within + len(score.outside)
    print(f"{len(score.named)} of {buggy} faulty programs named by a finding")
    print(f"{len(score.named)} of {within} with a fault in the scope of the rules ({score.share:.2f})")
    print(f"{len(score.unconfirmed)} errors on the correct side that reading did not confirm (aim 0)")
    return 1 if score.unconfirmed else 0


def read_map(path: Path) -> list[Program]:
    """The rows of a table, in its order."""
    with path.open(encoding="utf-8", newline="") as table:
        return [
            Program(
                row["side"],
                row["program"],
                row["path"],
                row["fault"],
                frozenset(filter(None, row["rules"].split(","))),
                row["why"],
            )
            for row in csv.DictReader(table, delimiter="\t")
        ]


def judged(programs: Sequence[Program], found: Sequence[Found]) -> Score:
    """The findings of a checkout held against its table."""
    score = Score([], [], [], [])
    for program in (each for each in programs if each.side == "buggy"):
        rules = sorted({each.rule for each in found if program.holds(each)})
        if rules:
            score.named.append((program, rules))
        else:
            (score.missed if program.rules else score.outside).append(program)
    confirmed = [each for each in programs if each.side == "correct"]
    for each in found:
        if each.severity == "error" and f"/{_CORRECT}" in f"/{each.path}":
            known = any(row.holds(each) for row in confirmed)
            score.unconfirmed.extend([] if known else [each])
    return score


def _print_details(score: Score) -> None:
    for program, rules in score.named:
        print(f"{program.name:44} {', '.join(rules)}")
    for program in score.missed:
        print(f"{program.name:44} MISSED: {program.fault}{'; ' * bool(program.why)}{program.why}")
    for program in score.outside:
        print(f"{program.name:44} in no rule's scope: {program.why}")
    for each in score.unconfirmed:
        print(f"not confirmed: {each}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fault_programs.py", description=__doc__)
    parser.add_argument("checkout", type=Path, help="a checkout of DeepLocalize or neuralint")
    parser.add_argument("map", type=Path, help="its table: deeplocalize.tsv or neuralint.tsv")
    parser.add_argument("--strict", action="store_true", help="count findings of medium confidence too")
    parser.add_argument("--details", action="store_true", help="one line for each program")
    return parser


if __name__ == "__main__":
    sys.exit(main())
