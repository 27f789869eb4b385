"""Runs that are demonstrations: advice about recipes is only for those who ask for everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainlint.linter import recipes

HEAD = """\
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

model = nn.Linear(2, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)


def update(x, y):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()


"""
DRAWN = """\
class Points(Dataset):
    def __init__(self):
        self.draw()

    def draw(self):
        self.points = torch.rand(100, 2)

    def __len__(self):
        return 100

    def __getitem__(self, index):
        return self.points[index], 0


for epoch in range(100):
    for x, y in DataLoader(Points(), batch_size=10, shuffle=True):
        update(x, y)
"""


LITERAL = """\
data = [([0.0, 1.0], 0), ([1.0, 0.0], 1)]
for epoch in range(300):
    for x, y in data:
        update(x, y)
"""
WORDS = """\
text = "a b c".split()
for epoch in range(300):
    for x in [len(word) for word in text]:
        update(x, 0)
"""
WHOLE = """\
x, y = np.load("x.npy"), np.load("y.npy")
for epoch in range(300):
    update(x, y)
"""
COUNTED = """\
for epoch in range(300):
    for step in range(500):
        update(*np.load(f"{step}.npy"))
"""
STORED = """\
data = np.load("data.npy")
for epoch in range(300):
    for x, y in data:
        update(x, y)
"""
PHASES = """\
data = np.load("data.npy")
for epoch in range(300):
    for phase in ["first", "second"]:
        for x, y in data[phase]:
            update(x, y)
"""


KERAS = """\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.layers.Dense(1)])
model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.1))
"""
FITTED_ON_POINTS = """\
x = np.array([[1, 2], [2, 3], [4, 1]], dtype=np.float32)
model.fit(x, np.array([1, 2, 3]), epochs=200)
"""
FITTED_ON_A_FILE = """\
data = np.loadtxt("points.csv")
model.fit(data[:, 1:], data[:, 0], epochs=200)
"""


@pytest.mark.parametrize(("body", "toy"), [(FITTED_ON_POINTS, True), (FITTED_ON_A_FILE, False)])
def test_what_keras_fits_on(tmp_path: Path, body: str, *, toy: bool) -> None:
    """Three points in the program are a demonstration, for however many epochs; a file may be large."""
    (tmp_path / "train.py").write_text(KERAS + body)
    [recipe] = recipes([tmp_path])
    assert recipe.get("meta.toy").value is toy


@pytest.mark.parametrize("body", [LITERAL, WORDS, WHOLE, DRAWN])
def test_demonstrations(tmp_path: Path, body: str) -> None:
    """The text of the program is all there is to learn from, or each epoch is one update over all of it."""
    assert is_toy(tmp_path, body)


@pytest.mark.parametrize("body", [COUNTED, STORED, PHASES])
def test_runs_on_stored_data(tmp_path: Path, body: str) -> None:
    """A counter says nothing of the data, and neither does a loop over phases."""
    assert not is_toy(tmp_path, body)


def is_toy(folder: Path, body: str) -> bool:
    (folder / "train.py").write_text(HEAD + body)
    [recipe] = recipes([folder])
    return bool(recipe.get("meta.toy").value)
