"""The baseline: what is held back, what is not, and files that are none."""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from trainlint import cli
from trainlint.baseline import file as baseline_module
from trainlint.baseline.file import BaselineError, read_baseline, to_json, write_baseline
from trainlint.baseline.holding import held_back, pruned, under_new_names
from trainlint.baseline.keys import Key, key_path, normalised
from trainlint.baseline.wording import wording
from trainlint.discovery.walk import BASELINE_FILE
from trainlint.findings import Report, Span
from trainlint.linter import lint
from trainlint.settings.model import Settings
from trainlint.text.source import source_of
from trainlint.text.yaml import parse_yaml

SCHEMA = json.loads(Path(baseline_module.__file__).with_name("baseline.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
HEAD = "import torch\n"
ROOT_OF_A_SUM = """\


def distance_{name}(a, b):
    return torch.sqrt(((a - b) ** 2).sum())
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "trainlint.toml").write_text('select = ["numerics"]\nstrict = true\n')
    (tmp_path / "losses.py").write_text(HEAD + ROOT_OF_A_SUM.format(name="a"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: str, code: int = 0) -> None:
    assert cli.main(list(args)) == code


def report(path: str = ".", **settings) -> Report:
    return lint([Path(path)], Settings(**settings))


def test_from_creating_to_pruning(project: Path, capsys) -> None:
    run(".", code=1)
    run("baseline", "create")
    assert "1 finding held back" in capsys.readouterr().out
    run(".")
    assert "No new problems in" in (out := capsys.readouterr().out)
    assert "1 held back by the baseline." in out
    losses = project / "losses.py"
    losses.write_text(losses.read_text() + ROOT_OF_A_SUM.format(name="b"))
    (finding,) = report().findings
    assert finding.symbol == "distance_b"
    run("baseline", "create", code=2)
    assert "exists already" in capsys.readouterr().err
    losses.write_text(HEAD + ROOT_OF_A_SUM.format(name="b"))
    run("baseline", "prune")
    assert "1 gone, 0 findings left" in capsys.readouterr().out
    run("baseline", "create", "--force")
    assert next(iter(read_baseline(project / BASELINE_FILE))).scope == "distance_b"
    run("baseline", "show")
    assert "losses.py: unguarded-sqrt in distance_b: torch.sqrt" in capsys.readouterr().out


def test_the_file_is_sorted_valid_and_the_same_again(project: Path) -> None:
    (project / "a.py").write_text(HEAD + "".join(ROOT_OF_A_SUM.format(name=name) for name in "zyx"))
    run("baseline", "create")
    text = (project / BASELINE_FILE).read_text()
    document = json.loads(text)
    VALIDATOR.validate(document)
    assert [entry["scope"] for entry in document["entries"]] == [f"distance_{name}" for name in "xyza"]
    assert text.count("\n") == len(document["entries"]) + 6
    run("baseline", "create", "--force")
    assert (project / BASELINE_FILE).read_text() == text


def test_a_file_named_alone_a_folder_and_the_json_say_the_same(project: Path, capsys) -> None:
    (project / "more.py").write_text(HEAD + ROOT_OF_A_SUM.format(name="m"))
    run("baseline", "create")
    capsys.readouterr()
    run("--format", "json", "losses.py")
    assert json.loads(capsys.readouterr().out)["summary"]["baselined"] == 1
    run("--format", "json", ".")
    assert json.loads(capsys.readouterr().out)["summary"]["baselined"] == 2


pieces = st.lists(st.sampled_from("abcdef"), unique=True, min_size=1, max_size=5)


@given(pieces, st.integers(0, 3), st.randoms(use_true_random=False))
@hypothesis_settings(max_examples=6, deadline=None)
def test_moving_code_keeps_entries(names: list[str], blanks: int, shuffle: random.Random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "trainlint.toml").write_text('select = ["unguarded-sqrt"]\nstrict = true\n')
        file = root / "losses.py"
        file.write_text(HEAD + "".join(ROOT_OF_A_SUM.format(name=name) for name in names))
        run("baseline", "create", folder)
        moved = list(names)
        shuffle.shuffle(moved)
        gap = "\n# moved\n" * blanks
        file.write_text(HEAD + gap + gap.join(ROOT_OF_A_SUM.format(name=name) for name in moved))
        found = report(folder)
        assert (found.findings, found.summary.baselined) == ([], len(names))
        file.write_text(file.read_text() + ROOT_OF_A_SUM.format(name="new"))
        assert [finding.symbol for finding in report(folder).findings] == ["distance_new"]


LAYOUTS = (
    "{0}_loader = DataLoader({0}_set, batch_size=8)\n",
    "{0}_loader = DataLoader(  # batches of eight\n    {0}_set,\n    batch_size=8,\n)\n",
    "{0}_loader = DataLoader({0}_set,\n\n                        # comma, say\n  batch_size = 8)\n",
)
PASS = """\
    for x, y in {0}_loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x.flatten(1)), y).backward()
        optimizer.step()
