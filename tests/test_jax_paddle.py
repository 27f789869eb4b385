"""Programs of JAX and PaddlePaddle in the recipe: what steps, at which rate, how long, seeded by what."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_fixtures import TWINS, expected, explain, found
from trainlint.linter import recipes
from trainlint.recipe.model import Recipe, State

FLUID = """
import paddle
import paddle.fluid as fluid

{head}
def main():
    train_reader = paddle.batch({reader}, batch_size=32)
    image = fluid.data(name="image", shape=[None, 784], dtype="float32")
    label = fluid.data(name="label", shape=[None, 1], dtype="int64")
    loss = fluid.layers.mean(fluid.layers.cross_entropy(fluid.layers.fc(image, 10, act="softmax"), label))
    test_program = fluid.default_main_program().clone(for_test=True)
    fluid.optimizer.{optimizer}.minimize(loss)
    {seed}
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(fluid.default_startup_program())
    epochs = [epoch for epoch in range(20)]
    for epoch in epochs:
        for data in train_reader():
            exe.run(fluid.default_main_program(), feed={{"image": data[0]}}, fetch_list=[loss])
        for number in range(3):
            exe.run(test_program, feed={{"image": data[0]}}, fetch_list=[loss])


if __name__ == "__main__":
    main()
"""

OPTAX = """
import jax
import jax.numpy as jnp
import optax
{head}

def loss_fn(params, x, y):
    return jnp.mean((x @ params["w"] - y) ** 2)


if __name__ == "__main__":
    x, y = jax.numpy.ones((8, 3)), jax.numpy.ones(8)
    params = {{"w": jnp.zeros(3)}}
    tx = {tx}
    state = tx.init(params)
    for epoch in range(12):
        for step in range(5):
            grads = jax.grad(loss_fn)(params, x, y)
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
"""


def recipe_of(folder: Path, text: str) -> Recipe:
    (folder / "train.py").write_text(text, encoding="utf-8")
    (folder / "trainlint.toml").write_text("", encoding="utf-8")
    return next(recipe for recipe in recipes([folder]) if recipe.entry.endswith("train.py"))


def fluid(
    folder: Path,
    reader: str = "paddle.dataset.mnist.train()",
    optimizer: str = "Momentum(0.1, 0.9)",
    seed: str = "pass",
    head: str = "",
) -> Recipe:
    return recipe_of(folder, FLUID.format(reader=reader, optimizer=optimizer, seed=seed, head=head))


def optax(folder: Path, tx: str, head: str = "") -> Recipe:
    return recipe_of(folder, OPTAX.format(tx=tx, head=head))


def value(recipe: Recipe, path: str) -> object:
    leaf = recipe.get(path)
    return leaf.value if leaf.known else leaf.state


def test_a_fluid_program_is_read(tmp_path: Path) -> None:
    recipe = fluid(tmp_path)
    assert value(recipe, "meta.framework") == "paddle"
    assert value(recipe, "optimizer.lr") == 0.1
    assert value(recipe, "optimizer.momentum") == 0.9
    assert value(recipe, "schedule.shape") == "flat"
    assert value(recipe, "train.epochs") == 20
    assert value(recipe, "batch.per_device") == 32


@pytest.mark.parametrize(
    ("reader", "order"),
    [
        ("paddle.dataset.mnist.train()", "file"),
        ("paddle.reader.shuffle(paddle.dataset.mnist.train(), 500)", "random"),
        ("paddle.reader.buffered(paddle.reader.shuffle(paddle.dataset.mnist.train(), 500), 8)", "random"),
    ],
)
def test_a_reader_says_in_which_order_samples_come(tmp_path: Path, reader: str, order: str) -> None:
    loaders = fluid(tmp_path, reader=reader).groups["loaders"]
    assert [loader["loader.order"].value for loader in loaders] == [order]
    assert [loader["loader.role"].value for loader in loaders] == ["train"]


FLAG = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--{flag}", action="store_true")
args = parser.parse_args()
"""
SEED = "fluid.default_main_program().random_seed = 7"


