"""Programs whose loop is a library's: what the recipe says of them, and what it must leave unknown."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from trainlint.linter import recipes
from trainlint.recipe.model import Recipe, State
from trainlint.settings.model import Settings

FINE_TUNE = """\
    from datasets import load_dataset
    from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments

    data = load_dataset("imdb")
    model = AutoModelForSequenceClassification.from_pretrained("distilbert-base-uncased")
    {before}
    args = TrainingArguments("out"{args})
    trainer = Trainer(model=model, args=args, train_dataset={data}{trainer})
    trainer.train()
"""
MODULE = """\
import lightning as L
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

class Classifier(L.LightningModule):
    def __init__(self, rate=0.05, epochs=20, fancy=False):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))

    def training_step(self, batch, index):
        x, y = batch
        return nn.functional.cross_entropy(self.net(x), y)

    def configure_optimizers(self):
{configure}

def main():
    L.seed_everything({seed})
    loader = DataLoader(MNIST("data", transform=ToTensor()), batch_size=32, shuffle=True)
    trainer = L.Trainer({trainer})
    trainer.fit(Classifier({module}), loader)

if __name__ == "__main__":
    main()
"""
SGD = "optimizer = torch.optim.SGD(self.parameters(), lr=self.hparams.rate, momentum=0.9)\n"
LOOP = """\
    import timm
    import torch
    {head}

    def main():
        {body}
        for epoch in range(epochs):
            for x, y in loader:
                loss = torch.nn.functional.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            {end}

    if __name__ == "__main__":
        main()
