"""Configs written as Python modules: what their names hold, and what is not told without running them."""

from __future__ import annotations

import textwrap

import pytest

from trainlint.text.document import Document, Node
from trainlint.text.python_config.module import imports_of, parse_python_config
from trainlint.text.python_config.nodes import COMPUTED
from trainlint.text.scalars import resolve
from trainlint.text.source import source_of


def read(text: str, base: str | None = None) -> Document:
    root = read(base).root if base is not None else None
    documents, broken = parse_python_config(source_of("train.py", textwrap.dedent(text)), root)
    assert not broken
    return documents[0]


def plain(node: Node) -> object:
    """What a node stands for, as Python would have it; `...` for what is not known."""
    if node.tag == COMPUTED:
        return ...
    if node.kind == "mapping":
        return {entry.key.raw: plain(entry.value) for entry in node.items}
    if node.kind == "sequence":
        return [plain(child) for child in node.children]
    return resolve(node, "python")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1e-4\n", 1e-4),
        ("x = -0.5\n", -0.5),
        ("x = 1_000\n", 1000),
        ("x = None\n", None),
        ("x = '1e-4'\n", "1e-4"),
        ("x = dict(a=1, b=[True, 'c'])\n", {"a": 1, "b": [True, "c"]}),
        ("x = {'a': 1, **dict(b=2)}\n", {"a": 1, "b": 2}),
        ("a = 2\nx = a * 8 + 1\n", 17),
        ("a = dict(b=[3, 4])\nx = a['b'][-1]\n", 4),
        ("a = [1]\nx = [*a, 2] + [3]\n", [1, 2, 3]),
        ("x = [0] * 3\n", [0, 0, 0]),
        ("a = 'r50'\nx = f'{a}.pth'\n", "r50.pth"),
        ("a = True\nx = 1 if a else 2\n", 1),
        ("from torch.optim import SGD\nx = dict(type=SGD)\n", {"type": "torch.optim.SGD"}),
        ("import torch\nx = torch.optim.SGD\n", "torch.optim.SGD"),
        ("x = dict(a=1)\nx.update(dict(a=2), b=3)\n", {"a": 2, "b": 3}),
        ("x = dict(a=dict(b=1, c=2))\nx.merge(dict(a=dict(b=5)))\n", {"a": {"b": 5, "c": 2}}),
        ("x = dict(a=dict(b=1))\nx['a']['b'] = 2\n", {"a": {"b": 2}}),
        ("x = [1]\nx.append(2)\nx.insert(0, 0)\n", [0, 1, 2]),
        ("x = dict(a=1, b=2)\nx.pop('a')\n", {"b": 2}),
        ("a, x = 1, 2\n", 2),
        ("x = 4\nx //= 2\n", 2),
        ("import copy\na = dict(b=1)\nx = copy.deepcopy(a)\na['b'] = 2\n", {"b": 1}),
    ],
)
def test_what_a_name_holds(text: str, expected: object) -> None:
    value = read(text).root.get("x")
    assert value is not None
    assert plain(value) == expected


@pytest.mark.parametrize(
    "text",
    [
        "x = open('secret').read()\n",
        "x = [i for i in range(3)]\n",
        "x = 1\nfor i in range(3):\n    x = i\n",
        "x = dict(a=1)\nx.setdefault('b', 2)\n",
        "x = dict(a=1)\nif x:\n    x['a'] = 2\n",
        "x = 1 / 0\n",
        "x = 10 ** 10 ** 10\n",
        "x = [0] * 10 ** 9\n",
        "x = unknown + 1\n",
        "x = _base_.optimizer\n",
    ],
)
def test_what_only_running_it_would_tell(text: str) -> None:
    value = read(text).root.get("x")
    assert value is not None
    assert plain(value) is ...


def test_places_count_code_points_and_bases_are_read() -> None:
    root = read(
        "näme = 'ü'; lr = 0.1\nx = _base_.model.head\n_base_.model.depth = 101\n",
        "model = dict(head='fc', depth=50)\n",
    ).root
    lr = root.get("lr")
    assert lr is not None
    assert lr.place == (1, 18, 1, 21)
    head = root.get("x")
    assert head is not None
    assert plain(head) == "fc"
    assert (head.path, head.place[0]) == ("train.py", 1)


def test_names_that_are_no_values_are_left_out() -> None:
    text = "import os\nfrom x import y\n__z__ = 1\ndef f(): ...\nclass C: ...\na = 1\ndel a\nb = 2\n"
    assert list(read(text).root.keys()) == ["b"]


def test_imports_of_bases() -> None:
    text = "with read_base():\n    from .._base_.models import *\n    from .schedule import param_scheduler\n"
    found = imports_of(source_of("configs/a/b.py", text))
    assert [(dots, module, place[0]) for dots, module, place in found] == [
        (2, "_base_.models", 2),
        (1, "schedule", 3),
    ]


def test_python_that_does_not_parse_is_said() -> None:
    documents, broken = parse_python_config(source_of("a.py", "x = (\n"))
    assert not documents
    assert [each.kind for each in broken] == ["config-syntax"]
    documents, broken = parse_python_config(source_of("a.py", "x = " + "(" * 3000 + ")" * 3000 + "\n"))
    assert not documents
    assert [each.kind for each in broken] == ["too-deep"]


@pytest.mark.parametrize(
    "text",
    [
        "a0 = [1, 2]\n" + "".join(f"a{i + 1} = a{i} + a{i}\n" for i in range(60)) + "x = a60\n",
        "a0 = 3\n" + "".join(f"a{i + 1} = a{i} * a{i}\n" for i in range(60)) + "x = a60\n",
        "a0 = [1]\n" + "".join(f"a{i + 1} = [*a{i}, *a{i}]\n" for i in range(60)) + "x = a60\n",
    ],
)
def test_what_doubles_line_by_line_is_given_up(text: str) -> None:
    value = read(text).root.get("x")
    assert value is not None
    assert plain(value) is ...


def test_mappings_that_hang_in_themselves_are_read() -> None:
    shared = "".join(f"a{i + 1} = dict(l=a{i}, r=a{i})\n" for i in range(60))
    root = read(
        f"a0 = dict(v=1)\n{shared}x = dict(a=a60)\nx.merge(dict(a=a60))\nx['x'] = x\nx.merge(x)\n"
    ).root
    value = root.get("x")
    assert value is not None
    assert value.get("x") is value
