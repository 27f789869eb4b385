"""Where the rules' repairs keep their hands off, and the forms that the pages do not show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixed_texts import fixed, only, repaired
from trainlint.linter import lint
from trainlint.settings.model import Settings

TRAINING = """\
model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
for epoch in range(90):
    for images, labels in train_loader:
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
"""

IMPORTS = """\
import torch
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler
from torchvision import datasets, transforms

train_set = datasets.ImageFolder("data/train", transforms.ToTensor())
"""


@pytest.mark.parametrize(
    ("loader", "expected"),
    [
        ("DataLoader(train_set, 64)", "DataLoader(train_set, 64, shuffle=True)"),
        ("DataLoader(train_set, 64, False)", "DataLoader(train_set, 64, True)"),
        ("DataLoader(train_set, sampler=None)", "DataLoader(train_set, sampler=None, shuffle=True)"),
        (
            "DataLoader(\n    train_set,  # all of it\n    batch_size=64,\n)",
            "DataLoader(\n    train_set,  # all of it\n    batch_size=64,\n    shuffle=True,\n)",
        ),
    ],
)
def test_a_loader_is_told_to_shuffle(loader: str, expected: str, tmp_path: Path) -> None:
    text = f"{IMPORTS}train_loader = {loader}\n{TRAINING}"
    assert fixed(tmp_path, "unshuffled-training-data", text) == text.replace(loader, expected)


@pytest.mark.parametrize(
    "loader",
    [
        "DataLoader(train_set, **{'batch_size': 64})",
        "DataLoader(train_set, sampler=torch.utils.data.SequentialSampler(train_set))",
    ],
)
def test_a_loader_is_left_alone_where_it_may_have_an_order_of_its_own(loader: str, tmp_path: Path) -> None:
    text = f"{IMPORTS}train_loader = {loader}\n{TRAINING}"
    assert fixed(tmp_path, "unshuffled-training-data", text) is None


SAMPLER = "{made}\ntrain_loader = DataLoader(train_set, batch_size=64, sampler={name})\n"


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("s = DistributedSampler(train_set)", "    s.set_epoch(epoch)\n"),
        (
            "s = DistributedSampler(train_set) if torch.distributed.is_initialized() else None",
            "    if s is not None:\n        s.set_epoch(epoch)\n",
        ),
        (
            "if torch.cuda.is_available():\n    s = DistributedSampler(train_set)\nelse:\n    s = None",
            "    if s is not None:\n        s.set_epoch(epoch)\n",
        ),
    ],
)
def test_a_sampler_is_told_the_epoch(made: str, told: str, tmp_path: Path) -> None:
    text = IMPORTS + SAMPLER.format(made=made, name="s") + TRAINING
    done = fixed(tmp_path, "sampler-without-set-epoch", text)
    assert done == text.replace("range(90):\n", f"range(90):\n{told}")


@pytest.mark.parametrize(
    "text",
    [
        IMPORTS
        + SAMPLER.format(made="s = DistributedSampler(train_set)", name="s")
        + TRAINING.replace("for epoch in range(90)", "for epoch in schedule()"),
        IMPORTS
        + "train_loader = DataLoader(train_set, batch_size=64, sampler=DistributedSampler(train_set))\n"
        + TRAINING,
    ],
)
def test_a_sampler_without_a_name_or_an_epoch_is_not_told(text: str, tmp_path: Path) -> None:
    assert fixed(tmp_path, "sampler-without-set-epoch", text) is None


def test_a_program_is_seeded_in_its_main_guard(tmp_path: Path) -> None:
    body = "".join(f"    {line}\n" for line in TRAINING.splitlines())
    loader = "    train_loader = DataLoader(train_set, batch_size=64, shuffle=True)\n"
    guard = 'if __name__ == "__main__":\n'
    imports, data = IMPORTS.split("\n\n")
    text = f"{imports}\n\n\ndef main():\n    {data.strip()}\n{loader}{body}\n\n{guard}    # go\n    main()\n"
    text = text.replace("import torch\n", "import torch as th\nimport torch\n")
    done = fixed(tmp_path, "missing-seed", text)
    assert done is not None
    assert f"{guard}    torch.manual_seed(0)\n    # go\n    main()\n" in done.replace("th.", "torch.")


@pytest.mark.parametrize(
    ("head", "seeded"),
    [
        ("", "\ntorch.manual_seed(0)\n"),
        ("import torch.multiprocessing as mp\nmp.spawn(print)\n", None),
    ],
)
def test_a_script_is_seeded_below_its_imports(head: str, seeded: str | None, tmp_path: Path) -> None:
    loader = "train_loader = DataLoader(train_set, batch_size=64, shuffle=True)\n"
    done = fixed(tmp_path, "missing-seed", IMPORTS.replace("\n\n", f"\n{head}\n") + loader + TRAINING)
    assert (done is None) == (seeded is None)
    if seeded is not None:
        assert done is not None
        assert seeded in done


@pytest.mark.parametrize(
    ("package", "added"),
    [
        ("keras", "import keras\n\nkeras"),
        ("tensorflow.keras", "import tensorflow as tf\n\ntf.keras"),
    ],
)
def test_an_import_and_a_seed_at_one_place(package: str, added: str, tmp_path: Path) -> None:
    text = """\