"""


def read(folder: Path, text: str, **others: str) -> Recipe:
    (folder / "trainlint.toml").write_text("")
    (folder / "train.py").write_text(dedent(text))
    for name, more in others.items():
        (folder / f"{name}.py").write_text(dedent(more))
    found = [each for each in recipes([folder], Settings(jobs=1)) if each.entry == "train.py"]
    assert len(found) == 1
    return found[0]


def shown(recipe: Recipe, *paths: str) -> list[str]:
    """The values at these paths as text; "?" for unknown."""
    texts = []
    for path in paths:
        value = recipe.get(path)
        if value.state is State.OFF:
            texts.append("off")
        elif value.state is State.UNKNOWN:
            texts.append("?")
        else:
            texts.append(f"{value.value} {value.unit}".strip() if "length" in path else str(value.value))
    return texts


def order(recipe: Recipe) -> list[str]:
    """The order of each training loader, "?" where it is unknown."""
    return [
        str(each["loader.order"].value) if each["loader.order"].known else "?"
        for each in recipe.groups["loaders"]
        if each["loader.role"].value == "train"
    ]


def fine_tune(
    folder: Path, args: str = "", trainer: str = "", before: str = "", data: str = 'data["train"]'
) -> Recipe:
    text = dedent(FINE_TUNE).format(
        args=", " + args if args else "", trainer=", " + trainer if trainer else "", before=before, data=data
    )
    return read(folder, text)


def module(
    folder: Path, configure: str, trainer: str = "max_epochs=20", module: str = "", seed: str = "7"
) -> Recipe:
    body = "\n".join(f"        {line}" for line in dedent(configure).strip().splitlines())
    return read(folder, MODULE.format(configure=body, trainer=trainer, module=module, seed=seed))


def test_the_defaults_of_the_hugging_face_trainer(tmp_path: Path) -> None:
    recipe = fine_tune(tmp_path)
    assert shown(
        recipe, "optimizer.name", "optimizer.lr", "optimizer.weight_decay", "schedule.name", "warmup.length"
    ) == ["adamw", "5e-05", "0.0", "linear", "off"]
    assert shown(recipe, "batch.per_device", "batch.effective", "train.length", "repro.seed") == [
        "8", "8", "3 epochs", "42",
    ]  # fmt: skip
    assert recipe.get("optimizer.lr").state is State.DEFAULT
    assert order(recipe) == ["random"]
    assert recipe.curve and recipe.get("schedule.shape").value == "decaying"
    assert [each["optimizer.name"].value for each in recipe.groups["optimizers"]] == ["adamw"]


def test_settings_that_are_given(tmp_path: Path) -> None:
    recipe = fine_tune(
        tmp_path,
        "learning_rate=2e-5, per_device_train_batch_size=16, gradient_accumulation_steps=4,"
        " num_train_epochs=10,"
        " lr_scheduler_type='cosine', warmup_ratio=0.1, weight_decay=0.01, seed=3, optim='sgd'",
    )
    assert shown(recipe, "optimizer.name", "optimizer.lr", "optimizer.weight_decay", "schedule.name") == [
        "sgd", "2e-05", "0.01", "cosine",
    ]  # fmt: skip
    assert shown(recipe, "warmup.length", "batch.effective", "train.length", "repro.seed") == [
        "1.0 epochs", "64", "10 epochs", "3",
    ]  # fmt: skip
    assert recipe.get("optimizer.lr").state is State.EXPLICIT


@pytest.mark.parametrize(
    ("args", "length", "warmup"),
    [
        ("max_steps=1000, warmup_steps=100", "1000 steps", "100 steps"),
        ("max_steps=1000, warmup_ratio=0.05", "1000 steps", "50 steps"),
        ("max_steps=1000, warmup_steps=0.05", "1000 steps", "50 steps"),
        ("warmup_steps=100, warmup_ratio=0.5", "3 epochs", "100 steps"),
        ("lr_scheduler_type='constant', warmup_steps=100", "3 epochs", "off"),
        ("lr_scheduler_type='constant_with_warmup', max_steps=50, warmup_steps=10", "50 steps", "10 steps"),
        ("num_train_epochs=2.5", "2.5 epochs", "off"),
    ],
)
def test_length_and_warmup_of_the_hugging_face_trainer(
    tmp_path: Path, args: str, length: str, warmup: str
) -> None:
    assert shown(fine_tune(tmp_path, args), "train.length", "warmup.length") == [length, warmup]


def test_members_of_enumerations_stand_for_names(tmp_path: Path) -> None:
    head = "from transformers import SchedulerType"
    recipe = fine_tune(tmp_path, "lr_scheduler_type=SchedulerType.POLYNOMIAL", before=head)
    assert shown(recipe, "schedule.name") == ["poly"]


@pytest.mark.parametrize(
    ("args", "trainer", "field", "reason"),
    [
        ("learning_rate=tune()", "", "optimizer.lr", "learning_rate=elsewhere.tune"),
        ("optim='lomo'", "", "optimizer.name", "optim='lomo' is not described"),
        ("optim_args='a=1'", "", "optimizer.name", "optim_args"),
        ("deepspeed='ds.json'", "", "optimizer.name", "DeepSpeed"),
        ("deepspeed='ds.json'", "", "schedule.name", "DeepSpeed"),
        ("auto_find_batch_size=True", "", "batch.per_device", "auto_find_batch_size"),
        ("num_train_epochs=tune()", "", "train.length", "num_train_epochs=elsewhere.tune"),
        ("lr_scheduler_type=tune()", "", "schedule.name", "lr_scheduler_type=elsewhere.tune"),
        ("lr_scheduler_type='greedy'", "", "schedule.name", "greedy is no schedule that is known"),
        ("warmup_ratio=tune()", "", "warmup.length", "warmup_ratio=elsewhere.tune"),
        ("**tune()", "", "optimizer.lr", "learning_rate may come from a starred argument"),
        ("", "optimizers=tune()", "optimizer.name", "Trainer(…) is given an optimizer"),
        ("", "optimizers=tune()", "schedule.name", "Trainer(…) is given a schedule"),
        ("", "**tune()", "optimizer.lr", "what Trainer(…) is given"),
        ("True, 4", "", "optimizer.lr", "by position"),
    ],
)
def test_what_stays_unknown_names_what_stopped_it(
    tmp_path: Path, args: str, trainer: str, field: str, reason: str
) -> None:
    recipe = fine_tune(tmp_path, args, trainer, before="from elsewhere import tune")
    value = recipe.get(field)
    assert value.state is State.UNKNOWN
    assert reason in value.reason


@pytest.mark.parametrize(
    ("args", "trainer", "data", "wanted"),
    [
        ("group_by_length=True", "", 'data["train"]', "?"),
        ("train_sampling_strategy='sequential'", "", 'data["train"]', "file"),
        ("", "", 'load_dataset("c4", streaming=True)["train"]', "?"),
        ("", "", 'load_dataset("c4", streaming=flag())["train"]', "?"),
        ("", "", "flag()", "?"),
        ("", "", 'data["train"].map(str).select(range(99))', "random"),
    ],
)
def test_the_order_of_the_training_samples(
    tmp_path: Path, args: str, trainer: str, data: str, wanted: str
) -> None:
    assert order(fine_tune(tmp_path, args, trainer, "from elsewhere import flag", data)) == [wanted]


def test_settings_changed_after_they_were_made(tmp_path: Path) -> None:
    text = dedent(FINE_TUNE).format(args="", trainer="", before="", data='data["train"]')
    changed = text.replace("trainer =", "args.learning_rate = 0.01\ntrainer =")
    assert shown(read(tmp_path, changed), "optimizer.lr", "batch.per_device") == ["?", "8"]
    setter = text.replace("trainer =", 'args = args.set_optimizer(name="sgd")\ntrainer =')
    assert shown(read(tmp_path, setter), "optimizer.lr", "optimizer.name") == ["?", "?"]


def test_a_trainer_without_settings_takes_the_defaults(tmp_path: Path) -> None:
    text = dedent(FINE_TUNE).format(args="", trainer="", before="", data='data["train"]')
    recipe = read(tmp_path, text.replace("args=args, ", ""))
    assert shown(recipe, "optimizer.lr", "train.length", "repro.seed") == ["5e-05", "3 epochs", "42"]


SUBCLASS = """\
    from datasets import load_dataset
    from torch.optim import SGD
    from transformers import AutoModel, Trainer, TrainingArguments

    class Own(Trainer):
        def {method}(self, *args, **kwargs):
            return super().{method}(*args, **kwargs)

    data = load_dataset("imdb")
    model = AutoModel.from_pretrained("bert")
    trainer = Own(model=model, args=TrainingArguments("out"), train_dataset=data["train"])
    trainer.train()
