"""The same answer everywhere: processes, order, standard input, named files, facts that went through JSON."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from generated_project import write_project

from trainlint.analysis.close.reader import Reader
from trainlint.analysis.facts import Outline, UnitFacts
from trainlint.analysis.index.project import ProjectIndex
from trainlint.discovery.projects import discover
from trainlint.findings import Finding, Report
from trainlint.knowledge.base import load_knowledge
from trainlint.linter import lint
from trainlint.output.json import to_json
from trainlint.pipeline import workers
from trainlint.pipeline.judging import Judging
from trainlint.pipeline.run import Run
from trainlint.pipeline.sources import ProjectSources
from trainlint.pipeline.stages import Interpreting
from trainlint.recipe.code.entries import entry_points
from trainlint.recipe.model import Recipe
from trainlint.settings.model import Settings

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
SAMPLES = [
    FIXTURES / "demo",
    *sorted(FIXTURES.glob("projects/*/fires")),
    FIXTURES / "twins" / "unshuffled-training-data",
    FIXTURES / "ok" / "package",
]
STRICT = Settings(strict=True, jobs=1)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("generated")
    assert len(write_project(root)) >= 40
    return root


@pytest.fixture(scope="module")
def whole(project: Path) -> Report:
    report = lint([project], STRICT)
    rules = {finding.rule for finding in report.findings}
    assert len(report.findings) >= 20, rules
    assert len(rules) >= 6, rules
    assert {Path(finding.span.path).suffix for finding in report.findings} == {".py", ".yaml"}
    assert report.summary.suppressed
    return report


def findings_text(findings: list[Finding]) -> bytes:
    return msgspec.json.encode(findings)


def about(report: Report, names: set[str]) -> list[Finding]:
    """The findings that naming these files reports: any of their places lies in one."""
    return [
        finding
        for finding in report.findings
        if any(span.path in names for span in (finding.span, *(each.span for each in finding.related)))
    ]


def sources(folder: Path) -> Iterator[Path]:
    yield from sorted(path for suffix in ("*.py", "*.yaml") for path in folder.rglob(suffix))


@pytest.mark.parametrize("jobs", [2, 3])
def test_any_number_of_processes(project: Path, whole: Report, monkeypatch, jobs: int) -> None:
    monkeypatch.setattr(workers, "INLINE_BYTES", 0)
    spread = lint([project], Settings(strict=True, jobs=jobs))
    assert "interpret and link" in spread.seconds
    assert to_json(spread) == to_json(whole)


def test_any_order_of_paths(project: Path, whole: Report) -> None:
    names = [project / finding.span.path for finding in whole.findings] + list(sources(project))
    random.Random(3).shuffle(names)
    shuffled = lint(names, STRICT)
    assert findings_text(shuffled.findings) == findings_text(whole.findings)
    assert to_json(lint(names[::-1], STRICT)) == to_json(shuffled)
    assert to_json(lint([*names, project], STRICT)) == to_json(whole)


def test_any_order_of_reading(project: Path) -> None:
    """Whatever unit is asked for first: circles of calls must not decide what a summary says."""
    found = discover([project]).projects[0]
    knowledge = load_knowledge({})
    answers = set()
    for seed in range(4):
        source = ProjectSources(found, knowledge, {})
        outlines = [outline for path in source.python_paths() if (outline := source.outline(path))]
        index = ProjectIndex(outlines)
        reader = Reader(index, source.lines, knowledge)
        asked = [(path, unit.qualname) for path, each in index.outlines.items() for unit in each.units]
        random.Random(seed).shuffle(asked)
        facts = {key: reader.facts(*key) for key in asked}
        answers.add(msgspec.json.encode([facts[key] for key in sorted(facts)]))
    assert len(answers) == 1


def test_named_files_and_the_whole_project(project: Path, whole: Report) -> None:
    files = [path.relative_to(project).as_posix() for path in sources(project)]
    chosen = random.Random(1).sample(files, 10)
    shared = ("train4.py", "configs/c1.yaml")
    singles = ({name} for name in (*chosen[:3], *shared))
    for names in (*singles, set(chosen[3:5]), set(chosen[5:])):
        report = lint([project / name for name in names], STRICT)
        assert findings_text(report.findings) == findings_text(about(whole, names)), names


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda folder: folder.relative_to(FIXTURES).as_posix())
def test_named_files_and_the_whole_fixture(folder: Path) -> None:
    report = lint([folder], STRICT)
    for file in sources(folder):
        name = file.relative_to(folder).as_posix()
        assert findings_text(lint([file], STRICT).findings) == findings_text(about(report, {name})), name


def test_standard_input_and_the_file(project: Path) -> None:
    for name in ("train1.py", "vision/numbers/part0.py", "configs/c1.yaml"):
        file = project / name
        from_stdin = lint([], STRICT, stdin=(str(file), file.read_text()))
        assert to_json(from_stdin) == to_json(lint([file], STRICT))


def test_an_edited_buffer_and_the_edited_file(project: Path, tmp_path: Path) -> None:
    write_project(tmp_path)
    edited = (tmp_path / "train0.py").read_text().replace("lr=0.1", "lr=0.4").replace("Cosine", "Csine")
    from_stdin = lint([], STRICT, stdin=(str(tmp_path / "train0.py"), edited))
    (tmp_path / "train0.py").write_text(edited)
    assert to_json(from_stdin) == to_json(lint([tmp_path / "train0.py"], STRICT))


@pytest.mark.parametrize("name", ["generated", "demo"])
def test_facts_survive_json(project: Path, name: str) -> None:
    root = project if name == "generated" else FIXTURES / "demo"
    found = discover([root], STRICT).projects[0]
    run = Run(found)
    run.read()
    expected = run_judging(run, run.units, run.recipes, run.index)

    index = ProjectIndex(through_json(list(run.index.outlines.values()), list[Outline]))
    units = through_json(run.units, list[UnitFacts])
    recipes = through_json(run.recipes, list[Recipe])
    assert run_judging(run, units, recipes, index) == expected
    assert len(msgspec.json.decode(expected)) >= 5

    first = Interpreting(run.sources, run.index, run.knowledge)
    programs = [first.program(entry) for entry in entry_points(run.index, run.knowledge)]
    again = Interpreting(ProjectSources(found, run.knowledge, {}), index, run.knowledge)
    again.reader = Reader(index, unread, run.knowledge)
    again.reader.preload(through_json(first.reader.known(), list[UnitFacts]))
    linked = [again.program(entry) for entry in entry_points(index, run.knowledge)]
    assert msgspec.json.encode(linked) == msgspec.json.encode(programs)
    assert not again.notices


def unread(path: str) -> list[str]:
    raise AssertionError(f"{path} was read again")


def through_json(value, kind):
    return msgspec.json.decode(msgspec.json.encode(value), type=kind)


def run_judging(run: Run, units: list[UnitFacts], recipes: list[Recipe], index: ProjectIndex) -> bytes:
    judging = Judging(run.rulebook, run.rules, run.settings, index)
    found = judging.findings(units, recipes, run.configs.files)
    assert not judging.notices
    return findings_text(sorted(found, key=lambda finding: (finding.sort_key, finding.program)))


GUARDED = """
import socket, sys

