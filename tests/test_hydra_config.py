from __future__ import annotations

from pathlib import Path

import pytest

from trainlint.linter import recipes
from trainlint.recipe.model import Recipe, State

TRAIN = """\
from dataclasses import dataclass

import hydra
import torch
from omegaconf import DictConfig
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


@dataclass
class Run:
    lr: float = 1.0
    batch_size: int = 8


@hydra.main(version_base=None, config_path="conf", config_name="train")
def main(cfg: DictConfig):
    run = Run(**cfg["run"])
    torch.manual_seed(cfg.seed)
    images = datasets.ImageFolder("data/train", transforms.ToTensor())
    loader = DataLoader(images, batch_size=run.batch_size, shuffle=True)
    model = torch.nn.Linear(3, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=run.lr, momentum=0.9)
    for epoch in range(cfg.epochs):
        for batch, labels in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(batch), labels).backward()
            optimizer.step()


if __name__ == "__main__":
    main()
"""
CONFIG = "run:\n  lr: 0.05\n  batch_size: 96\nepochs: 40\nseed: 7\n"


def recipe(folder: Path, config: str | None) -> Recipe:
    (folder / "trainlint.toml").write_text("")
    (folder / "train.py").write_text(TRAIN)
    if config is not None:
        (folder / "conf").mkdir()
        (folder / "conf" / "train.yaml").write_text(config)
    return next(made for made in recipes([folder]) if made.entry == "train.py")


def test_the_config_that_hydra_hands_over_reaches_the_recipe(tmp_path: Path) -> None:
    made = recipe(tmp_path, CONFIG)
    fields = ("optimizer.lr", "batch.per_device", "train.epochs", "repro.seed")
    assert [made.get(field).value for field in fields] == [0.05, 96, 40, 7]
    rate = made.get("optimizer.lr")
    assert rate.span is not None
    assert (rate.span.path, rate.span.line) == ("conf/train.yaml", 2)


@pytest.mark.parametrize("config", [None, "defaults:\n  - model: small\n" + CONFIG])
def test_a_config_that_is_missing_or_composed_is_unknown(tmp_path: Path, config: str | None) -> None:
    made = recipe(tmp_path, config)
    assert made.get("train.epochs").state is State.UNKNOWN
    assert made.get("train.epochs").reason
