"""What all tests share: how the process stands towards signals, and the command line in this process."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import NamedTuple

import pytest
from report_samples import rich_report

import trainlint.linter
from trainlint import cli

# A shell that starts the tests in the background has them ignore interrupts, and so would the programs they
# start, which are to be interrupted. A signal that is handled here is not ignored there.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys):
    """The command line: arguments to exit code and what was printed."""

    def call(*args: object) -> Result:
        code = cli.main([str(arg) for arg in args])
        return Result(code, *capsys.readouterr())

    return call


@pytest.fixture
def linted(monkeypatch, tmp_path: Path) -> list[dict[str, object]]:
    """Replaces the pipeline: gives the sample report, whatever it is asked, and remembers what that was."""
    calls: list[dict[str, object]] = []

    def lint(paths, settings=None, *, stdin=None, **_: object):
        calls.append({"paths": paths, "settings": settings, "stdin": stdin})
        return rich_report(tmp_path)

    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(trainlint.linter, "lint", lint)
    return calls
