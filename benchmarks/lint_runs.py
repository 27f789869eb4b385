"""Linting folders in child processes, with their reports kept on disk until the tool changes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matching import Found

ROOT = Path(__file__).resolve().parent.parent
CHILD = Path(__file__).resolve().parent / "lint_child.py"
_TOOL_FILES = ("trainlint/**/*.py", "trainlint/**/*.json", "trainlint/**/*.yaml", "rules/**/*.md")


@dataclass(frozen=True)
class Run:
    """One linted folder. `failure` is empty, or says why there is no report."""

    folder: Path
    report: dict[str, Any]
    failure: str = ""

    @property
    def found(self) -> list[Found]:
        """The findings as matching wants them; paths relative to the folder."""
        return [_found(item) for item in self.report.get("findings", ())]


def tool_fingerprint() -> str:
    """A digest of everything that decides findings: code, knowledge and rule pages."""
    digest = hashlib.sha256()
    for pattern in _TOOL_FILES:
        for file in sorted(ROOT.glob(pattern)):
            digest.update(file.relative_to(ROOT).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def run_all(folders: list[Path], cache: Path, workers: int, timeout: float) -> dict[Path, Run]:
    """Every folder linted whole, `workers` at a time; cached reports are reused. Progress goes to stderr."""
    fingerprint = tool_fingerprint()
    cache.mkdir(parents=True, exist_ok=True)

    def one(numbered: tuple[int, Path]) -> Run:
        number, folder = numbered
        run = _cached_run(folder, cache, fingerprint, timeout)
        state = run.failure.splitlines()[-1] if run.failure else f"{len(run.found)} findings"
        print(f"[{number}/{len(folders)}] {folder.name}: {state}", file=sys.stderr)
        return run

    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        runs = list(pool.map(one, enumerate(folders, start=1)))
    return {run.folder: run for run in runs}


def lint(folder: Path, timeout: float, *arguments: str) -> Run:
    """One folder linted in a child process of its own; never raises for what the child does."""
    command = [sys.executable, str(CHILD), str(folder), *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return Run(folder, {}, f"no report after {timeout:.0f} s")
    last_words = done.stderr.strip()[-4000:]
    if done.returncode != 0:
        return Run(folder, {}, f"{last_words}\nthe child ended with {done.returncode}".strip())
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        return Run(folder, {}, f"{last_words}\nno JSON: {error}".strip())
    report["stderr"] = last_words
    return Run(folder, report)


def _cached_run(folder: Path, cache: Path, fingerprint: str, timeout: float) -> Run:
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    kept = cache / f"{folder.name}-{place}-{fingerprint}.json"
    if kept.exists():
        return Run(folder, json.loads(kept.read_text(encoding="utf-8")))
    run = lint(folder, timeout)
    if not run.failure:
        for stale in cache.glob(f"{folder.name}-{place}-*.json"):
            stale.unlink(missing_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(json.dumps(run.report), encoding="utf-8")
        partial.replace(kept)
    return run


def _found(item: dict[str, Any]) -> Found:
    span = item["span"]
    return Found(
        rule=item["rule"],
        family=item["family"],
        severity=item["severity"],
        confidence=item["confidence"],
        path=span["path"],
        line=span["line"],
        end_line=span["end_line"],
        program=item.get("program", ""),
        message=item["message"],
    )
