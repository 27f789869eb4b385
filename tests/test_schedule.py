"""The schedule of small programs: the simulated curve, warmup, peak, decay, and what is not known."""

from __future__ import annotations

import math
from pathlib import Path
from textwrap import dedent, indent

import pytest

from trainlint.linter import recipes
from trainlint.recipe.model import Recipe, State
from trainlint.settings.model import Settings

HEAD = """\
import argparse
import math

import numpy as np
import torch
from torch import nn, optim
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

EPOCHS = 90
torch.manual_seed(0)
loader = DataLoader(datasets.CIFAR10("data", transform=transforms.ToTensor()), batch_size=128, shuffle=True)
model = models.resnet18(num_classes=10)
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
"""
LOOP = """\
for epoch in range(EPOCHS):
{start}
    for i, (x, y) in enumerate(loader):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
{batch}
{end}
"""


def program(before: str = "", start: str = "", batch: str = "", end: str = "", helpers: str = "") -> str:
    """A whole program around lines at the start of an epoch, after each batch, and at the end of an epoch."""
    loop = LOOP.format(
        start=indent(dedent(start), "    "),
        batch=indent(dedent(batch), " " * 8),
        end=indent(dedent(end), "    "),
    )
    return HEAD + dedent(helpers) + dedent(before) + "\n" + loop


def read(folder: Path, text: str, **others: str) -> Recipe:
    (folder / "trainlint.toml").write_text("")
    (folder / "train.py").write_text(text)
    for name, more in others.items():
        (folder / f"{name}.py").write_text(dedent(more))
    found = [each for each in recipes([folder], Settings(jobs=1)) if each.entry == "train.py"]
    assert len(found) == 1
    return found[0]


def scheduled(made: str, **lines: str) -> str:
    return program(before=f"scheduler = {made}", **(lines or {"end": "scheduler.step()"}))


@pytest.mark.parametrize(
    ("made", "name", "shape", "points"),
    [
        ("lr_scheduler.StepLR(optimizer, step_size=30)", "step", "decaying", {0: 0.1, 30: 0.01, 89: 0.001}),
        (
            "lr_scheduler.MultiStepLR(optimizer, [int(EPOCHS * 0.5), int(EPOCHS * 0.75)])",
            "multistep",
            "decaying",
            {44: 0.1, 45: 0.01, 67: 0.001},
        ),
        ("lr_scheduler.MultiStepLR(optimizer, milestones=[100, 150])", "constant", "flat", {0: 0.1, 89: 0.1}),
        ("lr_scheduler.ExponentialLR(optimizer, gamma=0.9)", "exponential", "decaying", {1: 0.09}),
        ("lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)", "cosine", "decaying", {0: 0.1, 45: 0.05}),
        ("lr_scheduler.CosineAnnealingLR(optimizer, 30)", "cosine", "cyclic", {30: 0.0, 60: 0.1}),
        (
            "lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=30)",
            "cosine",
            "cyclic",
            {30: 0.1, 15: 0.05},
        ),
        ("lr_scheduler.PolynomialLR(optimizer, total_iters=90)", "poly", "decaying", {0: 0.1, 45: 0.05}),
        ("lr_scheduler.ConstantLR(optimizer, factor=1.0)", "constant", "flat", {0: 0.1, 89: 0.1}),
    ],
)
def test_scheduler_stepped_once_an_epoch(
    tmp_path: Path, made: str, name: str, shape: str, points: dict[int, float]
) -> None:
    recipe = read(tmp_path, scheduled(made))
    assert len(recipe.curve) == 90
    assert {epoch: recipe.curve[epoch] for epoch in points} == pytest.approx(points)
    assert recipe.get("schedule.name").value == name
    assert recipe.get("schedule.shape").value == shape
    assert recipe.get("optimizer.schedule.decays").value == (shape != "flat")
    assert recipe.get("warmup.length").state is State.OFF
    assert recipe.get("rate.peak").value == pytest.approx(0.1)
    assert recipe.get("rate.final_ratio").value == pytest.approx(recipe.curve[-1] / 0.1)


