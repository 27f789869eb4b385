"""What requirements and locks say: their readers, what a specifier allows, which versions come of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainlint.discovery.locks import is_lock_file, locked_versions
from trainlint.discovery.projects import discover
from trainlint.discovery.requirements import (
    Requirement,
    from_environment,
    from_lines,
    from_setup_cfg,
    from_toml,
    is_requirements_file,
)
from trainlint.discovery.walk import language_of
from trainlint.knowledge.base import load_knowledge
from trainlint.knowledge.distributions import distributions, framework_of, normalized
from trainlint.knowledge.versions import is_before, newest_allowed, strictness
from trainlint.linter import lint
from trainlint.pipeline.run import Run
from trainlint.settings.model import Settings
from trainlint.text.source import source_of
from trainlint.text.toml import parse_toml
from trainlint.text.yaml import parse_yaml


def listed(found: list[Requirement]) -> dict[str, str]:
    return {each.name: each.specifier for each in found}


@pytest.mark.parametrize(
    ("specifier", "how", "newest"),
    [
        ("==2.1.0", "exact", "2.1.0"),
        ("==2.1.0+cu118", "exact", "2.1.0+cu118"),
        ("===1.0", "exact", "1.0"),
        ("2.1.0", "exact", "2.1.0"),
        ("==2.1.*", "bounded", "2.1.999999"),
        ("~=2.2.0", "bounded", "2.2.999999"),
        ("~=2.2", "bounded", "2.999999"),
        ("^2.1", "bounded", "2.999999"),
        ("^0.4.1", "bounded", "0.4.999999"),
        ("~2.1", "bounded", "2.1.999999"),
        ("=1.7", "bounded", "1.7.999999"),
        (">=1.7,<2", "bounded", "1.999999"),
        (">=2.6,<2.7.0", "bounded", "2.6.999999"),
        ("<=2.12.1,>=2.11.0", "bounded", "2.12.1"),
        (">=1.7.0,!=1.12.0", "open", ""),
        (">2", "open", ""),
        ("*", "open", ""),
        ("", "open", ""),
    ],
)
def test_specifiers(specifier: str, how: str, newest: str) -> None:
    assert strictness(specifier) == how
    assert newest_allowed(specifier) == newest


def test_a_limit_that_is_left_out_lies_below_it() -> None:
    assert is_before(newest_allowed("<3"), "3")
    assert not is_before(newest_allowed("<3"), "2.9.1")


def test_requirements_for_pip() -> None:
    text = """
# the framework
torch==2.1.0  # with CUDA
torchvision >= 0.16 ; python_version < "3.12"
-r more.txt
--extra-index-url https://download.pytorch.org/whl/cu118
Pytorch_Lightning[extra]~=2.2.0 --hash=sha256:abc
git+https://github.com/huggingface/transformers
timm @ git+https://github.com/huggingface/pytorch-image-models
./local
numpy
"""
    source = source_of("requirements.txt", text)
    found = list(from_lines(source))
    assert listed(found) == {
        "torch": "==2.1.0",
        "torchvision": ">= 0.16",
        "pytorch-lightning": "~=2.2.0",
        "timm": "@",
        "numpy": "",
    }
    assert found[0].written == "torch==2.1.0"
    assert (found[0].span.line, found[0].span.column, found[0].span.end_column) == (3, 1, 13)


def test_setup_cfg() -> None:
    text = """
[metadata]
name = x
[options]
packages = find:
install_requires =
    torch>=2
    numpy
python_requires = >=3.10
[options.extras_require]
dev = pytest
"""
    assert listed(list(from_setup_cfg(source_of("setup.cfg", text)))) == {"torch": ">=2", "numpy": ""}


def test_pyproject_and_pipfile() -> None:
    text = """
[project]
dependencies = ["torch>=2.1,<3", "numpy"]
[tool.poetry.dependencies]
python = "^3.11"
timm = "^0.9"
trl = {version = "0.8.6", extras = ["peft"]}
peft = {git = "https://github.com/huggingface/peft"}
[packages]
jax = "*"
"""
    documents, broken = parse_toml(source_of("pyproject.toml", text))
    assert not broken
    assert listed(list(from_toml(documents[0]))) == {
        "torch": ">=2.1,<3",
        "numpy": "",
        "timm": "^0.9",
        "trl": "0.8.6",
        "peft": "@",
        "jax": "*",
    }


def test_conda_environment() -> None:
    text = """
name: x
channels: [pytorch, defaults]
dependencies:
  - python=3.8
  - pytorch=1.7.0=py3.8_cuda11.0.221
  - conda-forge::numpy>=1.20
  - pip:
      - pytorch-lightning==1.4.2
      - -e git+https://github.com/openai/CLIP.git@main#egg=clip
