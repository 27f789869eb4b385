from __future__ import annotations

import json
from typing import Any

import pytest
from config_samples import document, paddleclas, parse, recipe, seen_as
from hypothesis import given
from hypothesis import strategies as st

from trainlint.recipe.config.from_config import config_recipe
from trainlint.recipe.config.recognise import Recognition, recognise
from trainlint.recipe.model import State
from trainlint.recipe.schema import recipe_schema

HOME_GROWN = """\
model: resnet50
optimizer: SGD
lr: 0.4
momentum: 0.9
weight_decay: 0.0001
batch_size: 1024
epochs: 90
scheduler: cosine
warmup_epochs: 5
label_smoothing: 0.1
seed: 7
"""


def test_a_home_grown_config_becomes_a_recipe() -> None:
    facts = recipe(HOME_GROWN).facts
    written = {
        "optimizer.name": "sgd",
        "optimizer.lr": 0.4,
        "optimizer.momentum": 0.9,
        "optimizer.weight_decay": 0.0001,
        "batch.per_device": 1024,
        "train.epochs": 90,
        "schedule.name": "cosine",
        "warmup.length": 5,
        "reg.label_smoothing": 0.1,
        "repro.seed": 7,
    }
    assert {path: facts[path].value for path in written} == written
    assert all(facts[path].state is State.EXPLICIT for path in written)
    assert facts["optimizer.lr"].span is not None
    assert (facts["optimizer.lr"].span.line, facts["optimizer.lr"].span.column) == (3, 5)
    followed = {
        "optimizer.family": "sgd",
        "optimizer.coupled": True,
        "batch.effective": 1024,
        "rate.peak": 0.4,
        "rate.per_256": 0.1,
        "schedule.shape": "decaying",
        "meta.purpose": "scratch",
        "meta.toy": False,
        "reg.any": True,
    }
    assert {path: facts[path].value for path in followed} == pytest.approx(followed)
    assert all(facts[path].state is State.DERIVED for path in followed)
    assert facts["warmup.length"].unit == "epochs"


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("optimizer.lr", 0.1, "train:\n  lr: 0.1\n  optimizer: sgd\n  epochs: 3\n"),
        ("optimizer.lr", 0.1, "optimizer: {name: adam, lr: 0.1}\nbatch_size: 2\n"),
        ("optimizer.lr", 0.1, "optim:\n  type: SGD\n  params: {lr: 0.1}\nbatch_size: 2\n"),
        ("optimizer.lr", 0.1, "trainer: {optimizer: {kind: sgd}, learning-rate: 0.1, maxEpochs: 4}\n"),
        ("optimizer.name", "adam", "optimizer: {_target_: torch.optim.Adam, lr: 0.1}\nepochs: 2\n"),
        (
            "schedule.name",
            "multistep",
            "lr: 0.1\nbatch_size: 2\nepochs: 3\nscheduler: {name: MultiStepLR, gamma: 0.1}\n",
        ),
        ("schedule.name", "constant", "lr: 0.1\nbatch_size: 2\nepochs: 3\nlr_scheduler: none\n"),
        ("schedule.name", "constant", "lr: 0.1\nbatch_size: 2\nepochs: 3\nlr_scheduler: null\n"),
        ("warmup.length", 500, "lr: 0.1\nbatch_size: 2\nepochs: 3\nwarmup: {steps: 500}\n"),
        ("train.steps", 1000, "lr: 0.1\nbatch_size: 2\nmax_steps: 1000\n"),
        ("loader.shuffle", False, "lr: 0.1\nbatch_size: 2\nepochs: 3\ndata: {shuffle: false}\n"),
        (
            "batch.per_device",
            64,
            "lr: 0.1\nepochs: 3\noptimizer: sgd\ndata: {batch_size: 64}\neval: {batch_size: 99}\n",
        ),
        (
            "reg.dropout",
            0.3,
            "lr: 0.1\nepochs: 3\noptimizer: sgd\nmodel: {dropout: 0.1, attention_dropout: 0.3}\n",
        ),
    ],
)
def test_fields_are_found_where_people_write_them(path: str, value: object, text: str) -> None:
    assert recipe(text).get(path).value == value


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("warmup.length", "lr: 0.1\nbatch_size: 2\nepochs: 3\nwarmup_epochs: 0\n"),
        ("warmup.length", "lr: 0.1\nbatch_size: 2\nepochs: 3\nwarmup: false\n"),
        ("warmup.length", "lr: 0.1\nbatch_size: 2\nepochs: 3\nwarmup: none\n"),
        ("warmup.length", "lr: 0.1\nbatch_size: 2\nepochs: 3\nwarmup_steps: 0\nwarmup_ratio: 0.0\n"),
        ("reg.dropout", "lr: 0.1\nbatch_size: 2\nepochs: 3\ndropout: 0.0\n"),
        ("model.pretrained", "lr: 0.1\nbatch_size: 2\nepochs: 3\npretrained: false\n"),
        ("reg.mixup", "lr: 0.1\nbatch_size: 2\nepochs: 3\nmixup: false\n"),
    ],
)
def test_only_what_is_written_off_is_off(path: str, text: str) -> None:
    assert recipe(text).get(path).state is State.OFF


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("warmup.length", "lr: 0.1\nbatch_size: 2\nepochs: 3\n"),
        ("warmup.length", "lr: 0.1\nbatch_size: 2\nepochs: 3\nwarmup: true\n"),
        ("warmup.length", "lr: 0.1\nbatch_size: 2\nepochs: 3\nwarmup: 5\n"),
        ("schedule.name", "lr: 0.1\nbatch_size: 2\nepochs: 3\n"),
        ("schedule.name", "lr: 0.1\nbatch_size: 2\nepochs: 3\nscheduler:\n"),
        ("schedule.name", "lr: 0.1\nbatch_size: 2\nepochs: 3\nscheduler: my_own\n"),
        ("repro.seeded", "lr: 0.1\nbatch_size: 2\nepochs: 3\n"),
        ("optimizer.lr", "optimizer: {lr: 0.1}\nscheduler: {lr: 0.2}\nepochs: 3\nbatch_size: 2\n"),
        ("optimizer.lr", "generator: {lr: 0.1}\noptimizer: sgd\nepochs: 3\nbatch_size: 2\n"),
        ("optimizer.lr", "lr: auto\noptimizer: sgd\nepochs: 3\nbatch_size: 2\n"),
        ("batch.effective", "lr: 0.1\noptimizer: sgd\nepochs: 3\nbatch_size: 2\ngpus: 4\n"),
        ("batch.effective", "lr: 0.1\noptimizer: sgd\nepochs: 3\nbatch_size: 2\ngpus: [0, 1]\n"),
        ("batch.effective", "lr: 0.1\noptimizer: sgd\nepochs: 3\nbatch_size: auto\n"),
        ("reg.mixup", "lr: 0.1\noptimizer: sgd\nepochs: 3\nmixup: false\nmixup_alpha: 0.4\n"),
        ("batch.lr_from_batch", "lr: 0.1\noptimizer: sgd\nepochs: 3\nbatch_size: 2\nscale_lr: true\n"),
    ],
)
def test_what_the_config_does_not_settle_is_not_known(path: str, text: str) -> None:
    value = recipe(text).get(path)
    assert not value.known
    assert value.state is not State.OFF
    assert value.reason