"""


@pytest.mark.parametrize(
    ("method", "unknown"),
    [
        ("compute_loss", []),
        ("create_optimizer", ["optimizer.name", "optimizer.lr"]),
        ("create_scheduler", ["schedule.name", "warmup.length"]),
        ("create_optimizer_and_scheduler", ["optimizer.name", "schedule.name"]),
        ("get_train_dataloader", ["order"]),
        ("_get_train_sampler", ["order"]),
    ],
)
def test_a_subclass_decides_what_it_overrides(tmp_path: Path, method: str, unknown: list[str]) -> None:
    recipe = read(tmp_path, dedent(SUBCLASS).format(method=method))
    paths = ("optimizer.name", "optimizer.lr", "schedule.name", "warmup.length")
    found = {path for path in paths if recipe.get(path).state is State.UNKNOWN}
    found |= {"order"} if order(recipe) == ["?"] else set()
    if method in ("create_optimizer", "create_optimizer_and_scheduler"):
        assert set(unknown) <= found
    else:
        assert set(unknown) == found
    for path in unknown:
        if path != "order":
            assert f"Own.{method}" in recipe.get(path).reason
    assert shown(recipe, "batch.per_device", "repro.seed", "repro.seeded") == ["8", "42", "True"]


def test_an_optimizer_that_the_trainer_is_given_still_has_its_schedule(tmp_path: Path) -> None:
    recipe = fine_tune(
        tmp_path,
        trainer="optimizers=(SGD(model.parameters(), lr=0.1), None)",
        before="from torch.optim import SGD",
    )
    assert shown(recipe, "optimizer.name", "optimizer.lr", "schedule.name", "warmup.length") == [
        "sgd", "0.1", "linear", "off",
    ]  # fmt: skip
    assert recipe.get("optimizer.schedule.steps_rate").value is True


def test_two_trainers_are_not_one_recipe(tmp_path: Path) -> None:
    text = dedent(FINE_TUNE).format(args="", trainer="", before="", data='data["train"]')
    again = 'other = Trainer(model=model, args=TrainingArguments("b", learning_rate=1e-3))\nother.train()\n'
    recipe = read(tmp_path, text + again)
    assert shown(recipe, "optimizer.lr", "schedule.name", "train.epochs") == ["?", "?", "?"]
    assert "several Trainer(…) train" in recipe.get("optimizer.lr").reason


COMMAND_LINE = """\
    from dataclasses import dataclass, field
    import os
    import sys
    import transformers
    from datasets import load_dataset
    from transformers import AutoModel, HfArgumentParser, Trainer

    @dataclass
    class DataArguments:
        name: str = field(default="imdb")

    @dataclass
    class Arguments(transformers.TrainingArguments):
        optim: str = field(default="adamw_torch")
        learning_rate: float = field(default=1e-4)
        num_train_epochs: float = 6.0

    def main():
        parser = HfArgumentParser((DataArguments, {arguments}))
        if len(sys.argv) == 2 and sys.argv[1].endswith(".json"):
            data_args, training_args = parser.parse_json_file(json_file=os.path.abspath(sys.argv[1]))
        else:
            data_args, training_args = parser.parse_args_into_dataclasses()
        transformers.set_seed(training_args.seed)
        data = load_dataset(data_args.name)
        model = AutoModel.from_pretrained("bert")
        trainer = Trainer(
            model=model, args=training_args, train_dataset=data["train"] if training_args.do_train else None
        )
        if training_args.do_train:
            trainer.train()

    if __name__ == "__main__":
        main()
