from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from test_cli import UNSHUFFLED

ROOT = Path(__file__).parent.parent
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
FIXED = UNSHUFFLED.replace("batch_size=128", "batch_size=128, shuffle=True")


def git(repo: Path, *args: str) -> None:
    subprocess.run(["git", *args], cwd=repo, check=True, capture_output=True)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch) -> Path:
    """A repository that uses our hooks, run from this installation instead of an environment of their own."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "cache"))
    repo = tmp_path / "repo"
    repo.mkdir()
    hooks = [
        {
            **hook,
            "language": "system",
            "entry": hook["entry"].replace("trainlint", f"{sys.executable} -m trainlint", 1),
        }
        for hook in HOOKS
    ]
    (repo / ".pre-commit-config.yaml").write_text(
        yaml.safe_dump({"repos": [{"repo": "local", "hooks": hooks}]})
    )
    (repo / "trainlint.toml").write_text('select = ["unshuffled-training-data"]\n')
    git(repo, "init", "-q")
    return repo


def pre_commit(repo: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pre_commit", "run", *args]
    return subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)


def test_hooks_are_complete() -> None:
    assert [hook["id"] for hook in HOOKS] == ["trainlint", "trainlint-project"]
    assert all(hook["language"] == "python" and hook["entry"].startswith("trainlint check") for hook in HOOKS)


def test_the_hook_for_changed_files(repo: Path) -> None:
    (repo / "train.py").write_text(UNSHUFFLED)
    (repo / "tests").mkdir()
    (repo / "tests" / "test_train.py").write_text(UNSHUFFLED)
    (repo / "notes.md").write_text("# notes\n")
    git(repo, "add", ".")
    found = pre_commit(repo, "trainlint")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "train.py:8:16  warning  unshuffled-training-data" in found.stdout
    assert "test_train" not in found.stdout
    (repo / "train.py").write_text(FIXED)
    git(repo, "add", ".")
    clean = pre_commit(repo, "trainlint")
    assert clean.returncode == 0, clean.stdout + clean.stderr


def test_only_what_changed_is_reported_but_all_is_context(repo: Path) -> None:
    (repo / "old.py").write_text(UNSHUFFLED)
    git(repo, "add", ".")
    git(repo, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "old")
    (repo / "new.py").write_text(FIXED)
    git(repo, "add", ".")
    changed = pre_commit(repo, "trainlint")
    assert changed.returncode == 0, changed.stdout + changed.stderr
    whole = pre_commit(repo, "trainlint-project")
    assert whole.returncode == 1
    assert "old.py:8:16" in whole.stdout


@pytest.mark.skipif("TRAINLINT_TEST_INSTALL" not in os.environ, reason="installs from the package index")
def test_the_hook_installs_from_a_checkout(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "cache"))
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q")
    (repo / "train.py").write_text(UNSHUFFLED)
    git(repo, "add", ".")
    command = [sys.executable, "-m", "pre_commit", "try-repo", str(ROOT), "trainlint", "--all-files"]
    found = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)
    assert "unshuffled-training-data" in found.stdout, found.stdout + found.stderr