@pytest.mark.parametrize(
    ("seed", "head", "seeded"),
    [
        ("pass", "", False),
        (SEED, "", True),
        (f"if args.enable_ce: {SEED}", FLAG.format(flag="enable_ce"), False),
        (f"if args.reproducible: {SEED}", FLAG.format(flag="reproducible"), True),
    ],
)
def test_a_graph_is_seeded_by_an_attribute(tmp_path: Path, seed: str, head: str, seeded: bool) -> None:
    assert value(fluid(tmp_path, seed=seed, head=head), "repro.seeded") is seeded


def test_a_fluid_schedule_is_no_constant_rate(tmp_path: Path) -> None:
    recipe = fluid(tmp_path, optimizer="SGD(fluid.layers.exponential_decay(0.1, 1000, 0.5))")
    assert value(recipe, "optimizer.schedule.steps_rate") is True


@pytest.mark.parametrize(
    ("tx", "head", "changes"),
    [
        ("optax.adam(1e-3)", "", False),
        ("optax.chain(optax.clip(1.0), optax.adam(1e-3))", "", False),
        ("optax.adam(optax.cosine_decay_schedule(1e-3, 60))", "", True),
        ("optax.chain(optax.adam(1e-3), optax.scale_by_schedule(lambda step: 0.5))", "", True),
        ("optax.adam(lambda step: 1e-3 * 0.9**step)", "", True),
        ("optax.adam(rate)", "from somewhere import rate", State.UNKNOWN),
        ("optax.chain(optax.adam(1e-3), cooled())", "from somewhere import cooled", State.UNKNOWN),
    ],
)
def test_what_changes_an_optax_rate(tmp_path: Path, tx: str, head: str, changes: object) -> None:
    recipe = optax(tmp_path, tx, head)
    assert value(recipe, "optimizer.schedule.steps_rate") == changes
    assert value(recipe, "train.epochs") == 12


@pytest.mark.parametrize(
    ("tx", "peak", "warmup", "name"),
    [
        ("optax.sgd(optax.cosine_decay_schedule(0.1, 5000))", 0.1, None, "cosine"),
        ("optax.sgd(optax.warmup_cosine_decay_schedule(0.0, 0.3, 500, 5000))", 0.3, 500, "cosine"),
        ("optax.sgd(optax.exponential_decay(0.1, 1000, 0.5, staircase=True))", 0.1, None, "exponential"),
        (
            "optax.sgd(optax.join_schedules([optax.linear_schedule(0.0, 0.2, 100),"
            " optax.polynomial_schedule(0.2, 0.0, 2, 4900)], [100]))",
            0.2,
            100,
            "poly",
        ),
        ("optax.sgd(optax.constant_schedule(0.1))", 0.1, None, "constant"),
    ],
)
def test_optax_schedules_have_a_curve(
    tmp_path: Path, tx: str, peak: float, warmup: int | None, name: str
) -> None:
    text = OPTAX.replace("for epoch in range(12):", "if True:").replace("range(5)", "range(5000)")
    recipe = recipe_of(tmp_path, text.format(tx=tx, head=""))
    assert value(recipe, "train.steps") == 5000
    assert value(recipe, "rate.peak") == pytest.approx(peak)
    assert value(recipe, "warmup.length") == (State.OFF if warmup is None else warmup)
    assert value(recipe, "schedule.name") == name
    assert value(recipe, "schedule.shape") == ("flat" if name == "constant" else "decaying")