WARM = """\
warm = lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=5)
rest = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS - 5)
"""


@pytest.mark.parametrize(
    ("made", "shape"),
    [
        ("lr_scheduler.SequentialLR(optimizer, [warm, rest], milestones=[5])", "decaying"),
        ("lr_scheduler.ChainedScheduler([warm, rest])", "cyclic"),
    ],
)
def test_warmup_before_a_cosine(tmp_path: Path, made: str, shape: str) -> None:
    recipe = read(tmp_path, program(before=WARM + f"scheduler = {made}", end="scheduler.step()"))
    warmup = recipe.get("warmup.length")
    assert (warmup.value, warmup.unit) == (5, "epochs")
    assert recipe.get("warmup.start").value == pytest.approx(0.001)
    assert recipe.get("schedule.shape").value == shape
    assert recipe.get("schedule.name").value == "cosine"
    assert recipe.curve[0] == pytest.approx(0.001)


def test_sequence_reaches_the_optimizers_rate(tmp_path: Path) -> None:
    made = "scheduler = lr_scheduler.SequentialLR(optimizer, [warm, rest], milestones=[5])"
    recipe = read(tmp_path, program(before=WARM + made, end="scheduler.step()"))
    assert recipe.curve[5] == pytest.approx(0.1)
    peak = recipe.get("rate.peak")
    assert peak.value == 0.1
    assert peak.span is not None and peak.span.line == 15


@pytest.mark.parametrize(
    ("function", "points", "warmup"),
    [
        ("lambda epoch: min(1.0, (epoch + 1) / 5)", {0: 0.02, 4: 0.1, 89: 0.1}, 4),
        ("lambda e: 0.95 ** e", {0: 0.1, 2: 0.1 * 0.95**2}, None),
        ("lambda e: 0.5 * (1 + math.cos(math.pi * e / EPOCHS))", {0: 0.1, 45: 0.05}, None),
        ("lambda epoch: (1 - epoch / args.epochs) ** args.power", {0: 0.1, 45: 0.1 * 0.5**0.9}, None),
        ("rate_of", {0: 0.025, 3: 0.1, 10: 0.1, 40: 0.01, 80: 0.001}, 3),
        ("[rate_of]", {0: 0.025, 80: 0.001}, 3),
        ("Decay(90, 0, 45).step", {0: 0.1, 44: 0.1, 80: 0.1 * (1 - 35 / 45)}, None),
        ("functools.partial(warmed, 10)", {0: 0.0, 5: 0.05, 20: 0.1}, 10),
    ],
)
def test_lambda_functions(
    tmp_path: Path, function: str, points: dict[int, float], warmup: int | None
) -> None:
    helpers = """\
    import functools

    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=90)
    parser.add_argument("--power", type=float, default=0.9)
    args = parser.parse_args()


    def rate_of(epoch):
        if epoch < 4:
            return (epoch + 1) / 4
        elif epoch < 30:
            return 1.0
        if epoch < 60:
            return 0.1
        return 0.01


    def warmed(length, epoch):
        return min(epoch / length, 1.0)


    class Decay:
        def __init__(self, epochs, offset, start):
            self.epochs = epochs
            self.offset = offset
            self.start = start

        def step(self, epoch):
            return 1.0 - max(0, epoch + self.offset - self.start) / (self.epochs - self.start)
    """
    made = f"scheduler = lr_scheduler.LambdaLR(optimizer, {function})"
    recipe = read(tmp_path, program(helpers=helpers, before=made, end="scheduler.step()"))
    assert {epoch: recipe.curve[epoch] for epoch in points} == pytest.approx(points)
    found = recipe.get("warmup.length")
    assert (found.value if found.known else None) == warmup
    assert found.state is (State.OFF if warmup is None else State.DERIVED)