import keras
from sklearn.model_selection import train_test_split
x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)
model = keras.Sequential([keras.layers.Dense(64), keras.layers.Dense(10)])
model.compile(optimizer="adam", loss="mse")
model.fit(x_train, y_train, epochs=40, validation_data=(x_test, y_test))
"""
    text = text.replace("import keras\n", f"from {package} import Sequential, layers\n").replace(
        "= keras.", "= "
    )
    done = fixed(tmp_path, "missing-seed", text.replace("keras.layers", "layers"))
    assert done is not None
    assert f"{added}.utils.set_random_seed(0)\nx_train" in done


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ('"--amp", type=bool, default=False', '"--amp", action="store_true", default=False'),
        ('"--amp", type=bool', '"--amp", action="store_true"'),
        (
            '"-a", "--amp", default=True, type=bool, help="x"',
            '"-a", "--amp", default=True, action=argparse.BooleanOptionalAction, help="x"',
        ),
        ('"--amp", type=bool, nargs="?"', None),
        ('"--amp", type=bool, default=torch.cuda.is_available()', None),
        ('"--no-amp", type=bool, default=True', None),
        ('"-amp", type=bool, default=True', None),
    ],
)
def test_an_option_becomes_a_switch(option: str, expected: str | None, tmp_path: Path) -> None:
    parser = (
        f"parser = argparse.ArgumentParser()\nparser.add_argument({option})\nargs = parser.parse_args()\n"
    )
    loader = "train_loader = DataLoader(train_set, batch_size=64, shuffle=True)\n"
    text = "import argparse\n" + IMPORTS + parser + loader + TRAINING
    done = fixed(tmp_path, "argparse-bool", text)
    assert done == (None if expected is None else text.replace(option, expected))


def test_an_eps_is_one_that_half_precision_can_hold(tmp_path: Path) -> None:
    text = """\
import torch
from torch import nn


class Distance(nn.Module):
    def forward(self, x, y):
        return ((x - y) ** 2).sum(-1).sqrt()
"""
    assert "+ 1e-8)" in (fixed(tmp_path, "unguarded-sqrt", text) or "")
    half = text + "\n\nmodel = Distance().half()\n"
    assert "(((x - y) ** 2).sum(-1) + 1e-4).sqrt()" in (fixed(tmp_path, "unguarded-sqrt", half) or "")


@pytest.mark.parametrize("argument", ["n", "count"])
def test_a_denominator_that_may_be_a_number_is_not_clamped(argument: str, tmp_path: Path) -> None:
    text = """\
import torch.nn.functional as F


def box_loss(pred, target, labels):
    pos = labels > 0
    n = pos.sum()
    count = int(n)
    return F.l1_loss(pred[pos], target[pos], reduction="sum") / n
