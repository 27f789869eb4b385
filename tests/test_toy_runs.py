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


@pytest.mark.parametrize(
    ("body", "toy"),
    [
        # The text of the program is all there is to learn from.
        ("data = [([0.0, 1.0], 0), ([1.0, 0.0], 1)]\nfor epoch in range(300):\n    for x, y in data:\n        update(x, y)\n", True),
        ("text = 'a b c'.split()\nfor epoch in range(300):\n    for x in [len(word) for word in text]:\n        update(x, 0)\n", True),
        # Each epoch is one update over all of it.
        ("x, y = np.load('x.npy'), np.load('y.npy')\nfor epoch in range(300):\n    update(x, y)\n", True),
        (DRAWN, True),
        # A counter says nothing of the data, and neither does what a file holds.
        ("for epoch in range(300):\n    for step in range(500):\n        update(*np.load(f'{step}.npy'))\n", False),
        ("data = np.load('data.npy')\nfor epoch in range(300):\n    for x, y in data:\n        update(x, y)\n", False),
        ("data = np.load('data.npy')\nfor epoch in range(300):\n    for phase in ['a', 'b']:\n        for x, y in data[phase]:\n            update(x, y)\n", False),
    ],
)  # fmt: skip
def test_demonstrations(tmp_path: Path, body: str, toy: bool) -> None:
    (tmp_path / "train.py").write_text(HEAD + body)
    [recipe] = recipes([tmp_path])
    assert recipe.get("meta.toy").value is toy
