"""What the documents say is true: commands, output, rules, settings, snippets, links."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from trainlint.rulebook.loading import load_rulebook
from trainlint.settings.file import load_settings
from trainlint.settings.model import KEYS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "editors/README.md")),
    *(ROOT / "docs" / name for name in ("baseline.md", "settings.md", "suppressions.md")),
]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_generated_parts_are_current() -> None:
    spec = importlib.util.spec_from_file_location("refresh", ROOT / "docs" / "refresh.py")
    assert spec is not None
    assert spec.loader is not None
    refresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(refresh)
    assert refresh.refreshed(README) == README, "run: python docs/refresh.py"


def test_ci_runs_the_readmes_commands() -> None:
    commands = [block.strip() for block in blocks("sh") if "venv" in block]
    assert len(commands) == 2
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert set(commands) <= set(script)
    assert script[-1] == commands[1]
    assert (ROOT / ".ci" / "run").stat().st_mode & stat.S_IXUSR or os.name == "nt"


def test_every_rule_is_in_the_readme() -> None:
    for rule in load_rulebook().rules.values():
        assert f"[{rule.name}](rules/{rule.family}/{rule.name}.md)" in README


def test_the_settings_of_the_readme_are_valid(tmp_path: Path) -> None:
    (text,) = (block for block in blocks("toml") if "select" in block)
    file = tmp_path / "trainlint.toml"
    file.write_text(text, encoding="utf-8")
    load_settings(file)


def test_the_page_on_settings_has_all_of_them(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    (text,) = blocks("toml", page)
    (tmp_path / "common").mkdir()
    (tmp_path / "common" / "trainlint.toml").write_text("")
    (tmp_path / "project").mkdir()
    file = tmp_path / "project" / "trainlint.toml"
    file.write_text(text, encoding="utf-8")
    load_settings(file)
    missing = [key for key in KEYS if not re.search(rf"^\[?{re.escape(key)}\b", text, re.MULTILINE)]
    assert missing == []


@pytest.mark.parametrize("page", ["baseline.md", "settings.md", "suppressions.md"])
def test_the_commands_of_the_pages_work(page: str, tmp_path: Path, monkeypatch, capsys) -> None:
    from trainlint.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "trainlint.toml").write_text("strict = true\n")
    (tmp_path / "losses.py").write_text(
        "import torch\n\n\ndef f(a, b):\n    return torch.sqrt(((a - b) ** 2).sum())\n"
    )
    identity = ["-c", "user.email=a@example.org", "-c", "user.name=a", "-c", "commit.gpgsign=false"]
    commit = [*identity, "commit", "-qm", "first"]
    for args in (["init", "-q"], ["add", "-A"], commit, ["update-ref", "refs/remotes/origin/main", "HEAD"]):
        subprocess.run(["git", *args], check=True)
    text = "\n".join(blocks("sh", (ROOT / "docs" / page).read_text(encoding="utf-8")))
    lines = [line for line in text.splitlines() if line.startswith("trainlint ")]
    assert lines
    for line in lines:
        assert main(shlex.split(line, comments=True)[1:]) in (0, 1), line
        assert capsys.readouterr().err == ""


def test_the_hooks_of_the_readme_exist() -> None:
    (text,) = blocks("yaml")
    used = re.findall(r"- id: (\S+)", text)
    known = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert sorted(used) == sorted(hook["id"] for hook in known)
    assert yaml.safe_load(text)["repos"]


def test_the_python_of_the_readme_runs(monkeypatch, capsys) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = (block for block in blocks("python") if "lint(" in block)
    exec(compile(code, "README.md", "exec"), {})
    assert "unguarded-sqrt losses.py 14" in capsys.readouterr().out


def test_the_command_lines_of_the_readme_are_understood(tmp_path: Path, monkeypatch, capsys) -> None:
    from trainlint.cli import main

    demo = shutil.copytree(ROOT / "fixtures" / "demo", tmp_path / "demo")
    monkeypatch.chdir(demo)
    identity = ["-c", "user.email=a@example.org", "-c", "user.name=a", "-c", "commit.gpgsign=false"]
    for args in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *args], check=True)
    written = re.findall(r"^\| `(trainlint [^`]+)`", README, re.MULTILINE)
    lines = [line for line in written if " - " not in line]
    assert len(lines) >= 6
    for line in lines:
        assert main(shlex.split(line)[1:]) in (0, 1), line
        told = capsys.readouterr().err
        # --diff counts there what it would do: standard output is the patch alone.
        assert told == "" or "--diff" in line, line


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert [link for link in LINK.findall(text) if not (document.parent / link).exists()] == []


def test_files_named_in_contributing_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:trainlint|rules|tests|fixtures|benchmarks|docs|\.ci)/[\w./-]*)`", text)
    assert len(named) >= 15
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_public_names_are_there_and_cheap() -> None:
    import trainlint

    assert all(getattr(trainlint, name) is not None for name in trainlint.__all__)
    assert set(trainlint.__all__) <= set(dir(trainlint))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = trainlint.nothing
    heavy = ("msgspec", "libcst", "yaml", "click")
    code = f"import sys, trainlint; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert (Path(trainlint.__file__).parent / "py.typed").is_file()
