"""Shapes of PyTorch programs that hide a value behind other code: samplers, loaders, schedules, options."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from trainlint.linter import recipes
from trainlint.recipe.model import Recipe, State
from trainlint.settings.model import Settings

HEAD = """\
import argparse
import os
import random

import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, Sampler
from torchvision import datasets, transforms

"""
TRAIN = """\

def train(args):
    data = datasets.MNIST("data", transform=transforms.ToTensor())
    loader = {loader}
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
{optimizer}
    for epoch in range({epochs}):
        for i, (x, y) in enumerate(loader):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
{batch}
{end}


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--name", default="SGD")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--batch", type=int)
    return parser.parse_args()


{more}
if __name__ == "__main__":
    train({args})
"""
PLAIN = "DataLoader(data, batch_size=64, shuffle=True)"
SGD = "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)"


def read(folder: Path, helpers: str = "", **parts: str) -> Recipe:
    defaults = {"loader": PLAIN, "optimizer": SGD, "epochs": "args.epochs", "batch": "", "end": ""}
    defaults |= {"more": "", "args": "options()"} | parts
    for name, indent in (("optimizer", 4), ("batch", 12), ("end", 8)):
        lines = dedent(defaults[name]).splitlines()
        defaults[name] = "\n".join(" " * indent + line for line in lines)
    (folder / "trainlint.toml").write_text("")
    (folder / "train.py").write_text(HEAD + dedent(helpers) + TRAIN.format(**defaults))
    [found] = recipes([folder], Settings(jobs=1))
    return found


def order(recipe: Recipe) -> object:
    [loader] = recipe.groups["loaders"]
    return loader["loader.order"].value


SAMPLER = """\
class Shuffled(Sampler):
    def __init__(self, data, shuffle):
        self.data, self.shuffle = data, shuffle

    def __iter__(self):
        order = list(range(len(self.data)))
        if self.shuffle:
            order = torch.randperm(len(self.data)).tolist()
        return iter(order)
"""


@pytest.mark.parametrize(("shuffle", "expected"), [("True", "random"), ("False", None)])
def test_a_sampler_of_the_project_is_read(tmp_path: Path, shuffle: str, expected: str | None) -> None:
    loader = f"DataLoader(data, batch_size=64, sampler=Shuffled(data, {shuffle}))"
    assert order(read(tmp_path, SAMPLER, loader=loader)) == expected


ENDLESS = """\
class Endless(DataLoader):
    def __init__({params}):
        super().__init__({given})
        self.batches = super().__iter__()
"""


def test_a_loader_class_that_passes_on_what_it_gets(tmp_path: Path) -> None:
    helpers = ENDLESS.format(params="self, *args, **kwargs", given="*args, **kwargs")
    recipe = read(tmp_path, helpers, loader="Endless(data, batch_size=min(64, len(data)), shuffle=True)")
    assert order(recipe) == "random"
    assert recipe.get("batch.per_device").value == 64


def test_a_loader_class_that_changes_what_it_gets_is_not_known(tmp_path: Path) -> None:
    helpers = ENDLESS.format(params="self, data", given="data, shuffle=True")
    assert read(tmp_path, helpers, loader="Endless(data)").groups["loaders"] == []


POLY = """\
class Poly(lr_scheduler._LRScheduler):
    def __init__(self, optimizer, length, warmup=0, last_epoch=-1):
        self.length, self.warmup = length, warmup
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch < self.warmup:
            return [rate * (self.last_epoch + 1) / (self.warmup + 1) for rate in self.base_lrs]
        return [rate * (1 - self.last_epoch / self.length) ** 0.9 for rate in self.base_lrs]

class Same(lr_scheduler._LRScheduler):
    def get_lr(self):
        return [rate for rate in self.base_lrs]