"""
    (tmp_path / "train.py").write_text(text.replace("/ n", f"/ {argument}"), encoding="utf-8")
    report = lint([tmp_path], Settings(strict=True, select=("unguarded-division",)))
    fixes = [finding.fix for finding in report.findings if finding.fix is not None]
    assert [fix.edits[0].text for fix in fixes] == ([f"{argument}.clamp(min=1)"] if argument == "n" else [])


def test_no_fix_for_a_place_that_is_right_for_others(tmp_path: Path) -> None:
    data = """\
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


def make_loader(split):
    dataset = datasets.CIFAR10("data", train=split == "train", transform=transforms.ToTensor())
    return DataLoader(dataset, batch_size=128)
"""
    train = "import torch\nfrom torch import nn\nfrom data import make_loader\n"
    train += 'train_loader, test_loader = make_loader("train"), make_loader("test")\n' + TRAINING
    assert only(tmp_path, "unshuffled-training-data", data=data, train=train).fix is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("lr: 1e-4\n", '["lr"]'),
        ("lr: &a 1e-4 # why\nother: *a\n", '["lr"]'),
        ("sub: {lr: 1e-4, x: 1}\n", '["sub"]["lr"]'),
    ],
)
def test_a_number_is_spelled_for_its_loader(text: str, key: str, tmp_path: Path) -> None:
    program = f'import yaml\n{IMPORTS}cfg = yaml.safe_load(open("c.yaml"))\n'
    program += "train_loader = DataLoader(train_set, batch_size=64, shuffle=True)\n"
    (tmp_path / "train.py").write_text(program + TRAINING.replace("lr=0.1", f"lr=cfg{key}"), encoding="utf-8")
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    report = lint([tmp_path], Settings(strict=True, select=("text-number",)))
    assert len(report.findings) == 1
    finding = report.findings[0]
    done = repaired(finding, text)
    assert done == text.replace("1e-4", "1.0e-4")


NETWORK = """\
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

torch.manual_seed(0)
train_loader = DataLoader(datasets.CIFAR10("data", transform=transforms.ToTensor()), 64, shuffle=True)
val_loader = DataLoader(datasets.CIFAR10("data", False, transforms.ToTensor()), 64)
model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
"""
EPOCH = """\
for epoch in range(20):
    for images, labels in train_loader:
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""
BATCHES = """\
    for images, labels in val_loader:
        # of the whole split
        right += (model(images).argmax(1) == labels).sum().item()

        count += len(labels)
    print(right / count)
"""


def test_a_loop_that_evaluates_is_put_under_no_grad(tmp_path: Path) -> None:
    text = NETWORK + EPOCH + "    right = count = 0\n" + BATCHES
    loop, told = BATCHES.split("    print")
    inner = "".join(f"    {line}\n" if line else "\n" for line in loop.splitlines())
    wanted = text.replace(BATCHES, f"    with torch.no_grad():\n{inner}    print{told}")
    assert fixed(tmp_path, "gradients-in-evaluation", text) == wanted


def test_a_function_that_evaluates_is_decorated(tmp_path: Path) -> None:
    text = NETWORK + "\n\ndef check():\n    right = count = 0\n" + BATCHES + "\n\n" + EPOCH + "    check()\n"
    wanted = text.replace("def check", "@torch.no_grad()\ndef check")
    assert fixed(tmp_path, "gradients-in-evaluation", text) == wanted


@pytest.mark.parametrize(
    ("old", "new", "moves"),
    [
        ("        count +=", '        """More\n        text."""\n        count +=', False),
        ("    for images, labels in val", "    \\\n    for images, labels in val", False),
        ("        count +=", "        count +=\\\n           ", True),
    ],
    ids=["a text over lines", "joined to the line above", "joined lines"],
)
def test_a_loop_with_a_text_over_lines_stays_as_it_is(
    old: str, new: str, moves: bool, tmp_path: Path
) -> None:
    text = NETWORK + EPOCH + "    right = count = 0\n" + BATCHES.replace(old, new)
    done = fixed(tmp_path, "gradients-in-evaluation", text)
    assert (done is not None and "    with torch.no_grad():\n        for" in done) is moves