def test_local_function_that_reads_its_surroundings(tmp_path: Path) -> None:
    text = (
        HEAD
        + dedent(
            """\


            def make(optimizer, warmup, total):
                def factor(epoch):
                    if epoch < warmup:
                        return epoch / max(1, warmup)
                    return max(0.0, (total - epoch) / (total - warmup))

                return lr_scheduler.LambdaLR(optimizer, factor)


            scheduler = make(optimizer, 10, EPOCHS)
            """
        )
        + LOOP.format(start="", batch="", end="    scheduler.step()")
    )
    recipe = read(tmp_path, text)
    assert recipe.curve[5] == pytest.approx(0.05)
    assert recipe.curve[50] == pytest.approx(0.05)
    assert recipe.get("warmup.length").value == 10


def test_one_cycle_stepped_per_batch(tmp_path: Path) -> None:
    made = "lr_scheduler.OneCycleLR(optimizer, max_lr=0.4, epochs=EPOCHS, steps_per_epoch=len(loader))"
    recipe = read(tmp_path, scheduled(made, batch="scheduler.step()"))
    warmup = recipe.get("warmup.length")
    assert warmup.value == pytest.approx(27, abs=0.1)
    assert warmup.unit == "epochs"
    assert recipe.get("rate.peak").value == pytest.approx(0.4, rel=1e-3)
    assert recipe.get("schedule.shape").value == "decaying"
    assert recipe.get("rate.final_ratio").value < 1e-3
    assert len(recipe.curve) <= 200


def test_cosine_over_all_batches_needs_no_number_of_batches(tmp_path: Path) -> None:
    made = "lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS * len(loader))"
    recipe = read(tmp_path, scheduled(made, batch="scheduler.step()"))
    assert recipe.curve[0] == pytest.approx(0.1)
    assert recipe.curve[len(recipe.curve) // 2] == pytest.approx(0.05, abs=0.002)
    assert recipe.get("warmup.length").state is State.OFF


def test_steps_against_epochs_need_the_number_of_batches(tmp_path: Path) -> None:
    made = "lr_scheduler.LambdaLR(optimizer, lambda step: min(1, step / 500))"
    recipe = read(tmp_path, scheduled(made, batch="scheduler.step()"))
    assert recipe.curve == ()
    assert "number of batches" in recipe.get("warmup.length").reason
    assert not recipe.get("rate.peak").known


def test_run_counted_in_steps(tmp_path: Path) -> None:
    text = HEAD + dedent(
        """\
        scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.4, total_steps=20000)
        batches = iter(loader)
        for step in range(20000):
            x, y = next(batches)
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        """
    )
    recipe = read(tmp_path, text)
    warmup = recipe.get("warmup.length")
    assert (warmup.value, warmup.unit) == (5999, "steps")
    assert recipe.get("rate.peak").value == pytest.approx(0.4)
    assert len(recipe.curve) == 200


def test_step_before_training_is_one_ahead(tmp_path: Path) -> None:
    made = "lr_scheduler.StepLR(optimizer, step_size=3)"
    first = read(tmp_path, scheduled(made, start="scheduler.step()"))
    assert first.curve[2] == pytest.approx(0.01)
    then = read(tmp_path, scheduled(made))
    assert then.curve[2] == pytest.approx(0.1)


def test_step_under_a_condition_on_the_epoch(tmp_path: Path) -> None:
    recipe = read(
        tmp_path,
        scheduled("lr_scheduler.ExponentialLR(optimizer, 0.5)", end="if epoch >= 10:\n    scheduler.step()"),
    )
    assert recipe.curve[10] == pytest.approx(0.1)
    assert recipe.curve[12] == pytest.approx(0.025)


def test_step_under_an_unknown_condition(tmp_path: Path) -> None:
    recipe = read(
        tmp_path,
        scheduled("lr_scheduler.StepLR(optimizer, 30)", end="if loss.item() < 3:\n    scheduler.step()"),
    )
    assert recipe.curve == ()
    assert recipe.get("warmup.length").state is State.OFF
    assert recipe.get("schedule.shape").state is State.UNKNOWN
    assert recipe.get("schedule.shape").reason


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ("lr_scheduler.StepLR(optimizer, step_size=period())", "every|step|period"),
        ("lr_scheduler.LambdaLR(optimizer, lambda e: unread(e))", "unread|result|name"),
        ("lr_scheduler.ReduceLROnPlateau(optimizer)", "plateau"),
    ],
)
def test_reason_names_what_is_not_known(tmp_path: Path, made: str, reason: str) -> None:
    import re

    recipe = read(
        tmp_path, scheduled(made, end="scheduler.step(loss)" if "Plateau" in made else "scheduler.step()")
    )
    assert recipe.curve == ()
    assert re.search(reason, recipe.get("schedule.shape").reason)


