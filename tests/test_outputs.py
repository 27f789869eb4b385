"""`--output`, `--statistics` and `--show-suppressed`: where reports go, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.small_programs import SEEDLESS
from trainlint import cli
from trainlint.commands.outputs import FORMATS
from trainlint.linter import lint

LOSSES = """\
import torch


def contrastive_loss(z1, z2, same, margin=1.0):
    distance = (z1 - z2).pow(2).sum(dim=1).sqrt()  # trainlint: ignore[unguarded-sqrt] -- never equal
    near = same * distance ** 2
    far = (1 - same) * torch.relu(margin - distance) ** 2
    return (near + far).mean()
"""


def test_the_command_and_the_outputs_know_the_same_formats() -> None:
    assert cli.FORMATS == FORMATS


def test_several_outputs_in_one_run(run, linted, tmp_path: Path) -> None:
    files = {"sarif": "a.sarif", "gitlab": "b.json", "junit": "c.xml", "github": "d.txt", "json": "e.json"}
    files |= {"concise": "f.txt", "lsp": "g.json"}
    outputs = [part for form, name in files.items() for part in ("--output", f"{form}={name}")]
    found = run("a.py", *outputs, "--output", "text")
    assert (found.code, found.err) == (1, "")
    assert found.out == run("a.py").out
    assert json.loads((tmp_path / "a.sarif").read_text())["version"] == "2.1.0"
    assert len(json.loads((tmp_path / "b.json").read_text())) == 4
    assert ElementTree.parse(tmp_path / "c.xml").getroot().get("failures") == "3"
    assert (tmp_path / "d.txt").read_text().startswith("::warning ")
    for form, name in files.items():
        alone = run("a.py", "--format", form)
        assert (alone.code, alone.out) == (1, (tmp_path / name).read_text())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files.values())


def test_output_says_what_standard_output_gets(run, linted, tmp_path: Path) -> None:
    assert run("a.py", "--output", "sarif=a.sarif").out == ""
    assert json.loads(run("a.py", "--output", "json").out)["version"] == 1
    assert json.loads(run("a.py", "--output", "json=-").out)["version"] == 1
    both = run("a.py", "--format", "concise", "--output", "sarif=a.sarif")
    assert both.out.startswith("configs/big.yaml:2:15: warning")
    filed = run("a.py", "--format", "json", "-o", "a.json", "--output", "concise")
    assert filed.out == both.out
    assert json.loads((tmp_path / "a.json").read_text())["version"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--output", "sarrif=x"], "--output: no format is called 'sarrif'; did you mean 'sarif'?"),
        (["--output", "zzz"], "there are text, concise, json"),
        (["--output", "sarif="], "no file is named after `=`"),
        (["--output", "text", "--output", "json"], "both write to standard output"),
        (["--output", "text", "--format", "json"], "both write to standard output"),
        (["--output", "sarif=x", "--output", "json=./x"], "both write to x"),
        (["--output", "json=x", "-o", "x"], "both write to x"),
        (["--output", "sarif=no/x.sarif"], "--output sarif: no such folder: no"),
        (["--output", "sarif=."], "--output sarif: . is a folder"),
        (["--output", "sarif=no/\x1b[2J/x"], "no such folder: no/\\x1b[2J"),
        (["--show-suppressed"], "--show-suppressed goes with"),
    ],
)
def test_outputs_that_cannot_be_are_refused_before_the_run(run, linted, options, message, tmp_path) -> None:
    refused = run("a.py", *options)
    assert (refused.code, refused.out) == (2, "")
    assert message in refused.err
    assert not linted
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name", ["a.py", "train.yaml", "pyproject.toml", "x.ipynb", "trainlint-baseline.json"]
)
def test_a_report_never_replaces_what_is_read(run, linted, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    refused = run("a.py", "-o", name)
    assert refused.code == 2
    assert f"{name} is a file to be read, not a report: name another one" in refused.err
    assert (tmp_path / name).read_text() == "mine"
    assert run("a.py", "-o", "new.yaml").out == ""


def test_a_read_only_folder_is_refused_before_the_run(run, linted, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("trainlint.commands.outputs.os.access", lambda *_: False)
    refused = run("a.py", "--output", "sarif=x.sarif")
    assert (refused.code, linted) == (2, [])
    assert "cannot write x.sarif: the folder is read-only" in refused.err


def test_a_full_disk_costs_the_file_but_not_the_report(run, linted, tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "x.sarif").write_text("old")
    monkeypatch.setattr("trainlint.output.files.os.fsync", full)
    found = run("a.py", "--output", "sarif=x.sarif", "--output", "junit=y.xml", "--output", "text")
    assert found.code == 2
    assert "1 error, 2 warnings, 1 advice" in found.out
    assert "cannot write x.sarif: No space left on device" in found.err
    assert "cannot write y.xml: No space left on device" in found.err
    assert (tmp_path / "x.sarif").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x.sarif"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX devices")
def test_devices_can_be_written(run, linted) -> None:
    assert run("a.py", "--output", "sarif=/dev/null", "--output", "concise").code == 1


def test_statistics_follow_the_findings(run, linted, tmp_path: Path) -> None:
    table = "\n1  error    unguarded-sqrt\n1  warning  large-batch-without-warmup\n"
    assert table in run("a.py", "--statistics").out
    assert run("a.py", "--statistics").out.startswith(run("a.py").out)
    assert table in run("a.py", "--format", "concise", "--statistics").out
    machine = run("a.py", "--format", "json", "--statistics")
    assert json.loads(machine.out)["version"] == 1
    assert machine.err.startswith("1  error    unguarded-sqrt\n")


def test_what_comments_and_settings_silence(run, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "train.py").write_text(SEEDLESS)
    (tmp_path / "losses.py").write_text(LOSSES)
    (tmp_path / "trainlint.toml").write_text('[per-file-ignores]\n"train.py" = ["missing-seed"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    found = lint([tmp_path])
    told = {(each.finding.rule, each.kind, each.reason) for each in found.silenced}
    assert ("unguarded-sqrt", "inSource", "never equal") in told
    assert ("missing-seed", "external", "") in told
    assert "missing-seed" in found.ran
    results = json.loads(run(".", "--format", "sarif", "--show-suppressed").out)["runs"][0]["results"]
    silenced = {each["ruleId"]: each["suppressions"] for each in results if each["suppressions"]}
    assert silenced["unguarded-sqrt"] == [{"kind": "inSource", "justification": "never equal"}]
    plain = json.loads(run(".", "--format", "sarif").out)["runs"][0]
    assert not {each["ruleId"] for each in plain["results"]} & set(silenced)
    assert len(plain["tool"]["driver"]["rules"]) == len(found.ran)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ch"], ["file,ch", "plain,check"]),
        (["explain", "missing-se"], ["plain,missing-seed"]),
        (["src", "--select", "unguarded-sqrt,num"], ["plain,unguarded-sqrt,numerics"]),
        (["check", "--form"], ["plain,--format"]),
        (["--form"], ["plain,--format"]),
        (["src", "--form"], ["plain,--format"]),
        (["--format", "sa"], ["plain,sarif"]),
        (["check", "src", "tra"], ["file,tra"]),
        (["src"], ["file,src"]),
    ],
)
def test_shells_complete_paths_and_options_with_and_without_the_command(words, expected) -> None:
    environment = {
        **os.environ,
        "_TRAINLINT_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["trainlint", *words]),
        "COMP_CWORD": str(len(words)),
    }
    command = [sys.executable, "-m", "trainlint"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == expected


def test_formats_are_imported_only_where_they_are_asked_for() -> None:
    script = (
        "import sys; from trainlint.cli import main; main(['--version']); "
        "print([name for name in sys.modules if name.startswith('trainlint.')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    for room in ("output", "commands", "findings", "rulebook"):
        assert f"trainlint.{room}" not in done.stdout
