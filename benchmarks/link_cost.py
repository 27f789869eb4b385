"""What linking costs: python benchmarks/link_cost.py FOLDER [--repeat N].

Reading a project is outline and interpretation; linking puts programs and recipes together from what was
read. Each run is a fresh process, cold, one worker; the fastest of the repeats counts. The share is what
counts: it says that a large tree with many programs costs what its files cost.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from lint_runs import lint

AIM = 0.15
"""Link may take at most this share of the time of outline and interpretation."""

_READING = ("outline", "interpret")


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 1 where linking costs more than the aim, 2 where something could not run."""
    arguments = _parser().parse_args(argv)
    if not arguments.folder.is_dir():
        print(f"link_cost: not a folder: {arguments.folder}", file=sys.stderr)
        return 2
    reports: list[dict[str, Any]] = []
    for _ in range(arguments.repeat):
        run = lint(arguments.folder, arguments.timeout)
        if run.failure:
            print(f"link_cost: {run.failure}", file=sys.stderr)
            return 2
        reports.append(run.report)
    best = min(reports, key=lambda report: float(report["seconds"]["total"]))
    print(summary(best))
    return 0 if share(best["seconds"]) <= AIM else 1


def share(seconds: dict[str, float]) -> float:
    """Seconds of the link stage by those of outline and interpretation."""
    return float(seconds.get("link", 0.0)) / sum(float(seconds[stage]) for stage in _READING)


def summary(report: dict[str, Any]) -> str:
    """The table: how much was read, seconds by stage, the share."""
    counts, seconds = report["summary"], report["seconds"]
    lines = [f"{counts['python_files']} files, {counts['lines']} lines, {counts['programs']} programs"]
    lines += [f"  {stage:12} {spent:8.2f} s" for stage, spent in seconds.items()]
    cost = share(seconds)
    lines.append(f"link {cost:.0%} of outline and interpret, aim {AIM:.0%}: {_verdict(cost)}")
    return "\n".join(lines)


def _verdict(cost: float) -> str:
    return "met" if cost <= AIM else "missed"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="link_cost.py", description=__doc__)
    parser.add_argument("folder", type=Path, help="a tree with programs, of some 3,000 files")
    parser.add_argument("--repeat", type=int, default=1, help="runs; the fastest counts")
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds for one run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
