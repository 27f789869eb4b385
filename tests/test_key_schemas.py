"""`trainlint schema`: what the JSON Schemas refuse is what the rules about keys report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
import yaml

from trainlint.cli import main
from trainlint.commands.schema import schema_names
from trainlint.knowledge.formats import load_formats
from trainlint.knowledge.key_schemas import format_schema, formats_with_keys
from trainlint.knowledge.key_tables import key_table
from trainlint.linter import lint
from trainlint.settings.model import Settings

NO_REMOTE: referencing.Registry[Any] = referencing.Registry()

AXOLOTL = {
    "base_model": "NousResearch/Llama-3.2-1B",
    "datasets": [{"path": "a/b", "type": "alpaca"}],
    "micro_batch_size": 2,
    "num_epochs": 1,
    "optimizer": "adamw_torch",
    "learning_rate": 0.0002,
}
FACTORY = {
    "stage": "sft",
    "model_name_or_path": "meta-llama/Meta-Llama-3-8B-Instruct",
    "finetuning_type": "lora",
    "template": "llama3",
    "output_dir": "out",
    "learning_rate": 0.0001,
}
YOLO = {"task": "detect", "mode": "train", "imgsz": 640, "epochs": 10, "optimizer": "SGD", "lr0": 0.01}
PADDLE = {
    "Global": {"epochs": 300},
    "Arch": {"name": "FasterNet_L"},
    "Optimizer": {"name": "AdamW", "beta1": 0.9, "lr": {"name": "Cosine", "learning_rate": 0.001}},
    "DataLoader": {"Train": {"sampler": {"name": "DistributedBatchSampler", "batch_size": 128}}},
}
DEEPSPEED = {
    "train_micro_batch_size_per_gpu": 4,
    "bf16": {"enabled": True},
    "zero_optimization": {"stage": 3, "reduce_bucket_size": 5e8, "offload_param": {"device": "cpu"}},
}
TRANSFORMERS = {
    "output_dir": "out",
    "per_device_train_batch_size": 4,
    "learning_rate": 0.0002,
    "max_steps": 9,
}


def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(format_schema(name), registry=NO_REMOTE)


def reported(folder: Path, config: dict[str, Any]) -> bool:
    (folder / "train.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    settings = Settings(strict=True, select=("unknown-key", "wrong-type"))
    return bool(lint([folder], settings).findings)


CASES = {
    "axolotl as it should be": ("axolotl", AXOLOTL, True),
    "a key that only an old release knows": ("axolotl", {**AXOLOTL, "relora_steps": 10}, True),
    "a misspelt key": ("axolotl", {**AXOLOTL, "gradient_acumulation_steps": 2}, False),
    "a key of nobody": ("axolotl", {**AXOLOTL, "_note": 1, "x-shared": 2}, True),
    "a plugin of the user's": ("axolotl", {**AXOLOTL, "plugins": ["mine.Plugin"], "stages": 3}, True),
    "a plugin of axolotl's": (
        "axolotl",
        {**AXOLOTL, "plugins": ["axolotl.integrations.x"], "stages": 3},
        False,
    ),
    "a share among steps": ("axolotl", {**AXOLOTL, "warmup_steps": 0.1}, False),
    "no steps at all": ("axolotl", {**AXOLOTL, "warmup_steps": None}, True),
    "a whole number with a point": ("axolotl", {**AXOLOTL, "warmup_steps": 3.0}, True),
    "a number as text": ("axolotl", {**AXOLOTL, "learning_rate": "1e-4"}, True),
    "a word for a number": ("axolotl", {**AXOLOTL, "micro_batch_size": "many"}, False),
    "filled in later": ("axolotl", {**AXOLOTL, "micro_batch_size": "${SIZE}"}, True),
    "LLaMA-Factory as it should be": ("llamafactory", FACTORY, True),
    "LLaMA-Factory, misspelt": ("llamafactory", {**FACTORY, "learning_rat": 1}, False),
    "LLaMA-Factory for Megatron": ("llamafactory", {**FACTORY, "use_mca": True, "grain": 1}, True),
    "Ultralytics as it should be": ("ultralytics", YOLO, True),
    "Ultralytics, a word for a number": ("ultralytics", {**YOLO, "epochs": "many"}, False),
    "PaddleClas as it should be": ("paddleclas", PADDLE, True),
    "PaddleClas, an argument that is swallowed": (
        "paddleclas",
        {**PADDLE, "Optimizer": {**PADDLE["Optimizer"], "clip_grad": 0.01}},
        False,
    ),
    "DeepSpeed as it should be": ("deepspeed", DEEPSPEED, True),
    "DeepSpeed with keys of the client": ("deepspeed", {**DEEPSPEED, "client_key": 1}, True),
    "DeepSpeed, an unknown key of ZeRO": (
        "deepspeed",
        {**DEEPSPEED, "zero_optimization": {"stage": 2, "overlap": True}},
        False,
    ),
    "DeepSpeed, an unknown key of an offload": (
        "deepspeed",
        {**DEEPSPEED, "zero_optimization": {"stage": 2, "offload_param": {"dev": "cpu"}}},
        False,
    ),
    "Transformers with keys of the script": ("transformers", {**TRANSFORMERS, "my_flag": 1}, True),
    "Transformers, a fraction of a step": ("transformers", {**TRANSFORMERS, "max_steps": 0.5}, False),
}


@pytest.mark.parametrize(("name", "config", "fits"), CASES.values(), ids=CASES)
def test_schema_and_rules_give_one_answer(
    name: str, config: dict[str, Any], fits: bool, tmp_path: Path
) -> None:
    assert validator(name).is_valid(config) is fits
    assert reported(tmp_path, config) is not fits


@pytest.mark.parametrize("name", formats_with_keys())
def test_no_known_key_is_refused(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(format_schema(name))
    format_ = load_formats().formats[name]
    check = validator(name)
    for table in format_.key_tables:
        for key in key_table(table).keys:
            parts = key.split(".")
            config: dict[str, Any] = {parts[-1]: None}
            if ".".join(parts[:-1]) in format_.key_sections:
                for part in reversed(parts[:-1]):
                    config = {part: config}
            elif len(parts) > 1:
                section, chosen = parts[0], parts[1]
                config = {section: {**config, format_.key_sections[section]: chosen}}
            if parts[-1] not in ("**", *format_.key_sections.values()):
                assert check.is_valid(config), key


@pytest.mark.parametrize("name", schema_names())
def test_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["properties"]
    jsonschema.Draft202012Validator.check_schema(schema)


def test_an_unknown_name_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "axolotle"]) == 2
    shown = capsys.readouterr()
    assert "did you mean 'axolotl'?" in shown.err
    assert shown.out == ""


def test_what_the_newest_release_dropped_is_marked() -> None:
    offered = format_schema("transformers")["properties"]
    assert key_table("transformers").keys["evaluation_strategy"].until
    assert offered["evaluation_strategy"]["deprecated"] is True
    assert offered["evaluation_strategy"]["description"].endswith("now eval_strategy")
    assert "deprecated" not in offered["learning_rate"]


def test_what_only_code_speaks_of_is_not_offered() -> None:
    assert key_table("axolotl").keys["debug"].inner
    assert "debug" not in format_schema("axolotl")["properties"]
    assert validator("axolotl").is_valid({**AXOLOTL, "debug": True})