"""
LOADERS = """\
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets

{made}
model = nn.Linear(3072, 10)
optimizer = torch.optim.Adam(model.parameters())
for epoch in range(3):
{passes}"""


def loaders(names: Sequence[str], layouts: Sequence[int]) -> str:
    """A program whose loaders, at the top of the file, all keep the order of their files."""
    made = "".join(
        f'{name}_set = datasets.CIFAR10("{name}", train=True)\n{LAYOUTS[layout].format(name)}'
        for name, layout in zip(names, layouts, strict=False)
    )
    return LOADERS.format(made=made, passes="".join(PASS.format(name) for name in names))


layouts = st.lists(st.sampled_from(range(len(LAYOUTS))), min_size=9, max_size=9)


@given(pieces, st.lists(st.sampled_from("uvw"), unique=True, min_size=1), st.randoms(), layouts, layouts)
@hypothesis_settings(max_examples=8, deadline=None)
def test_a_new_site_never_hides_behind_one_that_was_mended(
    names: list[str], new: list[str], shuffle: random.Random, first: list[int], second: list[int]
) -> None:
    """Also where all of them stand at the top of one file and break the same rule in the same way."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "train.py")
        Path(folder, "trainlint.toml").write_text('select = ["unshuffled-training-data"]\n')
        file.write_text(loaders(names, first))
        assert report(folder).summary.warnings == len(names)
        run("baseline", "create", folder)
        shuffle.shuffle(names)
        file.write_text(loaders(names, second))
        assert report(folder).findings == []
        there = [*names[len(new) :], *new]
        shuffle.shuffle(there)
        file.write_text(loaders(there, second))
        found = {finding.span.line for finding in report(folder).findings}
        lines = file.read_text().splitlines()
        assert {lines[line - 1][0] for line in found} == set(new)


def test_wording_is_that_of_the_code() -> None:
    lines = ["y = f(a,  # here\n", "      'x  # y', b  [ 1, ],\n", "      not c)  # there\n"]
    assert wording(lines, Span("a.py", 1, 5, 3, 13)) == "f(a,'x  # y',b[1],not c)"
    assert wording(lines, Span("a.py", 7, 1, 7, 3)) == ""
    assert wording(["x" * 20_000], Span("a.py", 1, 1, 1, 20_001)) == "x" * 20_000


@given(st.text(), st.integers(1, 3), st.integers(1, 9), st.integers(0, 2), st.integers(1, 9))
def test_wording_never_fails(text: str, line: int, column: int, more: int, end: int) -> None:
    wording(text.split("\n"), Span("a.py", line, column, line + more, end))