"""
    documents, _ = parse_yaml(source_of("environment.yaml", text))
    assert listed(list(from_environment(documents[0]))) == {
        "pytorch": "=1.7.0",
        "numpy": ">=1.20",
        "pytorch-lightning": "==1.4.2",
    }


@pytest.mark.parametrize("text", ["- a\n- b\n", "dependencies: none\n", "dependencies: {a: b}\n"])
def test_other_yaml_gives_no_requirement(text: str) -> None:
    documents, _ = parse_yaml(source_of("environment.yaml", text))
    assert list(from_environment(documents[0])) == []


LOCKS = {
    "uv.lock": 'version = 1\n\n[[package]]\nname = "torch"\nversion = "2.5.1"\nsource = { registry = "x" }\n',
    "poetry.lock": '[[package]]\nname = "torch"\nversion = "2.5.1"\ndescription = "Tensors"\n',
    "pdm.lock": '[[package]]\nname = "torch"\nversion = "2.5.1"\nrequires_python = ">=3.9"\n',
    "pylock.toml": '[[packages]]\nname = "torch"\nversion = "2.5.1"\n',
    "conda-lock.yml": "package:\n- name: torch\n  version: 2.5.1\n  manager: conda\n",
    "Pipfile.lock": '{\n    "default": {\n        "torch": {\n            "hashes": [\n'
    '                "sha256:a"\n            ],\n            "version": "==2.5.1"\n        }\n    }\n}\n',
    "pixi.lock": "packages:\n- conda: https://conda.anaconda.org/conda-forge/linux-64/torch-2.5.1-py311_0.conda\n",
}


@pytest.mark.parametrize("name", LOCKS)
def test_locks(name: str) -> None:
    assert is_lock_file(name)
    assert locked_versions(name, LOCKS[name])["torch"] == "2.5.1"


def test_a_lock_with_two_versions_of_one_package_says_nothing_of_it() -> None:
    text = LOCKS["uv.lock"] + '\n[[package]]\nname = "torch"\nversion = "2.6.0"\n'
    assert "torch" not in locked_versions("uv.lock", text)


def test_file_names() -> None:
    names = "requirements.txt requirements-dev.txt dev_requirements.txt requirements.lock setup.cfg"
    for name in names.split():
        assert is_requirements_file(name), name
        assert language_of(name) == "requirements"
    assert language_of("uv.lock") == "lock"
    assert language_of("pylock.toml") == "toml"
    for name in ("notes.txt", "labels.txt", "yarn.lock", "tox.cfg", "MANIFEST.in"):
        assert language_of(name) is None, name


def test_names_of_distributions() -> None:
    assert normalized("PyTorch_Lightning") == "pytorch-lightning"
    assert "pytorch" in distributions("torch")
    assert framework_of("paddlepaddle-gpu") == "paddle"
    assert framework_of("requests") == ""


def versions(folder: Path, settings: Settings | None = None) -> dict[str, str]:
    (project,) = discover([folder], settings).projects
    return Run(project).settings.versions


def test_versions_come_from_pins_and_locks(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import torch\n")
    (tmp_path / "requirements.txt").write_text("torch==1.13.1\ntransformers<5\nnumpy>=1.20\ntrl==0.9.6\n")
    found = versions(tmp_path)
    assert found["torch"] == "1.13.1"
    assert is_before(found["transformers"], "5")
    assert found["trl"] == "0.9.6"
    assert "numpy" not in found
    (tmp_path / "uv.lock").write_text(LOCKS["uv.lock"])
    assert versions(tmp_path)["torch"] == "2.5.1"


def test_settings_go_before_pins(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import torch\n")
    (tmp_path / "requirements.txt").write_text("torch==1.13.1\n")
    assert versions(tmp_path, Settings(versions={"torch": "2.0"}))["torch"] == "2.0"


def test_what_stands_nearest_the_root_decides(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import torch\n")
    for folder, version in (("a", "1.0"), ("b", "2.0")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "requirements.txt").write_text(f"torch=={version}\n")
    assert "torch" not in versions(tmp_path)
    (tmp_path / "requirements.txt").write_text("torch==1.5\n")
    assert versions(tmp_path)["torch"] == "1.5"


def test_unreadable_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import torch\n")
    (tmp_path / "requirements.txt").write_bytes(b"\xff\x00\x00torch==1.0\n\x80")
    (tmp_path / "pyproject.toml").write_text("[project\n")
    (tmp_path / "uv.lock").write_bytes(b"\x00\xff")
    assert "torch" not in versions(tmp_path)


def test_packages_of_one_file_have_versions_of_their_own() -> None:
    newest, older = load_knowledge(), load_knowledge({"trl": "0.9.6", "transformers": "4.40"})
    for name in ("trl.SFTConfig", "transformers.TrainingArguments"):
        assert newest.lookup(name) is not None
        assert older.lookup(name) is not None
    assert newest.lookup("trl.SFTConfig") != older.lookup("trl.SFTConfig")


def test_a_comment_silences_the_finding(tmp_path: Path) -> None:
    twins = Path(__file__).resolve().parent.parent / "fixtures" / "twins" / "unpinned-dependencies"
    program = twins / "fires_bare_name" / "train.py"
    (tmp_path / "train.py").write_text(program.read_text())
    (tmp_path / "requirements.txt").write_text("torch\n")
    settings = Settings(select=("unpinned-dependencies", "unused-suppression"), jobs=1)
    assert [item.span.path for item in lint([tmp_path], settings).findings] == ["requirements.txt"]
    ignored = "torch  # trainlint: ignore[unpinned-dependencies] -- a demo\n"
    (tmp_path / "requirements.txt").write_text(ignored)
    assert lint([tmp_path], settings).findings == []
