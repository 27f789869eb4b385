"""A config that code loads is part of that program's recipe, whoever reads it, with where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainlint.linter import recipes
from trainlint.recipe.model import Recipe

HEAD = """\
import torch
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
"""
BODY = """\
    torch.manual_seed({seed})
    images = datasets.ImageFolder("data", transforms.ToTensor())
    loader = DataLoader(images, batch_size={batch}, shuffle=True)
    model = torch.nn.Linear(3, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr={lr}, momentum=0.9)
    for epoch in range({epochs}):
        for inputs, targets in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()


if __name__ == "__main__":
    main()
"""
ITEMS = {name: f'cfg["{name}"]' for name in ("lr", "batch", "epochs", "seed")}
FIELDS = {name: f"cfg.{name}" for name in ITEMS}
YAML = "lr: 0.05\nbatch: 96\nepochs: 40\nseed: 7\n"
FLAGS = "".join(f'    p.add_argument("--{name}", type=float, default=1)\n' for name in ITEMS)
SET = "".join(f"    cfg.{name} = 1\n" for name in ITEMS)

READERS: dict[str, tuple[str, str, dict[str, str], str, str]] = {
    "PyYAML": ("import yaml", "    cfg = yaml.safe_load(open('c.yaml'))\n", ITEMS, "c.yaml", YAML),
    "an option's default": (
        "import argparse, yaml",
        "    p = argparse.ArgumentParser()\n    p.add_argument('--config', default='c.yaml')\n"
        "    cfg = yaml.safe_load(open(p.parse_args().config))\n",
        ITEMS,
        "c.yaml",
        YAML,
    ),
    "options set by a file": (
        "import argparse, yaml",
        f"    p = argparse.ArgumentParser()\n{FLAGS}    p.set_defaults(**yaml.safe_load(open('c.yaml')))\n"
        "    cfg = p.parse_args()\n",
        FIELDS,
        "c.yaml",
        YAML,
    ),
    "a namespace": (
        "import types, yaml",
        "    cfg = types.SimpleNamespace(**yaml.safe_load(open('c.yaml')))\n",
        FIELDS,
        "c.yaml",
        YAML,
    ),
    "OmegaConf": (
        "from omegaconf import OmegaConf",
        "    cfg = OmegaConf.load('c.yaml')\n",
        FIELDS,
        "c.yaml",
        YAML,
    ),
    "JSON": (
        "import json",
        "    cfg = json.load(open('c.json'))\n",
        ITEMS,
        "c.json",
        '{"lr": 0.05, "batch": 96, "epochs": 40, "seed": 7}',
    ),
    "TOML": (
        "import tomllib",
        "    cfg = tomllib.load(open('c.toml', 'rb'))\n",
        ITEMS,
        "c.toml",
        YAML.replace(": ", " = "),
    ),
    "yacs, defaults in the same function": (
        "from yacs.config import CfgNode",
        f"    cfg = CfgNode()\n{SET}    cfg.merge_from_file('c.yaml')\n",
        FIELDS,
        "c.yaml",
        YAML,
    ),
}


def joined(folder: Path, name: str, after: str = "") -> Recipe:
    imports, load, names, file, text = READERS[name]
    source = f"{HEAD}{imports}\n\n\ndef main():\n{load}{after}{BODY.format(**names)}"
    (folder / "trainlint.toml").touch()
    (folder / "train.py").write_text(source, encoding="utf-8")
    (folder / file).write_text(text, encoding="utf-8")
    return next(each for each in recipes([folder]) if each.entry == "train.py")


@pytest.mark.parametrize("name", READERS)
def test_a_config_joins_the_program_that_reads_it(tmp_path: Path, name: str) -> None:
    made = joined(tmp_path, name)
    paths = ("optimizer.lr", "batch.per_device", "train.epochs", "repro.seed")
    assert [made.get(path).value for path in paths] == [0.05, 96, 40, 7]
    rate = made.get("optimizer.lr")
    places = {link.span.path for link in rate.chain} | {rate.span.path if rate.span is not None else ""}
    assert READERS[name][3] in places


def test_what_code_sets_after_a_file_counts(tmp_path: Path) -> None:
    made = joined(tmp_path, "yacs, defaults in the same function", after="    cfg.lr = 0.3\n")
    assert (made.get("optimizer.lr").value, made.get("train.epochs").value) == (0.3, 40)