def refuse(*args, **kwargs):
    raise RuntimeError("the network was asked for")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from trainlint.pipeline import workers
from trainlint.cli import main
if __name__ == "__main__":
    workers.INLINE_BYTES = 0
    sys.exit(main(sys.argv[1:]))
"""
THEIRS = "canary conftest setup hubconf yaml click libcst msgspec pathspec torch typing_extensions".split()
STANDARD = "random socket types tempfile logging pickle signal queue select tokenize multiprocessing".split()
"""`python -m` itself imports some of these from where it is started, before trainlint can have a say."""


def tempt(root: Path, name: str) -> None:
    text = f"open({str(root / 'ran.txt')!r}, 'a').write({name!r})\n"
    (root / f"{name}.py").write_text(
        text + "import torch\n\n\ndef f(x):\n    return torch.sqrt((x ** 2).sum())\n"
    )


@pytest.mark.parametrize("start", ["script", "-m"])
def test_nothing_of_the_project_runs_and_nobody_is_called(tmp_path: Path, start: str) -> None:
    root = tmp_path / "project"
    write_project(root)
    for name in THEIRS if start == "-m" else THEIRS + STANDARD:
        tempt(root, name)
    (root / "train0.py").write_text("import canary, random\n" + (root / "train0.py").read_text())
    script = tmp_path / "start.py"
    script.write_text(GUARDED)
    command = [sys.executable, str(script)] if start == "script" else [sys.executable, "-m", "trainlint"]
    environment = {**os.environ, "PYTHONPATH": str(FIXTURES.parent)}
    done = subprocess.run(
        [*command, ".", "-j", "2", "--format", "json"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert not (root / "ran.txt").exists(), (root / "ran.txt").read_text()
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["summary"]["programs"] >= 10
    assert "the network" not in done.stdout + done.stderr
