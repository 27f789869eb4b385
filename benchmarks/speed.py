"""Time trainlint against libcst on the same files: python benchmarks/speed.py FOLDER [--repeat N].

The yardstick is what libcst alone needs to parse every file whole. Both run in one fresh process each, cold,
one worker, alternating, and the best of the repeats counts: the ratio means the same on any machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from lint_runs import lint

AIM = 0.8
"""DESIGN: at most this share of libcst's own time."""

_YARDSTICK = """
import ast, json, sys, time
from pathlib import Path
import libcst

files, failed, seconds = sorted(Path(sys.argv[1]).rglob("*.py")), 0, {"libcst": 0.0, "ast": 0.0}
lines = 0
for file in files:
    source = file.read_bytes()
    lines += source.count(b"\\n")
    for name, parse in (("libcst", libcst.parse_module), ("ast", ast.parse)):
        start = time.perf_counter()
        try:
            parse(source)
        except Exception:
            failed += name == "libcst"
        seconds[name] += time.perf_counter() - start
json.dump({"files": len(files), "lines": lines, "failed": failed, "seconds": seconds}, sys.stdout)
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 1 where the linter is slower than the aim, 2 where something could not run."""
    arguments = _parser().parse_args(argv)
    if not arguments.folder.is_dir():
        print(f"speed: not a folder: {arguments.folder}", file=sys.stderr)
        return 2
    yardsticks: list[dict[str, Any]] = []
    linted: list[dict[str, Any]] = []
    for _ in range(arguments.repeat):
        yardsticks.append(yardstick(arguments.folder))
        run = lint(arguments.folder, arguments.timeout)
        if run.failure:
            print(f"speed: {run.failure}", file=sys.stderr)
            return 2
        linted.append(run.report)
    parse = min(entry["seconds"]["libcst"] for entry in yardsticks)
    best = min(linted, key=lambda report: float(report["seconds"]["total"]))
    ratio = float(best["seconds"]["total"]) / parse
    print(summary(yardsticks[0], parse, best, ratio))
    return 0 if ratio <= AIM else 1


def yardstick(folder: Path) -> dict[str, Any]:
    """Seconds libcst and ast take to parse every Python file of the folder whole, in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", _YARDSTICK, str(folder)], capture_output=True, text=True, check=True
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def summary(files: dict[str, Any], parse: float, report: dict[str, Any], ratio: float) -> str:
    """The table: yardstick, stages and the ratio."""
    lines = [
        f"{files['files']} files, {files['lines']} lines ({files['failed']} that libcst cannot parse)",
        f"  {'libcst, whole files':24} {parse:8.2f} s   1.00",
        f"  {'ast, whole files':24} {files['seconds']['ast']:8.2f} s   {files['seconds']['ast'] / parse:.2f}",
    ]
    for stage, seconds in report["seconds"].items():
        lines.append(f"  {'trainlint ' + stage:24} {seconds:8.2f} s   {seconds / parse:.2f}")
    memory = report["memory"]["process"] / 1e6
    lines.append(f"peak memory {memory:.0f} MB, {len(report['findings'])} findings")
    lines.append(f"ratio {ratio:.2f}, aim {AIM:.2f}: {'met' if ratio <= AIM else 'missed'}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="speed.py", description=__doc__)
    parser.add_argument("folder", type=Path, help="an unpacked package")
    parser.add_argument("--repeat", type=int, default=3, help="alternating runs; the best counts")
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds for one run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