"""


def test_settings_that_a_parser_fills(tmp_path: Path) -> None:
    recipe = read(tmp_path, dedent(COMMAND_LINE).format(arguments="Arguments"))
    paths = ("optimizer.name", "optimizer.lr", "schedule.name", "train.length", "batch.per_device")
    assert shown(recipe, *paths) == [
        "adamw", "0.0001", "linear", "6 epochs", "8",
    ]  # fmt: skip
    plain = read(tmp_path, dedent(COMMAND_LINE).format(arguments="transformers.TrainingArguments"))
    assert shown(plain, "optimizer.name", "optimizer.lr", "train.length", "repro.seed") == [
        "adamw", "5e-05", "3 epochs", "42",
    ]  # fmt: skip


def test_launch_lines_give_settings(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text(
        "#!/bin/sh\ntorchrun --nproc_per_node 4 train.py --learning_rate 3e-4 --warmup_ratio 0.1"
        " --per_device_train_batch_size 2 --num_train_epochs 20\n"
    )
    recipe = read(tmp_path, dedent(COMMAND_LINE).format(arguments="Arguments"))
    paths = ("optimizer.lr", "batch.per_device", "batch.effective", "train.length", "warmup.length")
    assert shown(recipe, *paths) == [
        "0.0003", "2", "8", "20 epochs", "2.0 epochs",
    ]  # fmt: skip


def test_settings_from_a_file_are_unknown(tmp_path: Path) -> None:
    only_file = (
        dedent(COMMAND_LINE)
        .format(arguments="Arguments")
        .replace("parser.parse_args_into_dataclasses()", 'parser.parse_json_file("settings.json")')
    )
    assert shown(read(tmp_path, only_file), "optimizer.lr", "batch.per_device") == ["?", "?"]


def test_each_trl_trainer_has_defaults_of_its_own(tmp_path: Path) -> None:
    text = """\
        from datasets import load_dataset
        from trl import {name}Config, {name}Trainer

        args = {name}Config(output_dir="out"{more})
        data = load_dataset("imdb", split="train")
        trainer = {name}Trainer(model="facebook/opt-350m", args=args, train_dataset=data)
        trainer.train()
    """
    for name, rate in (("SFT", "2e-05"), ("DPO", "1e-06"), ("Reward", "0.0001"), ("KTO", "1e-06")):
        recipe = read(tmp_path, dedent(text).format(name=name, more=""))
        assert shown(recipe, "optimizer.lr", "schedule.name", "train.length", "meta.purpose") == [
            rate, "linear", "3 epochs", "finetune",
        ]  # fmt: skip
        assert order(recipe) == (["?"] if name == "KTO" else ["random"])
    (tmp_path / "requirements.txt").write_text("trl==0.11.4\n")
    assert shown(read(tmp_path, dedent(text).format(name="SFT", more="")), "optimizer.lr")[0] in (
        "5e-05",
        "2e-05",
    )


def test_what_lightning_configures(tmp_path: Path) -> None:
    shapes = {
        "return optimizer": "constant",
        "return [optimizer]": "constant",
        "return [optimizer], [schedule]": "cosine",
        "return [optimizer], [{'scheduler': schedule, 'interval': 'epoch'}]": "cosine",
        "return {'optimizer': optimizer, 'lr_scheduler': schedule}": "cosine",
        "return {'optimizer': optimizer, 'lr_scheduler': {'scheduler': schedule, 'name': 'a'}}": "cosine",
        "return ({'optimizer': optimizer, 'lr_scheduler': schedule},)": "cosine",
    }
    for returned, name in shapes.items():
        made = (
            "" if name == "constant" else "schedule = lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)\n"
        )
        recipe = module(tmp_path, SGD + made + returned)
        assert shown(recipe, "optimizer.name", "optimizer.lr", "schedule.name", "warmup.length") == [
            "sgd", "0.05", name, "off",
        ], returned  # fmt: skip
        assert shown(recipe, "batch.effective", "train.length", "repro.seed") == ["32", "20 epochs", "7"]
        assert order(recipe) == ["random"]
        assert recipe.curve
        assert (recipe.curve[-1] < 0.001) is (name == "cosine")


def test_hyperparameters_are_what_the_constructor_was_given(tmp_path: Path) -> None:
    recipe = module(tmp_path, SGD + "return optimizer", module="rate=0.2")
    assert shown(recipe, "optimizer.lr") == ["0.2"]
    assert shown(module(tmp_path, SGD + "return optimizer", module="**elsewhere"), "optimizer.lr") == ["?"]
    item = SGD.replace("self.hparams.rate", 'self.hparams["rate"]')
    assert shown(module(tmp_path, item + "return optimizer", module="0.3"), "optimizer.lr") == ["0.3"]


def test_schedules_that_the_trainer_steps_every_update(tmp_path: Path) -> None:
    made = SGD + (
        "schedule = lr_scheduler.OneCycleLR(optimizer, max_lr=0.5,"
        " total_steps=self.trainer.estimated_stepping_batches)\n"
        "return {'optimizer': optimizer, 'lr_scheduler': {'scheduler': schedule, 'interval': '%s'}}"
    )
    recipe = module(tmp_path, made % "step")
    assert shown(recipe, "schedule.name", "warmup.length", "schedule.shape") == [
        "onecycle",
        "6 epochs",
        "decaying",
    ]
    accumulated = module(tmp_path, made % "step", trainer="max_epochs=20, accumulate_grad_batches=4")
    assert shown(accumulated, "warmup.length", "batch.effective") == ["6 epochs", "128"]
    assert accumulated.curve[-1] < 0.01
    # Stepped once an epoch, it would still be warming up at the end.
    assert shown(module(tmp_path, made % "epoch"), "schedule.shape") != ["decaying"]


@pytest.mark.parametrize(
    ("configure", "trainer", "field", "reason"),
    [
        (SGD + "return elsewhere(optimizer)", "max_epochs=9", "schedule.name", "elsewhere"),
        ("return super().configure_optimizers()", "", "optimizer.lr", "configure_optimizers returns"),
        (
            SGD + "if self.unread:\n    return optimizer\n"
            "return torch.optim.Adam(self.parameters(), lr=1e-3)",
            "max_epochs=9", "optimizer.name", "hangs on a condition",
        ),
        (SGD + "return optimizer", "max_epochs=elsewhere()", "train.epochs", "max_epochs=the result of"),
        (SGD + "return optimizer", "max_epochs=-1", "train.epochs", "no end"),
        (SGD + "return optimizer", "**elsewhere()", "train.epochs", "starred argument"),
        (SGD + "return optimizer", "fast_dev_run=True", "train.epochs", "fast_dev_run"),
        (SGD + "return optimizer", "max_time='00:12:00:00'", "train.epochs", "max_time"),
        (SGD + "return optimizer", "accumulate_grad_batches={5: 2}", "batch.grad_accum", "accumulate_grad"),
    ],
)  # fmt: skip
def test_what_stays_unknown_of_lightning(
    tmp_path: Path, configure: str, trainer: str, field: str, reason: str
) -> None:
    value = module(tmp_path, configure, trainer).get(field)
    assert value.state is State.UNKNOWN
    assert reason in value.reason


@pytest.mark.parametrize(
    ("trainer", "length", "devices"),
    [
        ("", "1000 epochs", "?"),
        ("max_steps=5000", "5000 steps", "?"),
        ("max_epochs=5, max_steps=5000", "?", "?"),
        ("max_epochs=30, devices=2, num_nodes=3", "30 epochs", "6"),
        ("max_epochs=30, devices=[0, 1]", "30 epochs", "2"),
        ("max_epochs=30, devices=-1", "30 epochs", "?"),
        ("max_epochs=30, devices='auto'", "30 epochs", "?"),
        ("max_epochs=30, gpus=4", "30 epochs", "4"),
        ("max_epochs=30, gpus=4, accelerator='dp'", "30 epochs", "?"),
    ],
)
def test_length_and_devices_of_lightning(tmp_path: Path, trainer: str, length: str, devices: str) -> None:
    recipe = module(tmp_path, SGD + "return optimizer", trainer)
    assert shown(recipe, "train.length", "batch.devices") == [length, devices]


def test_only_the_optimizers_of_the_module_that_is_trained_count(tmp_path: Path) -> None:
    other = """
    import lightning as L
    import torch

    class Other(L.LightningModule):
        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=1.0)
    """
    body = "\n".join(f"        {line}" for line in (SGD + "return optimizer").splitlines())
    text = MODULE.format(configure=body, trainer="max_epochs=9", module="", seed="7")
    text = text.replace("import torch\n", "import torch\nfrom other import Other\n", 1)
    recipe = read(tmp_path, text.replace("    trainer.fit", "    Other()\n    trainer.fit"), other=other)
    assert shown(recipe, "optimizer.name", "optimizer.lr") == ["sgd", "0.05"]


def test_loaders_handed_to_fit_have_roles(tmp_path: Path) -> None:
    body = "\n".join(f"        {line}" for line in (SGD + "return optimizer").splitlines())
    text = MODULE.format(configure=body, trainer="max_epochs=9", module="", seed="7")
    text = text.replace("), loader)", "), first, second)").replace("loader = ", "first = ")
    text = text.replace(
        "    trainer = L", '    second = DataLoader(MNIST("b"), batch_size=9)\n    trainer = L'
    )
    roles = [each["loader.role"].value for each in read(tmp_path, text).groups["loaders"]]
    assert roles == ["train", "eval"]


ACCELERATED = """\
    import torch
    from accelerate import Accelerator
    from torch.utils.data import DataLoader
    from torchvision.datasets import MNIST
    from torchvision.transforms import ToTensor
    from transformers import get_scheduler

    def main():
        accelerator = Accelerator({accelerator})
        loader = DataLoader(MNIST("data", transform=ToTensor()), batch_size=64, shuffle=True)
        model = torch.nn.Linear(784, 10)
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
        scheduler = get_scheduler({name}, optimizer, num_warmup_steps={warmup}, num_training_steps={length})
        model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
        for epoch in range(10):
            for x, y in loader:
                with accelerator.accumulate(model):
                    loss = torch.nn.functional.cross_entropy(model(x.flatten(1)), y)
                    accelerator.backward(loss)
                    optimizer.step()
                    scheduler.step()
                    optimizer.zero_grad()

    if __name__ == "__main__":
        main()
