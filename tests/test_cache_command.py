"""Where a cache is, how it is left out, and how it is taken away."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_cli import UNSHUFFLED

from trainlint import cli
from trainlint.cache.folder import DATABASE, FOLDER, TAG_FILE, VARIABLE


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.delenv(VARIABLE, raising=False)
    root = tmp_path / "project"
    root.mkdir()
    (root / "trainlint.toml").write_text("")
    (root / "train.py").write_text(UNSHUFFLED)
    monkeypatch.chdir(root)
    return root


def checked(*options: str) -> int:
    return cli.main(["train.py", "-j", "1", "--select", "data", *options])


def test_a_check_leaves_a_cache_and_clean_takes_it(project: Path, capsys) -> None:
    assert checked() == 1
    assert (project / FOLDER / DATABASE).is_file()
    first = capsys.readouterr().out
    assert checked() == 1
    assert capsys.readouterr().out == first
    assert cli.main(["clean"]) == 0
    assert capsys.readouterr().out == f"deleted {project / FOLDER}\n"
    assert not (project / FOLDER).exists()
    assert cli.main(["clean", str(project / "train.py")]) == 0
    assert "there is no cache" in capsys.readouterr().out


def test_without_a_cache(project: Path) -> None:
    assert checked("--no-cache") == 1
    assert sorted(path.name for path in project.iterdir()) == ["train.py", "trainlint.toml"]


def test_the_option_the_setting_and_the_variable(project: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "by variable"))
    assert checked() == 1
    assert (tmp_path / "by variable" / DATABASE).is_file()
    (project / "trainlint.toml").write_text('cache-dir = "../by setting"\n')
    assert checked() == 1
    assert (tmp_path / "by setting" / DATABASE).is_file()
    assert checked("--cache-dir", "../by option") == 1
    assert (tmp_path / "by option" / DATABASE).is_file()
    assert not (project / FOLDER).exists()
    for command in (["clean"], ["clean", "--cache-dir", "../by option"]):
        assert cli.main(command) == 0
    (project / "trainlint.toml").write_text("")
    assert cli.main(["clean", "."]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project"]


def test_clean_deletes_nothing_of_others(project: Path, capsys) -> None:
    mine = project / FOLDER
    mine.mkdir()
    (mine / DATABASE).write_text("mine")
    assert cli.main(["clean"]) == 2
    assert "nothing deleted" in capsys.readouterr().err
    assert (mine / DATABASE).read_text() == "mine"
    (mine / DATABASE).unlink()
    mine.rmdir()
    assert checked() == 1
    (mine / "notes.txt").write_text("mine")
    assert cli.main(["clean"]) == 2
    assert "notes.txt" in capsys.readouterr().err
    assert sorted(path.name for path in mine.iterdir()) == [TAG_FILE, "notes.txt"]


def test_clean_of_nothing(tmp_path: Path, capsys) -> None:
    assert cli.main(["clean", str(tmp_path / "nowhere")]) == 2
    assert "no such file or folder" in capsys.readouterr().err


def test_only_verbose_speaks_of_a_cache_that_cannot_be_used(project: Path, capsys) -> None:
    (project / FOLDER).write_text("mine")
    assert checked() == 1
    assert "cache" not in capsys.readouterr().err
    assert checked("--verbose") == 1
    assert "no cache: " in capsys.readouterr().err


def test_a_cache_is_not_read_as_part_of_the_project(project: Path, capsys) -> None:
    assert checked("--format", "json") == 1
    before = capsys.readouterr().out
    (project / FOLDER / "other.py").write_text("import torch\n")
    assert cli.main([".", "-j", "1", "--select", "data", "--format", "json"]) == 1
    assert capsys.readouterr().out == before
