"""What a name holds at the time it is read: before it is bound again, and outside of the function whose
default it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainlint.linter import recipes
from trainlint.recipe.model import State, Value

PROGRAM = """
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

torch.manual_seed(0)
loader = DataLoader(datasets.MNIST("data", transform=transforms.ToTensor()), batch_size=64, shuffle=True)
lr = 0.1
epochs = 40


def train(model, epochs=epochs, rate=0.3, slow=lr):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for epoch in range(epochs):
        for images, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()

"""


def read(folder: Path, text: str, path: str) -> Value:
    (folder / "train.py").write_text(text)
    [recipe] = recipes([folder])
    return recipe.get(path)


MODEL = "model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"


def test_a_default_is_read_where_the_function_is_defined(tmp_path: Path) -> None:
    """Keras's mobilevit example writes `def run_experiment(epochs=epochs)`: the name is the module's."""
    assert read(tmp_path, PROGRAM + MODEL + "train(model)\n", "train.epochs").value == 40


def test_a_default_does_not_see_the_parameters_before_it(tmp_path: Path) -> None:
    text = PROGRAM.replace("epochs=epochs, rate=0.3, slow=lr", "lr=0.3, slow=lr, epochs=epochs").replace(
        "lr=lr)", "lr=slow)"
    )
    assert read(tmp_path, text + MODEL + "train(model)\n", "optimizer.lr").value == 0.1


@pytest.mark.parametrize(
    ("calls", "value", "choices"),
    [
        ("lr = 0.2\ntrain(model)\n", 0.2, ()),
        ("train(model)\nlr = 0.2\ntrain(model)\n", None, (0.1, 0.2)),
        ("print(lr)\nlr = 0.2\ntrain(model)\n", 0.2, ()),
    ],
)
def test_a_module_name_bound_again_between_two_runs_has_both_values(
    tmp_path: Path, calls: str, value: float | None, choices: tuple[float, ...]
) -> None:
    """Keras's mlp_image_classification example trains three models, with a rate of its own each."""
    found = read(tmp_path, PROGRAM + MODEL + calls, "optimizer.lr")
    assert (found.value, found.choices) == (value, choices)
    assert found.known is (value is not None)
    assert (found.state is State.UNKNOWN) is (value is None)


GATHERED = """\
import torch
from options import options

opt = options()
model = torch.nn.Linear(2, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, opt.steps)
for epoch in range(90):
    for batch in torch.load("batches.pt"):
        model(batch).sum().backward()
        optimizer.step()
    scheduler.step()
"""


@pytest.mark.parametrize(
    ("steps", "shape"),
    [
        ("opt.steps = list([])\n    for it in text:\n        opt.steps.append(int(it))", "decaying"),
        ("opt.steps = [int(it) for it in text]", "decaying"),
        ("opt.steps = []\n    for it in text:\n        if it:\n            opt.steps.append(int(it))", None),
        ("opt.steps = []\n    for _ in text:\n        for it in text:\n            opt.steps += [it]", None),
        ("opt.steps = [100]\n    opt.steps.append(60)", "decaying"),
        ("opt.steps = [100]\n    opt.steps.extend(text)", None),
    ],
)
def test_lists_filled_in_another_unit(tmp_path: Path, steps: str, shape: str | None) -> None:
    # A list that options hold was taken for empty, so that no milestone ever came: a false "fixed rate".
    options = (
        "import argparse\n\ndef options():\n    parser = argparse.ArgumentParser()\n"
        '    parser.add_argument("--steps", default="30,60")\n    opt = parser.parse_args()\n'
        f'    text = opt.steps.split(",")\n    {steps}\n    return opt\n'
    )
    (tmp_path / "options.py").write_text(options)
    (tmp_path / "train.py").write_text(GATHERED)
    [recipe] = [each for each in recipes([tmp_path]) if each.entry.endswith("train.py")]
    assert recipe.get("schedule.shape").value == shape