ADJUST = """\
def adjust_learning_rate(optimizer, epoch, lr):
    lr = lr * (0.1 ** (epoch // 30))
    for param_group in optimizer.param_groups:
        param_group["lr"] = lr
"""


def test_hand_written_schedule(tmp_path: Path) -> None:
    recipe = read(tmp_path, program(helpers=ADJUST, start="adjust_learning_rate(optimizer, epoch, 0.1)"))
    assert recipe.curve[29] == pytest.approx(0.1)
    assert recipe.curve[30] == pytest.approx(0.01)
    assert recipe.curve[89] == pytest.approx(0.001)
    assert recipe.get("schedule.name").value == "custom"
    assert recipe.get("schedule.shape").value == "decaying"
    assert recipe.get("warmup.length").state is State.OFF


def test_hand_written_schedule_in_another_module(tmp_path: Path) -> None:
    utils = """\
    import math


    def adjust_learning_rate(optimizer, epoch, args):
        lr = args.lr
        if args.cos:
            lr *= 0.5 * (1. + math.cos(math.pi * epoch / args.epochs))
        else:
            for milestone in args.schedule:
                lr *= 0.1 if epoch >= milestone else 1.
        for param_group in optimizer.param_groups:
            param_group['lr'] = lr
    """
    text = dedent(
        """\
        import argparse
        import torch
        from torch import nn
        from torch.utils.data import DataLoader
        from torchvision import datasets, models, transforms
        from helpers import adjust_learning_rate

        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float, default=0.03)
        parser.add_argument("--epochs", type=int, default=200)
        parser.add_argument("--start-epoch", type=int, default=0)
        parser.add_argument("--schedule", type=int, nargs="*", default=[120, 160])
        parser.add_argument("--cos", action="store_true")


        def train(loader, model, optimizer, epoch, args):
            for x, y in loader:
                loss = nn.functional.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()


        def main():
            args = parser.parse_args()
            train_set = datasets.CIFAR10("data", transform=transforms.ToTensor())
            loader = DataLoader(train_set, batch_size=256, shuffle=True)
            model = models.resnet18(num_classes=10)
            optimizer = torch.optim.SGD(model.parameters(), args.lr, momentum=0.9)
            for epoch in range(args.start_epoch, args.epochs):
                adjust_learning_rate(optimizer, epoch, args)
                train(loader, model, optimizer, epoch, args)


        main()
        """
    )
    recipe = read(tmp_path, text, helpers=utils)
    assert len(recipe.curve) == 200
    assert recipe.curve[119] == pytest.approx(0.03)
    assert recipe.curve[120] == pytest.approx(0.003)
    assert recipe.curve[199] == pytest.approx(0.0003)


def test_hand_written_warmup_in_the_loop(tmp_path: Path) -> None:
    start = """\
    rate = 0.4 * (epoch + 1) / 5 if epoch < 5 else 0.4 * 0.1 ** (epoch // 30)
    for group in optimizer.param_groups:
        group["lr"] = rate
    """
    recipe = read(tmp_path, program(start=start))
    assert recipe.curve[0] == pytest.approx(0.08)
    assert recipe.curve[30] == pytest.approx(0.04)
    assert (recipe.get("warmup.length").value, recipe.get("warmup.length").unit) == (4, "epochs")
    assert recipe.get("rate.peak").value == pytest.approx(0.4)


