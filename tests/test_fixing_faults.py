"""What goes wrong while fixes are written: every file is old or new, and the user is told which is which."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_rules import finding, judged_by, swap

import trainlint.commands.fix
from trainlint import cli
from trainlint.findings import Edit, Span
from trainlint.output import files as output_files

REST = "y = 1\n" * 3000
OLD, NEW = "x = bad\n" + REST, "x = good\n" + REST
BETTER = swap("better", r"\bbad\b", "good")
NAMES = ("a.py", "b.py", "c.yaml")

STEPS: dict[str, tuple[Any, str]] = {
    "mkstemp": (tempfile, "mkstemp"),
    "fdopen": (os, "fdopen"),
    "fsync": (os, "fsync"),
    "chmod": (Path, "chmod"),
    "replace": (Path, "replace"),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "trainlint.toml").write_text("")
    for name in NAMES:
        (tmp_path / name).write_text(OLD.replace(" = ", ": ") if name.endswith("yaml") else OLD)
    monkeypatch.chdir(tmp_path)
    judged_by(monkeypatch, BETTER)
    return tmp_path


def restore(project: Path) -> None:
    for name in NAMES:
        (project / name).write_text(OLD.replace(" = ", ": ") if name.endswith("yaml") else OLD)


def fix() -> int:
    return cli.main(["--fix", ".", "--no-cache", "-j", "1", "--format", "concise"])


def states(project: Path) -> list[str]:
    """Of each file whether it is old, new or something else."""
    texts = [(project / name).read_text().replace(": ", " = ") for name in NAMES]
    return ["old" if text == OLD else "new" if text == NEW else "half" for text in texts]


def leftovers(project: Path) -> list[str]:
    return sorted(path.name for path in project.iterdir() if path.name not in (*NAMES, "trainlint.toml"))


class Halves:
    """A stream that writes half of what it is given, then fails."""

    def __init__(self, stream: Any, fail: Callable[[], None]) -> None:
        self.stream, self.fail = stream, fail

    def __enter__(self) -> Halves:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def write(self, data: bytes) -> None:
        self.stream.write(data[: len(data) // 2])
        self.stream.flush()
        self.fail()


def at_step(
    monkeypatch: pytest.MonkeyPatch, wanted: int, act: Callable[[], None], *, behind: bool = True
) -> None:
    """Acts before each call that takes part in writing, counted from 0, in the middle of what is written, and
    with `behind` also after each call."""
    count = iter(range(10_000))

    def now() -> None:
        if next(count) == wanted:
            act()

    def around(real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            now()
            result = real(*args, **more)
            if name == "fdopen" and next(count) == wanted:
                return Halves(result, act)
            if behind:
                now()
            return result

        return call

    for name, (holder, function) in STEPS.items():
        real = getattr(holder, function)
        wrapped = around(real, name)
        if name == "fdopen":
            # Reading opens files too: only the writer's own are meant.
            wrapped = only_for_writing(real, wrapped)
        monkeypatch.setattr(holder, function, wrapped)


def only_for_writing(real: Callable[..., Any], wrapped: Callable[..., Any]) -> Callable[..., Any]:
    return lambda handle, mode="r", *rest, **more: (wrapped if "w" in mode else real)(
        handle, mode, *rest, **more
    )


def killed_at(project: Path, step: int) -> bool:
    """Fixes in a process of its own that is killed at a step; whether it came that far."""
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        at_step(pytest.MonkeyPatch(), step, lambda: os.kill(os.getpid(), signal.SIGKILL))
        try:
            os._exit(fix())
        finally:
            os._exit(99)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process that it forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_at_any_step_every_file_is_old_or_new(project: Path) -> None:
    # What is imported and read once must not be in every child again.
    assert fix() == 0
    seen = set()
    for step in range(200):
        restore(project)
        if not killed_at(project, step):
            break
        found = states(project)
        assert "half" not in found, step
        assert found == sorted(found), step
        seen.add(tuple(found))
        left = leftovers(project)
        assert len(left) <= 1, step
        for name in left:
            assert name.endswith(".tmp"), step
            (project / name).unlink()
    # Three files, with five calls and one write each: before and after the calls, and amid the write.
    assert step == 3 * 11
    assert states(project) == ["new"] * 3
    assert seen == {("old",) * 3, ("new", "old", "old"), ("new", "new", "old"), ("new",) * 3}


def test_a_full_disk_at_any_step(project: Path, capsys) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    for step in range(200):
        restore(project)
        with pytest.MonkeyPatch.context() as patch:
            at_step(patch, step, full, behind=False)
            code = fix()
        out = capsys.readouterr().out
        assert leftovers(project) == []
        if code == 0:
            break
        assert code == 2
        assert sorted(states(project)) == ["new", "new", "old"], step
        assert "not fixed: it cannot be written: No space left on device" in out
        assert "better is wrong" in out
        assert "Fixed 2 problems in 2 files." in out
    assert step == 3 * 6
    assert states(project) == ["new"] * 3


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Does something between reading and writing."""
    real = trainlint.commands.fix.write_files

    def write(*args: Any) -> Any:
        act()
        return real(*args)

    monkeypatch.setattr(trainlint.commands.fix, "write_files", write)


