"""The GitHub Action, the GitLab template and their documentation, run and compared with the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from tests.small_programs import SEEDLESS
from trainlint import cli
from trainlint.commands.outputs import FORMATS

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
TEMPLATE = yaml.safe_load((ROOT / "ci" / "trainlint.gitlab-ci.yml").read_text())
CI_DOCS = (ROOT / "docs" / "ci.md").read_text()
FORMAT_DOCS = (ROOT / "docs" / "formats.md").read_text()
INSTALL, CHECK = ACTION["runs"]["steps"]


def options_of(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


def named_options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder; $(touch broken)"
    folder.mkdir()
    (folder / "train.py").write_text(SEEDLESS)
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "trainlint"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m trainlint "$@"\n')
    command.chmod(0o755)
    return tmp_path


def step(project: Path, **values: str) -> subprocess.CompletedProcess[str]:
    """The action's check step, as the runner starts it."""
    given = {f"inputs.{name}": str(entry["default"]) for name, entry in ACTION["inputs"].items()}
    given |= {f"inputs.{name.replace('_', '-')}": value for name, value in values.items()}
    given["steps.install.outputs.trainlint"] = str(project / "bin" / "trainlint")
    filled = {
        name: re.sub(r"\$\{\{ (.*?) \}\}", lambda found: given[found[1]], value)
        for name, value in CHECK["env"].items()
    }
    environment = {**os.environ, **filled, "GITHUB_WORKSPACE": str(project)}
    bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", CHECK["run"]]
    return subprocess.run(
        bash, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_action_checks_paths_and_writes_sarif(project: Path) -> None:
    folder = "a folder; $(touch broken)"
    found = step(project, paths=f"{folder}\n", fail_on="advice", sarif_file="out file.sarif")
    assert found.returncode == 1, found.stderr
    assert re.match(r"::\w+ file=a folder; \$\(touch broken\)/train\.py,line=\d+,", found.stdout)
    (run,) = json.loads((project / "out file.sarif").read_text())["runs"]
    assert "missing-seed" in {result["ruleId"] for result in run["results"]}
    assert sorted(path.name for path in project.iterdir()) == [folder, "bin", "out file.sarif"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_action_passes_options_one_per_line(project: Path) -> None:
    clean = step(project, options="--select=numerics\n\n--exclude=a b\n", strict="true")
    assert (clean.returncode, clean.stdout, clean.stderr) == (0, "", "")
    wrong = step(project, options="--select=numerik")
    assert wrong.returncode == 2
    assert "numerik" in wrong.stderr


def test_the_action_reads_no_input_as_shell() -> None:
    for each in (INSTALL, CHECK):
        assert "${{" not in each["run"]
        assert each["shell"] == "bash"
    used = json.dumps([INSTALL, CHECK])
    assert all(f"inputs.{name} " in used for name in ACTION["inputs"])


def test_the_docs_name_the_inputs_of_the_action() -> None:
    table = CI_DOCS[CI_DOCS.index("| input |") : CI_DOCS.index("### Code scanning")]
    assert re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE) == list(ACTION["inputs"])


def test_the_gitlab_template_is_current() -> None:
    script = " ".join(TEMPLATE["trainlint"]["script"])
    reports = TEMPLATE["trainlint"]["artifacts"]["reports"]
    assert f"gitlab={reports['codequality']}" in script
    assert f"junit={reports['junit']}" in script
    assert set(re.findall(r"\$(TRAINLINT_\w+)", script)) == set(TEMPLATE["variables"])


def test_the_docs_name_formats_and_options_that_exist() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", FORMAT_DOCS, re.MULTILINE)
    assert tuple(listed) == FORMATS
    known = options_of(cli.check)
    template = (ROOT / "ci" / "trainlint.gitlab-ci.yml").read_text()
    for text in (FORMAT_DOCS, CI_DOCS, CHECK["run"], template.replace("--quiet", "")):
        assert named_options(text) - {"--"} <= known
    for block in re.findall(r"```yaml\n(.*?)```", CI_DOCS, re.DOTALL):
        yaml.safe_load(block)


def installed(tool: str) -> str:
    """A command that the test extra brings along."""
    found = shutil.which(tool, path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip(f"{tool} is not installed: pip install -e '.[test]'")
    return found


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        (["vendor.github-actions"], "action.yml"),
        (["vendor.gitlab-ci", "--data-transform=gitlab-ci"], "ci/trainlint.gitlab-ci.yml"),
    ],
)
def test_files_for_services_fit_their_published_schemas(schema: list[str], file: str) -> None:
    command = [installed("check-jsonschema"), "--builtin-schema", *schema, str(ROOT / file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_documented_workflow_fits_the_published_schema(tmp_path: Path) -> None:
    first = re.search(r"```yaml\n(.*?)```", CI_DOCS, re.DOTALL)
    assert first is not None
    file = tmp_path / "trainlint.yml"
    file.write_text(first[1])
    command = [installed("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_hooks_file_is_one() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("script", "shell", "allowed"),
    [
        (INSTALL["run"], "bash", ""),
        (CHECK["run"], "bash", ""),
        # Its paths and options are meant to be split into words.
        ("\n".join(TEMPLATE["trainlint"]["script"]), "sh", "SC2086"),
    ],
)
def test_scripts_are_sound(script: str, shell: str, allowed: str) -> None:
    command = [installed("shellcheck"), f"--shell={shell}", f"--exclude={allowed}", "-"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_completion_of_the_docs_is_a_script() -> None:
    assert set(re.findall(r"_TRAINLINT_COMPLETE=(\w+)_source", CI_DOCS)) == {"bash", "zsh", "fish"}
    environment = {**os.environ, "_TRAINLINT_COMPLETE": "bash_source"}
    command = [sys.executable, "-m", "trainlint"]
    script = subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout
    assert "trainlint" in script
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


COMPLETE = """
eval "$(_TRAINLINT_COMPLETE=bash_source trainlint)"
# Only what reads keys has completions to adjust.
compopt() { :; }
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
"$(complete -p trainlint | sed 's/.* -F \\([^ ]*\\).*/\\1/')" trainlint
printf '%s ' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["base"], "baseline"),
        (["baseline", "p"], "prune"),
        (["src", "--output-"], "--output-file"),
        (["check", ".", "--fail-on", "nev"], "never"),
        (["explain", "missing-se"], "missing-seed"),
        (["tra"], ""),
    ],
)
def test_bash_completes(project: Path, words: list[str], expected: str) -> None:
    """A shell that was told of the completion, as the documentation says, asked for a word."""
    environment = {**os.environ, "PATH": f"{project / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", COMPLETE, "bash", "trainlint", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout.strip(), done.stderr) == (expected, "")
