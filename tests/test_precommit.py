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
CHECKS = ("trainlint", "trainlint-project")
FIXED = UNSHUFFLED.replace("batch_size=128", "batch_size=128, shuffle=True")


def git(repo: Path, *args: str) -> None:
    subprocess.run(["git", *args], cwd=repo, check=True, capture_output=True)


def use_hooks(repo: Path, *names: str) -> None:
    """Sets hooks of ours up, run from this installation."""
    command = f"{sys.executable} -m trainlint"
    hooks = [
        {**hook, "language": "system", "entry": hook["entry"].replace("trainlint", command, 1)}
        for hook in HOOKS
        if hook["id"] in names
    ]
    config = {"repos": [{"repo": "local", "hooks": hooks}]}
    (repo / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))


@pytest.fixture
def repo(tmp_path: Path, monkeypatch) -> Path:
    """A repository that uses our hooks, run from this installation instead of an environment of their own."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "cache"))
    repo = tmp_path / "repo"
    repo.mkdir()
    use_hooks(repo, *CHECKS)
    (repo / "trainlint.toml").write_text('select = ["unshuffled-training-data"]\n')
    git(repo, "init", "-q")
    return repo


def pre_commit(repo: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pre_commit", "run", *args]
    return subprocess.run(command, cwd=repo, capture_output=True, text=True, errors="replace", check=False)


def test_hooks_are_complete() -> None:
    assert [hook["id"] for hook in HOOKS] == [*CHECKS, "trainlint-fix"]
    assert all(hook["language"] == "python" and hook["entry"].startswith("trainlint check") for hook in HOOKS)
    documented = (ROOT / "docs" / "ci.md").read_text()
    assert all(f"- id: {hook['id']} " in documented for hook in HOOKS)


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
    commit(repo, "old")
    (repo / "new.py").write_text(FIXED)
    git(repo, "add", ".")
    changed = pre_commit(repo, "trainlint")
    assert changed.returncode == 0, changed.stdout + changed.stderr
    whole = pre_commit(repo, "trainlint-project")
    assert whole.returncode == 1
    assert "old.py:8:16" in whole.stdout


def commit(repo: Path, message: str) -> None:
    git(repo, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", message)


def hook_by_hand(repo: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """The hook for changed files, as another runner of hooks calls it."""
    command = [sys.executable, "-m", *HOOKS[0]["entry"].split(), *names]
    return subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)


def test_from_findings_to_a_clean_commit(repo: Path) -> None:
    """One finding is fixed, the other one is right as it is: it gets a suppression with a reason."""
    (repo / "train.py").write_text(UNSHUFFLED)
    (repo / "second.py").write_text(UNSHUFFLED)
    git(repo, "add", ".")
    found = pre_commit(repo)
    assert found.returncode == 1
    for name in ("train.py", "second.py"):
        assert found.stdout.count(f"{name}:8:16  warning  unshuffled-training-data") == len(CHECKS)
    command = [
        sys.executable,
        "-m",
        "trainlint",
        "--add-ignore",
        "data",
        "--reason",
        "a curriculum",
        "second.py",
    ]
    subprocess.run(command, cwd=repo, check=True, capture_output=True)
    suppressed = (repo / "second.py").read_bytes()
    use_hooks(repo, *CHECKS, "trainlint-fix")
    git(repo, "add", ".")
    fixed = pre_commit(repo, "trainlint-fix")
    assert fixed.returncode == 1
    assert "files were modified by this hook" in fixed.stdout
    assert (repo / "train.py").read_text() == FIXED
    assert (repo / "second.py").read_bytes() == suppressed
    git(repo, "add", ".")
    clean = pre_commit(repo)
    assert clean.returncode == 0, clean.stdout + clean.stderr


@pytest.mark.skipif(os.name == "nt", reason="links, and names that are no text")
def test_files_of_all_kinds(repo: Path) -> None:
    """Deleted ones are not handed over; what cannot be read fails no commit, what can be read is judged."""
    (repo / "trainlint.toml").write_text('select = ["unshuffled-training-data"]\nexclude = ["legacy/"]\n')
    (repo / "gone.py").write_text(UNSHUFFLED)
    git(repo, "add", ".")
    commit(repo, "one")
    git(repo, "rm", "-q", "gone.py")
    (repo / "legacy").mkdir()
    (repo / "legacy" / "old.py").write_text(UNSHUFFLED)
    (repo / "clean.py").write_text(FIXED)
    (repo / "link.py").symlink_to("clean.py")
    (repo / "nowhere.py").symlink_to("gone.py")
    (repo / "zeros.py").write_bytes(bytes(100))
    (repo / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    (repo / "huge.json").write_text(f"[{'1,' * 3_000_000}1]")
    git(repo, "add", ".")
    clean = pre_commit(repo)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    # pre-commit itself gives up on names that are no UTF-8; other runners of hooks do not.
    odd = os.fsdecode(b"caf\xe9.py")
    (repo / odd).write_text(UNSHUFFLED)
    names = [odd, "clean.py", "huge.json", "latin.yaml", "legacy/old.py", "link.py", "zeros.py"]
    found = hook_by_hand(repo, *names)
    assert found.returncode == 1, found.stdout + found.stderr
    assert found.stderr == ""
    assert found.stdout.count("caf\\udce9.py:8:16  warning") == 1
    assert "old.py" not in found.stdout
    deleted = hook_by_hand(repo, "clean.py", "gone.py")
    assert (deleted.returncode, deleted.stdout) == (2, "")
    assert deleted.stderr == "Error: no such file or folder: gone.py\n"


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