def test_a_copy_in_the_same_definition_is_new(project: Path) -> None:
    line = "    x = torch.sqrt(((a - b) ** 2).sum())\n"
    losses = project / "losses.py"
    losses.write_text(HEAD + "def f(a, b):\n" + line + "    return x\n")
    run("baseline", "create")
    losses.write_text(HEAD + "def f(a, b):\n" + line * 2 + "    return x\n")
    # Which of the two is new nobody can tell: neither is held back.
    assert len(report().findings) == 2


keys = st.builds(
    Key, *(st.sampled_from([*options, ""]) for options in ("ab", ["r", "s"], ["f", "g"], ["e", "é\n"]))
)


@given(st.lists(keys, max_size=12), st.lists(keys, max_size=12))
def test_a_new_finding_never_hides(old: list[Key], new: list[Key]) -> None:
    known = {key: old.count(key) for key in old}
    held = held_back(new, known)
    assert all(held_back(old, known))
    for key in set(new):
        hidden = {each for found, each in zip(new, held, strict=True) if found == key}
        assert hidden == {new.count(key) <= old.count(key)}


def test_a_rule_that_was_renamed() -> None:
    old, new = Key("a", "old", "", ""), Key("a", "new", "", "")
    assert under_new_names({old: 2, new: 1}, {"old": "new"}) == {new: 2}


@given(st.lists(keys, max_size=12), st.lists(keys, max_size=12), st.booleans())
def test_pruning_never_adds(old: list[Key], new: list[Key], judged: bool) -> None:
    known = {key: old.count(key) for key in old}
    left = pruned(known, new, lambda key: judged)
    assert all(count <= known[key] for key, count in left.entries.items())
    assert left.gone == len(old) - sum(left.entries.values())
    assert judged or left.entries == known


@given(st.dictionaries(st.builds(Key, *[st.text(max_size=9)] * 4), st.integers(1, 9), max_size=6))
def test_writing_and_reading(entries: dict[Key, int]) -> None:
    entries = {key: count for key, count in entries.items() if json.dumps(str(key)).count("\\ud") == 0}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, BASELINE_FILE)
        write_baseline(file, entries)
        assert read_baseline(file) == entries
        assert file.read_text().isascii()
        VALIDATOR.validate(json.loads(file.read_text()))


def test_both_sides_of_a_merge_count_once(tmp_path: Path) -> None:
    file = tmp_path / BASELINE_FILE
    key = Key("a.py", "r", "f", "e")
    (entry,) = json.loads(to_json({key: 2}))["entries"]
    file.write_text(json.dumps({"tool": "trainlint", "version": 1, "entries": [entry, entry]}))
    assert read_baseline(file) == {key: 2}


ENTRY = '{"path": "a", "rule": "r", "scope": "", "evidence": "", "count": 1}'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a valid baseline"),
        (b'{"tool": "trainlint", "version": 1, "entries": [', "not a valid baseline"),
        (b"[]", "not a valid baseline"),
        (b"{}", "this is no baseline of trainlint"),
        (b'{"version": 1, "entries": []}', "this is no baseline of trainlint"),
        (b'{"tool": "trainlint", "version": 2, "entries": []}', "a baseline of version 2"),
        (b'{"tool": "trainlint", "version": 1}', "not a valid baseline"),
        (b'{"tool": "trainlint", "version": 1, "entries": [{}]}', "not a valid baseline"),
        (b'{"tool": "trainlint", "version": 1, "entries": [], "more": 1}', "not a valid baseline"),
        (
            f'{{"tool": "trainlint", "version": 1, "entries": [{ENTRY.replace("1", "0")}]}}'.encode(),
            "a count of 0",
        ),
        (
            f'{{"tool": "trainlint", "version": 1, "entries": [{ENTRY.replace("1", "1e999")}]}}'.encode(),
            "not a valid baseline",
        ),
        (b'{\n"tool": "trainlint",\n<<<<<<< HEAD\n', ":3: a merge is not finished here"),
        (b"\xff\xfe", "not a valid baseline"),
        (b'{"tool": "trainlint", "version": 1, "entries": [], "entries": []}', "`entries` is written twice"),
        (
            b'{"tool": "trainlint", "tool": "trainlint", "version": 1, "entries": []}',
            "`tool` is written twice",
        ),
        (b'{"tool": "trainlint", "version": 1, "entries": ' + b"[" * 100_000, "not a valid baseline"),
        (b'{"tool": "\\ud800"}', "baseline"),
    ],
)
def test_a_file_that_is_no_baseline(project: Path, content: bytes, message: str, capsys) -> None:
    file = project / BASELINE_FILE
    file.write_bytes(content)
    for args in (["."], ["baseline", "prune"], ["baseline", "show"]):
        run(*args, code=2)
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert file.read_bytes() == content


