from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry

from trainlint.knowledge.format_model import Format, key_word, name_word
from trainlint.knowledge.format_sources import compile_formats, write_formats
from trainlint.knowledge.formats import SOURCES, CompiledFormats, load_formats
from trainlint.knowledge.sources import KnowledgeError
from trainlint.recipe.model import State
from trainlint.recipe.schema import recipe_schema

FILES = sorted(SOURCES.glob("*.yaml"))
FORMATS = list(load_formats().formats.values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_follows_the_committed_schema(path: Path) -> None:
    schema = json.loads((SOURCES.parent / "format.schema.json").read_text(encoding="utf-8"))
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    del schema["oneOf"]
    schema["$ref"] = "#/$defs/" + content.get("shared", "format")
    validator = Draft202012Validator(schema, registry=Registry())
    assert [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(content)] == []


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.id)
def test_formats_speak_of_declared_recipe_paths_sections_and_loaders(each: Format) -> None:
    declared = recipe_schema().leaves
    paths = [field.to for field in each.fields] + [path for effect in each.effects for path in effect.sets]
    assert [path for path in paths if path not in declared] == []
    sections = {name for field in each.fields for name in field.sections}
    sections |= {name for field in each.fields if field.inside for name in field.inside.sections}
    assert sections <= set(each.sections)
    assert each.loader in load_formats().loaders.kinds
    assert each.framework in declared["meta.framework"].choices
    assert set(each.quoted_numbers) <= {field.to for field in each.fields}
    assert {sign.purpose for sign in each.purposes} <= set(declared["meta.purpose"].choices)
    for field in each.fields:
        assert field.absent is None or State(field.absent.state) is not State.EXPLICIT


def test_purposes_named_by_paths_and_keys_are_declared() -> None:
    facts = load_formats().recognition
    declared = recipe_schema().leaves["meta.purpose"].choices
    assert set(facts.purposes) | set(facts.purpose_keys) <= set(declared)
    assert set(facts.data_scales) <= set(recipe_schema().leaves["data.scale"].choices)


def test_a_spelling_means_one_name() -> None:
    names = load_formats().names
    for table in (names.optimizers, names.schedules):
        spellings = [spelling for facts in table.values() for spelling in facts.spellings]
        assert len(spellings) == len(set(spellings))
        assert all(spelling == name_word(spelling) for spelling in spellings)


@pytest.mark.parametrize(
    ("vocabulary", "written", "expected"),
    [
        ("optimizers", "torch.optim.SGD", "sgd"),
        ("optimizers", "Momentum", "sgd"),
        ("optimizers", "AdamW", "adamw"),
        ("schedules", "cosine-annealing", "cosine"),
        ("schedules", "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts", "cyclic"),
        ("schedules", "ReduceLROnPlateau", "plateau"),
    ],
)
def test_names_are_found_however_they_are_written(vocabulary: str, written: str, expected: str) -> None:
    found = load_formats().names.find(vocabulary, written)
    assert found is not None
    assert found[0] == expected


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("batchSize", "batch_size"),
        ("BASE_LR", "base_lr"),
        ("warmup-epochs", "warmup_epochs"),
        ("LR", "lr"),
        ("T_max", "t_max"),
    ],
)
def test_keys_are_compared_as_words(key: str, word: str) -> None:
    assert key_word(key) == word


@pytest.mark.parametrize(
    ("callee", "loader_class", "kind"),
    [
        ("yaml.safe_load", "", "pyyaml"),
        ("yaml.load", "yaml.FullLoader", "pyyaml"),
        ("yaml.load", "project.io.FloatLoader", "unknown"),
        ("omegaconf.OmegaConf.load", "", "omegaconf"),
        ("ruamel.yaml.YAML.load", "", "yaml12"),
        ("json.load", "", "json"),
        ("tomllib.load", "", "toml"),
        ("easydict.EasyDict", "", "unknown"),
        ("torch.load", "", None),
    ],
)
def test_loader_kinds_by_callee(callee: str, loader_class: str, kind: str | None) -> None:
    assert load_formats().loader_of(callee, loader_class) == kind


def test_loaders_that_stop_at_repeated_keys() -> None:
    knowledge = load_formats()
    assert knowledge.refuses_duplicates("omegaconf")
    assert not knowledge.refuses_duplicates("pyyaml")
    assert not knowledge.refuses_duplicates("unknown")


def test_compiled_formats_survive_json(tmp_path: Path) -> None:
    compiled = compile_formats(SOURCES, {"a.yaml": (1, 2)})
    target = tmp_path / "compiled" / "formats.json"
    write_formats(compiled, target)
    assert msgspec.json.decode(target.read_bytes(), type=CompiledFormats) == compiled
    assert [path.name for path in target.parent.iterdir()] == ["formats.json"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("format: x\ntitle: X\nframework: torch\nloader: pyyaml\nfeilds: []\n", "feilds"),
        ("shared: something\n", "shared"),
        ("- a list\n", "mapping"),
        ("format: [\n", "broken.yaml"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "broken.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(KnowledgeError, match=reason) as raised:
        compile_formats(tmp_path)
    assert "broken.yaml" in str(raised.value)