def test_warmup_within_the_epochs(tmp_path: Path) -> None:
    helpers = """\
    def adjust(optimizer, progress):
        if progress < 5:
            lr = 0.4 * progress / 5
        else:
            lr = 0.4 * 0.5 * (1 + math.cos(math.pi * (progress - 5) / (EPOCHS - 5)))
        for group in optimizer.param_groups:
            group["lr"] = lr
        return lr


    def train(model, loader, optimizer, epoch):
        for i, (x, y) in enumerate(loader):
            adjust(optimizer, i / len(loader) + epoch)
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """
    text = (
        HEAD + dedent(helpers) + "\nfor epoch in range(EPOCHS):\n    train(model, loader, optimizer, epoch)\n"
    )
    recipe = read(tmp_path, text)
    warmup = recipe.get("warmup.length")
    assert (warmup.value, warmup.unit) == (5, "epochs")
    assert recipe.get("rate.peak").value == pytest.approx(0.4)
    assert recipe.get("rate.final_ratio").value < 0.01


def test_rate_multiplied_in_place(tmp_path: Path) -> None:
    end = """\
    if epoch in (30, 60):
        for group in optimizer.param_groups:
            group["lr"] *= 0.1
    """
    recipe = read(tmp_path, program(end=end))
    assert recipe.curve[30] == pytest.approx(0.1)
    assert recipe.curve[31] == pytest.approx(0.01)
    assert recipe.curve[61] == pytest.approx(0.001)


def test_decay_fed_back_its_own_result_compounds(tmp_path: Path) -> None:
    start = """\
    lr = lr * 0.95 ** epoch
    for group in optimizer.param_groups:
        group["lr"] = lr
    """
    recipe = read(tmp_path, program(before="lr = 0.1", start=start))
    assert recipe.curve[2] == pytest.approx(0.1 * 0.95 ** (1 + 2))
    assert recipe.curve[10] == pytest.approx(0.1 * 0.95**55)
    assert recipe.get("rate.final_ratio").value < 1e-50


def test_returned_rate_fed_back_compounds(tmp_path: Path) -> None:
    helpers = """\
    def decay(optimizer, lr, epoch):
        lr = lr * 0.9 ** (epoch // 10)
        for group in optimizer.param_groups:
            group["lr"] = lr
        return lr
    """
    recipe = read(
        tmp_path, program(helpers=helpers, before="lr = 0.1", start="lr = decay(optimizer, lr, epoch)")
    )
    assert recipe.curve[10] == pytest.approx(0.09)
    assert recipe.curve[12] == pytest.approx(0.1 * 0.9**3)


def test_break_in_a_loop_is_not_guessed(tmp_path: Path) -> None:
    helpers = """\
    def adjust(optimizer, epoch):
        lr = 0.1
        for milestone in [30, 60]:
            if epoch < milestone:
                break
            lr *= 0.1
        for group in optimizer.param_groups:
            group["lr"] = lr
    """
    recipe = read(tmp_path, program(helpers=helpers, start="adjust(optimizer, epoch)"))
    assert recipe.curve == ()
    assert "lr changes in a loop" in recipe.get("schedule.shape").reason


@pytest.mark.parametrize(
    "rate",
    [
        "0.1 * 0.1 ** sum(epoch >= m for m in [30, 60])",
        "[0.1, 0.01, 0.001][min(epoch // 30, 2)]",
        "0.1 if epoch < 30 else (0.01 if epoch < 60 else 0.001)",
        "0.1 * np.power(0.1, np.floor(epoch / 30))",
        "0.1 * pow(0.1, int(epoch / 30))",
    ],
)
def test_ways_to_write_a_step_decay(tmp_path: Path, rate: str) -> None:
    recipe = read(tmp_path, program(start=f"optimizer.param_groups[0]['lr'] = {rate}"))
    assert recipe.curve[29] == pytest.approx(0.1)
    assert recipe.curve[30] == pytest.approx(0.01)
    assert recipe.curve[75] == pytest.approx(0.001)