WHOLE = to_json({Key("a.py", "r", "f", "e"): 2, Key("b.py", "r", "", "é"): 1}).encode()
damaged = st.one_of(
    st.binary(max_size=60),
    st.integers(0, len(WHOLE) - 2).map(lambda length: WHOLE[:length]),
    st.tuples(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=3)).map(
        lambda flip: WHOLE[: flip[0]] + flip[1] + WHOLE[flip[0] + len(flip[1]) :]
    ),
)


@given(damaged)
def test_a_damaged_file_is_read_or_refused(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, BASELINE_FILE)
        file.write_bytes(data)
        try:
            assert all(count > 0 for count in read_baseline(file).values())
        except BaselineError as error:
            assert BASELINE_FILE in str(error)


@pytest.mark.parametrize("kind", ["folder", "pipe", "missing"])
def test_what_is_no_file(project: Path, kind: str, capsys) -> None:
    file = project / "other.json"
    if kind == "folder":
        file.mkdir()
    if kind == "pipe":
        os.mkfifo(file)
    run("--baseline", "other.json", ".", code=2)
    expected = "there is no such baseline" if kind == "missing" else "not a file"
    assert expected in capsys.readouterr().err


def test_a_baseline_elsewhere_and_none_at_all(project: Path) -> None:
    run("baseline", "create", "--baseline", "known.json")
    assert not (project / BASELINE_FILE).exists()
    assert report().summary.baselined == 0
    assert report(baseline="known.json").summary.baselined == 1
    run("baseline", "create")
    assert report(baseline="").summary.baselined == 0


def test_a_baseline_never_replaces_code(project: Path, capsys) -> None:
    before = (project / "losses.py").read_text()
    run("baseline", "create", "--force", "--baseline", "losses.py", code=2)
    assert "a baseline is JSON" in capsys.readouterr().err
    assert (project / "losses.py").read_text() == before


def test_one_baseline_is_not_for_several_projects(project: Path, capsys) -> None:
    (project / "inner").mkdir()
    (project / "inner" / "trainlint.toml").write_text("strict = true\n")
    (project / "inner" / "more.py").write_text(HEAD + ROOT_OF_A_SUM.format(name="m"))
    (project / "known.json").write_text(to_json({}))
    for args in (["--baseline", "known.json", "."], ["baseline", "create", "--baseline", "x.json", "."]):
        run(*args, code=2)
        assert "belong to several" in capsys.readouterr().err
    run("baseline", "create", ".")
    assert (project / "inner" / BASELINE_FILE).exists()
    assert report().summary.baselined == 2


def test_pruning_keeps_what_was_not_judged(project: Path) -> None:
    run("baseline", "create")
    before = (project / BASELINE_FILE).read_text()
    (project / "trainlint.toml").write_text('ignore = ["unguarded-sqrt"]\n')
    run("baseline", "prune")
    assert (project / BASELINE_FILE).read_text() == before
    (project / "trainlint.toml").write_text("")
    (project / "losses.py").write_text("def broken(:\n")
    run("baseline", "prune")
    assert (project / BASELINE_FILE).read_text() == before
    (project / "losses.py").unlink()
    (project / "empty.py").write_text("")
    run("baseline", "prune")
    assert read_baseline(project / BASELINE_FILE) == {}


