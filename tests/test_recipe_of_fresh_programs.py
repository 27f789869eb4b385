"""Recipes of programs built as JAX, Keras, Lightning and Hugging Face users build them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from trainlint.linter import recipes
from trainlint.recipe.model import Recipe, State
from trainlint.settings import Settings


def read(folder: Path, **files: str) -> Recipe:
    """The recipe of `train.py` among the files of a project."""
    (folder / "trainlint.toml").write_text("")
    for name, text in files.items():
        (folder / f"{name}.py").write_text(dedent(text))
    found = [each for each in recipes([folder], Settings(jobs=1)) if each.entry == "train.py"]
    assert len(found) == 1
    return found[0]


def orders(recipe: Recipe) -> list[object]:
    """The orders of the training loaders."""
    return [
        each["loader.order"].value
        for each in recipe.groups["loaders"]
        if each["loader.role"].value == "train"
    ]


FLAX = """
    import functools
    import jax
    import jax.numpy as jnp
    import optax
    import tensorflow_datasets as tfds
    from flax.training import checkpoints, train_state

    BASE = 0.002
    EPOCHS = 12


    {schedule}


    def load(split, *, is_training, batch_size):
        data = tfds.load("mnist", split=split).repeat()
        if is_training:
            data = data.shuffle(10 * batch_size, seed=0)
        data = data.batch(batch_size)
        return iter(tfds.as_numpy(data))


    def main():
        train = load("train", is_training=True, batch_size=64)
        held = load("test", is_training=False, batch_size=1000)
        tx = optax.adamw({rate})
        state = train_state.TrainState.create(apply_fn=apply, params=params, tx=tx)
        state = checkpoints.restore_checkpoint("run", state)
        for step in range(int(state.step), {steps}):
            state = update(state, next(train))
            if step % 100 == 0:
                evaluate(state, next(held))


    def update(state, batch):
        grads = jax.grad(loss)(state.params, batch)
        return state.apply_gradients(grads=grads)


    main()
"""
ROOT = """
    def rsqrt(init, shift):
        def schedule(count):
            return init * (count + shift) ** -0.5 * shift**0.5
        return schedule
