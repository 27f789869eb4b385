"""Keys and types against what the releases of a trainer know."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainlint.knowledge.formats import load_formats
from trainlint.knowledge.key_tables import key_schema, key_table
from trainlint.knowledge.versions import is_before
from trainlint.linter import lint
from trainlint.settings.model import Settings

AXOLOTL = """\
base_model: NousResearch/Llama-3.2-1B
datasets:
  - {path: a/b, type: alpaca}
micro_batch_size: 2
num_epochs: 1
optimizer: adamw_torch
learning_rate: 0.0002
"""


def found(folder: Path, text: str, name: str = "train.yml", rule: str = "unknown-key") -> list[str]:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    report = lint([folder], Settings(strict=True, select=(rule,)))
    return [f"{finding.span.line} {finding.message} {finding.hint}" for finding in report.findings]


TABLES = sorted({name for each in load_formats().formats.values() for name in each.key_tables})


@pytest.mark.parametrize("name", TABLES)
def test_tables_name_their_releases_in_order(name: str) -> None:
    table = key_table(name)
    assert table.format == name
    assert list(table.versions) == sorted(table.versions, key=lambda v: [int(part) for part in v.split(".")])
    for key, known in table.keys.items():
        assert {known.since, known.until} <= {"", *table.versions[1:]}, key
        assert not known.since or not known.until or is_before(known.since, known.until), key
        assert not known.renamed or f"{key.rpartition('.')[0]}.{known.renamed}".lstrip(".") in table.keys, key
        assert known.types <= {"integer", "number", "string", "boolean", "null", "array", "object"}, key


@pytest.mark.parametrize("name", TABLES)
def test_tables_hold_keys_only(name: str) -> None:
    for key in key_table(name).keys:
        word = key.rpartition(".")[2]
        assert word == "**" or (word.isidentifier() and word not in ("False", "True", "None")), key
        assert word not in dir({}) or name != "axolotl", key


@pytest.mark.parametrize(
    ("name", "keys"),
    {
        "axolotl": [
            "adam_epsilon",
            "lora_r",
            "lora_model_dir",
            "rope_scaling",
            "val_set_size",
            "relora_steps",
        ],
        "llamafactory": ["cutoff_len", "finetuning_type", "template", "lora_rank"],
        "transformers": [
            "warmup_ratio",
            "eval_strategy",
            "evaluation_strategy",
            "fsdp_transformer_layer_cls_to_wrap",
        ],
        "ultralytics": ["imgsz", "lr0", "close_mosaic", "label_smoothing", "save_dir", "hide_labels"],
        "deepspeed": [
            "train_batch_size",
            "zero_optimization",
            "fp16",
            "tensorboard",
            "zero_optimization.stage3_gather_16bit_weights_on_model_save",
            "zero_optimization.stage3_gather_fp16_weights_on_model_save",
            "zero_optimization.cpu_offload",
            "zero_optimization.offload_param.device",
        ],
    }.items(),
)
def test_keys_that_some_release_knows_are_in(name: str, keys: list[str]) -> None:
    assert set(keys) <= set(key_table(name).keys)


def test_a_misspelt_key_is_named(tmp_path: Path) -> None:
    (line,) = found(tmp_path, AXOLOTL + "gradient_acumulation_steps: 4\n")
    assert line.startswith("8 ")
    assert "drops it without a word" in line
    assert "did you mean gradient_accumulation_steps?" in line


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (AXOLOTL + "strnge_key:\n", "train.yml"),
        (AXOLOTL + "_strnge_key: 4\n", "train.yml"),
        (AXOLOTL + "x: &x {a: 1}\nlora_config: {<<: *x}\n".replace("lora_config", "peft"), "train.yml"),
        (AXOLOTL + "strnge_key: 4\n", "archived/train.yml"),
        (AXOLOTL + "strnge_key: 4\nplugins: [mine.Plugin]\n", "train.yml"),
        ("lr: 0.1\noptimizer: sgd\nepochs: 3\nbatch_size: 2\nstrnge_key: 4\n", "train.yml"),
    ],
)
def test_silent_where_a_key_may_be_meant(tmp_path: Path, text: str, name: str) -> None:
    assert found(tmp_path, text, name) == []


def test_the_trainers_own_sources_count(tmp_path: Path) -> None:
    package = tmp_path / "src" / "axolotl"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "config.py").write_text("class New:\n    brand_new_key: int | None = None\n")
    assert found(tmp_path, AXOLOTL + "brand_new_key: 4\n") == []
    assert len(found(tmp_path, AXOLOTL + "other_new_key: 4\n")) == 1


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("0.1", True),
        ("abc", True),
        ("3.0", False),
        ("10", False),
        ("null", False),
        ("${STEPS}", False),
        ("auto", False),
    ],
)
def test_types_that_every_release_refuses(tmp_path: Path, value: str, wrong: bool) -> None:
    assert bool(found(tmp_path, AXOLOTL + f"warmup_steps: {value}\n", rule="wrong-type")) is wrong


SFT = """\
model_name_or_path: a/b
output_dir: out
learning_rate: 2.0e-5
per_device_train_batch_size: 4
num_train_epochs: 1
"""


@pytest.mark.parametrize(
    ("key", "reported"),
    [
        ("gradient_acumulation_steps", True),
        ("max_prompt_length", False),
        ("my_own_key", False),
        ("sede", False),
    ],
)
def test_scripts_add_keys_of_their_own(tmp_path: Path, key: str, reported: bool) -> None:
    text = SFT + f"{key}: 3\n"
    assert bool(found(tmp_path, text)) is reported
    (tmp_path / "train.py").write_text(f"class Mine:\n    {key}: int = 1\n", encoding="utf-8")
    assert found(tmp_path, text) == []


@pytest.mark.parametrize(
    ("version", "reported"),
    {
        "as old as a release that knows it": ("4.30.2", ""),
        "between releases of which one knows it": ("4.58.0", ""),
        "the first that does not": ("5.0.0", "from 5.0.0 on"),
        "beyond all that were read": ("9.0", "from 5.0.0 on"),
        "not said": ("", ""),
    }.values(),
)
def test_a_key_of_older_releases(tmp_path: Path, version: str, reported: str) -> None:
    if version:
        (tmp_path / "requirements.txt").write_text(f"transformers=={version}\n", encoding="utf-8")
    lines = found(tmp_path, SFT + "overwrite_output_dir: true\n")
    assert len(lines) == bool(reported)
    assert all(reported in line and f"transformers {version} does not" in line for line in lines)


@pytest.mark.parametrize(
    ("specifier", "reported"),
    {
        "before it came": ("==4.41.2", True),
        "below it, however new": ("<5", True),
        "the one before the first that is read with it": ("==5.20.2", True),
        "possibly the one it came with": ("==5.22.0", False),
        "the one that has it": ("==5.23.0", False),
        "any": (">=4", False),
    }.values(),
)
def test_a_key_of_newer_releases(tmp_path: Path, specifier: str, reported: bool) -> None:
    (tmp_path / "requirements.txt").write_text(f"transformers{specifier}\n", encoding="utf-8")
    lines = found(tmp_path, SFT + "activation_checkpointing: true\n")
    assert bool(lines) is reported
    assert all("releases from 5.23.0 on do" in line for line in lines)


def test_what_took_a_keys_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("transformers==5.10.0\n", encoding="utf-8")
    (line,) = found(tmp_path, SFT + "evaluation_strategy: steps\n")
    assert line.endswith("write eval_strategy instead")
    assert found(tmp_path, SFT.replace("2.0e-5", "2.0e-4") + "eval_strategy: steps\n") == []


def test_code_that_speaks_of_a_key_may_take_it(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("transformers==5.10.0\n", encoding="utf-8")
    (tmp_path / "train.py").write_text("class Mine:\n    evaluation_strategy: str = 'no'\n", encoding="utf-8")
    assert found(tmp_path, SFT + "evaluation_strategy: steps\n") == []


DEEPSPEED = """\
{
  "train_micro_batch_size_per_gpu": 4,
  "bf16": {"enabled": true},
  "zero_optimization": {
    "stage": 3,
    "KEY": 1000000,
    "offload_param": {"device": "cpu", "INNER": true}
  },
  "ROOT": 1.0
}
"""


@pytest.mark.parametrize(
    ("root", "key", "inner", "reported"),
    {
        "as it should be": ("gradient_clipping", "stage3_max_live_parameters", "pin_memory", ""),
        "misspelt, and dropped": (
            "gradient_cliping",
            "sub_group_size",
            "pin_memory",
            "drops it without a word",
        ),
        "a client's own": ("my_client_key", "sub_group_size", "pin_memory", ""),
        "misspelt, and refused": (
            "gradient_clipping",
            "stage3_param_persistance_threshold",
            "pin_memory",
            "did you mean stage3_param_persistence_threshold?",
        ),
        "of nobody, in a section": ("gradient_clipping", "sub_group_size", "my_key", "DeepSpeed stops"),
    }.values(),
)
def test_sections_of_deepspeed(tmp_path: Path, root: str, key: str, inner: str, reported: str) -> None:
    text = DEEPSPEED.replace("KEY", key).replace("INNER", inner).replace("ROOT", root)
    lines = found(tmp_path, text, "ds_config.json")
    assert len(lines) == bool(reported)
    assert all(reported in line for line in lines)


def test_sections_are_known_by_their_selector() -> None:
    adamw = key_schema(("paddleclas",), "Optimizer.AdamW", swallows=False)
    momentum = key_schema(("paddleclas",), "Optimizer.Momentum", swallows=False)
    assert adamw is not None
    assert momentum is not None
    assert (adamw.swallows, momentum.swallows) == (True, False)
    assert "clip_norm" in adamw.keys
    assert "clip_grad" not in adamw.keys
    assert key_schema(("paddleclas",), "Optimizer.Nothing", swallows=False) is None


@pytest.mark.parametrize(
    ("line", "safety"),
    {
        "one key is near, and takes such values": ("gradient_acumulation_steps: 2", "safe"),
        "one key is near, of another type": ("gradient_acumulation_steps: many", "unsafe"),
        "several keys are near": ("adam_beta4: 0.9", "unsafe"),
        "filled in later": ("gradient_acumulation_steps: ${STEPS}", "unsafe"),
        "the known key stands beside it": (
            "gradient_acumulation_steps: 2\ngradient_accumulation_steps: 2",
            None,
        ),
        "none is near": ("curriculum_stages: 2", None),
    }.values(),
)
def test_how_safe_a_name_is(tmp_path: Path, line: str, safety: str | None) -> None:
    (tmp_path / "train.yml").write_text(AXOLOTL + line + "\n", encoding="utf-8")
    report = lint([tmp_path], Settings(strict=True, select=("unknown-key",)))
    assert len(report.findings) == 1
    fix = report.findings[0].fix
    assert (fix.safety if fix is not None else None) == safety


@pytest.mark.parametrize(
    ("lines", "fixed"),
    [
        ("warmup_steps: 0.1", True),
        ("warmup_steps: 1.5", False),
        ("warmup_steps: 0.1\nwarmup_ratio: 0.2", False),
    ],
)
def test_a_share_moves_to_the_key_for_shares(tmp_path: Path, lines: str, fixed: bool) -> None:
    (tmp_path / "train.yml").write_text(AXOLOTL + lines + "\n", encoding="utf-8")
    report = lint([tmp_path], Settings(strict=True, select=("wrong-type",)))
    fixes = [finding.fix for finding in report.findings]
    assert len(fixes) == 1
    assert (fixes[0] is not None) is fixed