"""


def accelerated(folder: Path, accelerator: str = "", **given: str) -> Recipe:
    values = {"name": '"linear"', "warmup": "0", "length": "len(loader) * 10", **given}
    return read(folder, dedent(ACCELERATED).format(accelerator=accelerator, **values))


def test_a_prepared_schedule_counts_updates(tmp_path: Path) -> None:
    recipe = accelerated(tmp_path)
    assert shown(recipe, "schedule.name", "warmup.length", "batch.effective") == ["linear", "off", "64"]
    assert recipe.curve[-1] < 1e-5
    processes = accelerated(tmp_path, length="len(loader) * 10 * accelerator.num_processes")
    assert processes.curve == recipe.curve
    accumulated = accelerated(tmp_path, "gradient_accumulation_steps=4", length="len(loader) * 10 // 4")
    assert shown(accumulated, "schedule.name", "batch.effective", "batch.grad_accum") == [
        "linear",
        "256",
        "4",
    ]
    assert 0 < accumulated.curve[-1] < 1.5e-5 < accumulated.curve[len(accumulated.curve) // 2]
    # Not shortened for the accumulation, the schedule ends at a quarter of its way.
    assert accelerated(tmp_path, "gradient_accumulation_steps=4").curve[-1] > 2e-4


def test_what_stays_unknown_of_accelerate(tmp_path: Path) -> None:
    unread = accelerated(tmp_path, "gradient_accumulation_steps=elsewhere()")
    assert shown(unread, "batch.grad_accum", "rate.final_ratio") == ["?", "?"]
    assert "gradient_accumulation_steps" in unread.get("batch.grad_accum").reason
    unnamed = accelerated(tmp_path, name="elsewhere()")
    assert shown(unnamed, "schedule.name") == ["?"]
    assert "get_scheduler(name=…)" in unnamed.get("schedule.name").reason


TIMM = """\
import argparse
from timm.data import create_dataset, create_loader
from timm.optim import create_optimizer, create_optimizer_v2, optimizer_kwargs
from timm.scheduler import CosineLRScheduler, create_scheduler, create_scheduler_v2, scheduler_kwargs
from timm.utils import random_seed