def test_rate_from_the_loss_is_unknown(tmp_path: Path) -> None:
    recipe = read(tmp_path, program(end="if loss > 2:\n    optimizer.param_groups[0]['lr'] *= 0.5"))
    assert recipe.curve == ()
    for path in ("schedule.shape", "warmup.length", "rate.peak", "rate.final_ratio"):
        assert recipe.get(path).state is State.UNKNOWN
        assert recipe.get(path).reason


def test_constant_rate_has_a_flat_curve(tmp_path: Path) -> None:
    recipe = read(tmp_path, program())
    assert set(recipe.curve) == {0.1}
    assert recipe.get("schedule.shape").value == "flat"
    assert recipe.get("rate.final_ratio").value == 1.0


def test_unknown_length_leaves_what_the_kind_tells(tmp_path: Path) -> None:
    text = scheduled("lr_scheduler.CosineAnnealingLR(optimizer, 90)").replace(
        "range(EPOCHS)", "range(int(input()))"
    )
    recipe = read(tmp_path, text)
    assert recipe.curve == ()
    assert recipe.get("warmup.length").state is State.OFF
    assert recipe.get("rate.peak").value == pytest.approx(0.1)
    assert recipe.get("schedule.shape").reason


WARMED = """\
from transformers import {name}

scheduler = {name}({arguments})
"""


