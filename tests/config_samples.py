"""Small configs and the shortest way from their text to what the config tests look at."""

from __future__ import annotations

import textwrap

from trainlint.recipe.config.file import ConfigFile, KeyUse, Reader, config_file
from trainlint.recipe.config.from_config import config_recipe
from trainlint.recipe.config.recognise import Recognition, recognise
from trainlint.recipe.model import Recipe
from trainlint.text.document import Broken, Document
from trainlint.text.json import parse_json
from trainlint.text.source import source_of
from trainlint.text.yaml import parse_yaml

PADDLECLAS = """
Global:
  epochs: {epochs}
  output_dir: ./output/
Arch:
  name: ResNet50
  class_num: 1000
Loss:
  Train:
    - CELoss:
        weight: 1.0
        epsilon: 0.1
Optimizer:
  name: {optimizer}
  momentum: 0.9
  lr:
    {lr}
  regularizer:
    name: 'L2'
    coeff: 0.0001
DataLoader:
  Train:
    dataset:
      name: ImageNetDataset
      image_root: ./dataset/ILSVRC2012/
      cls_label_path: ./dataset/ILSVRC2012/train_list.txt
    sampler:
      name: DistributedBatchSampler
      batch_size: 64
      shuffle: True
"""


def paddleclas(
    lr: str = "{name: Cosine, learning_rate: 0.1}", epochs: int = 120, optimizer: str = "Momentum"
) -> str:
    """A PaddleClas recipe with this learning-rate block."""
    return PADDLECLAS.format(epochs=epochs, optimizer=optimizer, lr=lr.strip("{}").replace(", ", "\n    "))


def parse(text: str, path: str = "train.yaml") -> tuple[list[Document], list[Broken]]:
    """The documents of a text, by the ending of its path."""
    source = source_of(path, textwrap.dedent(text))
    return parse_json(source) if path.endswith(".json") else parse_yaml(source)


def document(text: str, path: str = "train.yaml") -> Document:
    """The first document of a text that parses."""
    documents, broken = parse(text, path)
    assert not broken
    return documents[0]


def seen_as(text: str, path: str = "train.yaml") -> Recognition:
    """What a text is recognised as."""
    return recognise(parse(text, path)[0], path)


def recipe(text: str, path: str = "train.yaml", loader: str | None = None) -> Recipe:
    """The recipe of an entry config."""
    documents, _ = parse(text, path)
    found = config_recipe(documents[0], recognise(documents, path), loader=loader)
    assert found is not None
    return found


def view(
    text: str, path: str = "train.yaml", read_by: tuple[Reader, ...] = (), uses: tuple[KeyUse, ...] = ()
) -> ConfigFile:
    """The file as the file rules see it, in a project without code that speaks of its keys."""
    source = source_of(path, textwrap.dedent(text))
    documents, broken = parse_json(source) if path.endswith(".json") else parse_yaml(source)
    config = config_file(source, documents, broken, read_by, uses)
    config.mentioned = lambda _package, _word: False
    return config