parser = argparse.ArgumentParser()
parser.add_argument("--opt", default="adamw")
parser.add_argument("--lr", type=float, default=2e-3)
parser.add_argument("--weight-decay", type=float, default=0.05)
parser.add_argument("--momentum", type=float, default=0.9)
parser.add_argument("--sched", default="cosine")
parser.add_argument("--epochs", type=int, default=100)
parser.add_argument("--warmup-epochs", type=int, default=5)
parser.add_argument("--cooldown-epochs", type=int, default={cooldown})
parser.add_argument("--batch-size", type=int, default=128)
"""
DATA = """\
args = parser.parse_args()
random_seed(7)
model = timm.create_model("resnet50")
data = create_dataset("", root="data", split="train", is_training=True)
loader = create_loader(data, input_size=(3, 224, 224), batch_size=args.batch_size, is_training=True)
"""


def with_timm(folder: Path, body: str, cooldown: int = 0) -> Recipe:
    head = TIMM.format(cooldown=cooldown)
    lines = ("\n" + " " * 4).join((DATA + dedent(body)).strip().splitlines())
    text = dedent(LOOP).replace("{head}", head).replace("    {body}", "    " + lines)
    return read(folder, text.replace("{end}", "scheduler.step(epoch + 1)"))


@pytest.mark.parametrize(
    "body",
    [
        "optimizer = create_optimizer_v2(model, **optimizer_kwargs(cfg=args))\n"
        "scheduler, epochs = create_scheduler_v2(optimizer, **scheduler_kwargs(args), updates_per_epoch=9)",
        "optimizer = create_optimizer(args, model)\nscheduler, epochs = create_scheduler(args, optimizer)",
        "optimizer = create_optimizer_v2(model, 'adamw', lr=2e-3)\n"
        "scheduler, epochs = create_scheduler_v2(optimizer, num_epochs=100, warmup_epochs=5)",
        "optimizer = create_optimizer_v2(model, opt='AdamW', lr=args.lr)\nepochs = args.epochs\n"
        "scheduler = CosineLRScheduler(optimizer, t_initial=args.epochs, warmup_t=args.warmup_epochs)",
    ],
)
def test_timm_factories(tmp_path: Path, body: str) -> None:
    recipe = with_timm(tmp_path, body)
    assert shown(recipe, "optimizer.name", "optimizer.lr", "optimizer.momentum", "schedule.name") == [
        "adamw", "0.002", "off", "cosine",
    ]  # fmt: skip
    assert shown(recipe, "warmup.length", "train.length", "batch.effective", "repro.seed") == [
        "5 epochs", "100 epochs", "128", "7",
    ]  # fmt: skip
    assert order(recipe) == ["random"]


def test_defaults_of_timm_factories(tmp_path: Path) -> None:
    body = "optimizer = create_optimizer_v2(model)\nscheduler, epochs = create_scheduler_v2(optimizer)"
    recipe = with_timm(tmp_path, body)
    paths = ("optimizer.name", "optimizer.lr", "optimizer.momentum", "optimizer.weight_decay")
    assert shown(recipe, *paths) == [
        "sgd", "0.001", "0.9", "0.0",
    ]  # fmt: skip
    assert shown(recipe, "schedule.name", "warmup.length", "train.length") == ["cosine", "off", "300 epochs"]


def test_epochs_of_a_cyclic_schedule_have_the_cooldown_on_top(tmp_path: Path) -> None:
    body = "optimizer = create_optimizer(args, model)\nscheduler, epochs = create_scheduler(args, optimizer)"
    assert shown(with_timm(tmp_path, body, cooldown=10), "train.length") == ["110 epochs"]
    steps = body.replace("scheduler, epochs", "args.sched = 'step'\nscheduler, epochs")
    assert shown(with_timm(tmp_path, steps, cooldown=10), "train.length")[0] in ("100 epochs", "?")


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ("optimizer = create_optimizer_v2(model, opt=elsewhere())", "optimizer.name", "opt="),
        ("optimizer = create_optimizer_v2(model, **elsewhere())", "optimizer.name", "starred argument"),
        ("optimizer = create_optimizer_v2(model, 'kron')", "optimizer.name", "create_optimizer_v2('kron')"),
        ("optimizer = create_optimizer_v2(model, lr=elsewhere())", "optimizer.lr", "elsewhere"),
        ("scheduler, epochs = create_scheduler_v2(optimizer, sched=elsewhere())", "schedule.name",
         "create_scheduler_v2(sched=…)"),
        ("scheduler, epochs = create_scheduler_v2(optimizer, warmup_epochs=elsewhere())", "warmup.length",
         "create_scheduler_v2(…)"),
        ("scheduler, epochs = create_scheduler_v2(optimizer, num_epochs=elsewhere())", "train.length",
         "create_scheduler_v2(…)"),
        ("scheduler, epochs = create_scheduler_v2(optimizer, warmup_prefix=True)", "train.length", "warmup"),
    ],
)  # fmt: skip
def test_what_stays_unknown_of_timm(tmp_path: Path, body: str, field: str, reason: str) -> None:
    made = "" if body.startswith("optimizer") else "optimizer = create_optimizer_v2(model)\n"
    after = "" if body.startswith("scheduler") else "\nscheduler, epochs = create_scheduler_v2(optimizer)"
    value = with_timm(tmp_path, "from own import elsewhere\n" + made + body + after).get(field)
    assert value.state is State.UNKNOWN
    assert reason in value.reason


RUN_WHEN_MADE = """\
import lightning as L
import torch
from lightning.pytorch.cli import LightningCLI
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