@pytest.mark.parametrize(
    ("text", "expected", "composition"),
    [
        ("lr: 0.1\nepochs: 3\noptimizer: sgd\nbatch_size: 64\n", 64, None),
        ("lr: 0.1\nepochs: 3\noptimizer: sgd\nbatch_size: 64\naccum_steps: 4\n", 256, "64 × 4 accumulated"),
        (
            "lr: 0.1\nepochs: 3\noptimizer: sgd\nper_device_batch_size: 64\nnum_gpus: 8\n",
            512,
            "64 × 8 devices",
        ),
        ("lr: 0.1\nepochs: 3\noptimizer: sgd\nglobal_batch_size: 4096\nnum_gpus: 8\n", 4096, None),
    ],
)
def test_the_effective_batch(text: str, expected: int, composition: str | None) -> None:
    facts = recipe(text).facts
    assert facts["batch.effective"].value == expected
    assert (facts["batch.composition"].value if "batch.composition" in facts else None) == composition


@pytest.mark.parametrize(
    ("path", "extra", "purpose"),
    [
        ("train.yaml", "", "scratch"),
        ("train.yaml", "pretrained: true\n", "finetune"),
        ("train.yaml", "pretrained: weights/resnet50.pth\n", "finetune"),
        ("train.yaml", "resume: runs/1/last.pt\n", "resume"),
        ("train.yaml", "resume: false\n", "scratch"),
        ("train.yaml", "teacher: resnet101\n", "distill"),
        ("train.yaml", "env_name: CartPole-v1\n", "reinforcement"),
        ("train.yaml", "lr_d: 0.1\n", "adversarial"),
        ("configs/debug/train.yaml", "", "smoke"),
        ("configs/finetune_cub.yaml", "", "finetune"),
        ("configs/drafting.yaml", "", "scratch"),
    ],
)
def test_purposes(path: str, extra: str, purpose: str) -> None:
    assert recipe("lr: 0.1\nbatch_size: 2\nepochs: 30\n" + extra, path).facts["meta.purpose"].value == purpose