"""


def test_a_scheduler_of_the_project_is_simulated(tmp_path: Path) -> None:
    made = f"{SGD}\nscheduler = Poly(optimizer, args.epochs)"
    recipe = read(tmp_path, POLY, optimizer=made, end="scheduler.step()")
    assert recipe.get("schedule.shape").value == "decaying"
    assert recipe.get("rate.peak").value == 0.1
    assert recipe.get("warmup.length").state is State.OFF
    assert recipe.curve[15] == pytest.approx(0.1 * 0.5**0.9)


def test_a_scheduler_of_the_project_counts_batches(tmp_path: Path) -> None:
    length = "args.epochs * len(loader), 5 * len(loader)"
    made = f"{SGD}\nscheduler = Poly(optimizer, {length})"
    recipe = read(tmp_path, POLY, optimizer=made, batch="scheduler.step()")
    warmup = recipe.get("warmup.length")
    assert (warmup.value, warmup.unit) == (5, "epochs")


def test_a_scheduler_of_the_project_that_changes_nothing(tmp_path: Path) -> None:
    made = f"{SGD}\nscheduler = Same(optimizer)"
    assert (
        read(tmp_path, POLY, optimizer=made, end="scheduler.step()").get("schedule.name").value == "constant"
    )


def test_a_scheduler_that_no_default_run_makes(tmp_path: Path) -> None:
    made = f"{SGD}\nif args.resume:\n    scheduler = Poly(optimizer, args.epochs)"
    assert read(tmp_path, POLY, optimizer=made).get("schedule.name").value == "constant"


def test_one_of_several_optimizers_in_a_dict(tmp_path: Path) -> None:
    made = """\
    optimizer = {
        "Adam": torch.optim.Adam(model.parameters(), lr=0.001),
        "SGD": torch.optim.SGD(model.parameters(), lr=0.1),
    }[args.name]
    """
    recipe = read(tmp_path, optimizer=made)
    assert (recipe.get("optimizer.name").value, recipe.get("optimizer.lr").value) == ("sgd", 0.1)


@pytest.mark.parametrize(("rate", "known"), [(0.1, True), (0.2, False)])
def test_two_optimizers_that_agree(tmp_path: Path, rate: float, known: bool) -> None:
    other = f"other = torch.optim.SGD(model.parameters(), lr={rate})"
    recipe = read(tmp_path, optimizer=f"{SGD}\n{other}", batch="other.step()")
    assert recipe.get("optimizer.name").value == "sgd"
    assert recipe.get("optimizer.lr").known is known
    assert recipe.get("schedule.name").value == "constant"


def test_steps_that_go_through_two_networks_are_no_epochs(tmp_path: Path) -> None:
    text = HEAD + dedent(
        """\
        model = nn.Linear(2, 2)
        optimizer = torch.optim.Adam(model.parameters())
        for i in range(5000):
            for part in ("a", "b"):
                loss = model(torch.randn(4, 2)).sum()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        """
    )
    (tmp_path / "train.py").write_text(text)
    [recipe] = recipes([tmp_path], Settings(jobs=1))
    assert (recipe.get("train.length").value, recipe.get("train.length").unit) == (5000, "steps")


def test_a_function_beside_the_script_that_shares_a_member_s_name(tmp_path: Path) -> None:
    """`run(**changes)` is for those who import the script; `helper.run()` does not run it."""
    more = """\
class Helper:
    def run(self):
        return None


def run(**changes):
    args = options()
    for name, value in changes.items():
        setattr(args, name, value)
    train(args)


