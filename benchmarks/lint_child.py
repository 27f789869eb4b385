"""Lint one folder in this process and print what happened as JSON: a benchmark's child process.

Findings keep every severity and confidence; their paths are relative to the folder. Times are seconds by
stage, memory is the peak resident set of this process and of its largest worker, in bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import msgspec


def main() -> None:
    """Read the arguments, lint, print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-j", "--jobs", type=int, default=1)
    arguments = parser.parse_args()
    json.dump(measure(arguments.folder, arguments.jobs), sys.stdout)


def measure(folder: Path, jobs: int) -> dict[str, Any]:
    """Findings, notices, summary, seconds and memory of one run over the folder."""
    started = time.perf_counter()
    # Imported here because the time this takes is part of what is measured.
    from trainlint.linter import lint  # noqa: PLC0415
    from trainlint.settings.model import Settings  # noqa: PLC0415

    imported = time.perf_counter()
    report = lint([folder], Settings(strict=True, jobs=jobs))
    ended = time.perf_counter()
    findings = [_relative(item, report.root, folder) for item in msgspec.to_builtins(report.findings)]
    return {
        "findings": findings,
        "notices": msgspec.to_builtins(report.notices),
        "summary": msgspec.to_builtins(report.summary),
        "seconds": {
            "import": imported - started,
            **report.seconds,
            "total": ended - started,
        },
        "memory": {
            "process": _peak(resource.RUSAGE_SELF),
            "worker": _peak(resource.RUSAGE_CHILDREN),
        },
    }


def _relative(finding: dict[str, Any], root: str, folder: Path) -> dict[str, Any]:
    """The finding with its paths turned from root-relative to folder-relative."""
    finding["span"]["path"] = _from_folder(finding["span"]["path"], root, folder)
    if finding.get("program"):
        finding["program"] = _from_folder(finding["program"], root, folder)
    for related in finding.get("related", ()):
        related["span"]["path"] = _from_folder(related["span"]["path"], root, folder)
    return finding


def _from_folder(path: str, root: str, folder: Path) -> str:
    absolute = os.path.join(root, path)  # noqa: PTH118 - the report's paths are strings
    return Path(os.path.relpath(absolute, folder.resolve())).as_posix()


def _peak(who: int) -> int:
    peak = resource.getrusage(who).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