def test_a_purpose_that_hangs_on_something_unknown_is_unknown() -> None:
    value = recipe("lr: 0.1\nbatch_size: 2\nepochs: 30\npretrained: ${weights}\n").facts["meta.purpose"]
    assert not value.known


def test_a_rate_that_its_loader_reads_as_text_is_no_rate() -> None:
    text = "lr: 1e-4\nbatch_size: 2\nepochs: 3\n"
    assert recipe(text, loader="omegaconf").get("optimizer.lr").value == 1e-4
    assert recipe(text).get("optimizer.lr").value == 1e-4
    as_text = recipe(text, loader="pyyaml").get("optimizer.lr")
    assert as_text.state is State.UNKNOWN
    assert "text" in as_text.reason


def test_paddleclas_fields_and_conventions() -> None:
    facts = recipe(paddleclas()).facts
    expected: dict[str, Any] = {
        "meta.framework": "paddleclas",
        "optimizer.name": "sgd",
        "optimizer.lr": 0.1,
        "optimizer.weight_decay": 0.0001,
        "schedule.name": "cosine",
        "train.epochs": 120,
        "batch.devices": 4,
        "batch.effective": 256,
        "batch.composition": "64 × 4 devices",
        "reg.label_smoothing": 0.1,
        "loader.order": "random",
        "data.scale": "imagenet",
        "rate.reference_kind": "convention",
        "rate.scaling_ratio": 1.0,
        "meta.purpose": "scratch",
    }
    assert {path: facts[path].value for path in expected} == expected
    assert facts["warmup.length"].state is State.OFF
    assert facts["reg.mixup"].state is State.OFF
    assert facts["model.pretrained"].state is State.OFF
    assert (facts["repro.seeded"].value, facts["repro.seeded"].state) == (False, State.DEFAULT)


def test_paddleclas_warmup_and_its_absence_point_at_something_written() -> None:
    warm = recipe(paddleclas("{name: Cosine, learning_rate: 0.1, warmup_epoch: 5}")).facts["warmup.length"]
    assert (warm.value, warm.unit, warm.state) == (5, "epochs", State.EXPLICIT)
    cold = recipe(paddleclas()).facts["warmup.length"]
    lines = paddleclas().splitlines()
    assert cold.span is not None
    assert lines[cold.span.line - 1].strip() == "lr:"


def test_paddleclas_tunes_adamw_for_eight_devices() -> None:
    assert recipe(paddleclas(optimizer="AdamW")).facts["batch.effective"].value == 512


@pytest.mark.parametrize(
    ("lr", "epochs", "schedule", "shape"),
    [
        (
            "{name: Piecewise, learning_rate: 0.1, decay_epochs: [30], values: [0.1, 0.01]}",
            120,
            "step",
            "decaying",
        ),
        (
            "{name: Piecewise, learning_rate: 0.1, decay_epochs: [10], values: [0.1, 0.01]}",
            26,
            "constant",
            "flat",
        ),
        ("{name: Piecewise, decay_epochs: [10], values: [0.1, 0.01]}", 26, "multistep", "decaying"),
        ("{learning_rate: 0.1}", 120, "constant", "flat"),
        ("{name: ConstLR, learning_rate: 0.1}", 120, "constant", "flat"),
        ("{name: ReduceOnPlateau, learning_rate: 0.1}", 120, "plateau", None),
    ],
)
def test_paddleclas_schedules_as_they_run(lr: str, epochs: int, schedule: str, shape: str | None) -> None:
    block = (
        lr.replace("[30], ", "[30]\n    ").replace("[10], ", "[10]\n    ").replace("0.1, 0.01]", "0.1,0.01]")
    )
    facts = recipe(paddleclas(block, epochs)).facts
    assert facts["schedule.name"].value == schedule
    assert (facts["schedule.shape"].value if "schedule.shape" in facts else None) == shape


