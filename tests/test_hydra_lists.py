"""Hydra's defaults lists: both composers, of programs and of configs, put every file where Hydra puts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainlint.knowledge.hydra_lists import Listed, header_package, listed_config, listed_group
from trainlint.linter import recipes
from trainlint.recipe.model import Recipe

FILES = {
    "config.yaml": """\
defaults:
  - server: apache
  - opt@optimizer: sgd
  - /db@other: mysql
  - exp: a
  - _self_
momentum: ${server.db.n}
epochs: ${server.timeout}
batch_size: ${server.back.n}
""",
    "server/apache.yaml": "defaults: [base, {db: nested}, {/db@back: mysql}, _self_]\nport: 80\n",
    "server/base.yaml": "timeout: 30\n",
    "server/db/nested.yaml": "n: 0.8\n",
    "db/mysql.yaml": "n: 64\n",
    "opt/sgd.yaml": "defaults: [base, {sched: cosine}]\nlr: 0.1\n",
    "opt/base.yaml": "lr: 5\nname: sgd\n",
    "opt/sched/cosine.yaml": "# @package _global_\nseed: 9\n",
    "exp/a.yaml": "# @package _global_\ndefaults: [{/db@_global_.w: mysql}, {/opt@rates: headed}]\n",
    "opt/headed.yaml": "# @package elsewhere\ndecay: 0.02\n",
}
"""Composed by hydra-core 1.3.8 to server.timeout 30, server.db.n 0.8, server.back.n 64, optimizer.lr 0.1,
optimizer.name sgd, seed 9, other.n 64, w.n 64 and rates.decay 0.02."""

TRAIN = """\
import hydra
import torch
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    torch.manual_seed(cfg.seed)
    images = datasets.ImageFolder("data", transforms.ToTensor())
    loader = DataLoader(images, batch_size=cfg.w.n, shuffle=True)
    model = torch.nn.Linear(3, 10)
    optimizer = torch.optim.SGD(
        model.parameters(), cfg.optimizer.lr, momentum=cfg.server.db.n, weight_decay=cfg.rates.decay
    )
    for epoch in range(cfg.server.timeout):
        for inputs, targets in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()


if __name__ == "__main__":
    main()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / "conf" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (tmp_path / "trainlint.toml").touch()
    return tmp_path


def made(project: Path, entry: str) -> Recipe:
    return next(recipe for recipe in recipes([project]) if recipe.entry == entry)


def test_what_a_program_is_handed(project: Path) -> None:
    (project / "train.py").write_text(TRAIN, encoding="utf-8")
    recipe = made(project, "train.py")
    fields = ("optimizer.lr", "optimizer.momentum", "optimizer.weight_decay", "batch.per_device")
    assert [recipe.get(field).value for field in fields] == [0.1, 0.8, 0.02, 64]
    assert [recipe.get(field).value for field in ("train.epochs", "repro.seed")] == [30, 9]


def test_what_a_config_is_composed_to(project: Path) -> None:
    recipe = made(project, "conf/config.yaml")
    fields = ("optimizer.name", "optimizer.lr", "train.epochs", "batch.per_device", "repro.seed")
    assert [recipe.get(field).value for field in fields] == ["sgd", 0.1, 30, 64, 9]
    rate = recipe.get("optimizer.lr").span
    assert rate is not None
    assert rate.path == "conf/opt/sgd.yaml"


@pytest.mark.parametrize(
    ("key", "folder", "named"),
    [
        ("db", "", Listed("db", "db")),
        ("db", "server", Listed("server/db", "db")),
        ("/db/small", "server", Listed("db/small", "db.small")),
        ("optional db@back", "", Listed("db", "db", "back", optional=True)),
        ("override /db@back", "server", Listed("db", "db", "back", overrides=True)),
        (" ", "", None),
    ],
)
def test_what_a_group_names(key: str, folder: str, named: Listed | None) -> None:
    assert listed_group(key, folder) == named


@pytest.mark.parametrize(
    ("named", "parent", "header", "package"),
    [
        (listed_config("base", "server"), "web", "", "web"),
        (listed_config("/db/base", "server"), "web", "", "web.db"),
        (Listed("db", "db"), "web", "", "web.db"),
        (Listed("db", "db"), "web", "_global_", ""),
        (Listed("db", "db"), "web", "own", "own"),
        (Listed("db", "db", "back"), "web", "_global_", "web.back"),
        (Listed("db", "db", "_global_"), "web", "", ""),
        (Listed("db", "db", "_global_.a.b"), "web", "", "a.b"),
        (Listed("db", "db", "_here_"), "web", "", "web"),
    ],
)
def test_the_package_of_a_named_config(named: Listed, parent: str, header: str, package: str) -> None:
    assert named.package(parent, header) == package


@pytest.mark.parametrize(
    ("name", "hydras"),
    [("hydra", True), ("/hydra/launcher", True), ("hydra_runs", False), ("runs/hydra", False)],
)
def test_groups_of_hydra_itself(name: str, hydras: bool) -> None:
    named = listed_group(name, "")
    assert named is not None
    assert named.is_hydras is hydras


@pytest.mark.parametrize(
    ("lines", "package"),
    [
        (["# @package _global_"], "_global_"),
        (["# all runs", "#@package train.data"], "train.data"),
        (["# @package _group_"], ""),
        (["lr: 1  # @package a"], ""),
        (["#"] * 20 + ["# @package a"], ""),
    ],
)
def test_the_package_of_a_header(lines: list[str], package: str) -> None:
    assert header_package(lines) == package
