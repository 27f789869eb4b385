"""The script that reads key tables off releases: from sources only, whatever they do when imported."""

from __future__ import annotations

import importlib.util
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TableOf = Callable[[str, dict[str, dict[str, str]]], dict[str, Any]]
SCRIPT = Path(__file__).parent.parent / "scripts" / "key_tables.py"
SCHEMA = """\
raise SystemExit("imported")

class Base(BaseModel):
    lr: float | str
    steps: Optional[int] = None

class LoraArguments(Base):
    lora_rank: Annotated[int, 1] = Field(8, alias="rank")
    modules: list[str] | str | None = None
    mode: Literal["a", "b"] = "a"
    _hidden: int = 0
"""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location("key_tables_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def table_of(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TableOf:
    """Gives the table that the script writes for wheels: version by version, the text of each module."""

    def made(package: str, wheels: dict[str, dict[str, str]]) -> dict[str, Any]:
        for version, modules in wheels.items():
            with zipfile.ZipFile(tmp_path / f"{package}-{version}-py3-none-any.whl", "w") as wheel:
                for name, text in modules.items():
                    wheel.writestr(f"{package}/{name}", text)
        monkeypatch.setattr(script, "TARGET", tmp_path / "keys")
        assert script.main([str(tmp_path)]) == 0
        table: dict[str, Any] = json.loads(
            (tmp_path / "keys" / f"{package}.json").read_text(encoding="utf-8")
        )
        return table

    return made


def test_fields_of_several_releases(table_of: TableOf, tmp_path: Path) -> None:
    (tmp_path / "unrelated-1.0.tar.gz").write_bytes(b"no archive")
    later = SCHEMA.replace("steps: Optional[int] = None", "pass")
    wheels = {"0.9.0": {"hparams/args.py": SCHEMA}, "0.10.0": {"hparams/args.py": later}}
    table = table_of("llamafactory", wheels)
    assert table["versions"] == ["0.9.0", "0.10.0"]
    assert table["keys"] == {
        "lora_rank": {"types": ["integer"]},
        "lr": {"types": ["number", "string"]},
        "mode": {},
        "modules": {"types": ["array", "null", "string"]},
        "rank": {"types": ["integer"]},
        "steps": {"types": ["integer", "null"], "until": "0.10.0"},
    }


def test_no_releases(script: ModuleType, tmp_path: Path) -> None:
    assert script.main([str(tmp_path)]) == 2


AXOLOTL = """\
from axolotl.utils.dict import DictDefault

class Parts(BaseModel):
    rl_beta: float | None = None
    dpo_beta: float | None = Field(default=None, deprecated="Use `rl_beta` instead")

    @model_validator(mode="before")
    @classmethod
    def old(cls, data):
        if data.get("inference"):
            data.append("https://x")
        return data

class AxolotlInputConfig(Parts):
    base_model: str

def load(cfg: DictDefault):
    cfg.update(other)
    return cfg.debug or "strict" in cfg or cfg.get("seed_of_old") or self.cfg["base_model"]
"""


def test_words_that_are_no_keys(table_of: TableOf) -> None:
    modules = {"utils/schemas/config.py": AXOLOTL, "model.py": "def f(cfg):\n    return cfg.hidden_size\n"}
    assert table_of("axolotl", {"0.9.0": modules})["keys"] == {
        "base_model": {"types": ["string"]},
        "debug": {"inner": True},
        "dpo_beta": {"types": ["null", "number"], "renamed": "rl_beta"},
        "inference": {"inner": True},
        "rl_beta": {"types": ["null", "number"]},
        "seed_of_old": {"inner": True},
        "strict": {"inner": True},
    }


ULTRALYTICS = """\
CFG_INT_KEYS = {"epochs"}

def _handle_deprecation(custom):
    for key in custom.copy().keys():
        if key == "hide_labels":
            custom["show_labels"] = custom.pop("hide_labels") == "False"
    removed_keys = {"label_smoothing"}
    if str(custom).lower() in {"none", "false"}:
        colorstr("red", "bold")
    return custom
"""


def test_old_names_that_pass(table_of: TableOf) -> None:
    modules = {"cfg/__init__.py": ULTRALYTICS, "cfg/default.yaml": "epochs: 1\nshow_labels: True\n"}
    assert table_of("ultralytics", {"8.0.0": modules})["keys"] == {
        "epochs": {"types": ["integer", "null"]},
        "hide_labels": {"renamed": "show_labels"},
        "label_smoothing": {},
        "show_labels": {},
    }


DEEPSPEED = """\
FP16 = "fp16"
UNUSED = "a text"

class DeepSpeedZeroConfig(DeepSpeedConfigModel):
    stage: ZeroStageEnum = 0
    cpu_offload: bool = Field(None, deprecated=True, new_param="offload_optimizer")
    offload_optimizer: Optional[Offload] = None

def get_fp16(param_dict):
    if FP16 in param_dict.keys():
        return get_scalar_param(param_dict, FP16, None) or param_dict.get("bf16")
"""


def test_names_of_constants(table_of: TableOf) -> None:
    assert table_of("deepspeed", {"0.9.0": {"runtime/config.py": DEEPSPEED}})["keys"] == {
        "**": {},
        "bf16": {},
        "fp16": {},
        "zero_optimization.cpu_offload": {"types": ["boolean"], "renamed": "offload_optimizer"},
        "zero_optimization.offload_optimizer": {},
        "zero_optimization.stage": {},
    }
