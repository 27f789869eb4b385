"""`--diff-base`: findings on changed lines only."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from trainlint import cli
from trainlint.discovery.changes import Changes, changed_lines
from trainlint.findings import Report
from trainlint.linter import lint
from trainlint.settings.model import Settings, SettingsError

FUNCTION = "\n\ndef f_{name}(a, b):\n    return torch.sqrt(((a - b) ** 2).sum())\n"
OLD = "import torch\n" + FUNCTION.format(name="old")


def git(*args: str) -> str:
    identity = ["-c", "user.email=a@example.org", "-c", "user.name=a", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *args], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path, monkeypatch) -> Path:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    (tmp_path / "trainlint.toml").write_text('strict = true\nselect = ["unguarded-sqrt"]\n')
    (tmp_path / "losses.py").write_text(OLD)
    git("add", "-A")
    git("commit", "-qm", "first")
    return tmp_path


def report(base: str = "HEAD", path: str = ".") -> Report:
    return lint([Path(path)], Settings(diff_base=base))


def found(base: str = "HEAD", path: str = ".") -> list[str]:
    return [finding.symbol for finding in report(base, path).findings]


def test_changed_untracked_and_unchanged(repo: Path, capsys) -> None:
    assert found() == []
    (repo / "losses.py").write_text("# moved down\n" * 3 + OLD + FUNCTION.format(name="new"))
    (repo / "more.py").write_text(OLD.replace("f_old", "f_more"))
    assert found() == ["f_new", "f_more"]
    assert cli.main(["--diff-base", "HEAD", "."]) == 1
    assert "1 on unchanged lines." in capsys.readouterr().out
    assert cli.main(["--diff-base", "HEAD", "--format", "json", "."]) == 1
    assert json.loads(capsys.readouterr().out)["summary"]["unchanged"] == 1


def test_a_branch_is_compared_with_where_it_left(repo: Path) -> None:
    git("checkout", "-qb", "work")
    (repo / "mine.py").write_text(OLD.replace("f_old", "f_mine"))
    git("add", "-A")
    git("commit", "-qm", "mine")
    git("checkout", "-q", "main")
    (repo / "losses.py").write_text("import torch\n")
    git("commit", "-qam", "theirs")
    git("tag", "v1.0")
    git("checkout", "-q", "work")
    for base in ("main", "v1.0", git("rev-parse", "main"), "main~0"):
        assert found(base) == ["f_mine"]


def test_renamed_files_are_followed(repo: Path) -> None:
    git("mv", "losses.py", "renamed.py")
    assert found() == []


def test_from_a_folder_inside_and_names_of_all_kinds(repo: Path, monkeypatch) -> None:
    inner = repo / "a b" / "é\nü"
    inner.mkdir(parents=True)
    (inner / "losses.py").write_text(OLD)
    (repo / "a b" / "trainlint.toml").write_text('strict = true\nselect = ["unguarded-sqrt"]\n')
    git("add", "-A")
    git("commit", "-qm", "second")
    monkeypatch.chdir(inner)
    assert found() == []
    (inner / "losses.py").write_text(OLD.replace("(a - b)", "(b - a)"))
    assert found() == ["f_old"]


def test_windows_line_ends_are_no_change(repo: Path) -> None:
    (repo / "losses.py").write_bytes(OLD.replace("\n", "\r\n").encode())
    assert found() == []


def test_notebooks_are_compared_by_their_code(repo: Path) -> None:
    def write(*sources: str, outputs: list[object]) -> None:
        cells = [
            {
                "cell_type": "code",
                "metadata": {},
                "execution_count": 1,
                "outputs": outputs,
                "source": [source],
            }
            for source in sources
        ]
        text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        (repo / "a.ipynb").write_text(text)

    write(OLD, outputs=[])
    git("add", "-A")
    git("commit", "-qm", "notebook")
    write("x = 1\n", OLD, outputs=[{"output_type": "stream", "name": "stdout", "text": ["1"]}])
    assert found() == []
    write(OLD + FUNCTION.format(name="new"), outputs=[])
    assert found() == ["f_new"]


def test_standard_input_is_compared_too(repo: Path) -> None:
    text = OLD + FUNCTION.format(name="typed")
    done = lint([], Settings(diff_base="HEAD"), stdin=("losses.py", text))
    assert [finding.symbol for finding in done.findings] == ["f_typed"]


@pytest.mark.parametrize(
    "base",
    ["-x", "--output=evil", "--upload-pack=touch evil", "", "a b", "a\nb", "a\0b", "\x1b[31m", "x" * 300],
)
def test_hostile_revisions_are_refused(repo: Path, base: str, capsys) -> None:
    before = sorted(path.name for path in repo.iterdir())
    assert cli.main(["--diff-base", base, "."]) == 2
    error = capsys.readouterr().err
    assert "is not the name of a commit, branch or tag" in error
    assert error.count("\n") == 1
    assert sorted({path.name for path in repo.iterdir()} - {".trainlint_cache"}) == before


@pytest.mark.parametrize(
    "base", ["nowhere", "$(touch evil)", "`touch`", ";ls", "HEAD:losses.py", "@{-9}", "a..b"]
)
def test_unknown_revisions(repo: Path, base: str, capsys) -> None:
    assert cli.main(["--diff-base", base, "."]) == 2
    assert "--diff-base" in capsys.readouterr().err
    assert not (repo / "evil").exists()


def test_nothing_of_the_repository_runs(repo: Path) -> None:
    script = repo / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {repo}/evil\ncat\n")
    script.chmod(0o755)
    (repo / ".gitattributes").write_text("* filter=evil diff=evil\n")
    for name in ("filter.evil.clean", "filter.evil.smudge", "diff.evil.textconv", "diff.evil.command"):
        git("config", name, str(script))
    for name in ("core.fsmonitor", "diff.external", "core.pager", "core.sshCommand"):
        git("config", name, str(script))
    (repo / "losses.py").write_text(OLD + FUNCTION.format(name="new"))
    assert found() == ["f_new"]
    assert not (repo / "evil").exists()


def test_outside_a_repository_and_without_git(tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "a.py").write_text(OLD)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert cli.main(["--diff-base", "HEAD", str(tmp_path)]) == 2
    assert "not a git repository" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["--diff-base", "HEAD", str(tmp_path)]) == 2
    assert "needs git, which is not installed" in capsys.readouterr().err


def test_deleted_files_take_nothing_with_them(repo: Path) -> None:
    (repo / "more.py").write_text(OLD.replace("f_old", "f_more"))
    git("add", "-A")
    git("commit", "-qm", "second")
    (repo / "losses.py").unlink()
    assert found() == []
    assert found("HEAD~1") == ["f_more"]


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("HEAD~1", "knows no commit 'HEAD~1' here"),
        ("origin/main", "where HEAD left 'origin/main' is not known"),
    ],
)
def test_a_shallow_clone_says_how_to_deepen_it(
    repo: Path, tmp_path_factory, monkeypatch, capsys, base: str, message: str
) -> None:
    """Against the other branch's tip, what changed there would be reported as if it had changed here."""
    git("checkout", "-qb", "feature")
    for branch in ("feature", "main"):
        git("checkout", "-q", branch)
        (repo / f"{branch}.py").write_text(OLD.replace("f_old", f"f_{branch}"))
        git("add", "-A")
        git("commit", "-qm", branch)
    clone = tmp_path_factory.mktemp("shallow")
    git("clone", "-q", "--depth=1", "--no-single-branch", "-b", "feature", repo.as_uri(), str(clone))
    monkeypatch.chdir(clone)
    assert cli.main(["--diff-base", base, "."]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "git fetch --unshallow" in error
    git("fetch", "-q", "--unshallow")
    assert found("origin/main") == ["f_feature"]


def test_an_empty_repository(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    with pytest.raises(SettingsError, match="knows no commit"):
        Changes(tmp_path, "HEAD")


lines = st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=12)


@given(lines, lines)
@hypothesis_settings(deadline=None)
def test_unchanged_lines_were_there_before(old: list[str], new: list[str]) -> None:
    changed = {number for part in changed_lines(old, new) for number in part}
    assert changed <= set(range(1, len(new) + 1))
    rest = iter(old)
    assert all(line in rest for number, line in enumerate(new, start=1) if number not in changed)
    assert changed_lines(new, new) == []
