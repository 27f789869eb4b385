"""What a run gets in the end, where the trainer makes something else of a config than its keys say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config_samples import recipe
from trainlint.linter import recipes
from trainlint.recipe.model import State
from trainlint.settings.model import Settings

AXOLOTL = """\
base_model: a/b
datasets: [{path: c/d, type: alpaca}]
micro_batch_size: 2
learning_rate: 0.0002
num_epochs: 1
optimizer: adamw_torch
lr_scheduler: cosine
"""


@pytest.mark.parametrize(
    ("extra", "steps", "batch"),
    {
        "by the batch": ("batch_size: 9\n", 4, 8),
        "by itself": ("gradient_accumulation_steps: 3\n", 3, 6),
        "both: its own counts": ("batch_size: 8\ngradient_accumulation_steps: 3\n", 3, 6),
        "neither": ("", 1, 2),
        "a batch below that of a device": ("batch_size: 1\n", 1, 2),
    }.values(),
)
def test_axolotl_accumulates(extra: str, steps: int, batch: int) -> None:
    made = recipe(AXOLOTL + extra)
    assert (made.get("batch.grad_accum").value, made.get("batch.effective").value) == (steps, batch)


def test_axolotl_restarts_the_schedule() -> None:
    assert recipe(AXOLOTL).get("schedule.name").value == "cosine"
    restarted = recipe(AXOLOTL + "relora: true\njagged_restart_steps: 150\n")
    assert restarted.get("schedule.name").value == "cyclic"
    assert restarted.get("schedule.shape").value == "cyclic"


TIMM = """\
model: resnet50
opt: sgd
aa: rand-m9
reprob: 0.25
lr: 0.1
epochs: 300
warmup_epochs: 5
batch_size: 128
"""


@pytest.mark.parametrize(
    ("extra", "length"),
    {
        "no cooldown": ("", 300),
        "a cooldown": ("cooldown_epochs: 10\n", 310),
        "none of a schedule that does not go round": ("cooldown_epochs: 10\nsched: step\n", 300),
        "a warmup before the epochs": ("warmup_prefix: true\n", 305),
        "both": ("warmup_prefix: true\ncooldown_epochs: 10\n", 315),
        "several rounds": ("lr_cycle_limit: 3\n", None),
        "one round": ("lr_cycle_limit: 1\n", 300),
    }.values(),
)
def test_timm_adds_epochs(extra: str, length: int | None) -> None:
    made = recipe(TIMM + extra)
    assert made.get("train.length").value == length
    assert made.get("train.length").known is (length is not None)
    assert made.get("train.epochs").value == 300


YOLO = """\
task: detect
mode: train
model: yolo11n.pt
imgsz: 640
epochs: 100
batch: 16
lr0: 0.01
momentum: 0.9
"""


@pytest.mark.parametrize(
    ("extra", "rate"), [("optimizer: auto\n", None), ("", None), ("optimizer: SGD\n", 0.01)]
)
def test_ultralytics_chooses_the_rate_itself(extra: str, rate: float | None) -> None:
    made = recipe(YOLO + extra)
    assert (made.get("optimizer.lr").value, made.get("optimizer.lr").known) == (rate, rate is not None)
    assert made.get("optimizer.momentum").known is (rate is not None)
    assert rate is not None or "auto" in made.get("optimizer.lr").reason


GRADIENTS = """\
arch_params: {num_classes: 10}
dataset_params: {train_dataloader_params: {batch_size: 8, shuffle: true}}
num_gpus: 4
training_hyperparams: {max_epochs: 9, lr_mode: PolyLRScheduler, initial_lr: RATE}
"""


@pytest.mark.parametrize(
    ("written", "rate"), [("0.1", 0.1), ("{backbone: 0.01, default: 0.1}", 0.1), ("{backbone: 0.01}", None)]
)
def test_rates_by_group(written: str, rate: float | None) -> None:
    assert recipe(GRADIENTS.replace("RATE", written)).get("optimizer.lr").value == rate


LIGHTNING = """\
seed_everything: 42
trainer: {max_epochs: 50, devices: DEVICES}
model: {lr: 5e-4, net: {class_path: a.Net}}
data: {batch_size: 64, root_dir: x}
"""


@pytest.mark.parametrize(
    ("devices", "batch", "state"),
    [
        ("2", 128, State.DERIVED),
        ("-1", None, State.UNKNOWN),
        ("auto", None, State.UNKNOWN),
    ],
)
def test_classes_that_a_command_line_fixes(devices: str, batch: int | None, state: State) -> None:
    made = recipe(LIGHTNING.replace("DEVICES", devices))
    assert made.get("optimizer.lr").value == 0.0005
    assert (made.get("batch.effective").value, made.get("batch.effective").state) == (batch, state)


MMENGINE = """\
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1))
param_scheduler = dict(type='MultiStepLR', milestones=[3], gamma=0.1)
train_cfg = dict(by_epoch=True, max_epochs=6)
train_dataloader = dict(batch_size=BATCH, sampler=dict(type='DefaultSampler'), dataset=dict(type='A'))
model = dict(type='ImageClassifier', backbone=dict(type='ResNet'))
"""
TRIPLETS = "dataset=dict(type='A', triplet_sampler=dict(num_ids=8, ins_per_id=4))"


@pytest.mark.parametrize(
    ("name", "text", "batch", "state"),
    {
        "nothing says": ("resnet.py", MMENGINE, 32, State.DEFAULT),
        "its name says": ("resnet_8xb32_in1k.py", MMENGINE, 256, State.DERIVED),
        "its name says something else": ("resnet_8xb64_in1k.py", MMENGINE, 32, State.DEFAULT),
        "the batch it was tuned for": (
            "resnet.py",
            MMENGINE + "auto_scale_lr = dict(base_batch_size=64)\n",
            64,
            State.DERIVED,
        ),
        "samples of several images": (
            "reid_8xb32.py",
            MMENGINE.replace("dataset=dict(type='A')", TRIPLETS).replace("BATCH", "1"),
            256,
            State.DERIVED,
        ),
    }.values(),
)
def test_the_devices_of_mmengine(tmp_path: Path, name: str, text: str, batch: int, state: State) -> None:
    (tmp_path / name).write_text(text.replace("BATCH", "32"), encoding="utf-8")
    (made,) = recipes([tmp_path])
    whole = made.get("batch.effective")
    assert (whole.value, whole.state) == (batch, state)
    assert ("rate.per_256" in made.facts) is (state is State.DERIVED)
    assert state is State.DERIVED or whole.reason.startswith("on one device")


def test_the_setting_says_how_many_devices(tmp_path: Path) -> None:
    (tmp_path / "train.yaml").write_text(AXOLOTL, encoding="utf-8")
    (made,) = recipes([tmp_path], Settings(devices=8))
    assert (made.get("batch.effective").value, made.get("batch.effective").state) == (16, State.DERIVED)
    assert "setting" in made.get("batch.devices").reason
    (alone,) = recipes([tmp_path])
    assert "rate.per_256" not in alone.facts
