"""How programs say their settings: each way of reading options and configs gives the recipe's values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from trainlint.linter import lint, recipes
from trainlint.recipe.model import Recipe, State
from trainlint.settings.model import Settings

IMPORTS = """
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
"""
TRAIN = """
def train({parameters}):
    torch.manual_seed(0)
    data = datasets.CIFAR10("data", transform=transforms.ToTensor())
    loader = DataLoader(data, batch_size={batch}, shuffle=True)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr={lr}, momentum={momentum})
    for epoch in range({epochs}):
        for images, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
"""
VALUES = {"optimizer.lr": 0.25, "optimizer.momentum": 0.8, "batch.per_device": 96, "train.epochs": 40}
"""What every program below trains with."""


def program(top: str, bottom: str, source: str = "args.", parameters: str = "args", **own: str) -> str:
    """A program that reads its options at the top and trains with them; `own` gives other expressions."""
    given = {name: f"{source}{name}" for name in ("lr", "momentum", "batch", "epochs")} | own
    return f"{IMPORTS}{top}\n{TRAIN.format(parameters=parameters, **given)}\n\n{bottom}\n"


def read(folder: Path, files: Mapping[str, str], settings: Settings | None = None) -> Recipe:
    """The recipe of `train.py`."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    report = lint([folder], settings)
    assert not [notice for notice in report.notices if notice.kind == "internal"]
    return next(recipe for recipe in recipes([folder], settings) if recipe.entry == "train.py")


def values(recipe: Recipe, paths: Mapping[str, object] = VALUES) -> dict[str, object]:
    """What the recipe holds at some paths: the value, or why there is none."""
    found = {path: recipe.get(path) for path in paths}
    return {path: value.value if value.known else value.reason for path, value in found.items()}


ADD = """
{p}.add_argument("--lr", type=float, default=0.25)
{p}.add_argument("--momentum", type=float, default=0.8)
{p}.add_argument("-b", "--batch", type=int, default=96)
{p}.add_argument("--epochs", type=int, default=40)
"""


def add(name: str) -> str:
    return ADD.format(p=name)


ARGPARSE = "import argparse\n\nparser = argparse.ArgumentParser()\n"
PARSE = "train(parser.parse_args())"
FIELDS = "    lr: float = 0.25\n    momentum: float = 0.8\n    batch: int = 96\n    epochs: int = 40\n"
KEYS = "lr: 0.25\nmomentum: 0.8\nbatch: 96\nepochs: 40\n"

