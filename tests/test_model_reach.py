"""Odd ways to build, compile and train networks: nothing crashes, and what is not known is not told."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainlint.linter import lint
from trainlint.settings.model import Settings

COMPILED = """
from keras import layers
from keras.models import Model, Sequential

options = {"loss": "categorical_crossentropy"}
model = Sequential()
model.add(model)
model.add(layers.Dense(10))
model.compile(**options)
model.compile(*options)
model.compile("adam", loss=lambda truth, output: truth - output)
model.compile("adam", loss=[])
model.compile("adam", loss={})
model.compile("adam", loss=[None, "mse"], metrics=[["accuracy"]])
model.compile("adam", loss=loss_of(model), metrics=metrics_of(model))
model.compile()
model.fit()
model.fit(samples, y=model)
numbers = Sequential([number for number in range(3)])
numbers.compile(loss="mse", optimizer="sgd", metrics=["accuracy"])
numbers.fit(numbers, numbers)
graph = layers.Input((3,))
graph = Model(graph, graph)
graph = Model(graph, [graph, graph])
graph.compile(loss="categorical_crossentropy")
graph.fit(graph, graph)
"""

CALLED = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.me = self
        self.criterion = nn.BCEWithLogitsLoss()
        self.layers = nn.Sequential(*[self.me for _ in range(3)], *others)

    def forward(self, images):
        output = self.me(self.forward(images))
        while True:
            output = torch.round(output, decimals=2)
            output = torch.gt(output)
            output = torch.gt(output, 0.5)
            output = output.gt()
            output = output.gt(0.5)
            loss = self.criterion(output)
            loss = self.criterion(self.criterion, target=output)
            loss.backward()
        return output


net = Net()
nn.functional.cross_entropy(net(net), *others, **options)
nn.functional.cross_entropy(input=net.apply(1), target=2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for images in net:
    loss = nn.functional.binary_cross_entropy_with_logits(net(images), images)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(0.5 < net(images) < 0.5, net.apply_fn(1)(2) > 0.5)
"""


@pytest.mark.parametrize("text", [COMPILED, CALLED], ids=["compiled", "called"])
def test_what_cannot_be_followed_is_not_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    report = lint([tmp_path], Settings(jobs=1, strict=True))
    assert report.notices == []
    assert [finding for finding in report.findings if finding.family == "model"] == []


def test_a_chain_of_models_within_models_ends(tmp_path: Path) -> None:
    nested = "".join(f"model{n} = nn.Sequential(model{n - 1}, nn.Softmax(dim=1))\n" for n in range(1, 60))
    text = f"""
import torch
from torch import nn

model0 = nn.Linear(4, 4)
{nested}
optimizer = torch.optim.SGD(model59.parameters(), lr=0.1)
for images, labels in loader:
    loss = nn.functional.cross_entropy(model59(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    report = lint([tmp_path], Settings(jobs=1, strict=True))
    assert report.notices == []
    assert "softmax-before-cross-entropy" in {finding.rule for finding in report.findings}


@pytest.mark.parametrize("call", ["nn.functional.softmax(images, dim=1)", "images.softmax(1)"])
def test_a_name_stays_a_name_where_the_softmax_is_left_out(tmp_path: Path, call: str) -> None:
    """What the name stands for was once written in its place, and the last layer applied twice."""
    text = f"""
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 4)

    def forward(self, images):
        images = self.head(images)
        return {call}


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for images, labels in loader:
    loss = nn.functional.cross_entropy(net(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    report = lint([tmp_path], Settings(jobs=1, select=("softmax-before-cross-entropy",)))
    [fix] = [finding.fix for finding in report.findings]
    assert fix is not None
    assert [edit.text for edit in fix.edits] == ["images"]
