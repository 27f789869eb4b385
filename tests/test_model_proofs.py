"""PyTorch itself says that the bad examples of the pages about losses cannot learn what the others learn.

The examples are executed as they stand, on a few random images in the place of the data sets they name, which
a network that learns knows by heart at the end. Skipped where PyTorch is not installed; `python -m pytest -m
proof` runs these alone.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from proofs import PAGES, ProvenPage, read_pages

IMAGES, CLASSES = 24, 10
LEAST_OF_TWO_SOFTMAXES = math.log(1 + (CLASSES - 1) / math.e)
"""The cross-entropy of the softmax of a one-hot vector: 1.46 for ten classes."""

LEAST_OF_TWO_SIGMOIDS = math.log(2) * (CLASSES - 1) / CLASSES
"""The binary cross-entropy where each negative has an output of 0 or more behind a second sigmoid."""


@contextlib.contextmanager
def stand_ins() -> Iterator[None]:
    """torchvision, as far as the examples use it, with a few random images."""
    import torch
    from torch.utils.data import TensorDataset

    def images(*_: Any, **__: Any) -> Any:
        return TensorDataset(torch.rand(IMAGES, 3, 32, 32), torch.randint(0, CLASSES, (IMAGES,)))

    vision = types.ModuleType("torchvision")
    vision.datasets = types.SimpleNamespace(CIFAR10=images, ImageFolder=images)  # type: ignore[attr-defined]
    vision.transforms = types.SimpleNamespace(ToTensor=lambda: None)  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torchvision", vision)
        yield


def last_loss(code: str) -> float:
    """The loss that an example ends with."""
    module = types.ModuleType("example")
    with stand_ins():
        exec(compile(code, "example", "exec"), vars(module))
    return float(vars(module)["loss"].detach())


CANNOT_LEARN: dict[str, Callable[[float], bool]] = {
    "softmax-before-cross-entropy": lambda loss: loss >= LEAST_OF_TWO_SOFTMAXES,
    "sigmoid-before-bce-with-logits": lambda loss: loss >= LEAST_OF_TWO_SIGMOIDS,
    "nll-of-softmax": lambda loss: loss < 0,
}
APART = {
    ("softmax-before-cross-entropy", "Attention inside of the network"),
    ("sigmoid-before-bce-with-logits", "Sigmoid for another loss"),
}
"""Examples that are about something else: a gate that slows learning down, a sum with another loss."""

CASES = [
    (page, example.heading, example.kind)
    for page in read_pages(PAGES / "model")
    if page.name in CANNOT_LEARN
    for example in page.examples
    if example.kind and "import torch" in example.text and (page.name, example.heading) not in APART
]


def label(value: object) -> str | None:
    return value.name if isinstance(value, ProvenPage) else None


@pytest.mark.proof
@pytest.mark.parametrize(("page", "heading", "kind"), CASES, ids=label)
def test_an_example_learns_unless_its_page_says_that_it_cannot(
    page: ProvenPage, heading: str, kind: str
) -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    assert CANNOT_LEARN[page.name](last_loss(page.code(heading, (kind,)))) is (kind == "bad")


@pytest.mark.proof
def test_one_half_is_no_half_of_a_logit() -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    import torch

    logits, labels = torch.tensor([-2.0, 0.2, 3.0]), torch.tensor([0.0, 1.0, 1.0])
    assert torch.sigmoid(torch.tensor(0.5)).item() == pytest.approx(0.62, abs=0.005)
    assert ((logits > 0.5) == labels).sum() == 2
    assert (torch.round(logits) == labels).sum() == 0
    assert ((logits > 0) == labels).sum() == ((torch.sigmoid(logits) > 0.5) == labels).sum() == 3
