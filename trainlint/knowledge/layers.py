"""What the layers of the frameworks compute, and what networks are by their published names: layers.json."""

from __future__ import annotations

import functools
from pathlib import Path

import msgspec

_FILE = Path(__file__).with_name("layers.json")


class _Tables(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Kind → package → names of its layers, and kind → beginnings of model names.

    `by_mode` are the layers that behave otherwise in training than in evaluation, by package;
    `models_by_mode` the beginnings of model names by such a layer that they hold.
    """

    layers: dict[str, dict[str, frozenset[str]]]
    models: dict[str, tuple[str, ...]]
    by_mode: dict[str, frozenset[str]]
    models_by_mode: dict[str, tuple[str, ...]]


@functools.lru_cache(maxsize=1)
def _tables() -> _Tables:
    return msgspec.json.decode(_FILE.read_bytes(), type=_Tables)


@functools.lru_cache(maxsize=2048)
def layer_kind(name: str) -> str:
    """convolutional, attention, recurrent, embedding or fully connected; "" for what is no layer with
    weights.

    `name` is canonical ("torch.nn.Conv2d"); parts of the way below the package do not matter
    ("keras.layers.convolutional.Conv2D").
    """
    simple = name.rpartition(".")[2]
    for kind, packages in _tables().layers.items():
        for package, names in packages.items():
            if simple in names and name.startswith(package + "."):
                return kind
    return ""


@functools.lru_cache(maxsize=512)
def model_kind(name: str) -> str:
    """convolutional or attention, by a model's published name; "" for neither.

    The last part that tells decides: "torchvision.models.vit_b_16", "timm/resnet50.a1_in1k".
    """
    for part in reversed(name.rpartition("/")[2].lower().replace("-", "_").split(".")):
        kinds = [
            (len(beginning), kind)
            for kind, beginnings in _tables().models.items()
            for beginning in beginnings
            if part.startswith(beginning)
        ]
        if kinds:
            return max(kinds)[1]
    return ""


@functools.lru_cache(maxsize=1024)
def acts_by_mode(name: str) -> bool:
    """Whether a layer, by its canonical name, behaves otherwise in training than in evaluation."""
    simple = name.rpartition(".")[2]
    return any(
        simple in names and name.startswith(package + ".") for package, names in _tables().by_mode.items()
    )


def named_acts_by_mode(name: str) -> str:
    """The layer of that kind that a published model has, by its name; "" where none is known."""
    simple = name.rpartition("/")[2].rpartition(".")[2].lower()
    found = (layer for layer, beginnings in _tables().models_by_mode.items() if simple.startswith(beginnings))
    return next(found, "")