"""


def flax(folder: Path, schedule: str = "", rate: str = "BASE", steps: str = "5000") -> Recipe:
    return read(
        folder, train=FLAX.format(schedule=dedent(schedule).replace("\n", "\n    "), rate=rate, steps=steps)
    )


def test_a_fresh_run_starts_where_its_state_was_made(tmp_path: Path) -> None:
    assert flax(tmp_path).get("train.steps").value == 5000


def test_a_pipeline_is_what_the_call_for_training_makes_it(tmp_path: Path) -> None:
    recipe = flax(tmp_path)
    assert recipe.get("batch.per_device").value == 64
    assert orders(recipe) == ["random"]


def test_a_function_of_the_project_follows_a_warmup(tmp_path: Path) -> None:
    joined = (
        "optax.join_schedules([optax.linear_schedule(0.0, BASE, 500), rsqrt(BASE, 500)], boundaries=[500])"
    )
    recipe = flax(tmp_path, ROOT, joined)
    assert recipe.get("rate.peak").value == pytest.approx(0.002)
    assert (recipe.get("warmup.length").value, recipe.get("warmup.length").unit) == (500, "steps")


@pytest.mark.parametrize(
    ("body", "peak", "warmup", "name"),
    [
        ("return BASE * jnp.minimum(1.0, step / 400)", 0.002, 400, "custom"),
        ("return jnp.asarray(BASE, dtype=jnp.float32)", 0.002, None, "constant"),
        ("return unread(step)", None, None, "custom"),
    ],
)
def test_a_rate_that_is_a_function(
    tmp_path: Path, body: str, peak: float | None, warmup: int | None, name: str
) -> None:
    recipe = flax(tmp_path, f"def rate(step):\n    {body}\n", "rate")
    assert recipe.get("optimizer.schedule.steps_rate").value is True
    assert recipe.get("schedule.name").value == name
    if peak is None:
        assert recipe.get("warmup.length").state is State.UNKNOWN
        assert recipe.get("rate.peak").state is State.UNKNOWN
    else:
        assert recipe.get("rate.peak").value == pytest.approx(peak)
        assert recipe.get("warmup.length").value == warmup


def test_batches_of_so_many_epochs(tmp_path: Path) -> None:
    schedule = """
        def cosine(steps_per_epoch):
            warm = optax.linear_schedule(0.0, BASE, 3 * steps_per_epoch)
            fall = optax.cosine_decay_schedule(BASE, 9 * steps_per_epoch)
            return optax.join_schedules([warm, fall], boundaries=[3 * steps_per_epoch])
    """
    recipe = flax(tmp_path, schedule, "cosine(count() // 64)", "int(count() // 64 * EPOCHS)")
    assert recipe.get("train.epochs").value == 12
    named = FLAX.replace("EPOCHS = 12", "config = dict(num_epochs=12)")
    text = named.format(
        schedule=dedent(schedule).replace("\n", "\n    "),
        rate="cosine(count() // 64)",
        steps='int(count() // 64 * config["num_epochs"])',
    )
    recipe = read(tmp_path, train=text)
    assert recipe.get("train.epochs").value == 12
    assert (recipe.get("warmup.length").value, recipe.get("warmup.length").unit) == (3, "epochs")


def test_a_warmup_loop_is_not_the_run(tmp_path: Path) -> None:
    text = FLAX.format(schedule="", rate="BASE", steps="count() // 64 * EPOCHS")
    again = (
        "    for step in range(90000):\n            state = update(state, next(train))\n\n\n    def update("
    )
    recipe = read(
        tmp_path,
        train=text.replace("def update(", "pass\n\n\n    def update(", 1).replace(
            "    pass\n\n\n    def update(", again, 1
        ),
    )
    assert recipe.get("train.epochs").state is State.UNKNOWN


EAGER = """
    import tensorflow as tf

    optimizer = tf.optimizers.SGD(0.1)
    data = tf.data.Dataset.from_tensor_slices((x, y)){chain}
    for step, (images, labels) in enumerate(data{taken}, 1):
        with tf.GradientTape() as tape:
            loss = compute(images, labels)
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
"""


@pytest.mark.parametrize(
    ("chain", "taken", "steps"),
    [
        (".repeat().shuffle(5000).batch(256).prefetch(1)", ".take(2000)", 2000),
        (".shuffle(5000).batch(256).prefetch(1)", ".take(2000)", None),
        (".repeat(3).batch(256)", ".take(2000)", None),
        (".repeat().batch(256)", ".take(2000).unbatch()", None),
    ],
)
def test_batches_taken_from_an_endless_pipeline(
    tmp_path: Path, chain: str, taken: str, steps: int | None
) -> None:
    recipe = read(tmp_path, train=EAGER.format(chain=chain, taken=taken))
    assert recipe.get("optimizer.name").value == "sgd"
    assert recipe.get("train.steps").value == steps


KERAS = """
    import keras
    import numpy as np
    import tensorflow as tf

    model = keras.Sequential([keras.layers.Dense(8), keras.layers.Dense(1)])
    model.compile(optimizer={optimizer}, loss="mse")
    {fit}