ONE_FILE: dict[str, str] = {
    "groups": program(ARGPARSE + 'group = parser.add_argument_group("training")' + add("group"), PARSE),
    "exclusive group": program(
        ARGPARSE + "group = parser.add_mutually_exclusive_group()" + add("group"), PARSE
    ),
    "subparsers": program(
        ARGPARSE
        + 'commands = parser.add_subparsers(dest="command")\nfit = commands.add_parser("fit")'
        + add("fit"),
        "args = parser.parse_args()\nif args.command == 'fit':\n    train(args)",
    ),
    "subparsers that name a function": program(
        ARGPARSE + "commands = parser.add_subparsers()\nfit = commands.add_parser('fit')" + add("fit"),
        "fit.set_defaults(run=train)\nargs = parser.parse_args()\nargs.run(args)",
    ),
    "parents": program(
        "import argparse\n\nbase = argparse.ArgumentParser(add_help=False)"
        + add("base")
        + "parser = argparse.ArgumentParser(parents=[base])\n",
        PARSE,
    ),
    "made in a function": program(
        "import argparse\n\n\ndef get_parser():\n    parser = argparse.ArgumentParser()\n"
        + add("parser").replace("\n", "\n    ")
        + "\n    return parser\n",
        "train(get_parser().parse_args())",
    ),
    "added by a function": program(
        "import argparse\n\n\ndef add_options(parser):"
        + add("parser").replace("\n", "\n    ")
        + "\n    return parser\n",
        "train(add_options(argparse.ArgumentParser()).parse_args())",
    ),
    "set_defaults": program(
        ARGPARSE + add("parser").replace("0.25", "0.1").replace("40", "10"),
        "parser.set_defaults(lr=0.25, epochs=40)\n" + PARSE,
    ),
    "parse_known_args": program(
        ARGPARSE + add("parser"), "args, rest = parser.parse_known_args()\ntrain(args)"
    ),
    "parse_known_args by index": program(ARGPARSE + add("parser"), "train(parser.parse_known_args()[0])"),
    "vars": program(
        ARGPARSE + add("parser"),
        "train(vars(parser.parse_args()))",
        lr='args["lr"]',
        momentum='args["momentum"]',
        batch='args["batch"]',
        epochs='args.get("epochs")',
    ),
    "vars as keywords": program(
        ARGPARSE + add("parser"),
        "train(**vars(parser.parse_args()))",
        source="",
        parameters="lr, momentum, batch, epochs",
    ),
    "dest and dashes": program(
        ARGPARSE
        + add("parser")
        .replace('"--lr"', '"--learning-rate", dest="lr"')
        .replace('"-b", "--batch"', '"--batch-size"'),
        PARSE,
        batch="args.batch_size",
    ),
    "converters": program(
        ARGPARSE
        + add("parser").replace("default=0.25", 'default="0.25"').replace("default=96", 'default="96"'),
        PARSE,
    ),
    "a converter of its own": program(
        "import argparse\n\n\ndef number(text):\n    return float(text)\n\n\n"
        "parser = argparse.ArgumentParser()\n"
        + add("parser").replace("type=float, default=0.25", 'type=number, default="0.25"'),
        PARSE,
    ),
    "a switch": program(
        ARGPARSE
        + add("parser")
        + 'parser.add_argument("--slow", action=argparse.BooleanOptionalAction, default=False)\n',
        PARSE,
        lr="0.01 if args.slow else args.lr",
    ),
    "store_true": program(
        ARGPARSE + add("parser") + 'parser.add_argument("--fast", action="store_true")\n',
        "args = parser.parse_args()\nif args.fast:\n    args.epochs = 1\ntrain(args)",
    ),
    "a namespace": program(
        "import argparse\n",
        "train(argparse.Namespace(lr=0.25, momentum=0.8, batch=96, epochs=40))",
    ),
    "a parser class": program(
        "import argparse\n\n\nclass Options:\n    def __init__(self):\n"
        "        self.parser = argparse.ArgumentParser()\n"
        + add("self.parser").replace("\n", "\n        ")
        + "\n\n    def parse(self):\n        self.opt = self.parser.parse_args()\n        return self.opt\n",
        "train(Options().parse())",
    ),
    "click": program(
        "import click\n",
        "@click.command()\n@click.option('--lr', default=0.25)\n@click.option('--momentum', default=0.8)\n"
        "@click.option('--batch-size', 'batch', default=96, type=int)\n"
        "@click.option('--epochs', default=40, show_default=True)\n"
        "def main(lr, momentum, batch, epochs):\n    train(lr, momentum, batch, epochs)\n\n\nmain()",
        source="",
        parameters="lr, momentum, batch, epochs",
    ),
    "click group": program(
        "import click\n\n\n@click.group()\ndef cli():\n    pass\n",
        "@cli.command()\n@click.option('--lr', default=0.25)\n@click.option('--momentum', default=0.8)\n"
        "@click.argument('batch', default=96)\n@click.option('--epochs', default=40)\n"
        "def fit(**options):\n    train(**options)\n\n\nif __name__ == '__main__':\n    cli()",
        source="",
        parameters="lr, momentum, batch, epochs",
    ),
    "typer": program(
        "import typer\n\napp = typer.Typer()\n",
        "@app.command()\ndef main(lr: float = 0.25, momentum: float = typer.Option(0.8, '--momentum'),\n"
        "         batch: int = typer.Option(96), epochs: int = 40):\n"
        "    train(lr, momentum, batch, epochs)\n\n\napp()",
        source="",
        parameters="lr, momentum, batch, epochs",
    ),
    "typer run": program(
        "import typer\nfrom typing_extensions import Annotated\n",
        "def main(lr: Annotated[float, typer.Option(help='rate')] = 0.25, momentum: float = 0.8,\n"
        "         batch: int = 96, epochs: int = 40):\n    train(lr, momentum, batch, epochs)\n\n\n"
        "typer.run(main)",
        source="",
        parameters="lr, momentum, batch, epochs",
    ),
    "fire": program(
        "import fire\n",
        "def main(lr=0.25, momentum=0.8, batch=96, epochs=40):\n"
        "    train(lr, momentum, batch, epochs)\n\n\nfire.Fire(main)",
        source="",
        parameters="lr, momentum, batch, epochs",
    ),
    "tyro": program(
        f"import dataclasses\n\nimport tyro\n\n\n@dataclasses.dataclass\nclass Config:\n{FIELDS}",
        "train(tyro.cli(Config))",
    ),
    "tyro of a function": program(
        "import tyro\n",
        "def main(lr: float = 0.25, momentum: float = 0.8, batch: int = 96, epochs: int = 40) -> None:\n"
        "    train(lr, momentum, batch, epochs)\n\n\ntyro.cli(main)",
        source="",
        parameters="lr, momentum, batch, epochs",
    ),
    "HfArgumentParser": program(
        "from dataclasses import dataclass, field\n\nfrom transformers import HfArgumentParser\n\n\n"
        "@dataclass\n"
        "class Arguments:\n    lr: float = field(default=0.25, metadata={'help': 'rate'})\n"
        "    momentum: float = 0.8\n"
        "    batch: int = field(default=96)\n    epochs: int = 40\n",
        "[args] = HfArgumentParser(Arguments).parse_args_into_dataclasses()\ntrain(args)",
    ),
    "HfArgumentParser of two": program(
        "from dataclasses import dataclass\n\nfrom transformers import HfArgumentParser\n\n\n@dataclass\n"
        "class Data:\n    batch: int = 96\n\n\n@dataclass\nclass Run:\n    lr: float = 0.25\n"
        "    momentum: float = 0.8\n"
        "    epochs: int = 40\n",
        "parser = HfArgumentParser((Data, Run))\ndata_args, run_args = parser.parse_args_into_dataclasses()\n"
        "train(data_args, run_args)",
        parameters="sizes, args",
        batch="sizes.batch",
    ),
    "dataclass": program(
        f"from dataclasses import dataclass\n\n\n@dataclass\nclass Config:\n{FIELDS}", "train(Config())"
    ),
    "nested dataclasses": program(
        "from dataclasses import dataclass, field\n\n\n@dataclass\nclass Optim:\n    lr: float = 0.1\n"
        "    momentum: float = 0.8\n\n\n@dataclass\nclass Config:\n"
        "    optim: Optim = field(default_factory=lambda: Optim(lr=0.25))\n    batch: int = 96\n"
        "    epochs: int = 40\n",
        "train(Config())",
        lr="args.optim.lr",
        momentum="args.optim.momentum",
    ),
    "default_factory": program(
        "from dataclasses import dataclass, field\n\n\n@dataclass\nclass Optim:\n    lr: float = 0.25\n"
        "    momentum: float = 0.8\n\n\n@dataclass\nclass Config:\n"
        "    optim: Optim = field(default_factory=Optim)\n    batch: int = 96\n    epochs: int = 40\n",
        "train(Config())",
        lr="args.optim.lr",
        momentum="args.optim.momentum",
    ),
    "__post_init__": program(
        "from dataclasses import dataclass\n\n\n@dataclass\nclass Config:\n    lr: float = 0.125\n"
        "    momentum: float = 0.8\n    batch: int = 96\n    epochs: int = None\n\n"
        "    def __post_init__(self):\n        self.lr = self.lr * 2\n        if self.epochs is None:\n"
        "            self.epochs = 40\n",
        "train(Config())",
    ),
    "dataclasses.replace": program(
        f"import dataclasses\n\n\n@dataclasses.dataclass(frozen=True)\nclass Config:\n{FIELDS}",
        "train(dataclasses.replace(Config(lr=0.1), lr=0.25))",
    ),
    "pydantic": program(
        "from pydantic import BaseModel, Field\n\n\nclass Config(BaseModel):\n"
        "    lr: float = Field(0.25, gt=0)\n"
        "    momentum: float = 0.8\n    batch: int = Field(default=96)\n    epochs: int = 40\n",
        "train(Config())",
    ),
    "attrs": program(
        f"import attr\n\n\n@attr.s(auto_attribs=True)\nclass Config:\n{FIELDS}", "train(Config())"
    ),
    "named tuple": program(
        f"from typing import NamedTuple\n\n\nclass Config(NamedTuple):\n{FIELDS}", "train(Config())"
    ),
    "absl": program(
        "from absl import app, flags\n\nFLAGS = flags.FLAGS\nflags.DEFINE_float('lr', 0.25, 'rate')\n"
        "flags.DEFINE_float('momentum', 0.8, '')\nflags.DEFINE_integer('batch', 96, '')\n"
        "flags.DEFINE_integer('epochs', 40, '')\n",
        "def main(argv):\n    train()\n\n\nif __name__ == '__main__':\n    app.run(main)",
        source="FLAGS.",
        parameters="",
    ),
    "absl holders": program(
        "from absl import app, flags\n\n_LR = flags.DEFINE_float('lr', 0.25, 'rate')\n"
        "_MOMENTUM = flags.DEFINE_float('momentum', 0.8, '')\n"
        "_BATCH = flags.DEFINE_integer('batch', 96, '')\n"
        "_EPOCHS = flags.DEFINE_integer('epochs', 40, '')\n",
        "def main(argv):\n    train()\n\n\nif __name__ == '__main__':\n    app.run(main)",
        parameters="",
        lr="_LR.value",
        momentum="_MOMENTUM.value",
        batch="_BATCH.value",
        epochs="_EPOCHS.value",
    ),
    "ml_collections": program(
        "from ml_collections import ConfigDict\n\n\ndef get_config():\n    config = ConfigDict()\n"
        "    config.lr = 0.25\n"
        "    config.momentum = 0.8\n    config.data = ConfigDict()\n    config.data.batch = 96\n"
        "    config.epochs = 40\n    return config\n",
        "train(get_config())",
        batch="args.data.batch",
    ),
    "yacs": program(
        "from yacs.config import CfgNode as CN\n\n_C = CN()\n_C.lr = 0.1\n_C.momentum = 0.8\n_C.DATA = CN()\n"
        "_C.DATA.batch = 96\n_C.epochs = 40\n",
        "cfg = _C.clone()\ncfg.defrost()\ncfg.merge_from_list(['lr', 0.25])\ncfg.freeze()\ntrain(cfg)",
        batch="args.DATA.batch",
    ),
    "omegaconf": program(
        "from omegaconf import OmegaConf\n\n"
        "base = OmegaConf.create({'lr': 0.1, 'momentum': 0.8, 'epochs': 40})\n"
        "more = OmegaConf.create({'lr': 0.25, 'data': {'batch': 96}})\n",
        "train(OmegaConf.merge(base, more))",
        batch="args.data.batch",
    ),
    "omegaconf structured": program(
        "from dataclasses import dataclass\n\nfrom omegaconf import OmegaConf\n\n\n@dataclass\n"
        f"class Config:\n{FIELDS}",
        "train(OmegaConf.structured(Config))",
    ),
    "module constants": program(
        "LR, MOMENTUM = 0.25, 0.8\nBATCH = 32 * 3\nEPOCHS = 40\n",
        "train()",
        parameters="",
        lr="LR",
        momentum="MOMENTUM",
        batch="BATCH",
        epochs="EPOCHS",
    ),
    "a class of constants": program(f"class Config:\n{FIELDS}", "train(Config)"),
    "a mapping": program(
        "config = {'lr': 0.25, 'optim': {'momentum': 0.8}, 'batch': 96}\nconfig['epochs'] = 40\n",
        "train(config)",
        lr="args['lr']",
        momentum="args['optim']['momentum']",
        batch="args.get('batch', 32)",
        epochs="args['epochs']",
    ),
    "updates of a mapping": program(
        "config = dict(lr=0.1, momentum=0.8)\nconfig.update(lr=0.25, batch=96)\nconfig |= {'epochs': 40}\n",
        "train(config)",
        lr="args['lr']",
        momentum="args['momentum']",
        batch="args['batch']",
        epochs="args['epochs']",
    ),
    "mappings laid over": program(
        "base = {'lr': 0.1, 'momentum': 0.8, 'batch': 96}\nconfig = {**base, 'lr': 0.25, 'epochs': 40}\n",
        "train(config)",
        lr="args['lr']",
        momentum="args['momentum']",
        batch="args['batch']",
        epochs="args['epochs']",
    ),
    "arithmetic": program(
        ARGPARSE
        + add("parser").replace("default=0.25", "default=2 / 3").replace("default=40", "default=4 * 10"),
        "args = parser.parse_args()\nargs.lr = args.lr * args.batch / 256\ntrain(args)",
    ),
    "a ternary of the phase": program(
        ARGPARSE + add("parser").replace("default=96", "default=None"),
        PARSE,
        batch="96 if args.batch is None else args.batch",
    ),
    "SimpleNamespace": program(
        "from types import SimpleNamespace\n",
        "train(SimpleNamespace(lr=0.25, momentum=0.8, batch=96, epochs=40))",
    ),
    "environment": program(
        "import os\n",
        "train()",
        parameters="",
        lr="float(os.environ.get('LR', '0.25'))",
        momentum="float(os.getenv('MOMENTUM', 0.8))",
        batch="int(os.environ.get('BATCH', 96))",
        epochs="int(os.getenv('EPOCHS', '40'))",
    ),
}


