"""`trainlint recipe FOLDER`: a line for each config, and what differs from its base."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainlint.cli import main

BASE = """\
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.0001))
param_scheduler = dict(type='MultiStepLR', by_epoch=True, milestones=[30, 60], gamma=0.1)
train_cfg = dict(by_epoch=True, max_epochs=90)
train_dataloader = dict(batch_size=32, sampler=dict(type='DefaultSampler', shuffle=True))
model = dict(type='ImageClassifier')
"""
CHANGED = """\
_base_ = './base.py'
optim_wrapper = dict(optimizer=dict(lr=0.2))
train_cfg = dict(max_epochs=60)
"""
ALONE = """\
optimizer: adamw
lr: 0.001
batch_size: 64
epochs: 5
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "trainlint.toml").touch()
    configs = tmp_path / "configs"
    configs.mkdir()
    for name, text in {"base.py": BASE, "changed.py": CHANGED, "same.py": "_base_ = './base.py'\n"}.items():
        (configs / name).write_text(text, encoding="utf-8")
    (configs / "alone.yaml").write_text(ALONE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(capsys: pytest.CaptureFixture[str], *paths: str) -> list[str]:
    assert main(["recipe", *paths]) == 0
    return capsys.readouterr().out.splitlines()


def test_a_folder_gives_a_line_for_each_config(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "configs") == [
        "configs/alone.yaml  adamw, rate 0.001, batch 64, 5 epochs",
        "configs/base.py     sgd, rate 0.1, multistep, no warmup, batch 32 a device, 90 epochs, no seed",
        "configs/changed.py  sgd, rate 0.2, multistep, no warmup, batch 32 a device, 60 epochs, no seed",
        "    against configs/base.py: optimizer.lr 0.1 → 0.2; train.length 90 epochs → 60 epochs",
        "configs/same.py     sgd, rate 0.1, multistep, no warmup, batch 32 a device, 90 epochs, no seed",
    ]


def test_bases_that_are_no_runs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = project / "configs" / "_base_"
    base.mkdir()
    (base / "schedule.py").write_text(BASE.replace("model = ", "unrelated = "), encoding="utf-8")
    for name in ("base.py", "changed.py", "same.py", "alone.yaml"):
        (project / "configs" / name).unlink()
    entry = "_base_ = './_base_/schedule.py'\nmodel = dict(type='ImageClassifier')\n"
    text = entry + "optim_wrapper = dict(optimizer=dict(lr=0.2))\n"
    (project / "configs" / "entry.py").write_text(text, encoding="utf-8")
    lines = shown(capsys, "configs")
    assert lines[0].startswith("configs/entry.py  sgd, rate 0.2,")
    assert lines[1:] == ["    over its bases: model.name ImageClassifier; optimizer.lr 0.2"]


def test_a_named_config_is_told_in_full(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "configs/changed.py")
    assert any("optimizer.lr" in line and "configs/changed.py:2" in line for line in lines)


def test_a_config_named_beside_its_folder_is_told_in_full(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(capsys, "configs", "configs/changed.py")
    assert sum("configs/changed.py  " in line for line in lines) == 1
    assert any(line.startswith("configs/base.py ") for line in lines)
    assert not any(line.startswith("    against") for line in lines)


def test_a_folder_without_configs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, str(tmp_path)) == ["No training program or training config found there."]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    {
        "broken": ("a.yaml", ALONE + "model: [\n", "line 5 does not parse: "),
        "a template": ("a.yaml", ALONE + "{% if x %}\n", "a template, which something fills in"),
        "a part": (
            "a.yaml",
            "lr0: 1\nlrf: 0.1\nmomentum: 0.9\nhsv_h: 0.1\n",
            "YOLO hyper-parameters, a part of a run",
        ),
        "no base": (
            "a.py",
            CHANGED.replace("./base.py", "./none.py"),
            "MMEngine, laid over a config that was not read",
        ),
    }.values(),
)
def test_why_a_config_gives_no_recipe(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    text: str,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(text, encoding="utf-8")
    first, second = shown(capsys, name)
    assert first == "No training program or training config found there."
    assert second.startswith(f"  {name}: {told}")


def test_other_files_are_not_spoken_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").write_text("services: {db: {image: a}}\n", encoding="utf-8")
    assert shown(capsys, ".") == ["No training program or training config found there."]


def test_the_setting_tells_how_many_devices(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "trainlint.toml").write_text("devices = 8\n", encoding="utf-8")
    whole = next(line for line in shown(capsys, "configs/base.py") if "batch.effective" in line)
    assert whole.split()[1:3] == ["256", "derived"]
    assert "batch 256, " in shown(capsys, "configs")[1]
