"""Config files that are no config, or not one that ends: each costs a notice or finding with its line, and
nothing else."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from trainlint.cli import main
from trainlint.linter import lint, recipes
from trainlint.settings.model import Settings

GOOD = "lr: 0.1\nlr: 0.2\noptimizer: sgd\nepochs: 30\nbatch_size: 64\n"
"""Has one finding, duplicate-key on line 2: whatever else lies there must not keep it from being found."""

KEYS = "lr: 0.1\noptimizer: sgd\nepochs: 30\nbatch_size: 64\n"
JSON_KEYS = '"lr": 0.1, "optimizer": "sgd", "epochs": 30, "batch_size": 64'
NINE = ", ".join(["*a{0}"] * 9)
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n + 1}: &a{n + 1} [{NINE.format(n)}]\n" for n in range(30))
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n + 1}: &a{n + 1} {{<<: [{NINE.format(n)}]}}\n" for n in range(30))

# file → what stands in it, and the kind of notice or rule with its line; None where it can be read
FILES: dict[str, tuple[str | bytes, tuple[str, int] | None]] = {
    "bracket.yaml": (KEYS + "model: {name: a\n", ("unparsable-config", 5)),
    "alias.yaml": (KEYS + "model: *nothing\n", ("unparsable-config", 5)),
    "tab.yaml": (KEYS + "model:\n\tname: a\n", ("unparsable-config", 6)),
    "tags.yaml": (KEYS + "model: !new:torch.nn.Linear {n: !ref <x>}\nrun: !!python/name:os.system\n", None),
    "template.yaml": ("lr: {{ lr }}\n{% if x %}\n  optimizer: [\n{% endif %}\nepochs: 3\n", None),
    "binary.yaml": (b"lr: 0.1\n" + bytes(range(128, 256)) * 9, ("encoding", 2)),
    "nul.yaml": (KEYS.encode() + b"name: a\x00b\n", ("encoding", 5)),
    "large.yaml": (KEYS + "words:\n" + "  - abcdefgh\n" * 100_000, ("too-large", 1)),
    "large.json": (f"{{{JSON_KEYS}, " + '"words": [' + "12345678, " * 110_000 + "1]}", ("too-large", 1)),
    "deep.yaml": (KEYS + "x: " + "[" * 5000 + "]" * 5000 + "\n", ("too-deep", 5)),
    "deep.json": (f'{{{JSON_KEYS}, "x": ' + "[" * 5000 + "]" * 5000 + "}", ("too-deep", 1)),
    "bomb.yaml": (KEYS + BOMB, None),
    "merges.yaml": (KEYS + MERGES, None),
    "itself.yaml": (KEYS + "a: &a {b: *a}\n", None),
    "comments.json": (f"{{\n// why\n{JSON_KEYS}, /* and */\n}}\n", None),
    "nan.json": (f'{{{JSON_KEYS}, "scale": NaN, "most": -Infinity}}', None),
    "comma.json": (f'{{{JSON_KEYS}\n"x": 1}}', ("config-syntax", 2)),
    "twice.json": (f'{{{JSON_KEYS},\n"epochs": 3}}', ("duplicate-key", 2)),
    "twice.toml": ('lr = 0.1\noptimizer = "sgd"\nepochs = 3\nlr = 1\n', ("unparsable-config", 4)),
    "value.toml": ("lr =\n", ("config-syntax", 1)),
    "self.yml": ("_base_: self.yml\n" + KEYS, ("unresolved-reference", 1)),
    "one.yml": ("_base_: two.yml\n" + KEYS, ("unresolved-reference", 1)),
    "two.yml": ("_base_: one.yml\n" + KEYS, ("unresolved-reference", 1)),
    "outside.yml": ("_base_: ../../outside.yml\n" + KEYS, None),
    "absolute.yml": ("_base_: /etc/hostname\n" + KEYS, None),
    "away.yml": ("_base_: https://example.org/base.yml\n" + KEYS, None),
    "included.yml": ("data: !include included.yml\n" + KEYS, ("unresolved-reference", 1)),
    "numbers.py": (
        "_base_ = ['./none.py']\nmodel = dict(type='A')\nlr = 10**10**10\nx = 'a' * 10**12\n",
        ("unresolved-reference", 1),
    ),
    "self.py": ("_base_ = ['./self.py']\nmodel = dict(type='A')\n", ("unresolved-reference", 1)),
    "call.py": ("_base_ = []\nmodel = dict(type=open('called', 'w'))\n", None),
}


@pytest.fixture(autouse=True)
def unplugged(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError(f"a connection: {arguments} {options}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def written(folder: Path, name: str) -> None:
    content = FILES[name][0]
    data = content if isinstance(content, bytes) else content.encode("utf-8")
    (folder / name).write_bytes(data)
    (folder / "good.yaml").write_text(GOOD, encoding="utf-8")


def told(folder: Path, name: str) -> list[tuple[str, int]]:
    report = lint([folder], Settings(strict=True, jobs=1))
    assert ("duplicate-key", "good.yaml", 2) in {
        (each.rule, Path(each.span.path).name, each.span.line) for each in report.findings
    }
    assert all(notice.message for notice in report.notices)
    assert "internal" not in {notice.kind for notice in report.notices}
    found = {(each.rule, each.span.line) for each in report.findings if Path(each.span.path).name == name}
    noted = {(each.kind, each.line) for each in report.notices if Path(each.path).name == name}
    of_interest = {kind for _, wanted in FILES.values() if wanted is not None for kind in wanted[:1]}
    return sorted(each for each in (*found, *noted) if each[0] in of_interest)


@pytest.mark.parametrize("name", FILES)
def test_a_file_costs_itself(tmp_path: Path, name: str) -> None:
    written(tmp_path, name)
    expected = FILES[name][1]
    assert told(tmp_path, name) == ([expected] if expected is not None else [])
    assert not (tmp_path / "called").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({name, "good.yaml"})


@pytest.mark.parametrize("name", FILES)
def test_what_it_trains_with_is_asked_for(tmp_path: Path, name: str) -> None:
    written(tmp_path, name)
    assert "good.yaml" in {recipe.entry for recipe in recipes([tmp_path])}


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in FILES:
        written(tmp_path, name)
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "circle.yaml").symlink_to("circle.yaml")
    assert main([str(tmp_path)]) == 1
    (tmp_path / "good.yaml").unlink()
    for name, (_, wanted) in FILES.items():
        if wanted is not None and wanted[0] in ("unresolved-reference", "duplicate-key"):
            (tmp_path / name).unlink()
    assert main([str(tmp_path)]) == 0
    assert main([str(tmp_path), "--fail-on", "notice"]) == 1
    assert "Traceback" not in capsys.readouterr().err