@pytest.mark.parametrize("name", ONE_FILE)
def test_options_and_settings_in_one_file(tmp_path: Path, name: str) -> None:
    assert values(read(tmp_path, {"train.py": ONE_FILE[name]})) == VALUES


JSON = '{"lr": 0.25, "momentum": 0.8, "data": {"batch": 96}, "epochs": 40}'
TOML = "lr = 0.25\nmomentum = 0.8\nepochs = 40\n\n[data]\nbatch = 96\n"
YAML = "lr: 0.25\nmomentum: 0.8\ndata:\n  batch: 96\nepochs: 40\n"
ITEMS = {
    "lr": "args['lr']",
    "momentum": "args['momentum']",
    "batch": "args['data']['batch']",
    "epochs": "args['epochs']",
}

WITH_FILES: dict[str, dict[str, str]] = {
    "json": {
        "config.json": JSON,
        "train.py": program("import json\n", "train(json.load(open('config.json')))", **ITEMS),
    },
    "json text": {
        "config.json": JSON,
        "train.py": program(
            "import json\nfrom pathlib import Path\n",
            "train(json.loads(Path('config.json').read_text()))",
            **ITEMS,
        ),
    },
    "yaml": {
        "config.yaml": YAML,
        "train.py": program(
            "import yaml\n",
            "with open('config.yaml') as stream:\n    config = yaml.safe_load(stream)\ntrain(config)",
            **ITEMS,
        ),
    },
    "toml": {
        "config.toml": TOML,
        "train.py": program(
            "import tomllib\n",
            "with open('config.toml', 'rb') as stream:\n    train(tomllib.load(stream))",
            **ITEMS,
        ),
    },
    "named by an option": {
        "configs/base.yaml": YAML,
        "train.py": program(
            "import yaml\n" + ARGPARSE + 'parser.add_argument("--config", default="configs/base.yaml")\n',
            "args = parser.parse_args()\ntrain(yaml.safe_load(open(args.config)))",
            **ITEMS,
        ),
    },
    "into a class": {
        "config.yaml": KEYS,
        "train.py": program(
            "from dataclasses import dataclass\n\nimport yaml\n\n\n@dataclass\nclass Config:\n"
            "    lr: float\n    momentum: float\n    batch: int\n    epochs: int\n",
            "train(Config(**yaml.safe_load(open('config.yaml'))))",
        ),
    },
    "into pydantic": {
        "config.json": '{"lr": 0.25, "batch": 96}',
        "train.py": program(
            "import json\n\nfrom pydantic import BaseModel\n\n\nclass Config(BaseModel):\n"
            "    lr: float = 0.1\n"
            "    momentum: float = 0.8\n    batch: int = 32\n    epochs: int = 40\n",
            "train(Config(**json.load(open('config.json'))))",
        ),
    },
    "into EasyDict": {
        "config.yaml": YAML,
        "train.py": program(
            "import yaml\nfrom easydict import EasyDict\n",
            "train(EasyDict(yaml.safe_load(open('config.yaml'))))",
            batch="args.data.batch",
        ),
    },
    "set as defaults": {
        "config.yaml": KEYS,
        "train.py": program(
            "import yaml\n" + ARGPARSE + add("parser").replace("0.25", "0.1").replace("40", "10"),
            "parser.set_defaults(**yaml.safe_load(open('config.yaml')))\n" + PARSE,
        ),
    },
    "omegaconf": {
        "config.yaml": YAML,
        "train.py": program(
            "from omegaconf import OmegaConf\n",
            "train(OmegaConf.load('config.yaml'))",
            batch="args.data.batch",
        ),
    },
    "yacs": {
        "config.yaml": "lr: 0.25\nDATA:\n  batch: 96\n",
        "train.py": program(
            "from yacs.config import CfgNode as CN\n\n_C = CN()\n_C.lr = 0.1\n_C.momentum = 0.8\n"
            "_C.DATA = CN()\n_C.DATA.batch = 32\n_C.epochs = 40\n",
            "cfg = _C.clone()\ncfg.merge_from_file('config.yaml')\ncfg.freeze()\ntrain(cfg)",
            batch="args.DATA.batch",
        ),
    },
    "hydra": {
        "conf/config.yaml": "defaults:\n  - optim: sgd\n  - _self_\ndata:\n  batch: 96\nepochs: 40\n",
        "conf/optim/sgd.yaml": "lr: 0.25\nmomentum: 0.8\n",
        "train.py": program(
            "import hydra\n",
            "@hydra.main(config_path='conf', config_name='config', version_base=None)\n"
            "def main(cfg):\n    train(cfg)\n\n\nif __name__ == '__main__':\n    main()",
            lr="args.optim.lr",
            momentum="args['optim']['momentum']",
            batch="args.data.batch",
        ),
    },
    "hydra overridden": {
        "conf/config.yaml": "lr: 0.1\nmomentum: 0.8\ndata:\n  batch: 32\nepochs: 40\n",
        "run.sh": "python train.py lr=0.25 data.batch=96\n",
        "train.py": program(
            "import hydra\n",
            "@hydra.main(config_path='conf', config_name='config', version_base=None)\n"
            "def main(cfg):\n    train(cfg)\n\n\nif __name__ == '__main__':\n    main()",
            batch="args.data.batch",
        ),
    },
    "a module of settings": {
        "settings.py": "lr = 0.25\nmomentum = 0.8\nbatch = 96\nepochs = 40\n",
        "train.py": program("import settings\n", "train()", source="settings.", parameters=""),
    },
    "names of a module of settings": {
        "settings.py": "LR = 0.25\nMOMENTUM = 0.8\nBATCH = 96\nEPOCHS = 40\n",
        "train.py": program(
            "from settings import *\n",
            "train()",
            parameters="",
            lr="LR",
            momentum="MOMENTUM",
            batch="BATCH",
            epochs="EPOCHS",
        ),
    },
    "options in another module": {
        "options.py": "import argparse\n\n\ndef parse():\n    parser = argparse.ArgumentParser()\n"
        + add("parser").replace("\n", "\n    ")
        + "\n    return parser.parse_args()\n",
        "train.py": program("from options import parse\n", "train(parse())"),
    },
}


