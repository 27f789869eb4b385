from __future__ import annotations

import pytest
from config_samples import paddleclas, parse, seen_as
from hypothesis import given
from hypothesis import strategies as st

from trainlint.recipe.config.recognise import may_be_config, recognise, recognise_broken
from trainlint.text.source import source_of
from trainlint.text.yaml import parse_yaml

HOME_GROWN = "optimizer: sgd\nlr: 0.1\nbatch_size: 128\nepochs: 90\n"

TRAINING = {
    "flat": ("generic", HOME_GROWN),
    "nested": ("generic", "train:\n  optimizer: {name: adam, lr: 1e-4}\n  num_epochs: 10\n"),
    "camel case": ("generic", "trainConfig:\n  learningRate: 0.1\n  batchSize: 32\n  maxEpochs: 3\n"),
    "upper case": ("generic", "TRAIN:\n  BASE_LR: 0.01\n  EPOCHS: 200\n  BATCH_SIZE: 16\n"),
    "rate filled in later": ("generic", "lr: ${base.lr}\noptimizer: adam\nepochs: 10\n"),
    "paddleclas": ("paddleclas", paddleclas()),
    "axolotl": (
        "axolotl",
        "base_model: x/y\nmicro_batch_size: 2\nlearning_rate: 1e-4\noptimizer: adamw\nnum_epochs: 1\n",
    ),
}

FRAGMENTS = {
    "hydra": "defaults:\n  - model: resnet\nlr: 0.1\noptimizer: sgd\nepochs: 3\n",
    "base file": "_base_: ../base.yaml\nlr: 0.1\noptimizer: sgd\nepochs: 3\n",
    "detectron2": "MODEL:\n  DEPTH: 50\nSOLVER:\n  BASE_LR: 0.02\n",
    "deepspeed": "zero_optimization: {stage: 2}\ntrain_micro_batch_size_per_gpu: 4\n",
}

OTHERS = {
    "kubernetes": "apiVersion: batch/v1\nkind: Job\nspec: {lr: 0.1, optimizer: sgd, epochs: 3}\n",
    "workflow": "on: push\njobs:\n  train:\n    env: {lr: 0.1, epochs: 3, batch_size: 2, optimizer: sgd}\n",
    "compose": "version: '3'\nservices:\n  db: {image: postgres}\n",
    "docs": "site_name: Trainer\nnav:\n  - lr: 0.1\n  - batch_size: 2\n  - epochs: 3\n",
    "json schema": "$schema: x\nproperties: {lr: {of: 0.1}, batch_size: {of: 1}, epochs: {of: 2}}\n",
    "yolo data": "nc: 80\nnames: [a, b]\nlr: 0.1\nepochs: 2\nbatch: 3\n",
    "model zoo": "Models:\n  - Name: resnet\n    Training: {lr: 0.1, epochs: 90, batch_size: 256}\n",
    "hf model": "architectures: [Bert]\nmodel_type: bert\nhidden_dropout_prob: 0.1\n",
    "a list": "- lr: 0.1\n  batch_size: 2\n  epochs: 3\n",
    "optimizer part": "name: adam\nlr: 0.001\nweight_decay: 0.0\n",
    "words without numbers": "lr: left-to-right\noptimizer: query\nbatch_size: small\nepochs: many\n",
    "translations": "epochs: Epochen\nbatch_size: Stapel\nlearning_rate: Lernrate\noptimizer: Optimierer\n",
    "rate alone": "lr: 0.1\nname: x\n",
}


@pytest.mark.parametrize("name", TRAINING)
def test_training_configs_are_recognised(name: str) -> None:
    expected, text = TRAINING[name]
    found = seen_as(text)
    assert (found.format, found.kind) == (expected, "recipe")
    assert may_be_config("train.yaml", text)


