"""Configs with the files they are based on: what their run gets, where it was written, what is not there."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from trainlint.findings import Report
from trainlint.linter import lint, recipes
from trainlint.recipe.model import Recipe, State
from trainlint.settings.model import Settings

SCHEDULE = """\
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.0001))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=100, milestones=[30, 60, 90], gamma=0.1),
]
train_cfg = dict(by_epoch=True, max_epochs=100)
auto_scale_lr = dict(base_batch_size=256)
"""
DATA = """\
train_dataloader = dict(
    batch_size=32,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='ImageNet'),
)
"""


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    (folder / "pyproject.toml").touch()
    return folder


def only(folder: Path, entry: str) -> Recipe:
    return next(recipe for recipe in recipes([folder]) if recipe.entry == entry)


def checked(folder: Path, *rules: str) -> Report:
    return lint([folder], Settings(strict=True, select=rules))


def test_a_python_config_with_its_bases(tmp_path: Path) -> None:
    files = {
        "configs/_base_/schedule.py": SCHEDULE,
        "configs/_base_/data.py": DATA,
        "configs/resnet/resnet50_8xb32.py": (
            "_base_ = ['../_base_/schedule.py', '../_base_/data.py']\n"
            "model = dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=50))\n"
            "optim_wrapper = dict(optimizer=dict(lr=0.2))\n"
        ),
    }
    facts = only(written(tmp_path, files), "configs/resnet/resnet50_8xb32.py").facts
    values = {
        path: facts[path].value
        for path in ("optimizer.name", "optimizer.lr", "schedule.name", "train.epochs")
    }
    assert values == {
        "optimizer.name": "sgd",
        "optimizer.lr": 0.2,
        "schedule.name": "multistep",
        "train.epochs": 100,
    }
    assert (facts["warmup.length"].value, facts["warmup.length"].unit) == (500, "steps")
    assert (facts["batch.devices"].value, facts["batch.effective"].value) == (8, 256)
    rate, momentum = facts["optimizer.lr"], facts["optimizer.momentum"]
    assert (rate.state, momentum.state) == (State.EXPLICIT, State.INHERITED)
    assert momentum.span is not None
    assert momentum.span.path == "configs/_base_/schedule.py"
    assert [(link.span.path, link.span.line) for link in momentum.chain] == [
        ("configs/resnet/resnet50_8xb32.py", 1)
    ]


def test_delete_replaces_what_the_base_says(tmp_path: Path) -> None:
    files = {
        "configs/base.py": SCHEDULE + DATA,
        "configs/adamw.py": (
            "_base_ = './base.py'\n"
            "optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=0.001))\n"
            "param_scheduler = None\n"
        ),
    }
    facts = only(written(tmp_path, files), "configs/adamw.py").facts
    assert facts["optimizer.name"].value == "adamw"
    assert "optimizer.momentum" not in facts
    assert facts["schedule.name"].value == "constant"
    assert facts["warmup.length"].state is State.OFF


def test_read_base_imports_names(tmp_path: Path) -> None:
    files = {
        "configs/_base_/schedule.py": SCHEDULE,
        "configs/_base_/data.py": DATA,
        "configs/r50.py": (
            "from mmengine.config import read_base\n"
            "with read_base():\n"
            "    from ._base_.schedule import *\n"
            "    from ._base_.data import *\n"
            "train_dataloader.update(batch_size=64)\n"
            "optim_wrapper.merge(dict(optimizer=dict(lr=0.4)))\n"
        ),
    }
    recipe = only(written(tmp_path, files), "configs/r50.py")
    assert (recipe.facts["batch.per_device"].value, recipe.facts["optimizer.lr"].value) == (64, 0.4)
    assert recipe.facts["optimizer.momentum"].value == 0.9
    assert recipe.files == ("configs/r50.py", "configs/_base_/schedule.py", "configs/_base_/data.py")


def test_a_child_does_not_change_its_base(tmp_path: Path) -> None:
    files = {
        "configs/base.py": SCHEDULE + DATA,
        "configs/a.py": "_base_ = 'base.py'\n_base_.train_dataloader.batch_size = 64\n",
        "configs/b.py": "_base_ = 'base.py'\n",
    }
    folder = written(tmp_path, files)
    assert only(folder, "configs/a.py").facts["batch.per_device"].value == 64
    assert only(folder, "configs/b.py").facts["batch.per_device"].value == 32


PADDLESEG = """\
batch_size: 4
iters: 80000
train_dataset: {type: Cityscapes}
optimizer: {type: sgd, momentum: 0.9, weight_decay: 4.0e-5}
lr_scheduler: {type: PolynomialDecay, learning_rate: 0.01, end_lr: 0, power: 0.9}
model: {type: UNet}
"""


def test_yaml_bases_and_what_cuts_them_off(tmp_path: Path) -> None:
    files = {
        "configs/_base_/base.yml": PADDLESEG,
        "configs/unet.yml": (
            "_base_: '_base_/base.yml'\noptimizer: {_inherited_: False, type: adam}\niters: 40000\n"
        ),
    }
    facts = only(written(tmp_path, files), "configs/unet.yml").facts
    assert (facts["optimizer.name"].value, facts["train.steps"].value) == ("adam", 40000)
    assert facts["optimizer.weight_decay"].state is State.OFF
    assert facts["optimizer.lr"].state is State.INHERITED


def test_hydra_groups_packages_and_interpolation(tmp_path: Path) -> None:
    files = {
        "conf/config.yaml": "defaults:\n  - optimizer: sgd\n  - _self_\nepochs: 30\nbatch_size: 64\n",
        "conf/optimizer/sgd.yaml": "name: sgd\nlr: ${base_lr}\n",
        "conf/other.yaml": "a: 1\n",
    }
    files["conf/config.yaml"] += "base_lr: 0.1\n"
    facts = only(written(tmp_path, files), "conf/config.yaml").facts
    assert (facts["optimizer.name"].value, facts["optimizer.lr"].value) == ("sgd", 0.1)
    name = facts["optimizer.name"].span
    assert name is not None
    assert name.path == "conf/optimizer/sgd.yaml"


def test_included_files_stand_in_place_of_their_names(tmp_path: Path) -> None:
    files = {
        "train.yaml": "optimizer: !include parts/optimizer.yaml\nbatch_size: 64\nepochs: 30\n",
        "parts/optimizer.yaml": "name: sgd\nlr: 0.1\n",
    }
    recipe = only(written(tmp_path, files), "train.yaml")
    rate = recipe.facts["optimizer.lr"]
    assert (rate.value, rate.state) == (0.1, State.INHERITED)
    assert recipe.files == ("train.yaml", "parts/optimizer.yaml")
    written(tmp_path, {"train.yaml": files["train.yaml"].replace("parts", "missing") + "lr: 0.1\n"})
    report = checked(tmp_path, "unresolved-reference")
    assert [(each.span.path, each.span.line) for each in report.findings] == [("train.yaml", 1)]


@pytest.mark.parametrize(
    ("base", "problems"),
    [
        ("missing.yml", ["configs/unet.yml"]),
        ("unet.yml", ["configs/unet.yml"]),
        ("../../outside.yml", []),
        ("/etc/passwd", []),
        ("https://example.org/base.yml", []),
        ("~/base.yml", []),
    ],
)
def test_bases_that_lead_nowhere(
    tmp_path: Path, base: str, problems: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a config made trainlint open a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    folder = tmp_path / "project"
    (tmp_path / "outside.yml").write_text(PADDLESEG, encoding="utf-8")
    written(folder, {"configs/unet.yml": f"_base_: '{base}'\n" + PADDLESEG})
    report = checked(folder, "unresolved-reference")
    assert [finding.span.path for finding in report.findings] == problems
    assert not recipes([folder])


def test_a_circle_is_shown_with_the_way_there(tmp_path: Path) -> None:
    files = {
        f"configs/{one}.yml": f"_base_: '{other}.yml'\n" + PADDLESEG for one, other in ("ab", "bc", "ca")
    }
    report = checked(written(tmp_path, files), "unresolved-reference")
    assert {finding.span.path for finding in report.findings} == set(files)
    assert all("leads back here" in finding.message for finding in report.findings)
    assert all(len(finding.related) == 2 for finding in report.findings)


def test_no_config_is_executed(tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    files = {
        "configs/evil.py": (
            f"_base_ = ['./base.py']\nopen({str(mark)!r}, 'w').close()\n"
            f"model = dict(type=__import__('os').system('touch {mark}'))\n"
        ),
        "configs/base.py": SCHEDULE + DATA,
        "configs/evil.yaml": (
            f"lr: !!python/object/apply:os.system ['touch {mark}']\noptimizer: sgd\nbatch_size: 3\n"
        ),
    }
    checked(written(tmp_path, files))
    assert not mark.exists()


def test_a_finding_stands_where_the_config_itself_differs_from_its_base(tmp_path: Path) -> None:
    files = {
        "configs/_base_/schedule.py": SCHEDULE,
        "configs/_base_/data.py": DATA,
        "configs/short.py": (
            "_base_ = ['_base_/schedule.py', '_base_/data.py']\n\n"
            "train_cfg = dict(by_epoch=True, max_epochs=80)\n"
        ),
    }
    report = checked(written(tmp_path, files), "unreachable-milestone")
    assert [(each.span.path, each.span.line) for each in report.findings] == [("configs/short.py", 3)]
    assert "configs/_base_/schedule.py" in {each.span.path for each in report.findings[0].related}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
)


@pytest.mark.parametrize(
    "base",
    {
        "binary": b"\x00\x01\x02\xff" * 100,
        "deep": b"x: " + b"[" * 5000,
        "alias bomb": BOMB.encode(),
        "a list": b"- a\n- b\n",
        "empty": b"",
        "broken": b"a: [1\nb: 2\n",
        "unknown tags": b"iters: !steps 10\nmodel: !Net {depth: 3}\n",
        "a template": b"{% if x %}\niters: 10\n{% endif %}\n",
        "two megabytes": b"words: [" + b"'abcdefgh', " * 180_000 + b"]\n",
    }.items(),
    ids=lambda item: item[0],
)
def test_bad_bases_cost_nothing_but_themselves(tmp_path: Path, base: tuple[str, bytes]) -> None:
    own = PADDLESEG.replace("batch_size: 4\n", "batch_size: 4\nbatch_size: 8\n")
    folder = written(tmp_path, {"configs/unet.yml": "_base_: bad.yml\n" + own})
    (folder / "configs/bad.yml").write_bytes(base[1])
    report = checked(folder)
    assert [notice for notice in report.notices if notice.kind in ("crashed", "internal")] == []
    assert "duplicate-key" in {finding.rule for finding in report.findings}


def test_shared_mappings_merge_once(tmp_path: Path) -> None:
    tree = "t0: &t0 {v: 1}\n" + "".join(f"t{i + 1}: &t{i + 1} {{l: *t{i}, r: *t{i}}}\n" for i in range(40))
    files = {
        "configs/base.yml": PADDLESEG + tree,
        "configs/unet.yml": "_base_: base.yml\niters: 40000\n" + tree,
    }
    assert only(written(tmp_path, files), "configs/unet.yml").facts["train.steps"].value == 40000


def test_bases_that_a_package_ships_are_a_notice_and_no_finding(tmp_path: Path) -> None:
    config = (
        "_base_ = ['./model.py', '../_base_/schedules/schedule_160k.py']\n"
        "train_dataloader = dict(batch_size=4)\noptim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-4))\n"
    )
    files = {"configs/x/model.py": "model = dict(type='A')\n"}
    files |= {f"configs/x/{name}.py": config for name in ("small", "base", "large")}
    report = checked(written(tmp_path, files), "unresolved-reference")
    assert report.findings == []
    assert [notice.kind for notice in report.notices] == ["missing-base"]


def test_one_missing_base_is_one_finding(tmp_path: Path) -> None:
    config = (
        "_base_ = ['./model.py', './schedule.py']\n"
        "train_dataloader = dict(batch_size=4)\noptim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-4))\n"
    )
    files = {"configs/model.py": "model = dict(type='A')\n"}
    files |= {f"configs/{name}.py": config for name in ("small", "base", "large")}
    [finding] = checked(written(tmp_path, files), "unresolved-reference").findings
    assert finding.span.path.endswith("configs/base.py")
    assert [each.span.path.rpartition("/")[2] for each in finding.related] == ["large.py", "small.py"]
