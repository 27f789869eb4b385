from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
from referencing import Registry
from report_samples import report

import trainlint.linter
from trainlint.commands.check import CheckOptions, settings_of
from trainlint.findings import Notice
from trainlint.output import json as json_output
from trainlint.settings.model import Settings
from trainlint.version import VERSION

ROOT = Path(__file__).parent.parent
SCHEMA = json.loads(Path(json_output.__file__).with_name("report.schema.json").read_text())
UNSHUFFLED = """\
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

torch.manual_seed(0)
train_set = datasets.CIFAR10("data", train=True, transform=transforms.ToTensor())
train_loader = DataLoader(train_set, batch_size=128)
model = nn.Linear(3072, 10)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(3):
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x.flatten(1)), y)
        loss.backward()
        optimizer.step()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "train.py").write_text(UNSHUFFLED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def process(*args: object, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trainlint", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


def test_no_arguments_is_help(run) -> None:
    found = run()
    assert (found.code, found.err) == (0, "")
    assert "check" in found.out
    assert "explain" in found.out


@pytest.mark.parametrize("args", [["-h"], ["--help"], ["check", "--help"], ["rules", "-h"]])
def test_help(run, args: list[str]) -> None:
    found = run(*args)
    assert found.code == 0
    assert found.out.startswith("Usage: trainlint")


def test_version(run) -> None:
    found = run("--version")
    assert (found.code, found.out) == (0, f"trainlint {VERSION}\n")
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text()


def test_version_and_help_import_nothing_heavy() -> None:
    heavy = [
        "libcst",
        "yaml",
        "jsonschema",
        "msgspec",
        "pygls",
        "lsprotocol",
        "pathspec",
        "importlib.metadata",
    ]
    code = (
        "import sys; from trainlint.cli import main; main(['--version']); main(['--help']);"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert found.stdout.splitlines()[-1] == "[]", found.stderr


def test_a_path_is_short_for_check(run, linted) -> None:
    (Path.cwd() / "some.py").touch()
    assert run("some.py").out == run("check", "some.py").out
    assert [call["paths"] for call in linted] == [[Path("some.py")]] * 2


def test_options_may_come_first(run, linted) -> None:
    assert run("--format", "concise", "a.py").code == 1
    assert linted[0]["paths"] == [Path("a.py")]


def test_a_commands_name_wins_over_a_folder(run, linted) -> None:
    (Path.cwd() / "rules").mkdir()
    assert "missing-seed" in run("rules").out
    assert not linted
    run("./rules")
    assert linted[0]["paths"] == [Path("./rules")]


def test_formats(run, linted) -> None:
    text = run("a.py")
    assert text.code == 1
    assert "train.py:3:17  warning  unshuffled-training-data" in text.out
    assert run("a.py", "--format", "concise").out.startswith("configs/big.yaml:2:15: warning[")
    found = json.loads(run("a.py", "--format", "json").out)
    jsonschema.Draft202012Validator(SCHEMA, registry=Registry()).validate(found)
    assert len(json.loads(run("a.py", "--format", "lsp").out)) == 3
    assert len(run("a.py", "--quiet").out) < len(text.out)


def test_options_become_settings(run, linted) -> None:
    options = [
        "--select",
        "data,numerics",
        "--select",
        "missing-seed",
        "--ignore",
        "a",
        "--strict",
        "--fail-on",
        "error",
    ]
    run("x.py", *options, "-j", 3, "--exclude", "gen/*.py", "--exclude", "*.tmp.py", "--force-exclude")
    here = Path.cwd().as_posix()
    assert linted[0]["settings"] == Settings(
        select=("data", "numerics", "missing-seed"),
        ignore=("a",),
        strict=True,
        fail_on="error",
        exclude=(f"{here}/gen/*.py", "*.tmp.py"),
        jobs=3,
        force_exclude=True,
    )


def test_without_options_nothing_is_set() -> None:
    assert settings_of(CheckOptions()) == Settings()


def test_colour(run, linted, monkeypatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" not in run("a.py").out
    assert "\x1b[" in run("a.py", "--color", "always").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run("a.py").out
    assert "\x1b[" not in run("a.py", "--color", "never").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run("a.py").out
    assert "\x1b[" not in run("a.py", "--format", "json", "--color", "always").out


def test_output_file(run, linted, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    found = run("a.py", "--format", "json", "--output-file", target)
    assert (found.code, found.out) == (1, "")
    assert json.loads(target.read_text())["version"] == 1
    refused = run("a.py", "--output-file", tmp_path / "no" / "report.json")
    assert refused.code == 2
    assert "no such folder" in refused.err


def test_verbose_tells_time_on_stderr(run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text("import torch\n")
    cold, warm = (run("a.py", "--verbose", "--format", "json") for _ in range(2))
    assert cold.out == warm.out
    assert "total" in cold.err
    assert "nothing had to be read" in warm.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["check"], "name a file or folder"),
        (["a.py", "--format", "xml"], "Invalid value for '--format'"),
        (["a.py", "--fail-on", "x"], "Invalid value for '--fail-on'"),
        (["a.py", "-j", "0"], "Invalid value for '--jobs'"),
        (["a.py", "--selct", "x"], "No such option"),
        (["-", "a.py"], "checked alone"),
        (["a.py", "--stdin-filename", "x"], "goes with `-`"),
        (["explain"], "Missing argument"),
        (["explain", "mising-seed"], "did you mean 'missing-seed'?"),
        (["recipe", ".", "--why", "optimizer.ler"], "did you mean 'optimizer.lr'?"),
    ],
)
def test_usage_errors_exit_with_2(run, project: Path, args: list[str], message: str) -> None:
    found = run(*args)
    assert found.code == 2
    assert message in found.err
    assert "Traceback" not in found.err


def test_a_missing_path_stops_everything(run, project: Path) -> None:
    found = run("train.py", "nope.py")
    assert (found.code, found.out) == (2, "")
    assert found.err == "Error: no such file or folder: nope.py\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selct = []\n", "trainlint.toml:1: unknown setting 'selct'; did you mean 'select'?"),
        ("= 3\n", "trainlint.toml:1: not valid TOML"),
        (
            'select = ["mising-seed"]\n',
            "trainlint.toml:1: select: 'mising-seed' is neither a rule nor a family",
        ),
    ],
)
def test_broken_settings_are_usage_errors(run, project: Path, text: str, message: str) -> None:
    (project / "trainlint.toml").write_text(text)
    found = run(".")
    assert (found.code, found.out) == (2, "")
    assert message in found.err


def test_an_internal_error_is_one_clear_line(run, project: Path, monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("oops\x1b[31m")

    monkeypatch.delenv("TRAINLINT_DEBUG", raising=False)
    monkeypatch.setattr(trainlint.linter, "lint", fail)
    found = run(".")
    assert (found.code, found.out) == (2, "")
    assert len(found.err.splitlines()) == 1
    assert found.err.startswith("trainlint: internal error: KeyError: 'oops")
    assert "trainlint/commands/check.py:" in found.err
    assert "report this" in found.err
    assert "\x1b" not in found.err
    monkeypatch.setenv("TRAINLINT_DEBUG", "1")
    assert "Traceback" in run(".").err


def test_an_internal_notice_exits_with_2(run, monkeypatch, tmp_path: Path) -> None:
    notice = Notice("a.py", 1, "internal", "the rule missing-seed failed: KeyError")
    monkeypatch.setattr(trainlint.linter, "lint", lambda *_, **__: report(tmp_path, notices=(notice,)))
    found = run(".")
    assert found.code == 2
    assert "the rule missing-seed failed" in found.out


def test_an_interrupt_exits_with_130(run, monkeypatch, tmp_path: Path) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(trainlint.linter, "lint", interrupt)
    found = run(".", "--output-file", tmp_path / "out.txt")
    assert (found.code, found.err.strip()) == (130, "interrupted")
    assert not (tmp_path / "out.txt").exists()


def test_real_run_and_exit_codes(run, project: Path) -> None:
    found = run("train.py", "--select", "unshuffled-training-data")
    assert found.code == 1
    assert "train.py:8:16  warning  unshuffled-training-data" in found.out
    assert run("train.py", "--select", "unshuffled-training-data", "--fail-on", "error").code == 0
    assert run("train.py", "--select", "partial-seed").code == 0
    fixed = UNSHUFFLED.replace("batch_size=128", "batch_size=128, shuffle=True")
    (project / "train.py").write_text(fixed)
    clean = run("train.py", "--select", "unshuffled-training-data")
    assert (clean.code, clean.err) == (0, "")
    assert "No problems in 1 program (1 Python file; PyTorch)." in clean.out


def test_suppressing_in_a_real_run(run, project: Path) -> None:
    silenced = UNSHUFFLED.replace(
        "batch_size=128)", "batch_size=128)  # trainlint: ignore[data] -- sorted on purpose"
    )
    (project / "train.py").write_text(silenced)
    found = run("train.py", "--select", "unshuffled-training-data")
    assert found.code == 0
    assert "1 suppressed" in found.out


def test_standard_input_is_the_file_it_stands_for(project: Path) -> None:
    options = ["--format", "json", "--select", "data"]
    from_file = process("train.py", *options)
    from_stdin = process("-", "--stdin-filename", "train.py", *options, input=UNSHUFFLED)
    assert from_file.stdout == from_stdin.stdout
    assert from_stdin.returncode == 1
    unsaved = process("-", "--stdin-filename", "new.py", *options, input=UNSHUFFLED)
    assert {finding["path"] for finding in json.loads(unsaved.stdout)["findings"]} == {"new.py"}
    anonymous = process("-", *options, input=UNSHUFFLED)
    assert {finding["path"] for finding in json.loads(anonymous.stdout)["findings"]} == {"stdin.py"}


def test_standard_input_that_is_no_text(project: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "trainlint", "-"], input=b"x = '\xff'", capture_output=True, check=False
    )
    assert found.returncode == 2
    assert b"standard input is not UTF-8" in found.stderr


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_a_reader_that_has_enough_ends_the_run_quietly(project: Path) -> None:
    command = f"{sys.executable} -m trainlint train.py --format json | true; exit ${{PIPESTATUS[0]}}"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert found.stderr == ""
    assert found.returncode in (0, 1)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_in_a_real_run(project: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "trainlint", "-", "--output-file", "out.txt"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1.0)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode in (130, -signal.SIGINT)  # a shell says 130 for both
    assert "Traceback" not in err
    assert not (project / "out.txt").exists()


def test_output_in_a_terminal_that_knows_no_unicode(project: Path) -> None:
    (project / "train.py").write_text(UNSHUFFLED.replace("batch_size=128)", "batch_size=128)  # 数据"))
    found = process(
        "train.py", "--select", "data", env={**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    )
    assert found.returncode == 1
    assert "\\u6570" in found.stdout
    assert "Traceback" not in found.stderr


def test_rules(run) -> None:
    assert "missing-seed" in run("rules").out
    listed = json.loads(run("rules", "--format", "json").out)
    seed = next(rule for rule in listed if rule["rule"] == "missing-seed")
    assert seed["family"] == "reproducibility"
    assert (ROOT / seed["url"]).is_file()


def test_explain(run) -> None:
    found = run("explain", "missing-seed")
    assert found.code == 0
    for heading in ("What it does", "Why it is bad", "Example", "Use instead", "When it stays silent"):
        assert heading in found.out


def test_rules_of_the_users_own(run, project: Path) -> None:
    (project / "trainlint.toml").write_text('rulebooks = ["mine"]\n')
    shutil.copytree(ROOT / "rules" / "reproducibility", project / "mine" / "house")
    page = project / "mine" / "house" / "partial-seed.md"
    page.write_text(
        page.read_text()
        .replace("rule: partial-seed", "rule: house-seed")
        .replace("[partial-seed]", "[house-seed]")
        .replace("  make: reproducibility.seed_beside", "  edits: [{delete-statement: repro.partial}]")
    )
    page.rename(page.with_name("house-seed.md"))
    (project / "mine" / "house" / "missing-seed.md").unlink()
    assert "house-seed" in run("rules").out
    assert run("explain", "house-seed").code == 0


def test_recipe(run, project: Path) -> None:
    found = run("recipe", "train.py")
    assert found.code == 0
    assert "optimizer.lr" in found.out
    why = run("recipe", "train.py", "--why", "optimizer.lr")
    assert why.code == 0
    assert "0.001" in why.out
    (project / "other.py").write_text("x = 1\n")
    assert "No training program" in run("recipe", "other.py").out
    assert run("recipe", "gone.py").code == 2


def test_the_settings_name_a_config_and_toml_can_suppress(run, project: Path) -> None:
    (project / "conf").mkdir()
    (project / "conf" / "odd.yaml").write_text("colour: 1\ncolour: 2\n")
    (project / "conf" / "odd.toml").write_text('a = "# no"  # trainlint: ignore[data] -- nothing here\n')
    assert run("conf", "--select", "config").code == 0
    (project / "trainlint.toml").write_text('configs = ["conf/*.yaml"]\n')
    assert "error[duplicate-key]" in run("conf", "--select", "config", "--format", "concise").out
    told = run("conf", "--select", "suppressions,data", "--format", "concise").out
    assert "conf/odd.toml:1:13: advice[unused-suppression]" in told
