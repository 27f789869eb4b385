"""Edits that people make, and some that nobody should: each may change what another file means."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

Edit = Callable[[Path, random.Random], None]

SHADOWS = (
    "torch.py",
    "yaml.py",
    "numpy/__init__.py",
    "vision/data.py",
    "train.py",
    "argparse.py",
    "vision.py",
)
LAUNCHES = ("--nproc_per_node 4", "--nproc_per_node=8", "", "--nproc_per_node $N")


def _sources(root: Path, pattern: str = "*.py") -> list[Path]:
    return sorted(path for path in root.rglob(pattern) if ".trainlint_cache" not in path.parts)


def _rewrite(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


def change_number(root: Path, chance: random.Random) -> None:
    path = chance.choice(_sources(root) + _sources(root, "*.yaml"))
    text = path.read_text()
    numbers = list(re.finditer(r"(?<![\w.])\d+(\.\d+)?(e-\d+)?", text))
    if numbers:
        found = chance.choice(numbers)
        value = chance.choice(("0", "1", "0.5", "1e-3", "512", "4096"))
        path.write_text(text[: found.start()] + value + text[found.end() :])


def rename_function(root: Path, chance: random.Random) -> None:
    path = chance.choice(_sources(root))
    text = path.read_text()
    names = re.findall(r"def (\w+)\(", text)
    if names:
        name = chance.choice(names)
        before = r"\b" if chance.random() < 0.3 else "def "
        path.write_text(re.sub(rf"({before}){name}\b", r"\1renamed", text))


def shift_lines(root: Path, chance: random.Random) -> None:
    _rewrite(chance.choice(_sources(root)), lambda text: "# a word\n\n" + text)


def add_file(root: Path, chance: random.Random) -> None:
    path = root / chance.choice(SHADOWS)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        chance.choice(("", "def sqrt(x):\n    return x\n", "from vision.seeds import *\n", "seed = 3\n"))
    )


def remove_file(root: Path, chance: random.Random) -> None:
    chance.choice(_sources(root) + _sources(root, "*.yaml")).unlink()


def copy_file(root: Path, chance: random.Random) -> None:
    source = chance.choice(_sources(root))
    (source.parent / f"copy_{chance.randrange(9)}.py").write_text(source.read_text())


def change_base(root: Path, chance: random.Random) -> None:
    path = chance.choice(_sources(root))
    base = chance.choice(("object", "torch.nn.Module", "Net0", "dict", "nn.Linear"))
    _rewrite(path, lambda text: text.replace("(nn.Module)", f"({base})"))


def shadow_import(root: Path, chance: random.Random) -> None:
    line = chance.choice(
        (
            "from vision.engines.engine0 import train as loader",
            "from vision.data.loaders1 import loader",
            "import vision.seeds as torch",
            "from vision.numbers.part1 import *",
            "from vision.seeds import seed_everything as train",
        )
    )
    path = chance.choice(_sources(root))
    lines = path.read_text().split("\n")
    imports = [number for number, each in enumerate(lines) if each.startswith(("import ", "from "))]
    lines.insert(imports[-1] + 1 if imports else 0, line)
    path.write_text("\n".join(lines))


def export_again(root: Path, chance: random.Random) -> None:
    path = chance.choice(_sources(root, "__init__.py") or _sources(root))
    line = chance.choice(
        ("from .loaders2 import loader", "from . import seeds", "loader = None", "train = 3")
    )
    _rewrite(path, lambda text: text + line + "\n")


def add_guard(root: Path, chance: random.Random) -> None:
    call = chance.choice(("pass", "train(None, None, None, 3)", "main()"))
    _rewrite(
        chance.choice(_sources(root)), lambda text: f'{text}\n\nif __name__ == "__main__":\n    {call}\n'
    )


def break_syntax(root: Path, chance: random.Random) -> None:
    _rewrite(chance.choice(_sources(root)), lambda text: text + "\ndef (:\n")


def add_launch(root: Path, chance: random.Random) -> None:
    scripts = [path.name for path in root.glob("train*.py")] or ["train.py"]
    line = f"torchrun {chance.choice(LAUNCHES)} {chance.choice(scripts)} --lr {chance.choice(('0.1', '3'))}\n"
    (root / f"run{chance.randrange(3)}.sh").write_text("#!/bin/sh\n" + line)


def pin_version(root: Path, chance: random.Random) -> None:
    (root / "requirements.txt").write_text(f"torch=={chance.choice(('1.4.0', '1.9.1', '2.3.0'))}\n")


def add_statement(root: Path, chance: random.Random) -> None:
    path = chance.choice(_sources(root))
    text = path.read_text()
    places = [match.end() for match in re.finditer(r"\):\n", text)]
    if places:
        at = chance.choice(places)
        indent = re.match(r" *", text[at:])
        assert indent is not None
        line = chance.choice(
            ("torch.manual_seed(0)", "x = x / x.norm()", "optimizer.zero_grad()", "lr = 7", "return None")
        )
        path.write_text(f"{text[:at]}{indent[0]}{line}\n{text[at:]}")


EDITS: tuple[Edit, ...] = (
    change_number,
    change_number,
    rename_function,
    shift_lines,
    add_file,
    remove_file,
    copy_file,
    change_base,
    shadow_import,
    export_again,
    add_guard,
    break_syntax,
    add_launch,
    pin_version,
    add_statement,
    add_statement,
)


def edit(root: Path, chance: random.Random) -> str:
    """Makes one edit below a folder; its name."""
    chosen = chance.choice(EDITS)
    chosen(root, chance)
    return chosen.__name__
