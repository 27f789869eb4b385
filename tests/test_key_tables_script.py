"""The script that reads key tables off releases: from sources only, whatever they do when imported."""

from __future__ import annotations

import importlib.util
import json
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

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


def test_fields_of_several_releases(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version, text in (
        ("0.9.0", SCHEMA),
        ("0.10.0", SCHEMA.replace("steps: Optional[int] = None", "pass")),
    ):
        with zipfile.ZipFile(tmp_path / f"llamafactory-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("llamafactory/hparams/args.py", text)
    (tmp_path / "unrelated-1.0.tar.gz").write_bytes(b"no archive")
    target = tmp_path / "keys"
    monkeypatch.setattr(script, "TARGET", target)
    assert script.main([str(tmp_path)]) == 0
    table = json.loads((target / "llamafactory.json").read_text(encoding="utf-8"))
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


def test_words_that_are_no_keys(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "axolotl-0.9.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("axolotl/utils/schemas/config.py", AXOLOTL)
        wheel.writestr("axolotl/model.py", "def f(cfg):\n    return cfg.hidden_size\n")
    monkeypatch.setattr(script, "TARGET", tmp_path / "keys")
    assert script.main([str(tmp_path)]) == 0
    table = json.loads((tmp_path / "keys" / "axolotl.json").read_text(encoding="utf-8"))
    assert table["keys"] == {
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


def test_old_names_that_pass(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "ultralytics-8.0.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("ultralytics/cfg/__init__.py", ULTRALYTICS)
        wheel.writestr("ultralytics/cfg/default.yaml", "epochs: 1\nshow_labels: True\n")
    monkeypatch.setattr(script, "TARGET", tmp_path / "keys")
    assert script.main([str(tmp_path)]) == 0
    table = json.loads((tmp_path / "keys" / "ultralytics.json").read_text(encoding="utf-8"))
    assert table["keys"] == {
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


def test_names_of_constants(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "deepspeed-0.9.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("deepspeed/runtime/config.py", DEEPSPEED)
    monkeypatch.setattr(script, "TARGET", tmp_path / "keys")
    assert script.main([str(tmp_path)]) == 0
    table = json.loads((tmp_path / "keys" / "deepspeed.json").read_text(encoding="utf-8"))
    assert table["keys"] == {
        "**": {},
        "bf16": {},
        "fp16": {},
        "zero_optimization.cpu_offload": {"types": ["boolean"], "renamed": "offload_optimizer"},
        "zero_optimization.offload_optimizer": {},
        "zero_optimization.stage": {},
    }
