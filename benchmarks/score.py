"""Score trainlint against labelled sites: python benchmarks/score.py LABELS CHECKOUTS [--strict].

Each checkout is linted whole, once, in a process of its own; `matching` says how findings meet rows.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from labelled import (
    KINDS,
    POSITIVE,
    Checkouts,
    LabelError,
    Row,
    correct,
    guess_kind,
    read_corrections,
    read_rows,
)
from lint_runs import ROOT, run_all
from matching import FALSE_ALARM, HIT, NEARBY, NO_CHECKOUT, NOT_LINTED, UNSCORED, Outcome, judge

ADJUDICATED = Path(__file__).resolve().parent / "adjudicated.tsv"
CACHE = ROOT / ".trainlint_cache" / "benchmarks"
_DETAILS = ("outcome", "repo", "commit", "path", "line", "rule", "label", "finding", "reason", "correction")


@dataclass
class Tally:
    """Counts of one line of the table; `unseen` rows could not be judged and count as neither."""

    present: int = 0
    hits: int = 0
    absent: int = 0
    false_alarms: int = 0
    nearby: int = 0
    unseen: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one scored row."""
        if outcome.verdict in {NO_CHECKOUT, NOT_LINTED}:
            self.unseen += 1
        if outcome.row.label in POSITIVE:
            self.present += 1
            self.hits += outcome.verdict == HIT
        else:
            self.absent += 1
            self.false_alarms += outcome.verdict == FALSE_ALARM
            self.nearby += outcome.verdict == NEARBY

    @property
    def precision(self) -> float | None:
        """Hits over hits and false alarms; None where nothing fired on a labelled row."""
        fired = self.hits + self.false_alarms
        return self.hits / fired if fired else None

    @property
    def recall(self) -> float | None:
        """Hits over scored positive rows, unseen ones included; None where there are none."""
        return self.hits / self.present if self.present else None


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 0 when scored, 2 on unusable input."""
    arguments = _parser().parse_args(argv)
    try:
        kind = arguments.kind or guess_kind(arguments.labels)
        rows = _selected(read_rows(arguments.labels, kind), arguments.rules, arguments.without)
        corrections = read_corrections(arguments.adjudicated)
        rows = correct(rows, corrections)
        checkouts = Checkouts(arguments.checkouts)
    except LabelError as error:
        print(f"score: {error}", file=sys.stderr)
        return 2
    outcomes = score(rows, kind, checkouts, arguments)
    print(table(outcomes))
    if arguments.details:
        write_details(arguments.details, outcomes)
    return 0


def score(rows: list[Row], kind: str, checkouts: Checkouts, arguments: argparse.Namespace) -> list[Outcome]:
    """Lint what the rows need and judge every row."""
    folders = {row: checkouts.folder(row.repo, row.commit) for row in rows}
    needed = sorted({folder for row, folder in folders.items() if folder and row.scored(arguments.strict)})
    runs = run_all(needed, arguments.cache, arguments.jobs, arguments.timeout)
    for run in runs.values():
        if run.failure:
            print(f"score: {run.folder.name} was not linted:\n{run.failure}", file=sys.stderr)
    outcomes = []
    for row in rows:
        folder = folders[row]
        if not row.scored(arguments.strict):
            outcomes.append(Outcome(row, UNSCORED))
        elif folder is None:
            outcomes.append(Outcome(row, NO_CHECKOUT))
        elif runs[folder].failure:
            outcomes.append(Outcome(row, NOT_LINTED))
        else:
            outcomes.append(judge(row, kind, runs[folder].found, arguments.strict))
    return outcomes


def tallies(outcomes: Iterable[Outcome]) -> dict[str, Tally]:
    """Counts by rule in alphabetical order; unscored rows left out."""
    by_rule: dict[str, Tally] = {}
    for outcome in outcomes:
        if outcome.verdict != UNSCORED:
            by_rule.setdefault(outcome.row.rule, Tally()).add(outcome)
    return dict(sorted(by_rule.items()))


def table(outcomes: list[Outcome]) -> str:
    """The per-rule counts with a pooled last line, as text."""
    by_rule = tallies(outcomes)
    pooled = Tally()
    for outcome in outcomes:
        if outcome.verdict != UNSCORED:
            pooled.add(outcome)
    width = max([len(rule) for rule in by_rule] + [len("all together")])
    head = f"{'rule':{width}}  present  hits  absent  false  nearby  unseen  precision  recall"
    lines = [head, "-" * len(head)]
    lines += [_line(rule, tally, width) for rule, tally in by_rule.items()]
    lines += ["-" * len(head), _line("all together", pooled, width)]
    unscored = sum(outcome.verdict == UNSCORED for outcome in outcomes)
    repositories = Counter(o.row.repo for o in outcomes if o.verdict == NO_CHECKOUT)
    lines.append(f"{unscored} rows unscored (grey, undecided, or only in --strict)")
    lines += [f"no checkout of {repo}: {count} rows" for repo, count in sorted(repositories.items())]
    return "\n".join(lines)


def write_details(file: Path, outcomes: list[Outcome]) -> None:
    """Every row with its outcome and the finding that decided it, as TSV."""
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write("\t".join(_DETAILS) + "\n")
        for outcome in outcomes:
            row = outcome.row
            finding = "" if outcome.finding is None else " ".join(str(outcome.finding).split())
            lines = " ".join(str(line) for line in row.lines)
            place = (row.repo, row.commit[:12], row.path, lines, row.rule, row.label)
            fields = (outcome.verdict, *place, finding, row.reason, row.corrected)
            stream.write("\t".join(fields) + "\n")


def _line(name: str, tally: Tally, width: int) -> str:
    counts = f"{tally.present:7}  {tally.hits:4}  {tally.absent:6}  {tally.false_alarms:5}"
    rest = f"{tally.nearby:6}  {tally.unseen:6}  {_ratio(tally.precision):>9}  {_ratio(tally.recall):>6}"
    return f"{name:{width}}  {counts}  {rest}"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _selected(rows: list[Row], patterns: str, without: list[str]) -> list[Row]:
    wanted = [pattern.strip() for pattern in patterns.split(",")]
    return [
        row
        for row in rows
        if row.repo not in without and any(fnmatch(row.rule, pattern) for pattern in wanted)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="score.py", description=__doc__)
    parser.add_argument("labels", type=Path, help="recipes.tsv, numerics.tsv, configs.tsv or grist.csv")
    parser.add_argument("checkouts", type=Path, help="folder of owner__name[@commit] checkouts")
    parser.add_argument("--kind", choices=KINDS, help="what the file labels, where its name does not say")
    parser.add_argument("--strict", action="store_true", help="also toy and adaptive rows, medium confidence")
    parser.add_argument("--rules", default="*", metavar="GLOB,…", help="only rows of these rules or kinds")
    parser.add_argument("--without", action="append", default=[], metavar="OWNER/NAME", help="leave rows out")
    parser.add_argument("--details", type=Path, metavar="FILE", help="write every row and its outcome as TSV")
    parser.add_argument("--adjudicated", type=Path, default=ADJUDICATED, help="corrections to the labels")
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="FOLDER", help="where reports are kept")
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds for one checkout")
    parser.add_argument("-j", "--jobs", type=int, default=1, help="checkouts linted at a time")
    return parser


if __name__ == "__main__":
    sys.exit(main())
