"""Several processes: how many, what the death of one costs, and that a failure inside one file stays
there."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import deadly_tasks
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cli import UNSHUFFLED

from trainlint import cli
from trainlint.analysis.close.reader import Reader
from trainlint.cache.packing import pack, unpack
from trainlint.commands.check import exit_code
from trainlint.findings import Notice, Report
from trainlint.linter import lint
from trainlint.pipeline import workers
from trainlint.pipeline.sources import ProjectSources
from trainlint.recipe.code.programs import Program
from trainlint.settings.model import Settings

NUMERIC = "import torch\n\n\ndef f(x):\n    return torch.sqrt((x ** 2).sum())\n"
POSIX_ONLY = pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="POSIX signals")
RULES = ("unshuffled-training-data", "unguarded-sqrt")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "trainlint.toml").write_text("")
    for number in range(9):
        (tmp_path / f"part{number}.py").write_text(NUMERIC)
    (tmp_path / "train.py").write_text(UNSHUFFLED)
    (tmp_path / "killer.py").write_text(UNSHUFFLED + NUMERIC)
    return tmp_path


@pytest.fixture
def always_two(monkeypatch) -> None:
    monkeypatch.setattr(workers, "INLINE_BYTES", 0)


def run(project: Path, jobs: int) -> Report:
    return lint([project], Settings(jobs=jobs, select=RULES, strict=True))


def places(report: Report) -> set[tuple[str, str]]:
    return {(finding.span.path, finding.rule) for finding in report.findings}


def test_how_many_processes() -> None:
    big = workers.INLINE_BYTES
    assert workers.processes(None, 1000, big) == min(os.cpu_count() or 1, workers.MAX_WORKERS)
    assert workers.processes(None, 1000, big - 1) == 1
    assert workers.processes(3, 1000, big) == 3
    assert workers.processes(3, 2, big) == 2
    assert workers.processes(1, 1000, big) == 1


@pytest.mark.parametrize(
    ("task", "replacement", "lost"),
    [
        ("outline_task", deadly_tasks.outline, RULES),
        ("numeric_task", deadly_tasks.numeric, ("unguarded-sqrt",)),
        ("program_task", deadly_tasks.program, ("unshuffled-training-data",)),
    ],
)
def test_a_worker_that_dies_costs_one_file(
    project: Path, always_two, monkeypatch, task: str, replacement: Callable, lost: tuple[str, ...]
) -> None:
    complete = places(run(project, 1))
    monkeypatch.setattr(workers, task, replacement)
    report = run(project, 2)
    assert [(notice.path, notice.kind) for notice in report.notices] == [("killer.py", "crashed")]
    assert "ended the process" in report.notices[0].message
    assert complete - places(report) == {("killer.py", rule) for rule in lost}
    assert exit_code(report) == 1


@POSIX_ONLY
def test_a_worker_that_dies_handing_over_costs_one_file(project: Path, always_two, monkeypatch) -> None:
    """The other end of a pipe would wait for the rest: the run hung, also when it was interrupted."""
    monkeypatch.setattr(workers, "outline_task", deadly_tasks.outline_and_choke)
    report = run(project, 2)
    assert [(notice.path, notice.kind) for notice in report.notices] == [("killer.py", "crashed")]


@POSIX_ONLY
def test_a_disk_that_is_full_amid_the_run_is_named(project: Path, always_two, monkeypatch, capfd) -> None:
    monkeypatch.setattr(workers, "outline_task", deadly_tasks.outline_on_a_full_disk)
    assert cli.main([str(project), "-j", "2"]) == 2
    told = capfd.readouterr().err.strip()
    assert told.startswith("Error: ")
    assert "File too large: " in told
    assert len(told.splitlines()) == 1


class Watched(ProcessPoolExecutor):
    """Keeps the sizes of what goes through pipes."""

    sizes: ClassVar[list[int]] = []

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.sizes.append(len(pickle.dumps(args[-1])))

    def submit(self, *args: Any) -> Any:
        future = super().submit(*args)
        self.sizes.append(len(pickle.dumps(args)))
        future.add_done_callback(lambda done: self.sizes.append(len(pickle.dumps(done.result()))))
        return future


def test_only_little_goes_through_pipes(tmp_path: Path, always_two, monkeypatch) -> None:
    """What a pipe holds at once is written whole or not at all: 512 bytes everywhere, 4,096 on Linux."""
    for number in range(2_000):
        (tmp_path / f"{'a_rather_long_name' * 3}{number}.py").write_text("")
    monkeypatch.setattr(workers, "ProcessPoolExecutor", Watched)
    run(tmp_path, 2)
    assert 0 < max(Watched.sizes) < 512


@POSIX_ONLY
def test_names_and_texts_that_are_no_utf8_reach_workers(project: Path, always_two) -> None:
    """What messages between processes are made of has no lone surrogates: the run failed as a whole."""
    (project / os.fsdecode(b"caf\xe9.py")).write_text(UNSHUFFLED)
    (project / "texts.py").write_text(UNSHUFFLED.replace('"data"', r'"\udcff\ud800"') + NUMERIC)
    alone, together = run(project, 1), run(project, 2)
    assert (alone.findings, alone.notices) == (together.findings, together.notices)
    assert {path for path, _ in places(together)} >= {"caf\udce9.py", "texts.py"}


texts = st.text(st.characters(exclude_categories=()))


@given(st.lists(st.builds(Notice, texts, st.integers(1, 9), texts, texts)), st.dictionaries(texts, texts))
def test_packing_keeps_every_text(notices: list[Notice], overlay: dict[str, str]) -> None:
    assert unpack(pack(notices), list[Notice]) == notices
    assert unpack(pack(overlay), dict[str, str]) == overlay


def test_an_error_inside_costs_one_file(project: Path, monkeypatch) -> None:
    read = Reader._read
    outline = ProjectSources.outline

    def failing_read(self, file, *others):
        if file.path == "part1.py":
            raise RecursionError("too\ndeep")
        return read(self, file, *others)

    def failing_outline(self, path):
        if path == "part2.py":
            raise KeyError("x")
        return outline(self, path)

    def failing_program(self, entry, *others):
        raise ValueError(entry)

    complete = places(run(project, 1))
    monkeypatch.setattr(Reader, "_read", failing_read)
    monkeypatch.setattr(ProjectSources, "outline", failing_outline)
    report = run(project, 1)
    assert [(notice.path, notice.line, notice.kind) for notice in report.notices] == [
        ("part1.py", 4, "internal"),
        ("part2.py", 1, "internal"),
    ]
    assert report.notices[0].message.startswith("reading f closely failed (RecursionError: too deep")
    assert {path for path, _ in complete - places(report)} == {"part1.py", "part2.py"}
    assert exit_code(report) == 2
    monkeypatch.setattr(Program, "__init__", failing_program)
    assert {notice.path for notice in run(project, 1).notices} >= {"train.py", "killer.py"}


INTERRUPT = """
import os, signal
from trainlint.pipeline.spawning import spawning
try:
    with spawning():
        os.kill(os.getpid(), signal.SIGINT)
        print("whole block", os.environ.get("PYTHONSAFEPATH", "1"))
    print("never")
except KeyboardInterrupt:
    print("then", os.environ.get("PYTHONSAFEPATH"))
"""


@POSIX_ONLY
def test_interrupts_wait_while_processes_start() -> None:
    command = [sys.executable, "-c", INTERRUPT]
    expected = ["whole", "block", "1", "then", "None"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == expected