@pytest.mark.parametrize("name", WITH_FILES)
def test_options_and_settings_in_other_files(tmp_path: Path, name: str) -> None:
    assert values(read(tmp_path, WITH_FILES[name])) == VALUES


UNKNOWN: dict[str, tuple[str, str]] = {
    # name: (the program, what the reason for the unknown rate names)
    "required": (
        program(ARGPARSE + add("parser").replace("default=0.25", "required=True"), PARSE),
        "option --lr has no default",
    ),
    "a converter of its own that computes": (
        program(
            "import argparse\n\n\ndef halved(text):\n    return float(text) / 2\n\n\n"
            "parser = argparse.ArgumentParser()\n"
            + add("parser").replace("type=float, default=0.25", 'type=halved, default="0.25"'),
            PARSE,
        ),
        "what halved makes of '0.25'",
    ),
    "not declared": (
        program(ARGPARSE + add("parser").replace("--lr", "--rate"), PARSE),
        "option lr is not declared in code that was read",
    ),
    "ini": (
        program(
            "import configparser\n\nconfig = configparser.ConfigParser()\nconfig.read('config.ini')\n",
            "train(config)",
            lr="config['train'].getfloat('lr')",
        ),
        "getfloat",
    ),
    "branches of the command line": (
        program(
            ARGPARSE + add("parser") + 'parser.add_argument("--mode", choices=["a", "b"], required=True)\n',
            "args = parser.parse_args()\nif args.mode == 'a':\n    args.lr = 0.5\ntrain(args)",
        ),
        "branches give different values",
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_written_is_unknown(tmp_path: Path, name: str) -> None:
    text, reason = UNKNOWN[name]
    rate = read(tmp_path, {"train.py": text}).get("optimizer.lr")
    assert rate.state is State.UNKNOWN
    assert reason in rate.reason


def test_subcommands_that_share_an_option_do_not_borrow_its_default(tmp_path: Path) -> None:
    text = program(
        ARGPARSE
        + 'commands = parser.add_subparsers(dest="command")\nfit = commands.add_parser("fit")'
        + add("fit")
        + 'check = commands.add_parser("check")\ncheck.add_argument("--epochs", type=int, default=1)\n',
        PARSE,
    )
    recipe = read(tmp_path, {"train.py": text})
    assert recipe.get("optimizer.lr").value == 0.25
    assert recipe.get("train.epochs").state is State.UNKNOWN


def test_branches_show_each_value(tmp_path: Path) -> None:
    rate = read(tmp_path, {"train.py": UNKNOWN["branches of the command line"][0]}).get("optimizer.lr")
    assert set(rate.choices) == {0.25, 0.5}


def test_the_rate_that_is_computed_from_the_batch_says_so(tmp_path: Path) -> None:
    recipe = read(tmp_path, {"train.py": ONE_FILE["arithmetic"]})
    assert recipe.get("batch.lr_from_batch").value is True


def test_a_value_shows_where_it_is_written(tmp_path: Path) -> None:
    recipe = read(tmp_path, WITH_FILES["named by an option"])
    rate = recipe.get("optimizer.lr")
    assert rate.span is not None
    assert (rate.span.path, rate.span.line) == ("configs/base.yaml", 1)
    assert "configs/base.yaml" in recipe.files


OPTIONS = program(
    ARGPARSE + add("parser").replace("0.25", "0.1").replace("96", "32"),
    "torch.distributed.init_process_group('nccl')\n" + PARSE,
)
LAUNCHED: dict[str, tuple[str, str, int]] = {
    # name: (file, text, world size)
    "torchrun": ("run.sh", "torchrun --nproc_per_node=4 --nnodes=2 train.py --lr=0.25 --batch 96\n", 8),
    "torchrun, continued": (
        "run.sh",
        "torchrun \\\n  --standalone --nproc-per-node 4 \\\n  train.py \\\n  --lr 0.25 -b 96\n",
        4,
    ),
    "torch.distributed.launch": (
        "run.sh",
        "RATE=0.25\npython -m torch.distributed.launch --nproc_per_node 4 train.py --lr $RATE -b 96\n",
        4,
    ),
    "accelerate": ("run.sh", "accelerate launch --num_processes 4 train.py --lr 0.25 -b 96\n", 4),
    "deepspeed": ("run.sh", "deepspeed --num_gpus=4 train.py --lr 0.25 -b 96\n", 4),
    "srun": (
        "job.sbatch",
        "#!/bin/bash\n#SBATCH --nodes=2\n#SBATCH --ntasks-per-node=4\nsrun python train.py --lr 0.25 -b 96\n",
        8,
    ),
    "mpirun": ("run.sh", "mpirun -np 4 python train.py --lr 0.25 -b 96\n", 4),
    "make": ("Makefile", "train:\n\ttorchrun --nproc_per_node=4 train.py --lr 0.25 -b 96\n", 4),
    "make with variables": (
        "Makefile",
        "GPUS = 4\nLR ?= 0.25\n\ntrain:\n\ttorchrun --nproc_per_node=$(GPUS) train.py --lr $(LR) -b 96\n",
        4,
    ),
}


@pytest.mark.parametrize("name", LAUNCHED)
def test_launch_lines_give_options_and_world_size(tmp_path: Path, name: str) -> None:
    file, text, devices = LAUNCHED[name]
    recipe = read(tmp_path, {"train.py": OPTIONS, file: text})
    assert values(recipe) == VALUES
    rate = recipe.get("optimizer.lr")
    assert rate.span is not None
    assert rate.span.path == file
    assert recipe.get("batch.devices").value == devices
    assert recipe.get("batch.effective").value == 96 * devices


def test_the_setting_gives_the_world_size_where_nothing_else_does(tmp_path: Path) -> None:
    recipe = read(tmp_path, {"train.py": OPTIONS}, Settings(devices=16))
    assert recipe.get("batch.devices").value == 16
    assert recipe.get("batch.effective").value == 32 * 16


def test_two_lines_that_differ_decide_nothing(tmp_path: Path) -> None:
    files = {"a.sh": "python train.py --lr 0.25\n", "b.sh": "python train.py --lr 0.5 --epochs 40\n"}
    recipe = read(tmp_path, {"train.py": OPTIONS, **files})
    assert set(recipe.get("optimizer.lr").choices) == {0.25, 0.5}
    assert recipe.get("train.epochs").value == 40
