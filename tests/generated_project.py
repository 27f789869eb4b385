"""A project of some forty files whose findings cross files, import each other in circles, and suppress
some."""

from __future__ import annotations

from pathlib import Path

NUMBERS = """\
import torch
from vision.numbers import {other}


def length{n}(x):
    return torch.sqrt((x ** 2).sum(dim=1){inside})


def scaled{n}(x, depth=0):
    if depth > 3:
        return x
    return {other}.scaled{o}(x, depth + 1) / ({other}.length{o}(x).mean(){outside})


def standard{n}(x):
    return (x - x.mean(dim=0)) / x.std(dim=0)
"""
MODEL = """\
import torch
from torch import nn
from vision.numbers.part{n} import length{n}, scaled{n}


class Net{m}(nn.Module):
    def __init__(self, width={width}, dropout={dropout}):
        super().__init__()
        self.first = nn.Linear(3072, width)
        self.drop = nn.Dropout(dropout)
        self.last = nn.Linear(width, 10)

    def forward(self, x):
        x = torch.relu(self.first(x.flatten(1)))
        return self.last(self.drop(scaled{n}(x))) / length{n}(x).unsqueeze(1){ignore}
"""
LOADERS = """\
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


def loader(batch_size, train=True{parameter}):
    data = datasets.CIFAR10("data", train=train, transform=transforms.ToTensor())
    return DataLoader(data, batch_size=batch_size{shuffle})
"""
ENGINE = """\
from torch import nn


def train(model, loader, optimizer, epochs, scheduler=None):
    for epoch in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        {step}
"""
SCRIPT = """\
{head}import torch
from vision.data.loaders{d} import loader
from vision.engines.engine{e} import train
from vision.models.net{m} import Net{m}
{imports}

def main():
{body}    model = Net{m}()
    optimizer = torch.optim.{optimizer}(model.parameters(), lr={rate}{decay})
{schedule}    train(model, loader({batch}{argument}), optimizer, {epochs}{pass_on})


if __name__ == "__main__":
    main()
"""
SEEDS = """\
import random
import numpy
import torch


def seed_everything(seed):
    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)
"""
CONFIG = "lr: {rate}\nbatch_size: {batch}\nepochs: 60\nweight_decay: 1e-4\n{extra}"
NUMBERS_FILES, MODELS, LOADER_FILES, ENGINES, SCRIPTS, CONFIGS = 4, 8, 4, 3, 12, 6


def write_project(root: Path) -> list[str]:
    """Writes the project and returns its files, sorted, without the settings file."""
    files = {f"vision/{folder}__init__.py": "" for folder in ("", "numbers/", "models/", "data/", "engines/")}
    files["vision/seeds.py"] = SEEDS
    for n in range(NUMBERS_FILES):
        o = (n + 1) % NUMBERS_FILES
        files[f"vision/numbers/part{n}.py"] = NUMBERS.format(
            n=n, o=o, other=f"part{o}", inside=" + 1e-8" * (n % 2), outside=" + 1e-6" * (n // 2)
        )
    for m in range(MODELS):
        ignore = "  # trainlint: ignore[numerics] -- bounded below" if m == 3 else ""
        files[f"vision/models/net{m}.py"] = MODEL.format(
            m=m, n=m % NUMBERS_FILES, width=64 * (m + 1), dropout=m % 3 / 10, ignore=ignore
        )
    for d in range(LOADER_FILES):
        parameter = ", shuffle=False" if d == 1 else ", shuffle=True" if d == 2 else ""
        shuffle = ", shuffle=shuffle" if d in (1, 2) else ", shuffle=train" if d == 3 else ""
        files[f"vision/data/loaders{d}.py"] = LOADERS.format(parameter=parameter, shuffle=shuffle)
    for e in range(ENGINES):
        step = ("scheduler.step()", "if scheduler is not None:\n            scheduler.step()", "pass")[e]
        files[f"vision/engines/engine{e}.py"] = ENGINE.format(step=step)
    for c in range(CONFIGS):
        extra = ("", "lr: 0.2\n", "# trainlint: ignore-file[config]\nlr: 1\n")[c % 3]
        files[f"configs/c{c}.yaml"] = CONFIG.format(
            rate=(0.1, "1e-3")[c % 2], batch=256 * (c + 1), extra=extra
        )
    for s in range(SCRIPTS):
        files[f"train{s}.py"] = _script(s)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "trainlint.toml").write_text("")
    return sorted(files)


def _script(s: int) -> str:
    head, imports, body, rate, batch, epochs = "", "", "", "0.1", str(64 << (s % 6)), "90"
    if s % 3 == 1:
        head = "import yaml\n"
        body += f'    cfg = yaml.safe_load(open("configs/c{s % CONFIGS}.yaml"))\n'
        rate, batch, epochs = 'cfg["lr"]', 'cfg["batch_size"]', 'cfg["epochs"]'
    elif s % 3 == 2:
        head = "import argparse\n"
        body += "    parser = argparse.ArgumentParser()\n"
        body += '    parser.add_argument("--lr", type=float, default=0.4)\n    args = parser.parse_args()\n'
        rate = "args.lr"
    if s % 2:
        imports += "from vision.seeds import seed_everything\n"
        body += f"    seed_everything({s})\n"
    scheduled = s % 4 != 3
    schedule = (
        f"    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, {epochs})\n"
        if scheduled
        else ""
    )
    return SCRIPT.format(
        head=head,
        d=s % LOADER_FILES,
        e=s % 2 if scheduled else 2,
        m=s % MODELS,
        imports=imports,
        body=body,
        optimizer=("SGD", "AdamW", "Adam")[s % 3],
        rate=rate,
        decay=", weight_decay=1e-4" if s % 5 == 0 else "",
        schedule=schedule,
        batch=batch,
        argument=", shuffle=True" if s % LOADER_FILES == 1 and s > 6 else "",
        epochs=epochs,
        pass_on=", scheduler" if scheduled else "",
    )
