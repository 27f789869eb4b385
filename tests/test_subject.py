"""What a program trains on what: the model's published name, the scale of its data, the rate that follows."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from trainlint.linter import recipes
from trainlint.recipe.model import Recipe, State
from trainlint.recipe.reference import scale_of
from trainlint.settings.model import Settings

PROGRAM = """\
import argparse
import os

import timm
import torch
import torchvision.models as models
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset, random_split
from torchvision import datasets, transforms

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="/data/{folder}")
parser.add_argument("--arch", default="resnet50")
args = parser.parse_args()


class ImageNetDataset(Dataset):
    def __init__(self, root):
        self.root = root


class Net(nn.Module):
    pass


torch.manual_seed(0)
train_set = {data}
loader = DataLoader(train_set, batch_size=512, shuffle=True)
model = {model}
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(90):
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""
IMAGENET = 'datasets.ImageNet("data", split="train")'
FOLDER = 'datasets.ImageFolder(os.path.join(args.data, "train"), transforms.ToTensor())'


def read(folder: Path, data: str, model: str, name: str = "imagenet") -> Recipe:
    (folder / "trainlint.toml").write_text("")
    (folder / "train.py").write_text(dedent(PROGRAM.format(data=data, model=model, folder=name)))
    (found,) = recipes([folder], Settings(jobs=1))
    return found


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("models.resnet50()", "resnet50"),
        ("models.resnet18(weights=None).cuda()", "resnet18"),
        ("nn.DataParallel(models.mobilenet_v2()).cuda()", "mobilenet_v2"),
        ("models.__dict__[args.arch]()", "resnet50"),
        ("torch.nn.DataParallel(models.__dict__[args.arch]()).cuda()", "resnet50"),
        ("getattr(models, args.arch)()", "resnet50"),
        ('models.get_model("regnet_y_400mf", weights=None)', "regnet_y_400mf"),
        ('timm.create_model("efficientnet_b0", num_classes=1000)', "efficientnet_b0"),
    ],
)
def test_models_name(tmp_path: Path, model: str, name: str) -> None:
    recipe = read(tmp_path, IMAGENET, model)
    assert recipe.get("model.name").value == name
    assert recipe.get("rate.expected").value == pytest.approx(0.2)
    assert recipe.get("rate.scaling_ratio").value == pytest.approx(0.5)
    assert recipe.get("rate.reference_kind").value == "convention"


@pytest.mark.parametrize("model", ["Net()", "nn.Linear(3, 1000)", "models.vgg16()", "models.vit_b_16()"])
def test_no_reference_without_a_published_net_with_batch_norm(tmp_path: Path, model: str) -> None:
    recipe = read(tmp_path, IMAGENET, model)
    assert recipe.get("data.scale").value == "imagenet"
    assert not recipe.get("rate.reference").known


@pytest.mark.parametrize(
    ("data", "folder", "scale"),
    [
        (IMAGENET, "x", "imagenet"),
        (FOLDER, "imagenet", "imagenet"),
        (FOLDER, "ILSVRC2012", "imagenet"),
        (FOLDER, "tiny-imagenet-200", "small"),
        (FOLDER, "imagenet-100", "small"),
        ("ImageNetDataset(args.data)", "x", None),
        ("ImageNetDataset(args.data)", "ILSVRC2012", "imagenet"),
        ('datasets.CIFAR10("data")', "x", "small"),
        (f"Subset({IMAGENET}, range(1000))", "x", "imagenet"),
        (f"random_split({IMAGENET}, [0.9, 0.1])[0]", "x", "imagenet"),
        (FOLDER, "photos", None),
        ("unread(args.data)", "x", None),
    ],
)
def test_scale_of_the_data(tmp_path: Path, data: str, folder: str, scale: str | None) -> None:
    found = read(tmp_path, data, "models.resnet50()", folder).get("data.scale")
    assert (found.value if found.known else None) == scale
    if scale is None:
        assert found.state is State.UNKNOWN


def test_a_thousand_classes_of_a_folder_are_imagenets_scale(tmp_path: Path) -> None:
    assert (
        read(tmp_path, FOLDER, "models.resnet50(num_classes=1000)", "x").get("data.scale").value == "imagenet"
    )
    assert read(tmp_path, FOLDER, "models.resnet50(num_classes=37)", "x").get("data.scale").value is None


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("imagenet", "imagenet"),
        ("/data/ILSVRC2012/train", "imagenet"),
        ("mini_imagenet", "small"),
        ("imagenette2-320", ""),
        ("CIFAR-10", "small"),
        ("my_images", ""),
        ("", ""),
    ],
)
def test_words_of_scale(text: str, scale: str) -> None:
    assert scale_of(text) == scale