"""


def keras(folder: Path, optimizer: str = '"adam"', fit: str = "model.fit(x, y, epochs=5)") -> Recipe:
    return read(folder, train=KERAS.format(optimizer=optimizer, fit=fit.replace("\n", "\n    ")))


def test_the_old_name_of_the_rate(tmp_path: Path) -> None:
    assert keras(tmp_path, "keras.optimizers.Adam(lr=5e-5)").get("optimizer.lr").value == 5e-5


@pytest.mark.parametrize(("decay", "name"), [("1e-6", "inverse"), ("0.0", "constant")])
def test_the_old_decay_of_the_rate(tmp_path: Path, decay: str, name: str) -> None:
    recipe = keras(tmp_path, f"keras.optimizers.SGD(0.1, decay={decay})")
    assert recipe.get("schedule.name").value == name


@pytest.mark.parametrize(
    ("fit", "epochs"),
    [
        ("for epoch in range(1, 30):\n    model.fit(x, y, epochs=1)", 29),
        ("for epoch in range(10):\n    model.fit(x, y, epochs=2)", 20),
        ("for epoch in range(many()):\n    model.fit(x, y, epochs=1)", None),
        ("for fold in range(5):\n    model.fit(x, y, epochs=10)", 10),
        ("for part in parts:\n    model.fit(part, y, epochs=1)", None),
    ],
)
def test_a_model_that_is_fitted_in_a_loop(tmp_path: Path, fit: str, epochs: int | None) -> None:
    assert keras(tmp_path, fit=fit).get("train.epochs").value == epochs


@pytest.mark.parametrize(("more", "order"), [(", batch_size=128", ["random"]), ("", [])])
def test_what_fit_cuts_into_batches_is_an_array(tmp_path: Path, more: str, order: list[str]) -> None:
    assert orders(keras(tmp_path, fit=f"model.fit(digits / 255, epochs=30{more})")) == order


def test_written_rates_tell_the_peak(tmp_path: Path) -> None:
    rates = "keras.optimizers.SGD(keras.optimizers.schedules.PiecewiseConstantDecay([30000], [{}]))"
    falling = keras(tmp_path, rates.format("0.1, 0.01"))
    assert falling.get("rate.peak").value == 0.1
    assert falling.get("warmup.length").state is State.OFF
    rising = keras(tmp_path, rates.format("0.01, 0.1"))
    assert rising.get("warmup.length").state is State.UNKNOWN


def test_a_seed_set_when_all_is_over(tmp_path: Path) -> None:
    assert keras(tmp_path, fit="tf.random.set_seed(7)\nmodel.fit(x, y)").get("repro.seed").value == 7
    later = "def run():\n    model.fit(x, y)\n\nrun()\ntf.random.set_seed(7)\nnoise = tf.random.normal((2,))"
    assert keras(tmp_path, fit=later).get("repro.seeded").value is False


def test_batches_taken_apart(tmp_path: Path) -> None:
    fit = """data = keras.utils.image_dataset_from_directory("train", batch_size=32){}
model.fit(data, epochs=5)"""
    assert keras(tmp_path, fit=fit.format("")).get("batch.per_device").value == 32
    assert keras(tmp_path, fit=fit.format(".unbatch().batch(4)")).get("batch.per_device").value == 4


TORCH = """
    import schedulefree
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from transformers import get_linear_schedule_with_warmup

    loader = DataLoader(data, {loader})
    model = nn.Linear(4, 1)
    optimizer = {optimizer}
    {schedule}
    for epoch in range(3):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
            {step}