@pytest.mark.parametrize(
    ("schedule", "final"),
    [
        ("StepDecay(0.1, step_size=10, gamma=0.5)", 0.1 * 0.5**2 / 0.1),
        ("MultiStepDecay(0.1, milestones=[10, 20], gamma=0.1)", 0.01),
        ("ExponentialDecay(0.1, gamma=0.9)", 0.9**29),
    ],
)
def test_paddle_schedules_have_a_curve(tmp_path: Path, schedule: str, final: float) -> None:
    text = f"""
import paddle

def train(model, batches):
    schedule = paddle.optimizer.lr.{schedule}
    optimizer = paddle.optimizer.Momentum(schedule, parameters=model.parameters())
    for epoch in range(30):
        for x, y in batches:
            paddle.nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
            optimizer.clear_grad()
        schedule.step()

train(paddle.vision.models.resnet18(), [])
"""
    recipe = recipe_of(tmp_path, text)
    assert value(recipe, "rate.peak") == pytest.approx(0.1)
    assert value(recipe, "rate.final_ratio") == pytest.approx(final)


def test_a_run_with_frozen_parts_is_not_from_scratch(tmp_path: Path) -> None:
    parts = '{"a": optax.adam(1e-3), "b": optax.set_to_zero()}'
    assert value(optax(tmp_path, f"optax.multi_transform({parts}, label)"), "meta.purpose") != "scratch"


def test_a_jax_program_has_no_generator_to_seed(tmp_path: Path) -> None:
    assert value(optax(tmp_path, "optax.adam(1e-3)"), "repro.seeded") is State.UNKNOWN


CONFIG = """
import ml_collections

def get_config():
    config = ml_collections.ConfigDict({"batch": 64})
    config.lr = 0.25
    config.optim = ml_collections.ConfigDict()
    config.optim.lr = 0.5
    if config.batch > 1:
        config.late = 0.75
    config.given = ml_collections.ConfigDict()
    config.given.lr = 0.5
    change(config.given)
    config.updated = ml_collections.ConfigDict({"lr": 0.5})
    config.updated.update({"lr": 0.25})
    return config

def change(config):
    config.lr = 0.25
"""


@pytest.mark.parametrize(
    ("expression", "default", "rate"),
    [
        ("FLAGS.config.lr", None, 0.25),
        ("FLAGS.config.optim.lr", None, 0.5),
        ("FLAGS.config.late", None, State.UNKNOWN),
        ("FLAGS.config.missing", None, State.UNKNOWN),
        ("FLAGS.config.given.lr", None, State.UNKNOWN),
        ("FLAGS.config.updated.lr", None, State.UNKNOWN),
        ("FLAGS.config.lr", "other/there.py", 0.25),
        ("FLAGS.config.lr", "other/nowhere.py", State.UNKNOWN),
        ("FLAGS.rate", None, 0.125),
        ("RATE.value", None, 0.125),
    ],
)
def test_flags_and_config_scripts(tmp_path: Path, expression: str, default: str | None, rate: object) -> None:
    for name in ("configs/default.py", "other/there.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(CONFIG, encoding="utf-8")
    head = f"""
from absl import flags
from ml_collections import config_flags
FLAGS = flags.FLAGS
RATE = flags.DEFINE_float("rate", 0.125, "the rate")
config_flags.DEFINE_config_file("config", {default!r}, "the config")
"""
    recipe = optax(tmp_path, f"optax.sgd({expression})", head)
    assert value(recipe, "optimizer.lr") == rate


OURS = ("fixed-learning-rate", "optax-decay-after-rate")
# What only strict runs show is in test_exemptions.
TWIN_FILES = [
    file
    for name in OURS
    for file in sorted((TWINS / name).glob("*.py"))
    if not file.name.startswith("fires_as_advice")
]


@pytest.mark.parametrize(
    "file",
    TWIN_FILES,
    ids=lambda file: f"{file.parent.name}/{file.name}",
)
def test_twin_shows_exactly_what_is_marked(file: Path) -> None:
    got = {place for place in found(file.parent) if place[0] == file.name}
    wanted = {place for place in expected(file.parent) if place[0] == file.name}
    assert got == wanted, explain(got, wanted)
