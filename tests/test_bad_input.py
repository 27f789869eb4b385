"""Whatever a folder holds: one clear notice or usage error, the other files linted, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from generated_numbers import GENERATED
from interrupting import BUSY, SUBMITTING, TWICE
from test_cli import UNSHUFFLED

from trainlint.analysis.close.reader import Reader
from trainlint.analysis.facts import Outline
from trainlint.analysis.index.project import ProjectIndex
from trainlint.analysis.numerics.abstract import AbstractValues
from trainlint.analysis.outline.outline import outline
from trainlint.knowledge.base import load_knowledge

RULE = "unshuffled-training-data"
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="POSIX files and signals")


def trainlint(*args: str, cwd: Path, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trainlint", *args]
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False, **options
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose `good.py` has one finding that must be reported whatever stands beside it."""
    (tmp_path / "trainlint.toml").write_text(f'select = ["{RULE}", "config"]\n')
    (tmp_path / "good.py").write_text(UNSHUFFLED)
    return tmp_path


def report(project: Path, *args: str) -> dict:
    """The report, having checked that the good file's finding is in it and that the run failed for it
    alone."""
    done = trainlint(*(args or (".",)), "--format", "json", cwd=project)
    assert (done.returncode, done.stderr) == (1, ""), done.stderr
    found = json.loads(done.stdout)
    assert [item["path"] for item in found["findings"] if item["rule"] == RULE] == ["good.py"]
    return found


def notices(found: dict, path: str) -> list[tuple[str, int]]:
    return [(notice["kind"], notice["line"]) for notice in found["notices"] if notice["path"] == path]