@pytest.mark.parametrize(
    ("name", "arguments", "middle", "length"),
    [
        ("get_linear_schedule_with_warmup", "optimizer, 0, len(loader) * EPOCHS", 0.05, 90),
        (
            "get_cosine_schedule_with_warmup",
            "optimizer, 0, num_training_steps=len(loader) * EPOCHS",
            0.05,
            90,
        ),
        (
            "get_scheduler",
            "'polynomial', optimizer, num_training_steps=len(loader) * EPOCHS, num_warmup_steps=0",
            0.05,
            90,
        ),
        ("get_constant_schedule", "optimizer", 0.1, None),
    ],
)
def test_schedules_of_transformers(
    tmp_path: Path, name: str, arguments: str, middle: float, length: int | None
) -> None:
    before = WARMED.format(name=name, arguments=arguments)
    recipe = read(tmp_path, program(before=before, batch="scheduler.step()"))
    assert recipe.curve[0] == pytest.approx(0.1)
    assert recipe.curve[len(recipe.curve) // 2] == pytest.approx(middle, abs=0.001)
    assert recipe.get("warmup.length").state is State.OFF
    assert recipe.get("schedule.length").value == length


def test_warmup_of_a_share_of_the_steps(tmp_path: Path) -> None:
    before = """\
    from transformers import get_linear_schedule_with_warmup

    total = len(loader) * EPOCHS
    scheduler = get_linear_schedule_with_warmup(optimizer, int(0.1 * total), total)
    """
    recipe = read(tmp_path, program(before=before, batch="scheduler.step()"))
    assert (recipe.get("warmup.length").value, recipe.get("warmup.length").unit) == (9, "epochs")
    assert recipe.get("rate.peak").value == pytest.approx(0.1)


def test_schedule_length_has_the_unit_of_its_steps(tmp_path: Path) -> None:
    recipe = read(tmp_path, scheduled("lr_scheduler.CosineAnnealingLR(optimizer, T_max=60)"))
    assert (recipe.get("schedule.length").value, recipe.get("schedule.length").unit) == (60, "epochs")
    made = "lr_scheduler.CosineAnnealingLR(optimizer, T_max=60 * len(loader))"
    recipe = read(tmp_path, scheduled(made, batch="scheduler.step()"))
    assert (recipe.get("schedule.length").value, recipe.get("schedule.length").unit) == (60, "epochs")


def test_scheduler_class_of_the_project_is_not_overlooked(tmp_path: Path) -> None:
    helpers = """\
    class WarmUpLR(lr_scheduler._LRScheduler):
        def __init__(self, optimizer, total_iters, last_epoch=-1):
            self.total_iters = total_iters
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            return [base_lr * self.last_epoch / (self.total_iters + 1e-8) for base_lr in self.base_lrs]
    """
    before = """\
    scheduler = lr_scheduler.MultiStepLR(optimizer, milestones=[30, 60])
    warmup = WarmUpLR(optimizer, len(loader))
    """
    recipe = read(
        tmp_path, program(helpers=helpers, before=before, batch="warmup.step()", end="scheduler.step()")
    )
    # Stepped to the end of the run, it sets the rate anew at every batch, whatever the other one did.
    assert recipe.curve[1] > recipe.curve[0] == 0
    assert recipe.curve[-1] > 80 * recipe.curve[1]
    assert recipe.get("schedule.name").value == "custom"
    alone = read(
        tmp_path, program(helpers=helpers, before="warmup = WarmUpLR(optimizer, 5)", batch="warmup.step()")
    )
    assert alone.get("schedule.shape").state is State.UNKNOWN


def test_scheduler_that_is_thrown_away_changes_nothing(tmp_path: Path) -> None:
    recipe = read(tmp_path, program(before="lr_scheduler.ExponentialLR(optimizer, gamma=0.98)"))
    assert recipe.get("schedule.shape").value == "flat"
    assert set(recipe.curve) == {0.1}


def test_warmup_and_decay_written_in_two_functions(tmp_path: Path) -> None:
    helpers = """\
    def adjust(optimizer, epoch):
        lr = 0.1 * 0.1 ** (epoch // 30)
        for group in optimizer.param_groups:
            group["lr"] = lr


    def warm_up(optimizer, epoch, batch, batches):
        if epoch < 5:
            lr = 0.1 * (batch + epoch * batches) / (5 * batches)
            for group in optimizer.param_groups:
                group["lr"] = lr
    """
    text = program(helpers=helpers, start="adjust(optimizer, epoch)")
    call = "        warm_up(optimizer, epoch, i, len(loader))\n"
    recipe = read(tmp_path, text.replace("        loss =", call + "        loss =", 1))
    assert (recipe.get("warmup.length").value, recipe.get("warmup.length").unit) == (5, "epochs")
    assert recipe.curve[-1] == pytest.approx(0.001)


def test_rate_written_from_the_batch_follows_it(tmp_path: Path) -> None:
    helpers = """\
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=1024)
    args = parser.parse_args()


    def adjust(optimizer, epoch, args):
        lr = 0.1 * args.batch_size / 256 * 0.1 ** (epoch // 30)
        for group in optimizer.param_groups:
            group["lr"] = lr
    """
    recipe = read(tmp_path, program(helpers=helpers, start="adjust(optimizer, epoch, args)"))
    assert recipe.get("batch.lr_from_batch").value is True
    assert recipe.get("rate.peak").value == pytest.approx(0.4)


def test_filtered_sum_is_not_guessed(tmp_path: Path) -> None:
    rate = "0.1 * 0.1 ** sum(1 for m in [30, 60] if epoch >= m)"
    recipe = read(tmp_path, program(start=f"optimizer.param_groups[0]['lr'] = {rate}"))
    assert recipe.curve == ()


def test_groups_with_rates_of_their_own_are_unknown(tmp_path: Path) -> None:
    start = """\
    optimizer.param_groups[0]["lr"] = 0.1 * 0.9 ** epoch
    optimizer.param_groups[1]["lr"] = 0.9 ** epoch
    """
    recipe = read(tmp_path, program(start=start))
    assert "parameter groups" in recipe.get("schedule.shape").reason


def test_values_of_the_curve_are_finite(tmp_path: Path) -> None:
    recipe = read(tmp_path, scheduled("lr_scheduler.ExponentialLR(optimizer, gamma=1e300)"))
    assert all(math.isfinite(rate) for rate in recipe.curve)
    assert recipe.get("rate.peak").state is State.UNKNOWN