@pytest.mark.parametrize("name", FRAGMENTS)
def test_parts_and_unmapped_formats_are_fragments(name: str) -> None:
    found = seen_as(FRAGMENTS[name])
    assert found.kind == "fragment"
    assert found.recognised


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_nothing(name: str) -> None:
    found = seen_as(OTHERS[name])
    assert (found.format, found.kind) == ("", "none")


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/train.yml",
        "chart/templates/job.yaml",
        "docker-compose.yml",
        "environment.yaml",
        "a/.pre-commit-config.yaml",
        "model-index.yml",
        "web/package.json",
    ],
)
def test_names_of_other_kinds_of_file_are_skipped(path: str) -> None:
    assert not seen_as(HOME_GROWN, path).recognised
    assert not may_be_config(path, HOME_GROWN)


def test_a_file_in_a_base_folder_is_a_fragment() -> None:
    assert seen_as(HOME_GROWN, "configs/_base_/schedule.yaml").kind == "fragment"


@pytest.mark.parametrize(
    "text",
    [
        "method: bayes\nparameters:\n  lr: {min: 0.001, max: 0.1}\n  batch_size: {values: [16, 32]}\n",
        "searchSpace:\n  lr: {_type: uniform, _value: [0.001, 0.1]}\ntrialCommand: python train.py\n",
        '{"lr": {"_type": "uniform", "_value": [0.001, 0.1]}, "n": {"_type": "choice", "_value": [1, 2]}}',
        "hydra:\n  sweeper:\n    params:\n      model.optimizer.lr: interval(0.001, 0.1)\n",
    ],
)
def test_sweeps_are_sweeps(text: str) -> None:
    assert seen_as(text).kind == "sweep"


@pytest.mark.parametrize(
    "text",
    [
        '{"k": {"_type": "uniform", "_value": [0, 1]}}',
        '{"lr": {"_type": "uniform"}}',
        '{"lr": {"_type": "uniform", "_value": [0, 1]}, "title": "notes"}',
        "hydra:\n  sweeper:\n    params:\n      db: choice(mysql, postgresql)\n",
    ],
)
def test_searches_over_other_things_are_none(text: str) -> None:
    assert not seen_as(text).recognised


def test_the_first_training_document_decides() -> None:
    assert seen_as("title: notes\n---\n" + HOME_GROWN).format == "generic"


def test_json_is_recognised_like_yaml() -> None:
    text = '{"learning_rate": 1e-3, "batch_size": 8, "optimizer": "adam"}'
    assert seen_as(text, "params.json").format == "generic"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (paddleclas().replace("  epochs: 120", "  epochs: [120"), "paddleclas"),
        (HOME_GROWN + "  momentum: 0.9\n", "generic"),
        ("lr: {{ lr }}\n" + HOME_GROWN, ""),
        ("title: a: b\n", ""),
        ("apiVersion: v1\nkind: Job\nlr: 0.1\nepochs: 3\nbatch_size: 4: 5\n", ""),
    ],
)
def test_broken_files_by_their_readable_lines(text: str, expected: str) -> None:
    assert recognise_broken(text, "train.yaml").format == expected


_WORDS = st.sampled_from(
    ["lr", "learning_rate", "baseLR", "batch_size", "epochs", "optimizer", "scheduler", "warmup", "Global",
     "Optimizer",
     "DataLoader", "MODEL", "SOLVER", "name", "x", "task", "stage"]
)  # fmt: skip
_SCALARS = st.one_of(
    st.integers(), st.floats(allow_nan=False), st.booleans(), st.none(), st.text("ab1e-.", max_size=5)
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(_WORDS, _TREES, max_size=6))
def test_the_cheap_look_never_turns_down_what_is_recognised(tree: dict[str, object]) -> None:
    import json

    text = json.dumps(tree)
    documents, broken = parse_yaml(source_of("train.yaml", text))
    assert not broken
    if recognise(documents, "train.yaml").recognised:
        assert may_be_config("train.yaml", text)


@given(st.text(max_size=300))
def test_no_text_is_too_odd_to_look_at(text: str) -> None:
    documents, _ = parse(text)
    recognise(documents, "train.yaml")
    recognise_broken(text, "train.yaml")
    may_be_config("train.yaml", text)