DEEP = "x = " + "(" * 10_000 + ")" * 10_000 + "\n"
BLOCKS = "".join(" " * depth + "if x:\n" for depth in range(1500)) + " " * 1500 + "pass\n"
PYTHON = {
    "encoding": ("x = 1\ny = '\u00e9'\n".encode("latin-1"), "encoding", 2, "0xe9"),
    "unknown encoding": (b"# -*- coding: klingon -*-\n", "encoding", 1, "klingon"),
    "utf-16": ("x = 1\n".encode("utf-16"), "encoding", 1, "UTF-16"),
    "NUL byte": (b"x = 1\ny = '\0'\n", "encoding", 2, "NUL"),
    "Python 2": (b"import os\nprint 'hello'\n", "python2", 2, "Python 2"),
    "syntax error": (b"x = 1\ndef f(:\n    pass\n", "syntax", 2, ""),
    "unclosed bracket": (b"x = (1,\n", "syntax", 1, ""),
    "merge conflict": (b"x = 1\n<<<<<<< HEAD\nx = 2\n=======\n>>>>>>> other\n", "syntax", 2, ""),
    "10,000 brackets": (DEEP.encode(), "too-deep", 1, "nested"),
    "1,500 blocks": (BLOCKS.encode(), "too-deep", 102, "nested"),
    "8,000 ands": (b"y = 1\nx = " + b" and ".join([b"a"] * 8000) + b"\n", "too-deep", 2, ""),
    "8,000 sums": (b"x = " + b" + ".join([b"1"] * 8000) + b"\n", "too-deep", 1, ""),
    "8,000 links": (b"x = a" + b".b" * 8000 + b"\n", "too-deep", 1, ""),
    "8,000 texts": (b"x = (" + b"'a' " * 8000 + b")\n", "too-deep", 1, ""),
    "3,000 elifs": (b"if a:\n  pass\n" + b"elif a:\n  pass\n" * 3000, "too-deep", 1, "elif"),
    "20 MB": (b"x = 1\n" * (20_000_000 // 6), "too-large", 1, "2 MB"),
}


@pytest.mark.parametrize("name", PYTHON)
def test_python_that_cannot_be_read(project: Path, name: str) -> None:
    data, kind, line, words = PYTHON[name]
    (project / "bad.py").write_bytes(data)
    found = report(project)
    assert len(found["notices"]) == 1
    (notice,) = found["notices"]
    assert (notice["path"], notice["kind"]) == ("bad.py", kind), notice
    if name not in ("8,000 texts", "3,000 elifs"):
        assert notice["line"] == line
    assert words in notice["message"]
    assert "\n" not in notice["message"]
    assert len(notice["message"]) < 200


def test_a_notice_can_fail_a_run(project: Path) -> None:
    (project / "good.py").unlink()
    (project / "bad.py").write_text("print 'hello'\n")
    assert trainlint(".", cwd=project).returncode == 0
    assert trainlint(".", "--fail-on", "notice", cwd=project).returncode == 1


YAML = {
    "tab": ("lr: 0.1\nmodel:\n\tname: resnet\n", 3, "tab"),
    "unclosed quote": ('a: 1\nb: "x\n', 2, "never closed"),
    "unclosed bracket": ("a: [1, 2\nb: 3\n", 2, ""),
    "two colons": ("a: b: c\n", 1, "':"),
    "bad indentation": ("a:\n  b: 1\n c: 2\n", 3, "indentation"),
    "control character": ("a: \x07\n", 1, "U+0007"),
    "second document": ("a: 1\n---\nb: [\n", 3, ""),
}


@pytest.mark.parametrize("name", YAML)
def test_yaml_that_does_not_parse(project: Path, name: str) -> None:
    text, line, words = YAML[name]
    (project / "bad.yaml").write_text(text)
    found = report(project)
    if name == "tab":
        assert [(item["rule"], item["line"]) for item in found["findings"] if item["path"] == "bad.yaml"] or (
            notices(found, "bad.yaml") == [("config-syntax", line)]
        )
        return
    assert notices(found, "bad.yaml") == [("config-syntax", line)]
    assert words in found["notices"][0]["message"]


def test_toml_that_does_not_parse(project: Path) -> None:
    (project / "bad.toml").write_text("[optim]\nlr = = 1\n")
    assert notices(report(project), "bad.toml") == [("config-syntax", 2)]


def test_a_broken_training_config_is_a_finding(project: Path) -> None:
    (project / "train.yaml").write_text("lr: 0.1\nbatch_size: 128\nepochs: 90\noptimizer: {name: sgd\n")
    (project / "ppcls.yaml").write_text("Global:\n  epochs: 90\n epochs: 3\nOptimizer:\nDataLoader:\n")
    found = report(project)
    rules = {item["path"]: item["rule"] for item in found["findings"]}
    assert rules["ppcls.yaml"] == "unparsable-config"
    assert "train.yaml" not in rules
    assert [notice["path"] for notice in found["notices"]] == ["train.yaml"]
    strict = report(project, ".", "--strict")
    assert {item["path"]: item["rule"] for item in strict["findings"]}["train.yaml"] == "unparsable-config"
    assert strict["notices"] == []


@pytest.mark.parametrize("text", ["{% if x %}\na: [\n{% endif %}\n", "name: {{ cookiecutter.name }}: x\n"])
def test_a_template_is_no_broken_config(project: Path, text: str) -> None:
    (project / "template.yaml").write_text(text)
    assert report(project)["notices"] == []


HARMLESS = {
    "aliases.yaml": "a: &a [x, x]\n"
    + "".join(f"a{n}: &a{n} [*a, *a]\n".replace("*a,", "*a,") for n in range(9)),
    "bomb.yaml": "lr: 0.1\nbatch_size: 64\nepochs: 9\noptimizer: sgd\na0: &a0 [x, x]\n"
    + "".join(f"a{n + 1}: &a{n + 1} [" + ", ".join([f"*a{n}"] * 9) + "]\n" for n in range(12)),
    "cyclic.yaml": "lr: 0.1\nbatch_size: 64\nepochs: 9\noptimizer: sgd\nself: &a [*a]\nmap: &m {again: *m}\n",
    "tags.yaml": "lr: !float 0.1\nepochs: !include x.yaml\nrun: !!python/object/apply:os.system ['false']\n",
    "documents.yaml": "lr: 0.1\nepochs: 9\n---\nlr: 0.2\n---\n- 1\n",
    "empty.yaml": "",
    "comment.yaml": "# nothing\n",
    "scalar.yaml": "just a text\n",
    "null.json": "null",
    "empty.json": "",
    "empty.toml": "",
    "empty.py": "",
    "bom.py": "\ufeffx = 1\n",
    "form_feed.py": "x = 1\n\f\ny = 2\n",
    "old_lines.py": "x = 1\ry = 2\r",
}


def test_odd_files_that_can_be_read(project: Path) -> None:
    for name, text in HARMLESS.items():
        (project / name).write_bytes(text.encode())
    found = report(project)
    assert {notice["path"] for notice in found["notices"]} <= {"empty.json"}


@POSIX_ONLY
def test_files_that_are_none(project: Path) -> None:
    (project / "folder.py").mkdir()
    (project / "dangling.py").symlink_to("gone.py")
    (project / "self.py").symlink_to("self.py")
    (project / "loop").symlink_to(project, target_is_directory=True)
    os.mkfifo(project / "pipe.py")
    # A module that leads nowhere may be any: what it does is unknown, and said to be.
    unread = [(notice["path"], notice["kind"]) for notice in report(project)["notices"]]
    assert unread == [("dangling.py", "unreadable"), ("self.py", "unreadable")]
    named = report(project, "good.py", "pipe.py", "folder.py")
    assert [(notice["path"], notice["kind"]) for notice in named["notices"]] == [("pipe.py", "unreadable")]


@POSIX_ONLY
@pytest.mark.parametrize("name", ["dangling.py", "self.py", "gone.py", "no/such/folder"])
def test_paths_that_do_not_exist(project: Path, name: str) -> None:
    (project / "dangling.py").symlink_to("gone.py")
    (project / "self.py").symlink_to("self.py")
    done = trainlint("good.py", name, cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: no such file or folder: {name}\n"


@POSIX_ONLY
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(project: Path) -> None:
    (project / "shut.py").write_text("x = 1\n")
    (project / "shut.py").chmod(0)
    found = report(project)
    assert notices(found, "shut.py") == [("unreadable", 1)]
    assert "permission denied" in found["notices"][0]["message"]


@POSIX_ONLY
def test_links_in_circles(project: Path) -> None:
    for name in ("a", "b"):
        (project / name).mkdir()
        (project / name / "train.py").write_text("x = 1\n")
    (project / "a" / "to_b").symlink_to(project / "b", target_is_directory=True)
    (project / "b" / "to_a").symlink_to(project / "a", target_is_directory=True)
    assert report(project)["summary"]["python_files"] == 3


@POSIX_ONLY
def test_file_names_of_all_kinds(project: Path) -> None:
    for name in ("sp ace.py", "quo'te.py", "new\nline.py", "esc\x1b[31m.py", "日本.py"):
        (project / name).write_text(UNSHUFFLED)
    (Path(os.fsdecode(os.fsencode(project) + b"/latin\xe9.py"))).write_text(UNSHUFFLED)
    done = trainlint(".", cwd=project)
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert done.stdout.count(f"warning  {RULE}") == 7
    assert json.loads(trainlint(".", "--format", "json", cwd=project).stdout)["summary"]["warnings"] == 7


def cell(source: str, kind: str = "code") -> dict:
    return {"cell_type": kind, "source": source.splitlines(keepends=True), "metadata": {}, "outputs": []}


def test_notebooks(project: Path) -> None:
    cells = [cell("# Training", "markdown"), cell("%matplotlib inline\n!pip install torch"), cell(UNSHUFFLED)]
    (project / "train.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4, "metadata": {}}))
    (project / "broken.ipynb").write_text('{"cells": [')
    (project / "other.ipynb").write_text('{"a": 1}')
    (project / "half.ipynb").write_text(
        json.dumps({"cells": [cell("x = ("), cell("y = 1")], "nbformat": 4, "metadata": {}})
    )
    done = trainlint(".", "--format", "json", cwd=project)
    found = json.loads(done.stdout)
    (finding,) = [item for item in found["findings"] if item["path"] == "train.ipynb"]
    assert (finding["rule"], finding["cell"], finding["line"]) == (RULE, 3, 8)
    assert {notice["path"] for notice in found["notices"]} == {"broken.ipynb", "other.ipynb", "half.ipynb"}


def test_an_empty_folder(tmp_path: Path) -> None:
    done = trainlint(".", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Nothing to check")


def test_only_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("print 'hello'\n")
    done = trainlint("old.py", cwd=tmp_path)
    assert done.returncode == 0
    assert "old.py:1" in done.stdout
    assert "Nothing was checked" in done.stdout


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("trainlint.toml", "select = [\n", "trainlint.toml:1: not valid TOML"),
        (
            "trainlint.toml",
            "\nselekt = []\n",
            "trainlint.toml:2: unknown setting 'selekt'; did you mean 'select'?",
        ),
        ("trainlint.toml", "strict = 1\n", "trainlint.toml:1: strict must be true or false"),
        ("trainlint.toml", "jobs = -1\n", "trainlint.toml:1: jobs must be a whole number"),
        ("trainlint.toml", 'fail-on = "eror"\n', "did you mean 'error'?"),
        ("trainlint.toml", 'ignore = ["mising-seed"]\n', "did you mean 'missing-seed'?"),
        ("trainlint.toml", "[options.missing-seed]\nx = 1\n", "trainlint.toml:2: "),
        ("trainlint.toml", 'rulebooks = ["gone"]\n', "trainlint.toml:1: "),
        ("trainlint.toml", "select = '\udcff'\n", "trainlint.toml:1: not UTF-8"),
        (
            "pyproject.toml",
            "[tool.trainlint]\nstrict = 'yes'\n",
            "pyproject.toml:2: strict must be true or false",
        ),
        ("pyproject.toml", "[tool]\ntrainlint = 3\n", "pyproject.toml:2: tool.trainlint must be a table"),
    ],
)
def test_broken_settings(tmp_path: Path, file: str, text: str, message: str) -> None:
    (tmp_path / "good.py").write_text(UNSHUFFLED)
    (tmp_path / file).write_bytes(text.encode(errors="surrogateescape"))
    done = trainlint(".", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stdout
    assert done.stderr.startswith("Error: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


PAGES = {
    "no front matter": "# My rule\n",
    "unclosed front matter": "---\nrule: mine\n",
    "front matter that is no YAML": "---\nrule: [\n---\n",
    "front matter that is no mapping": "---\n- rule\n---\n",
    "unknown key": "---\nrule: mine\nsumary: x\n---\n",
    "no sections": "---\nrule: mine\nsummary: x\nstatus: stable\njudges: recipe\n---\n",
    "unknown path": "---\nrule: mine\nsummary: x\nstatus: stable\njudges: recipe\n"
    "when: {optimizer.ler: {minimum: 1}}\ncases: [{severity: warning, confidence: high}]\n"
    "at: optimizer.lr\nmessage: m\nhint: h\n---\n",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_malformed_page_of_the_users(project: Path, name: str) -> None:
    (project / "trainlint.toml").write_text(f'select = ["{RULE}"]\nrulebooks = ["mine"]\n')
    (project / "mine" / "house").mkdir(parents=True)
    (project / "mine" / "house" / "mine.md").write_text(PAGES[name])
    found = report(project)
    assert {notice["kind"] for notice in found["notices"]} == {"rule-page"}
    assert all(notice["path"].endswith("mine/house/mine.md") for notice in found["notices"])
    listed = trainlint("rules", cwd=project)
    assert "mine.md" in listed.stdout + listed.stderr


@POSIX_ONLY
def test_a_reader_that_leaves_early(project: Path) -> None:
    for number in range(30):
        (project / f"more{number}.py").write_text(UNSHUFFLED)
    command = f"{sys.executable} -m trainlint . | head -c 10; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=project, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stderr == ""
    assert done.returncode in (0, 1)


INTERRUPTING = Path(__file__).with_name("interrupting.py")


@POSIX_ONLY
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    "moment",
    [SUBMITTING, BUSY, TWICE, "reading 0", "reading 1", "interpreting 0", "interpreting 1", "linking 0"],
)
def test_an_interrupt_at_any_moment(project: Path, moment: str, jobs: str) -> None:
    if jobs == "1" and moment in (SUBMITTING, BUSY, TWICE):
        pytest.skip("there are no workers")
    (project / "losses.py").write_text("import torch\n\n\ndef f(x):\n    return torch.sqrt((x ** 2).sum())\n")
    (project / "more.py").write_text(UNSHUFFLED + "\n\ndef f(x):\n    return torch.sqrt((x ** 2).sum())\n")
    (project / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, INTERRUPTING, moment, ".", "-j", jobs, "-o", "out.txt"],
        cwd=project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(project / "tmp")},
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert set(done.stderr.split()) == {"interrupted"}
    assert not (project / "out.txt").exists()
    assert not list((project / "tmp").iterdir())


def test_generated_numbers(project: Path) -> None:
    """What a program that writes programs may write: read, or refused for its depth; nothing else is lost."""
    for name, text in GENERATED.items():
        (project / f"{name}.py").write_text("import torch\nfrom torch import nn\n\n\n" + text)
    (project / "trainlint.toml").write_text(f'select = ["{RULE}", "numerics"]\nstrict = true\n')
    found = report(project)
    kinds = {(notice["path"], notice["kind"]) for notice in found["notices"]}
    assert {kind for _, kind in kinds} <= {"too-deep", "budget"}, kinds
    assert {path for path, kind in kinds if kind == "too-deep"} == {"chain_of_methods.py"}
    told = {(item["path"], item["rule"]) for item in found["findings"]}
    assert {
        ("mutual.py", "log-of-softmax"),
        ("chain_of_calls.py", "log-of-softmax"),
        ("handed_over_and_over.py", "log-of-softmax"),
        ("five_thousand_lines.py", "unguarded-sqrt"),
    } <= told


def test_what_a_guard_says_is_not_followed_without_end(monkeypatch) -> None:
    """Values under a condition: 800 masked writes in a row took 20 seconds, the square of their number."""
    looked: list[int] = []
    whole = AbstractValues._cone

    def counted(self, index, done, lowest, most=None):
        cone = whole(self, index, done, lowest, most)
        looked.append(len(cone))
        return cone

    monkeypatch.setattr(AbstractValues, "_cone", counted)
    text = "import torch\n" + GENERATED["masked_fills"]
    knowledge = load_knowledge()
    seen = outline("m.py", text, "m", False, knowledge.vocabulary)
    assert isinstance(seen, Outline)
    assert Reader(ProjectIndex([seen]), lambda _: text.split("\n"), knowledge).facts("m.py", "f") is not None
    assert len(looked) > 800
    assert sum(looked) < 400 * len(looked)
