"""What a loop leaves behind where `break`, `continue` or its `else` cut its rounds short.

A list filled on such a path was once taken for empty, and a batch of `len(devices)` for a batch of 0.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from trainlint.linter import lint
from trainlint.settings.model import Settings

PROGRAM = """
import sys
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets

def parse(text):
    found = []
{body}
    return found

torch.manual_seed(0)
devices = [int(each) for each in parse(sys.argv[1])]
loader = DataLoader(datasets.CIFAR10("data", train=True), batch_size=len(devices), shuffle=True)
model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for x, y in loader:
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
"""
FILLED = {
    "break after an append": """
        for each in text:
            for low, high in PAIRS:
                if low in each:
                    found.append(high)
                    break
            else:
                raise ValueError(each)
        """,
    "continue after an append": """
        for each in text:
            if each:
                found.append(each)
                continue
            raise ValueError(text)
        """,
    "while": """
        while text:
            for each in text:
                if each:
                    found.append(each)
                    break
            else:
                raise ValueError(text)
        """,
    "extended": """
        for each in text:
            found.extend(each)
        """,
    "handed to another function": """
        fill(found, text)
        """,
    "a method that is called by another name": """
        add = found.append
        for each in text:
            add(each)
        """,
    "map": """
        list(map(found.append, text))
        """,
    "a slice": """
        found[:] = text
        """,
}


def batches_reported(code: str, folder: Path) -> list[str]:
    (folder / "train.py").write_text(code, encoding="utf-8")
    report = lint([folder], Settings(jobs=1))
    assert [notice for notice in report.notices if notice.kind in ("crashed", "internal")] == []
    return [finding.message for finding in report.findings if finding.rule == "out-of-domain-value"]


@pytest.mark.parametrize("way", FILLED)
def test_a_list_that_is_filled_on_any_path_is_not_empty(way: str, tmp_path: Path) -> None:
    body = textwrap.indent(textwrap.dedent(FILLED[way]), "    ")
    assert batches_reported(PROGRAM.format(body=body), tmp_path) == []


SIZED = """
import sys
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets

torch.manual_seed(0)
size = 0
{body}
loader = DataLoader(datasets.CIFAR10("data", train=True), batch_size=size, shuffle=True)
model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for x, y in loader:
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
"""


def test_a_number_that_no_path_changes_is_still_known(tmp_path: Path) -> None:
    body = "for each in sys.argv:\n    if each:\n        print(each)\n        break\nelse:\n    print('none')"
    assert len(batches_reported(SIZED.format(body=body), tmp_path)) == 1


@pytest.mark.parametrize(
    "body",
    [
        "for each in sys.argv:\n    if each:\n        size = 64\n        break",
        "for each in sys.argv:\n    if not each:\n        continue\n    size = 64",
        "for each in sys.argv:\n    if each:\n        size = 64\n        break\nelse:\n    size = 0",
    ],
)
def test_a_number_that_a_path_to_a_jump_changes_is_not_known(body: str, tmp_path: Path) -> None:
    assert batches_reported(SIZED.format(body=body), tmp_path) == []


def test_what_follows_a_loop_with_break_is_read_though_its_else_raises(tmp_path: Path) -> None:
    body = "for each in sys.argv:\n    if each:\n        break\nelse:\n    raise ValueError"
    assert len(batches_reported(SIZED.format(body=body), tmp_path)) == 1