def test_paddleclas_reads_texts_under_mappings_as_numbers_but_not_in_lists() -> None:
    text = paddleclas("{name: Cosine, learning_rate: 1e-1}").replace("epsilon: 0.1", "epsilon: 1e-1")
    facts = recipe(text).facts
    assert facts["optimizer.lr"].value == 0.1
    assert facts["reg.label_smoothing"].state is State.UNKNOWN


def test_backbone_weights_count_as_pretrained() -> None:
    text = paddleclas().replace("  class_num: 1000", "  Backbone: {name: ResNet50, pretrained: True}")
    text = text.replace("  output_dir: ./output/", "  pretrained_model: null")
    assert recipe(text).facts["meta.purpose"].value == "finetune"


@pytest.mark.parametrize("kind", ["fragment", "sweep", "none"])
def test_only_entry_configs_have_a_recipe(kind: str) -> None:
    parsed = document(HOME_GROWN)
    assert config_recipe(parsed, Recognition("generic", kind)) is None
    assert config_recipe(parsed, Recognition("deepspeed", "recipe")) is None


def test_groups_hold_the_primary_optimizer_and_loader() -> None:
    found = recipe(HOME_GROWN + "shuffle: true\n")
    assert [element["optimizer.lr"].value for element in found.groups["optimizers"]] == [0.4]
    assert [element["loader.order"].value for element in found.groups["loaders"]] == ["random"]
    assert found.files == ("train.yaml",)


def test_ordered_data_is_not_called_map_style() -> None:
    plain = recipe("lr: 0.1\nepochs: 3\nbatch_size: 2\nshuffle: false\n").facts
    ordered = recipe("lr: 0.1\nepochs: 3\nbatch_size: 2\nshuffle: false\nsorting: ascending\n").facts
    assert plain["loader.style"].value == "map"
    assert "loader.style" not in ordered


_KEYS = st.sampled_from(
    ["lr", "optimizer", "batch_size", "epochs", "scheduler", "warmup", "warmup_epochs", "warmup_steps",
     "name", "type", "train", "Global", "Optimizer", "DataLoader", "Train", "sampler", "learning_rate",
     "gpus", "dropout", "mixup", "Loss", "pretrained", "resume", "model", "data", "seed", "shuffle"]
)  # fmt: skip
_LEAVES = st.one_of(
    st.integers(-3, 2000),
    st.floats(allow_nan=True),
    st.booleans(),
    st.none(),
    st.sampled_from(
        ["sgd", "cosine", "1e-4", "none", "${x}", "auto", "", "Momentum", "Piecewise", "imagenet"]
    ),
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=25,
)


@given(
    st.dictionaries(_KEYS, _TREES, max_size=8),
    st.sampled_from(["generic", "paddleclas"]),
    st.sampled_from(["pyyaml", "unknown"]),
)
def test_any_tree_gives_declared_and_explained_facts(
    tree: dict[str, object], format_: str, loader: str
) -> None:
    documents, _ = parse(json.dumps(tree))
    found = config_recipe(documents[0], Recognition(format_, "recipe"), loader=loader)
    assert found is not None
    leaves = recipe_schema().leaves
    for path, value in found.facts.items():
        assert path in leaves
        if value.state is State.UNKNOWN:
            assert value.reason
            assert value.value is None
        if value.known and leaves[path].choices:
            assert value.value in leaves[path].choices


@given(st.permutations(HOME_GROWN.splitlines()))
def test_the_order_of_keys_does_not_matter(lines: list[str]) -> None:
    shuffled = recipe("\n".join(lines) + "\n").facts
    original = recipe(HOME_GROWN).facts
    assert {path: (value.value, value.state) for path, value in shuffled.items()} == {
        path: (value.value, value.state) for path, value in original.items()
    }


def test_recognition_is_what_the_recipe_says_it_is() -> None:
    found = recipe(HOME_GROWN)
    assert found.kind == "recipe"
    assert found.facts["meta.kind"].value == seen_as(HOME_GROWN).kind
    assert recognise([document(HOME_GROWN)], "train.yaml").format == "generic"