"""
ADAMW = "torch.optim.AdamW(model.parameters(), lr=0.03)"


def torch_program(
    folder: Path,
    optimizer: str = ADAMW,
    schedule: str = "",
    loader: str = "batch_size=16, shuffle=True",
) -> Recipe:
    step = "scheduler.step()" if schedule else "pass"
    text = TORCH.format(loader=loader, optimizer=optimizer, schedule=schedule, step=step)
    return read(folder, train=text)


def test_the_top_of_one_cycle_is_as_written(tmp_path: Path) -> None:
    cycle = (
        "scheduler = torch.optim.lr_scheduler.OneCycleLR("
        "optimizer, 0.03, epochs=3, steps_per_epoch=len(loader))"
    )
    assert torch_program(tmp_path, schedule=cycle).get("rate.peak").value == 0.03


def test_a_warmup_in_updates_needs_no_number_of_batches(tmp_path: Path) -> None:
    schedule = "scheduler = get_linear_schedule_with_warmup(optimizer, 100, len(loader) * 3)"
    found = torch_program(tmp_path, schedule=schedule).get("warmup.length")
    assert (found.value, found.unit) == (100, "steps")


@pytest.mark.parametrize(("given", "length"), [("", None), (", warmup_steps=100", 100)])
def test_an_optimizer_that_warms_up_by_itself(tmp_path: Path, given: str, length: int | None) -> None:
    optimizer = f"schedulefree.AdamWScheduleFree(model.parameters(), lr=0.01{given})"
    assert torch_program(tmp_path, optimizer).get("warmup.length").value == length


@pytest.mark.parametrize(
    ("sampler", "size"),
    [("FewShot(labels)", None), ("torch.utils.data.BatchSampler(order, 24, False)", 24)],
)
def test_a_batch_sampler_makes_the_batches(tmp_path: Path, sampler: str, size: int | None) -> None:
    recipe = torch_program(tmp_path, loader=f"batch_sampler={sampler}")
    assert recipe.get("batch.per_device").value == size


def test_defaults_from_a_config_that_is_not_given(tmp_path: Path) -> None:
    recipe = read(
        tmp_path,
        train="""
        import argparse
        import torch
        import yaml

        first = argparse.ArgumentParser()
        first.add_argument("--config", default="", type=str)
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", default=0.05, type=float)


        def parse():
            given, rest = first.parse_known_args()
            if given.config:
                with open(given.config) as file:
                    parser.set_defaults(**yaml.safe_load(file))
            return parser.parse_args(rest)


        args = parse()
        model = torch.nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
        for epoch in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                torch.nn.functional.mse_loss(model(x), y).backward()
                optimizer.step()
        """,
    )
    assert recipe.get("optimizer.lr").value == 0.05


MODULE = """
    from argparse import ArgumentParser

    import pytorch_lightning as pl
    import torch
    from data import Images


    class {name}(pl.LightningModule):
        def __init__(self, lr=0.01, optimizer=torch.optim.{optimizer}):
            super().__init__()
            self.optimizer = optimizer
            self.lr = lr
            self.net = torch.nn.Linear(4, 1)

        def training_step(self, batch, index):
            return self.net(batch).sum()

        def configure_optimizers(self):
            return self.optimizer(self.parameters(), lr=self.lr)


    def cli_main():
        parser = ArgumentParser()
        parser.add_argument("--batch_size", type=int, default=256)
        args = parser.parse_args()
        trainer = pl.Trainer(max_epochs={epochs})
        trainer.fit({name}(), datamodule=Images.from_argparse_args(args))


    if __name__ == "__main__":
        cli_main()
"""
DATA = """
    import pytorch_lightning as pl
    from torch.utils.data import DataLoader


    class Images(pl.LightningDataModule):
        def __init__(self, batch_size: int = 32):
            super().__init__()
            self.batch_size = batch_size

        def train_dataloader(self):
            return DataLoader(self.images, batch_size=self.batch_size, shuffle=True)
"""


def test_scripts_that_import_one_another(tmp_path: Path) -> None:
    mine = MODULE.format(name="Mine", optimizer="Adam", epochs=7)
    other = MODULE.format(name="Other", optimizer="SGD", epochs=90)
    recipe = read(tmp_path, train="from other import Other\n" + dedent(mine), other=other, data=DATA)
    assert recipe.get("train.epochs").value == 7
    assert recipe.get("optimizer.name").value == "adam"
    assert recipe.get("optimizer.lr").value == 0.01
    assert recipe.get("batch.per_device").value == 256


def test_a_function_handed_on_under_the_name_of_an_own_one_is_reached(tmp_path: Path) -> None:
    recipe = read(
        tmp_path,
        train="""
        import engine

        engine.run(engine.train)
        """,
        engine="""
        import steps
        import torch


        def train():
            steps.go()


        def run(function):
            train = function
            train()
        """,
        steps="""
        import torch


        def go():
            model = torch.nn.Linear(4, 1)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            for epoch in range(3):
                for x, y in loader:
                    optimizer.zero_grad()
                    torch.nn.functional.mse_loss(model(x), y).backward()
                    optimizer.step()
        """,
    )
    assert recipe.get("optimizer.lr").value == 0.1
