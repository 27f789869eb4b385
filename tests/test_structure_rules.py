"""The twins of the regularization rules about layers, and what the outline notes of a network's structure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.twin_programs import assert_as_marked, found, programs, twin_name
from trainlint.analysis.facts import Outline
from trainlint.analysis.outline.outline import outline
from trainlint.linter import lint
from trainlint.settings.model import Settings

RULES = ("always-on-dropout", "decay-on-norm-and-bias", "extreme-dropout", "weight-decay-out-of-range")


@pytest.mark.parametrize("file", programs(RULES), ids=twin_name)
def test_program_shows_exactly_what_is_marked(file: Path) -> None:
    assert_as_marked(file, found(file.parent.name, alone=True))


def hints(code: str) -> dict[str, list[str]]:
    """What is worth a close reading, by unit."""
    read = outline("a.py", code, "a", False, frozenset())
    assert isinstance(read, Outline)
    return {unit.qualname: unit.structure for unit in read.units if unit.structure}


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("self.layers = [Linear(2, 2)]", "collects"),
        ("self.layers = {name: Linear(2, 2) for name in names}", "collects"),
        ("self.layers.append(Linear(2, 2))", "collects"),
        ("self.layers[0] = Linear(2, 2)", "collects"),
        ("self.layers = [Linear(2, 2)] * 3", "collects"),
        ("x = F.dropout(x, 0.5)", "dropout"),
        ("x = F.softmax(x)", "softmax"),
        ("x = BatchNorm2d(8, momentum=0.9)", "momentum"),
        ("x = BatchNorm2d(8, 0.8)", "momentum"),
        ("x = Sequential(Linear(2, 2), BatchNorm1d(2))", "sequence"),
        ("x = F.relu(F.relu(x))", "repeated"),
        ("x = self.bn1(self.conv1(x))", "normed"),
        ("init.zeros_(m.weight)", "constant"),
        ("x = alpha**phi", "scaling"),
    ],
)
def test_a_line_is_a_reason_for_a_close_reading(line: str, hint: str) -> None:
    assert hint in hints(f"class Net(Module):\n    def f(self, x):\n        {line}\n")["Net.f"]


@pytest.mark.parametrize(
    "line",
    [
        "self.sizes = [int(x) for x in xs]",
        "self.names = []",
        "rows.append(x)",
        "x = self.dropout(x, 0.5)",
        "x = F.dropout(x, 0.5, training=self.training)",
        "x = F.softmax(x, dim=-1)",
        "x = BatchNorm2d(8)",
        "x = BatchNorm2d(8, 1e-5)",
        "x = Sequential(Conv2d(3, 8, 3, bias=False), BatchNorm2d(8), ReLU())",
        "x = F.relu(self.conv1(x))",
        "init.zeros_(self.weight)",
        "init.zeros_(m.bias)",
        "x = x**2",
    ],
)
def test_plain_code_is_none(line: str) -> None:
    assert hints(f"class Net(Module):\n    def f(self, x):\n        {line}\n") == {}


def test_layers_before_the_constructor_of_the_base_count_in_constructors_only() -> None:
    body = "        self.fc = Linear(2, 2)\n        super().__init__()\n"
    assert hints(f"class Net(Module):\n    def __init__(self):\n{body}") == {"Net.__init__": ["early"]}
    assert hints(f"class Net(Module):\n    def build(self):\n{body}") == {}
    assert hints(f"class Net:\n    def __init__(self):\n{body}") == {}


HEADS = """\
from torch import nn


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = {"age": nn.Linear(8, 1), "KEY": nn.Linear(8, 1)}

    def forward(self, x):
        return self.heads["age"](x) USE
"""


@pytest.mark.parametrize(
    ("key", "use", "fixed"),
    [
        ("kind", "", True),
        ("train", "", False),
        ("a.b", "", False),
        ("kind", "if self.heads.get(x) else x", False),
    ],
)
def test_a_mapping_is_wrapped_where_its_keys_and_uses_allow_it(
    tmp_path: Path, key: str, use: str, fixed: bool
) -> None:
    (tmp_path / "net.py").write_text(HEADS.replace("KEY", key).replace("USE", use), encoding="utf-8")
    [item] = lint([tmp_path], Settings(jobs=1, select=("unregistered-modules",))).findings
    assert (item.fix is not None) is fixed


STRANGE = """\
import torch
from torch import nn


class Net(nn.Module, *bases):
    exec(text)

    def __init__(self, *layers, **named):
        for _ in layers:
            try:
                self.layers = [nn.Linear(2, 2), *layers]
                continue
            finally:
                self.layers += [nn.Linear(2, 2)]
                break
        else:
            self.layers = {**named, "a": nn.Linear(2, 2)}
        self.layers[0], self.other = nn.Linear(2, 2), [nn.Linear(2, 2) for _ in layers if _]
        del self.layers[0]
        (lambda: self.layers.append(nn.Linear(2, 2)))()
        self.body = nn.Sequential(*[nn.ReLU()] * 2, *self.layers, nn.Softmax(**named))
        nn.BatchNorm2d(*layers, momentum=0.9 / 0)

    def forward(self, x, dim=0):
        while x:
            x = torch.nn.functional.dropout(*x)
            x = torch.nn.functional.softmax(x, *[dim])
            if x:
                return torch.relu(torch.relu(*x))
        return self.layers[x](nn.Softmax()(x))


class Again(Net):
    pass


class Net(Again):
    def __init__(self):
        self.net = Net()
        super().__init__()


def init(m, alpha=1.2):
    if isinstance(m, unknown):
        m.weight.data.fill_(alpha**alpha)
"""


def test_strange_code_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(STRANGE, encoding="utf-8")
    report = lint([tmp_path], Settings(jobs=1, strict=True, select=("model", "regularization")))
    assert not [notice for notice in report.notices if notice.kind in ("crashed", "internal")]
    told = {item.rule for item in report.findings}
    assert told <= {"implicit-softmax-dim", "repeated-activation", "unregistered-modules"}
