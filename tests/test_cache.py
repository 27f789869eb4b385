"""What a cache must not change, which is any answer, and what it must save."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from generated_project import write_project

from trainlint.analysis.close.reader import Reader
from trainlint.cache.folder import DATABASE, FOLDER
from trainlint.cache.memory import Memory
from trainlint.linter import lint
from trainlint.output.json import to_json
from trainlint.pipeline import workers
from trainlint.pipeline.run import Run
from trainlint.settings.model import Settings

FIXTURES = Path(__file__).parents[1] / "fixtures"
PROJECTS = ("generated", "demo", "plain", "a public package")

ASKED = """\
import sys
from trainlint.cli import main
code = main(sys.argv[1:])
rooms = ("libcst", "jsonschema", "yaml", "tree_sitter", "trainlint.analysis", "trainlint.recipe",
         "trainlint.rulebook", "trainlint.knowledge.base", "trainlint.pipeline.run")
found = [name for name in sys.modules if name.startswith(rooms)]
print("imported:", sorted(found), file=sys.stderr)
sys.exit(code)
"""


def report(named: list[Path], *, jobs: int = 1, cached: bool = True, **more: object) -> str:
    return to_json(lint(named, Settings(jobs=jobs, strict=True, **more), cached=cached))  # type: ignore[arg-type]


def forget_reports(root: Path) -> None:
    """What is left is what was kept of parts."""
    for file in root.rglob(f"{FOLDER}/{DATABASE}"):
        with sqlite3.connect(file) as database:
            database.execute("DELETE FROM entries WHERE kind = 'report'")


@pytest.fixture(params=PROJECTS)
def project(request, tmp_path: Path) -> Path:
    root = tmp_path / "project"
    if request.param == "generated":
        root.mkdir()
        write_project(root)
    elif request.param == "a public package":
        import click

        shutil.copytree(Path(click.__file__).parent, root / "click", ignore=shutil.ignore_patterns("*.pyc"))
    else:
        shutil.copytree(FIXTURES / request.param, root, ignore=shutil.ignore_patterns(FOLDER))
    return root


@pytest.fixture
def reads(monkeypatch) -> Iterator[list[str]]:
    """The paths of the units that are read closely, as it happens."""
    paths: list[str] = []
    plain = Reader._read

    def counted(self: Reader, outline, *rest):
        paths.append(outline.path)
        return plain(self, outline, *rest)

    monkeypatch.setattr(Reader, "_read", counted)
    return paths


def test_however_it_is_read_the_report_is_the_same(project: Path, monkeypatch) -> None:
    plain = report([project], cached=False)
    assert report([project]) == plain, "cold"
    assert report([project]) == plain, "warm"
    forget_reports(project)
    assert report([project]) == plain, "with parts that are remembered"
    monkeypatch.setattr(workers, "INLINE_BYTES", 0)
    forget_reports(project)
    assert report([project], jobs=2) == plain, "warm, in two processes"
    for folder in project.rglob(FOLDER):
        shutil.rmtree(folder)
    assert report([project], jobs=2) == plain, "cold, in two processes"
    forget_reports(project)
    assert report([project]) == plain, "with what two processes left"


def test_files_named_in_any_order_and_standard_input(tmp_path: Path) -> None:
    files = [tmp_path / name for name in write_project(tmp_path)]
    plain = report([tmp_path], cached=False)
    for seed in range(3):
        random.Random(seed).shuffle(files)
        assert report(files) == plain
        forget_reports(tmp_path)
    for file in (tmp_path / "train1.py", tmp_path / "vision/numbers/part0.py"):
        alone = report([file], cached=False)
        assert report([file]) == alone
        stdin = (str(file), file.read_text())
        for _ in range(2):
            assert to_json(lint([], Settings(jobs=1, strict=True), stdin=stdin, cached=True)) == alone


@pytest.mark.parametrize("name", ["train1.py", "vision/numbers/part1.py", "configs/c1.yaml"])
def test_a_buffer_that_is_edited_is_not_remembered(tmp_path: Path, name: str) -> None:
    write_project(tmp_path)
    plain = report([tmp_path])
    file = tmp_path / name
    for text in (file.read_text().replace("0.1", "7"), "x = (", "", file.read_text() + "\n\n"):
        stdin = (str(file), text)
        settings = Settings(jobs=1, strict=True)
        without = to_json(lint([], settings, stdin=stdin))
        before = contents(tmp_path)
        assert to_json(lint([], settings, stdin=stdin, cached=True)) == without
        assert to_json(lint([], settings, stdin=stdin, cached=True)) == without
        assert contents(tmp_path) == before
    forget_reports(tmp_path)
    assert report([tmp_path]) == plain


def contents(root: Path) -> list[tuple[bytes, bytes]]:
    with sqlite3.connect(root / FOLDER / DATABASE) as database:
        return database.execute("SELECT key, value FROM entries ORDER BY key").fetchall()


def test_a_warm_run_imports_nothing_that_analyses(tmp_path: Path) -> None:
    write_project(tmp_path)
    command = [sys.executable, "-c", ASKED, "check", str(tmp_path), "--format", "json", "-j", "1"]
    cold = subprocess.run(command, capture_output=True, text=True, check=False)
    warm = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (warm.stdout, warm.returncode) == (cold.stdout, cold.returncode)
    assert "trainlint.pipeline.run" in cold.stderr
    assert warm.stderr == "imported: []\n"


def test_only_what_changed_is_read_again(tmp_path: Path, reads: list[str]) -> None:
    write_project(tmp_path)
    report([tmp_path])
    assert len(set(reads)) > 20
    reads.clear()
    file = tmp_path / "vision/models/net2.py"
    file.write_text(file.read_text() + "\n# no more\n")
    report([tmp_path])
    assert set(reads) <= {"vision/models/net2.py", "vision/numbers/part2.py"}, (
        "a function it calls is summarised"
    )
    reads.clear()
    script = tmp_path / "train1.py"
    script.write_text(script.read_text().replace("import torch", "import torch  # the library"))
    report([tmp_path])
    assert set(reads) == {"train1.py"}


def test_options_that_change_no_report_share_it(tmp_path: Path, monkeypatch) -> None:
    write_project(tmp_path)
    plain = report([tmp_path])
    monkeypatch.setattr(Run, "report", None)
    assert report([tmp_path], jobs=7) == plain


@pytest.mark.parametrize(
    "settings",
    [
        Settings(select=("data",)),
        Settings(ignore=("numerics",)),
        Settings(strict=True, devices=8),
        Settings(fail_on="error"),
        Settings(versions={"torch": "1.4"}),
        Settings(exclude=("train*.py",)),
    ],
)
def test_settings_are_part_of_the_question(tmp_path: Path, settings: Settings) -> None:
    write_project(tmp_path)
    lint([tmp_path], Settings(jobs=1, strict=True), cached=True)
    without = lint([tmp_path], settings)
    for _ in range(2):
        found = lint([tmp_path], settings, cached=True)
        assert to_json(found) == to_json(without)
        assert (found.failing, found.ran, found.sources) == (without.failing, without.ran, without.sources)


def test_a_baseline_and_rule_pages_are_part_of_the_question(tmp_path: Path) -> None:
    from trainlint.commands.baseline import create

    write_project(tmp_path)
    before = json.loads(report([tmp_path]))
    create((str(tmp_path),), None, strict=True, force=False)
    held = json.loads(report([tmp_path]))
    assert len(held["findings"]) < len(before["findings"])
    (tmp_path / "trainlint-baseline.json").unlink()
    assert json.loads(report([tmp_path])) == before
    pages = tmp_path / "pages"
    pages.mkdir()
    with_pages = json.loads(report([tmp_path], rulebooks=(str(pages),)))
    (pages / "broken.md").write_text("no front matter")
    with_broken = json.loads(report([tmp_path], rulebooks=(str(pages),)))
    assert with_broken["notices"] != with_pages["notices"]


def test_another_trainlint_remembers_nothing_of_ours(tmp_path: Path, monkeypatch, reads: list[str]) -> None:
    write_project(tmp_path)
    plain = report([tmp_path])
    reads.clear()
    monkeypatch.setattr("trainlint.cache.memory.own_digest", lambda: b"another version")
    assert report([tmp_path]) == plain
    assert reads


def test_a_file_that_changes_while_it_is_read_is_not_remembered(tmp_path: Path, monkeypatch) -> None:
    write_project(tmp_path)
    file = tmp_path / "train1.py"
    original = file.read_text()
    plain = Run.report

    def edited(self: Run):
        file.write_text(original.replace("torch.optim", "torch . optim"))
        try:
            return plain(self)
        finally:
            file.write_text(original + "\n")

    monkeypatch.setattr(Run, "report", edited)
    report([tmp_path])
    monkeypatch.setattr(Run, "report", plain)
    assert contents(tmp_path) == []


def test_what_failed_is_tried_again(tmp_path: Path, monkeypatch) -> None:
    write_project(tmp_path)
    plain = report([tmp_path], cached=False)

    def fails(*_: object) -> None:
        raise ArithmeticError("once")

    with monkeypatch.context() as patched:
        patched.setattr(Reader, "_parse", fails)
        assert "once" in report([tmp_path])
    assert report([tmp_path]) == plain


def test_memory_says_why_it_has_none(tmp_path: Path) -> None:
    write_project(tmp_path)
    (tmp_path / FOLDER).write_text("mine")
    remarks: list[str] = []
    assert to_json(lint([tmp_path], Settings(jobs=1, strict=True), cached=True, remarks=remarks)) == report(
        [tmp_path], cached=False
    )
    assert len(remarks) == 1
    assert remarks[0].startswith("no cache: ")
    assert (tmp_path / FOLDER).read_text() == "mine"


def test_the_store_is_closed(tmp_path: Path, monkeypatch) -> None:
    write_project(tmp_path)
    closed: list[Memory] = []
    plain = Memory.close
    monkeypatch.setattr(Memory, "close", lambda self: (closed.append(self), plain(self))[1])
    monkeypatch.setattr(Run, "report", None)
    with pytest.raises(TypeError):
        lint([tmp_path], cached=True)
    assert len(closed) == 1