Helper().run()
"""
    assert read(tmp_path, more=more).get("train.epochs").value == 30


def test_the_name_of_an_optimizer_in_other_letters(tmp_path: Path) -> None:
    made = """\
    name = args.name.lower()
    if name == "adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    elif name == "sgd":
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    """
    assert read(tmp_path, optimizer=made).get("optimizer.name").value == "sgd"


def test_a_variable_of_the_environment_with_a_default(tmp_path: Path) -> None:
    helpers = """\
    RANK = int(os.getenv("RANK", "-1"))
    """
    made = f"torch.manual_seed(args.seed + 1 + RANK)\n{SGD}"
    assert read(tmp_path, helpers, optimizer=made).get("repro.seed").value == 7


def test_a_rate_scaled_by_the_number_of_processes(tmp_path: Path) -> None:
    made = """\
    rate = 0.1 * 64 * torch.distributed.get_world_size() / 256
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    """
    recipe = read(tmp_path, optimizer=made)
    assert recipe.get("optimizer.lr").value == pytest.approx(0.025)
    assert recipe.get("batch.lr_from_batch").value is True


def test_an_option_that_nobody_gives_changes_nothing(tmp_path: Path) -> None:
    helpers = """\
    class Config:
        batch = 64

    def given(name, args):
        return hasattr(args, name) and eval(f"args.{name}")

    config = Config()
    """
    more = "if given('batch', options()):\n    config.batch = options().batch\n"
    loader = "DataLoader(data, batch_size=config.batch, shuffle=True)"
    assert read(tmp_path, helpers, loader=loader, more=more).get("batch.per_device").value == 64


def test_a_call_that_hangs_on_what_it_passes(tmp_path: Path) -> None:
    """Whether `model.train()` runs `train` is asked while the arguments of `train` are looked for."""
    helpers = """\
    class Net(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.layer = nn.Linear(784, width)

    class Steps:
        def __init__(self, optimizer):
            self._optimizer = optimizer

        def train(self):
            self._optimizer.step()
    """
    made = "optimizer = torch.optim.Adam(model.parameters(), lr=0.001)\nwrapped = Steps(optimizer)"
    recipe = read(tmp_path, helpers, optimizer=made, batch="wrapped.train()\nmodel.train()")
    assert recipe.get("train.epochs").value == 30
    assert recipe.get("optimizer.lr").value == 0.001


def test_the_default_rate_under_one_written_by_hand(tmp_path: Path) -> None:
    """What is not followed is unknown, rather than the library's default."""
    made = "optimizer = torch.optim.Adam(model.parameters())"
    write = "for group in optimizer.param_groups:\n    group['lr'] = read_rate(epoch)"
    helpers = "from elsewhere import read_rate\n"
    assert not read(tmp_path, helpers, optimizer=made, end=write).get("optimizer.lr").known


def test_a_scaler_that_takes_the_step(tmp_path: Path) -> None:
    text = """\
    import torch
    from timm.utils import NativeScaler
    from torch.utils.data import DataLoader
    from torchvision.datasets import MNIST

    def epoch_of(model, loader, optimizer, scaler):
        for x, y in loader:
            loss = torch.nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            scaler(loss, optimizer, parameters=model.parameters())

    def main():
        loader = DataLoader(MNIST("data"), batch_size=64, shuffle=True)
        model = torch.nn.Linear(784, 10)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.0005)
        scaler = NativeScaler()
        for epoch in range(300):
            epoch_of(model, loader, optimizer, scaler)

    if __name__ == "__main__":
        main()
    """
    (tmp_path / "train.py").write_text(dedent(text))
    [recipe] = recipes([tmp_path], Settings(jobs=1))
    assert recipe.get("train.epochs").value == 300
    assert recipe.get("schedule.name").value == "constant"


def test_a_loader_that_only_another_mode_evaluates_with(tmp_path: Path) -> None:
    helpers = """\
    def check(loader, model):
        with torch.no_grad():
            for x, y in loader:
                model(x)
    """
    end = "if args.resume:\n    check(loader, model)"
    recipe = read(tmp_path, helpers, end=end)
    assert recipe.groups["loaders"][0]["loader.role"].value == "train"


@pytest.mark.parametrize(
    ("test", "length"),
    [
        ("step < 5000", (5000, "steps")),
        ("step <= 5000 and not done", (5000, "steps")),
        ("done or step < 5000", (None, "")),
    ],
)
def test_a_while_loop_that_counts_the_batches_within(
    tmp_path: Path, test: str, length: tuple[int | None, str]
) -> None:
    text = HEAD + dedent(
        f"""\
        loader = DataLoader(datasets.MNIST("data"), batch_size=64, shuffle=True)
        model = nn.Linear(784, 10)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        step, done = 0, bool(os.getenv("DONE"))
        while {test}:
            for x, y in loader:
                loss = nn.functional.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
        """
    )
    (tmp_path / "train.py").write_text(text)
    [recipe] = recipes([tmp_path], Settings(jobs=1))
    assert (recipe.get("train.length").value, recipe.get("train.length").unit) == length


@pytest.mark.parametrize(
    ("copied", "rate"),
    [
        ("{k: v for k, v in given.items() if k != 'name'}", 0.3),
        ("{k: v for k, v in given.items()}", 0.3),
        ("{k: v for k, v in given.items() if k in allowed}", None),
        ("{v: k for k, v in given.items() if k != 'name'}", None),
    ],
)
def test_settings_without_the_name_are_arguments(tmp_path: Path, copied: str, rate: float | None) -> None:
    made = "given = {'lr': 0.3, 'momentum': 0.9, 'name': 'x'}\nallowed = args.name.split(',')\n"
    made += f"optimizer = torch.optim.SGD(model.parameters(), **{copied})"
    assert read(tmp_path, optimizer=made).get("optimizer.lr").value == rate


FALLING = """\
from functools import partial

def falling(first, length):
    def at(start, total, epoch):
        return start * (1 - epoch / total)
    return partial(at, first, length)
"""


@pytest.mark.parametrize(("again", "peak"), [("", 0.1), ("\nother = falling(0.5, 10)", None)])
def test_a_rate_written_by_a_partial_function(tmp_path: Path, again: str, peak: float | None) -> None:
    made = f"{SGD}\nrate_at = falling(0.1, args.epochs){again}"
    write = "for group in optimizer.param_groups:\n    group['lr'] = rate_at(epoch)"
    recipe = read(tmp_path, FALLING, optimizer=made, end=write)
    assert recipe.get("rate.peak").value == peak