def test_a_file_edited_meanwhile_is_left(project: Path, monkeypatch, capsys) -> None:
    meanwhile(monkeypatch, lambda: (project / "a.py").write_text("x = bad  # mine\n"))
    assert fix() == 2
    assert (project / "a.py").read_text() == "x = bad  # mine\n"
    assert states(project)[1:] == ["new", "new"]
    out = capsys.readouterr().out
    assert "a.py:1: notice[fix] not fixed: it has changed since it was read" in out
    assert "Fixed 2 problems in 2 files." in out
    assert "better is wrong" in out


def test_a_file_that_vanishes_is_told(project: Path, monkeypatch, capsys) -> None:
    meanwhile(monkeypatch, (project / "a.py").unlink)
    assert fix() == 2
    assert not (project / "a.py").exists()
    assert "a.py:1: notice[fix] not fixed: it is gone" in capsys.readouterr().out
    assert (project / "b.py").read_text() == NEW


def test_a_file_whose_folder_vanishes_is_told(project: Path, monkeypatch, capsys) -> None:
    (project / "sub").mkdir()
    (project / "sub/d.py").write_text(OLD)

    def remove() -> None:
        (project / "sub/d.py").unlink()
        (project / "sub").rmdir()

    meanwhile(monkeypatch, remove)
    assert fix() == 2
    assert "sub/d.py:1: notice[fix] not fixed: it is gone" in capsys.readouterr().out
    assert states(project) == ["new"] * 3


def test_a_read_only_file_is_named_and_left(project: Path, monkeypatch, capsys) -> None:
    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode, **more: not str(path).endswith("b.py") and real(path, mode, **more)
    )
    assert fix() == 2
    assert states(project) == ["new", "old", "new"]
    out = capsys.readouterr().out
    assert "b.py:1: notice[fix] not fixed: it is read-only" in out


def test_a_read_only_folder_is_told(project: Path, monkeypatch, capsys) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(output_files.tempfile, "mkstemp", refuse)
    assert fix() == 2
    assert states(project) == ["old"] * 3
    out = capsys.readouterr().out
    assert out.count("not fixed: it cannot be written: Permission denied") == 3
    assert "Fixed" not in out


def test_a_link_is_not_followed(project: Path, tmp_path_factory, capsys) -> None:
    outside = tmp_path_factory.mktemp("outside") / "other.py"
    outside.write_text("bad\n")
    (project / "linked.py").symlink_to(outside)
    assert fix() == 2
    assert outside.read_text() == "bad\n"
    assert "it is a link: name the file it leads to" in capsys.readouterr().out
    assert states(project) == ["new"] * 3


def both(path: str, source: Any) -> Iterator[Any]:
    if path == "a.py" and source.text == "one\n":
        edits = [Edit(Span(name, 1, 1, 1, 4), "two") for name in ("a.py", "b.py")]
        yield finding("both", Span(path, 1, 1, 1, 4), *edits)


def test_files_that_one_fix_ties_together_change_together(project: Path, monkeypatch, capsys) -> None:
    judged_by(monkeypatch, both, BETTER)
    for name in ("a.py", "b.py"):
        (project / name).write_text("one\n")
    real = Path.replace

    def replace(source: Path, target: Path) -> Path:
        if target.name == "b.py":
            raise OSError(28, "No space left on device")
        return real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        assert fix() == 2
    assert [(project / name).read_text() for name in ("a.py", "b.py")] == ["one\n", "one\n"]
    out = capsys.readouterr().out
    assert "b.py:1: notice[fix] not fixed: it cannot be written: No space left on device" in out
    assert "a.py:1: notice[fix] not fixed: fixes tie it to b.py" in out
    assert "Fixed 1 problem in 1 file." in out
    assert fix() == 0
    assert [(project / name).read_text() for name in ("a.py", "b.py")] == ["two\n", "two\n"]


def test_an_interrupt_leaves_old_or_new(project: Path, capsys) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        at_step(patch, 15, interrupt)
        assert fix() == cli.INTERRUPTED
    assert states(project) == ["new", "old", "old"]
    assert leftovers(project) == []
    assert "interrupted" in capsys.readouterr().err