def test_nothing_found_needs_no_baseline(project: Path, capsys) -> None:
    (project / "losses.py").write_text("")
    run("baseline", "create")
    assert "no baseline is needed" in capsys.readouterr().out
    assert not (project / BASELINE_FILE).exists()


def test_a_baseline_is_no_config_whatever_its_size(project: Path) -> None:
    entries = {Key(f"{'x' * 900}{number}", "r", "", ""): 1 for number in range(1500)}
    write_baseline(project / BASELINE_FILE, entries)
    found = report()
    assert (found.notices, len(found.findings)) == ([], 1)


def test_a_failed_write_leaves_the_old_file(project: Path, monkeypatch) -> None:
    file = project / BASELINE_FILE
    write_baseline(file, {})
    before = file.read_bytes()

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    run("baseline", "create", "--force", code=2)
    assert file.read_bytes() == before
    assert sorted(path.name for path in project.iterdir()) == [
        "losses.py",
        "trainlint-baseline.json",
        "trainlint.toml",
    ]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_of_the_default_name_is_not_followed(project: Path, there: bool, capsys) -> None:
    target = project / "elsewhere.json"
    if there:
        target.write_text(to_json({Key("gone.py", "unguarded-sqrt", "", ""): 1}))
    before = target.read_text() if there else None
    (project / BASELINE_FILE).symlink_to(target)
    run("baseline", "create", "--force", code=2)
    assert "is a link" in capsys.readouterr().err
    run("baseline", "prune", code=2)
    assert (target.read_text() if there else None) == before
    assert target.exists() == there


def test_many_findings_say_how_to_start(project: Path, capsys) -> None:
    names = [f"n{number}" for number in range(31)]
    (project / "losses.py").write_text(HEAD + "".join(ROOT_OF_A_SUM.format(name=name) for name in names))
    run(".", code=1)
    hint = [line for line in capsys.readouterr().out.splitlines() if "baseline create" in line]
    assert len(hint) == 1
    run("baseline", "create")
    (project / "losses.py").write_text(HEAD + "".join(ROOT_OF_A_SUM.format(name=name) for name in names * 2))
    capsys.readouterr()
    run(".", code=1)
    assert "baseline create" not in capsys.readouterr().out


def test_evidence_is_normalised() -> None:
    assert normalised("a  +\n\tb at line 12") == "a + b at line"
    assert "hunter2" not in normalised("password: hunter2hunter2")
    long = normalised("x" * 400)
    assert len(long) < 200
    assert long != normalised("x" * 399 + "y")


def test_the_path_of_keys() -> None:
    text = "a:\n  b:\n    - lr: 1\n    - {c: 2}\nd: 3\n---\ne: 4\n"
    documents, _ = parse_yaml(source_of("x.yaml", text))
    root = documents[0].root
    assert key_path(root, (3, 11)) == "a.b.[].lr"
    assert key_path(root, (3, 7)) == "a.b.[].lr"
    assert key_path(root, (4, 11)) == "a.b.[].c"
    assert key_path(root, (5, 1)) == "d"
    assert key_path(root, (9, 9)) == ""


def test_a_key_path_instead_of_a_line(project: Path) -> None:
    (project / "trainlint.toml").write_text("")
    config = project / "train.yaml"
    text = "model: resnet50\nepochs: 90\noptimizer:\n  lr: 0.1\n  lr: 0.2\nbatch_size: 256\n"
    config.write_text(text)
    before = report().findings
    run("baseline", "create")
    config.write_text("# moved\n\n" + text)
    assert before
    assert report().findings == []


def test_the_error_is_a_usage_error() -> None:
    from trainlint.commands.failure import is_usage_error

    assert is_usage_error(BaselineError("x"))