class Rows(L.LightningModule):
    def __init__(self, lr: float = 0.1):
        super().__init__()
        self.save_hyperparameters()
        self.rows = nn.LSTM(28, 64)

    def training_step(self, batch, index):
        return self.rows(batch[0])[0].mean()

    def train_dataloader(self):
        digits = datasets.MNIST("data", transform=transforms.ToTensor())
        return DataLoader(digits, batch_size=64, shuffle=True)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)


class Own(LightningCLI):
    pass


if __name__ == "__main__":
    %s
"""


@pytest.mark.parametrize("name", ["LightningCLI", "Own"])
def test_lightnings_command_line_runs_when_it_is_made(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.py").write_text(RUN_WHEN_MADE % f"{name}(Rows, trainer_defaults={{'max_epochs': 40}})")
    [recipe] = recipes([tmp_path])
    assert shown(recipe, "optimizer.lr", "train.epochs", "repro.seeded") == ["0.1", "40", "True"]
    # A config file or the command line may set gradient_clip_val.
    assert recipe.get("train.clips").state is State.UNKNOWN


def test_lightnings_command_line_that_only_parses(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(RUN_WHEN_MADE % "LightningCLI(Rows, run=False)")
    assert [each.get("train.epochs").value for each in recipes([tmp_path])] in ([], [None])
