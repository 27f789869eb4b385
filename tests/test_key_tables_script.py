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
def script() -> ModuleType:
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
        "steps": {"types": ["integer", "null"], "absent": ["0.10.0"]},
    }


def test_no_releases(script: ModuleType, tmp_path: Path) -> None:
    assert script.main([str(tmp_path)]) == 2
