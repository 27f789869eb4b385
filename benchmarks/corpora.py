"""Measure trainlint over unpacked packages: python benchmarks/corpora.py FOLDER… [--json FILE].

Each folder is linted cold in a process of its own. With --sample N, a seeded sample of the errors and
warnings is printed as TSV, ready to be completed with a verdict and a reason (`verdicts.tsv`); their source
goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from lint_runs import ROOT, Run, run_all
from matching import Found

CACHE = ROOT / ".trainlint_cache" / "benchmarks"
SEVERITIES = ("error", "warning", "advice")
VERDICT_COLUMNS = ("package", "file", "line", "rule", "verdict", "reason")
_TRACEBACK = re.compile(r"^Traceback \(most recent call last\)", re.MULTILINE)
_CRASHES = frozenset({"crashed", "internal"})
_EXCERPT = 3


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 1 where a folder gave no report, a traceback or a killed worker."""
    arguments = _parser().parse_args(argv)
    missing = [folder for folder in arguments.folders if not folder.is_dir()]
    if missing:
        print(f"corpora: not a folder: {', '.join(map(str, missing))}", file=sys.stderr)
        return 2
    runs = run_all(arguments.folders, arguments.cache, 1, arguments.timeout)
    measured = {folder.name: measure(runs[folder]) for folder in arguments.folders}
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    if arguments.sample:
        _print_sample(list(runs.values()), arguments.sample, arguments.seed)
    else:
        print(table(measured))
    return 1 if any(package["failures"] for package in measured.values()) else 0


def measure(run: Run) -> dict[str, Any]:
    """Counts, rates and costs of one run, as plain JSON data."""
    if run.failure:
        return {"failures": [run.failure], "lines": 0}
    report = run.report
    lines = report["summary"]["lines"]
    by_rule = Counter((finding.rule, finding.severity) for finding in run.found)
    by_severity = Counter(finding.severity for finding in run.found)
    return {
        "lines": lines,
        "python_files": report["summary"]["python_files"],
        "configs": report["summary"]["configs"],
        "programs": report["summary"]["programs"],
        "findings": {f"{rule} {severity}": count for (rule, severity), count in sorted(by_rule.items())},
        "per_1000_lines": {name: _rate(by_severity[name], lines) for name in SEVERITIES},
        "notices": dict(sorted(Counter(notice["kind"] for notice in report["notices"]).items())),
        "seconds": report["seconds"],
        "memory_mb": {who: round(size / 1e6, 1) for who, size in report["memory"].items()},
        "failures": failures(report),
    }


def failures(report: dict[str, Any]) -> list[str]:
    """What must never happen: tracebacks on stderr, workers that died, errors inside the tool."""
    found = [f"{n['path']}:{n['line']}: {n['message']}" for n in report["notices"] if n["kind"] in _CRASHES]
    tracebacks = len(_TRACEBACK.findall(report.get("stderr", "")))
    return found + ([f"{tracebacks} tracebacks on stderr"] if tracebacks else [])


def table(measured: dict[str, dict[str, Any]]) -> str:
    """One block of costs per package, then findings by rule over all of them."""
    width = max(len(name) for name in measured)
    head = f"{'package':{width}}    lines  errors  warnings  advice   /1000 l.  seconds    MB  notices"
    lines = [head, "-" * len(head)]
    lines += [_package_line(name, data, width) for name, data in measured.items()]
    lines += ["", "seconds by stage"]
    lines += [f"  {name:{width}}  {_stages(data)}" for name, data in measured.items() if "seconds" in data]
    rules: Counter[str] = Counter()
    for data in measured.values():
        rules.update(data.get("findings", {}))
    lines += ["", "findings by rule and severity"]
    lines += [f"  {count:6}  {rule}" for rule, count in rules.most_common()]
    lines += ["", "notices by kind"]
    for name, data in measured.items():
        kinds = ", ".join(f"{kind} {count}" for kind, count in data.get("notices", {}).items())
        lines.append(f"  {name:{width}}  {kinds or 'none'}")
    failed = [f"  {name}: {what}" for name, data in measured.items() for what in data["failures"]]
    return "\n".join([*lines, "", "failures", *(failed or ["  none"])])


def sample(runs: list[Run], size: int, seed: int) -> list[tuple[Run, Found]]:
    """Errors and warnings shown by default, in order: all of them, or a seeded sample of `size`."""
    shown = [
        (run, finding)
        for run in sorted(runs, key=lambda run: run.folder.name)
        for finding in sorted(run.found, key=lambda finding: (finding.path, finding.line, finding.rule))
        if finding.severity != "advice" and finding.shown
    ]
    if len(shown) <= size:
        return shown
    chosen = sorted(random.Random(seed).sample(range(len(shown)), size))
    return [shown[index] for index in chosen]


def _print_sample(runs: list[Run], size: int, seed: int) -> None:
    print("\t".join(VERDICT_COLUMNS))
    for run, finding in sample(runs, size, seed):
        message = " ".join(finding.message.split())
        print("\t".join((run.folder.name, finding.path, str(finding.line), finding.rule, "", message)))
        print(f"\n{run.folder.name}/{finding}\n{_excerpt(run.folder, finding)}", file=sys.stderr)


def _excerpt(folder: Path, finding: Found) -> str:
    try:
        lines = (folder / finding.path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        return f"    {error}"
    first, last = max(1, finding.line - _EXCERPT), min(len(lines), finding.end_line + _EXCERPT)
    marked = range(finding.line, finding.end_line + 1)
    return "\n".join(
        f"  {'>' if n in marked else ' '} {n:5} | {lines[n - 1]}" for n in range(first, last + 1)
    )


def _package_line(name: str, data: dict[str, Any], width: int) -> str:
    if "findings" not in data:
        return f"{name:{width}}  no report"
    counts = Counter[str]()
    for rule, count in data["findings"].items():
        counts[rule.rpartition(" ")[2]] += count
    rate = data["per_1000_lines"]["error"] + data["per_1000_lines"]["warning"]
    numbers = "  ".join(f"{counts[s]:{len(s) + 1}}" for s in SEVERITIES)
    memory = max(data["memory_mb"].values())
    cost = f"{rate:9.3f}  {data['seconds']['total']:7.1f}  {memory:4.0f}  {sum(data['notices'].values()):7}"
    return f"{name:{width}}  {data['lines']:7}  {numbers}  {cost}"


def _stages(data: dict[str, Any]) -> str:
    return "  ".join(f"{stage} {seconds:.2f}" for stage, seconds in data["seconds"].items())


def _rate(count: int, lines: int) -> float:
    return round(1000 * count / lines, 4) if lines else 0.0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="corpora.py", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="unpacked packages or repositories")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    parser.add_argument("--sample", type=int, metavar="N", help="print N errors and warnings to adjudicate")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sample")
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="FOLDER", help="where reports are kept")
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds for one folder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
