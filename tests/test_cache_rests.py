"""What an answer rests on: after any edit a run with a cache says what a run without one says.

A dependency that is not recorded would show here as a report that did not change with its project.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from generated_project import write_project
from random_edits import edit

from trainlint.cache.rests import Holding, Rests
from trainlint.linter import lint
from trainlint.output.json import to_json
from trainlint.pipeline.recalling import KnownAnswers
from trainlint.settings.model import Settings

STRICT = Settings(jobs=1, strict=True)

NORMS = """\
import torch
from ops import length


def root(x):
    return torch.sqrt(length(x))
"""
ZERO = "import torch\n\n\ndef length(x):\n    return (x ** 2).sum(dim=1)\n"
SAFE = "import torch\n\n\ndef length(x):\n    return (x ** 2).sum(dim=1) + 1e-6\n"
TRAIN = """\
import torch
from torch.utils.data import DataLoader
from data import images
from net import Net


def main():
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in DataLoader(images, batch_size=4096):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()


if __name__ == "__main__":
    main()
"""


def both(root: Path, named: list[Path] | None = None) -> tuple[str, str]:
    """The report without a cache, and with one."""
    paths = named or [root]
    return to_json(lint(paths, STRICT)), to_json(lint(paths, STRICT, cached=True))


@pytest.fixture
def recalled(monkeypatch) -> list[int]:
    """How many answers each run could take from an earlier one."""
    counts: list[int] = []
    plain = KnownAnswers.missing

    def counted(self: KnownAnswers, files, entries):
        left = plain(self, files, entries)
        counts.append(len(files) + len(entries) - sum(map(len, left)))
        return left

    monkeypatch.setattr(KnownAnswers, "missing", counted)
    return counts


@pytest.mark.parametrize("seed", range(3))
def test_any_edit_is_noticed(tmp_path: Path, seed: int, recalled: list[int]) -> None:
    chance = random.Random(seed)
    write_project(tmp_path)
    made: list[str] = []
    for step in range(9):
        if step:
            made += [edit(tmp_path, chance) for _ in range(chance.choice((1, 1, 2)))]
        named = None
        if chance.random() < 0.3:
            named = chance.sample(sorted(tmp_path.rglob("*.py")), 2)
        without, remembered = both(tmp_path, named)
        assert remembered == without, (seed, step, made[-2:])
    assert sum(recalled) > 20, "nothing was remembered: the test is of no use"


EDITS: list[tuple[str, dict[str, str], dict[str, str | None]]] = [
    (
        "what another module re-exports",
        {"norms.py": NORMS, "ops.py": "from one import length\n", "one.py": ZERO, "two.py": SAFE},
        {"ops.py": "from two import length\n"},
    ),
    (
        "what a callee's callee returns",
        {"norms.py": NORMS, "ops.py": "from one import length\n", "one.py": ZERO},
        {"one.py": SAFE},
    ),
    ("a module that was not there", {"norms.py": NORMS}, {"ops.py": ZERO}),
    ("a module that is gone", {"norms.py": NORMS, "ops.py": ZERO}, {"ops.py": None}),
    (
        "a package in a module's place",
        {"norms.py": NORMS, "ops.py": SAFE},
        {"ops/__init__.py": ZERO},
    ),
    (
        "a module that shadows a library",
        {"train.py": TRAIN, "net.py": "import torch\n\n\nclass Net(torch.nn.Module):\n    pass\n"},
        {"torch.py": "optim = None\n"},
    ),
    (
        "a class's base in another file",
        {
            "train.py": TRAIN,
            "net.py": "from base import Base\n\n\nclass Net(Base):\n    pass\n",
            "base.py": "import torch\n\n\nclass Base(torch.nn.Module):\n    pass\n",
        },
        {"base.py": "class Base:\n    def parameters(self):\n        return []\n"},
    ),
    (
        "a seed in a module that is imported",
        {"train.py": TRAIN, "data.py": "images = load()\n"},
        {"data.py": "import torch\n\ntorch.manual_seed(3)\nimages = load()\n"},
    ),
    (
        "how a script starts the program",
        {"train.py": TRAIN, "run.sh": "torchrun --nproc_per_node 2 train.py\n"},
        {"run.sh": "torchrun --nproc_per_node 64 train.py\n"},
    ),
    (
        "a lock file",
        {"train.py": TRAIN, "requirements.txt": "torch==2.4.0\n"},
        {"requirements.txt": "torch==1.1.0\n"},
    ),
    (
        "a module that no longer parses",
        {"train.py": TRAIN, "data.py": "images = load()\n"},
        {"data.py": "images = (\n"},
    ),
    (
        "settings",
        {"train.py": TRAIN, "norms.py": NORMS, "ops.py": ZERO},
        {"trainlint.toml": 'devices = 64\n[severity]\nunguarded-division = "advice"\n'},
    ),
]


@pytest.mark.parametrize(("before", "after"), [each[1:] for each in EDITS], ids=[each[0] for each in EDITS])
def test_what_elsewhere_decides(tmp_path: Path, before: dict[str, str], after: dict[str, str | None]) -> None:
    write(tmp_path, {"trainlint.toml": "", **before})
    first, remembered = both(tmp_path)
    assert remembered == first
    write(tmp_path, after)
    second, remembered = both(tmp_path)
    assert remembered == second
    # And back: what the first run left is asked again.
    write(tmp_path, {name: before.get(name) for name in after})
    if "trainlint.toml" in after:
        (tmp_path / "trainlint.toml").write_text("")
    third, remembered = both(tmp_path)
    assert (third, remembered) == (first, first)


def write(root: Path, files: dict[str, str | None] | dict[str, str]) -> None:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            file.unlink()
            if file.parent != root:
                file.parent.rmdir()
        else:
            file.write_text(text)


@pytest.mark.parametrize(("part", "position"), [("names", 0), ("contents", 1), ("places", 2)])
def test_without_its_record_each_of_these_goes_unnoticed(
    tmp_path: Path, monkeypatch, part: str, position: int
) -> None:
    """Else that they are noticed would tell nothing of what is recorded."""
    plain = Holding.state

    def without_part(self: Holding, rests: Rests) -> bytes:
        kept = {name: getattr(rests, name) for name in rests.__struct_fields__}
        return plain(self, Rests(**{**kept, part: []}))

    monkeypatch.setattr(Holding, "state", without_part)
    _, before, after = EDITS[position]
    named = [tmp_path / "norms.py"]
    write(tmp_path, {"trainlint.toml": "", **before})
    both(tmp_path, named)
    write(tmp_path, after)
    without, remembered = both(tmp_path, named)
    assert remembered != without
