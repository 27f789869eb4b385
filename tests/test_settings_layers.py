"""Settings on top of each other: extending, origins, `trainlint config`, `trainlint init`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from trainlint import cli
from trainlint.commands.config import Effective, effective_settings, to_toml
from trainlint.commands.init import FIRST_SETTINGS
from trainlint.findings import Severity
from trainlint.settings import model
from trainlint.settings.file import layers, load_settings
from trainlint.settings.layers import Origin, leaves, merged, origins
from trainlint.settings.model import KEYS, Settings, SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCHEMA = json.loads(Path(model.__file__).with_name("settings.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

BASE = """\
ignore = ["data"]
exclude = ["legacy/"]
strict = true
rulebooks = ["rules"]
fail-on = "error"

[severity]
missing-seed = "error"
partial-seed = "advice"

[options.large-batch-without-warmup]
large_batch = 99
"""
TOP = """\
extend = "shared/base.toml"
ignore = ["numerics"]
strict = false

[severity]
missing-seed = "warning"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "shared" / "rules").mkdir(parents=True)
    (tmp_path / "shared" / "base.toml").write_text(BASE)
    (tmp_path / "trainlint.toml").write_text(TOP)
    (tmp_path / "train.py").write_text("import torch\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_extending_means(project: Path) -> None:
    assert load_settings(project / "trainlint.toml") == Settings(
        extend="shared/base.toml",
        ignore=("data", "numerics"),
        exclude=("legacy/",),
        strict=False,
        fail_on="error",
        rulebooks=(str(project / "shared" / "rules"),),
        severity={"missing-seed": Severity.WARNING, "partial-seed": Severity.ADVICE},
        options={"large-batch-without-warmup": {"large_batch": 99}},
        file=str(project / "trainlint.toml"),
    )


def test_a_pyproject_can_extend_and_be_extended(project: Path) -> None:
    (project / "trainlint.toml").unlink()
    shared = project / "shared" / "pyproject.toml"
    shared.write_text('[tool.trainlint]\nextend = "base.toml"\ndevices = 4\n')
    own = project / "pyproject.toml"
    own.write_text('[project]\nname = "x"\n[tool.trainlint]\nextend = "shared/pyproject.toml"\n')
    found = load_settings(own)
    assert (found.devices, found.strict, found.ignore) == (4, True, ("data",))
    assert origins(layers(own), ("devices",)) == [Origin(str(shared), 3)]


def test_a_pyproject_without_our_table_is_no_settings_file(project: Path) -> None:
    (project / "shared" / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    (project / "trainlint.toml").write_text('strict = true\nextend = "shared/pyproject.toml"\n')
    with pytest.raises(SettingsError, match=r"toml:2: extend: shared/pyproject\.toml has no table"):
        load_settings(project / "trainlint.toml")


def test_origins(project: Path) -> None:
    found = layers(project / "trainlint.toml")
    top, base = str(project / "trainlint.toml"), str(project / "shared" / "base.toml")
    assert origins(found, ("ignore",)) == [Origin(base, 1), Origin(top, 2)]
    assert origins(found, ("strict",)) == [Origin(top, 3)]
    assert origins(found, ("fail-on",)) == [Origin(base, 5)]
    assert origins(found, ("severity", "missing-seed")) == [Origin(top, 6)]
    assert origins(found, ("severity", "partial-seed")) == [Origin(base, 9)]
    assert origins(found, ("options", "large-batch-without-warmup", "large_batch")) == [Origin(base, 12)]
    assert origins(found, ("devices",)) == []


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ('extend = "../trainlint.toml"', "trainlint.toml:1: extend goes in a circle: trainlint.toml -> "),
        ('extend = "./base.toml"', "trainlint.toml -> shared/base.toml:1 -> shared/base.toml"),
        ('\nextend = "gone.toml"', "shared/base.toml:2 -> shared/gone.toml: there is no such file"),
        ('extend = "rules"', "shared/base.toml:1 -> shared/rules: it is not a file"),
        ('extend = ""', "shared/base.toml:1 -> shared: it is not a file"),
        ("extend = 3", "base.toml:1: extend must be a text, not 3"),
        ("strict = 3", "base.toml:1: strict must be true or false"),
        ('extend = "https://example.org/a.toml"', "shared/base.toml:1: extend names a file: "),
        ("a = [", "base.toml:1: not valid TOML"),
        ("a = [", "(extended by trainlint.toml:1)"),
        ('extend = "/dev/null/x"', "shared/base.toml:1 -> /dev/null/x: "),
        ('ignore = ["missing-sed"]', "base.toml:1: ignore: 'missing-sed' is neither"),
        ('\nrulebooks = ["nowhere"]', "base.toml:2: rulebooks: there is no folder"),
        ("[options.missing-seed]\nx = 1", "base.toml:2: options: "),
    ],
)
def test_what_cannot_be_extended_is_refused_with_the_chain(
    project: Path, base: str, message: str, capsys
) -> None:
    (project / "shared" / "base.toml").write_text(base + "\n")
    (project / "trainlint.toml").write_text('extend = "shared/base.toml"\n')
    assert cli.main(["train.py"]) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_extends_itself(project: Path) -> None:
    (project / "trainlint.toml").write_text('extend = "trainlint.toml"\n')
    with pytest.raises(SettingsError, match=r"circle: trainlint\.toml -> trainlint\.toml"):
        load_settings(project / "trainlint.toml")


def test_a_link_does_not_hide_a_circle(project: Path) -> None:
    (project / "linked.toml").symlink_to(project / "trainlint.toml")
    (project / "trainlint.toml").write_text('extend = "linked.toml"\n')
    with pytest.raises(SettingsError, match="circle"):
        load_settings(project / "trainlint.toml")


@given(st.text(max_size=30) | st.sampled_from(["\0", "a\0b", "~", "/", "x" * 5000, "http://x/y.toml"]))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_extending_anything_is_an_error_in_one_line(tmp_path: Path, target: str) -> None:
    from trainlint.commands.failure import describe

    escaped = "".join(f"\\U{ord(char):08x}" for char in target if not 0xD800 <= ord(char) < 0xE000)
    (tmp_path / "trainlint.toml").write_text(f'extend = "{escaped}"\n')
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "trainlint.toml")
    assert not {"\n", "\r", "\x1b", "\x9b", "\u202e"} & set(describe(caught.value))


def test_a_long_chain_ends(project: Path) -> None:
    for number in range(30):
        (project / f"{number}.toml").write_text(f'extend = "{number + 1}.toml"\n')
    with pytest.raises(SettingsError, match="more than 20 files"):
        load_settings(project / "0.toml")


def test_config_prints_what_is_in_force_and_where_it_comes_from(project: Path, capsys) -> None:
    assert cli.main(["config", "train.py"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "# .: trainlint.toml <- shared/base.toml" in lines
    assert 'ignore = ["data", "numerics"] # shared/base.toml:1, trainlint.toml:2' in lines
    assert "strict = false # trainlint.toml:3" in lines
    assert 'partial-seed = "advice" # shared/base.toml:9' in lines
    assert "require-reasons = false # default" in lines
    assert "# devices = # default" in lines


def test_config_as_json(project: Path, capsys) -> None:
    assert cli.main(["config", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["settings"]) == set(KEYS)
    assert found["settings"]["severity"]["missing-seed"] == "warning"
    assert {"setting": ["fail-on"], "origins": [{"file": str(project / "shared/base.toml"), "line": 5}]} in (
        found["origins"]
    )
    VALIDATOR.validate({key: value for key, value in found["settings"].items() if value is not None})


def test_config_without_a_file(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["config"]) == 0
    told = capsys.readouterr().out
    assert "no settings file, all defaults" in told
    assert '# fail-on = "warning"' in told
    assert cli.main(["config", "gone"]) == 2
    assert "no such file or folder: gone" in capsys.readouterr().err


texts = st.text(max_size=8).filter(lambda text: not any(0xD800 <= ord(char) < 0xE000 for char in text))
lists = st.lists(texts, max_size=3).map(tuple)
numbers = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False)
options = st.booleans() | numbers | texts | st.lists(st.integers() | texts, max_size=2)
any_settings = st.builds(
    Settings,
    select=lists,
    ignore=lists,
    strict=st.booleans(),
    fail_on=st.none() | st.sampled_from(model.FAIL_LEVELS),
    exclude=lists,
    per_file_ignores=st.dictionaries(texts, lists, max_size=3),
    options=st.dictionaries(texts, st.dictionaries(texts, options, min_size=1, max_size=2), max_size=2),
    severity=st.dictionaries(texts, st.sampled_from(list(Severity)), max_size=3),
    devices=st.none() | st.integers(1, 99),
    configs=lists,
    jobs=st.none() | st.integers(1, 99),
    versions=st.dictionaries(texts, texts, max_size=2),
    require_reasons=st.booleans(),
)


@given(any_settings)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_config_prints_says_the_same_again(tmp_path: Path, given_settings: Settings) -> None:
    printed = to_toml(Effective(str(tmp_path), given_settings, []))
    assert all(line.isprintable() for line in printed.split("\n"))
    VALIDATOR.validate(tomllib.loads(printed))
    file = tmp_path / "trainlint.toml"
    file.write_bytes(printed.encode())
    # Lists that are empty may be left out or written: both mean the default.
    assert msgspec.structs.replace(load_settings(file), file="") == given_settings


def test_an_escape_sequence_in_a_setting_is_spelled_out(project: Path) -> None:
    (project / "trainlint.toml").write_text('exclude = ["\\u001b[31mred\\u202e"]\n')
    printed = to_toml(effective_settings("."))
    assert "\x1b" not in printed
    assert tomllib.loads(printed)["exclude"] == ["\x1b[31mred\u202e"]


def test_leaves_are_every_setting() -> None:
    assert {keys[0] for keys, _ in leaves(Settings())} == set(KEYS)


@given(st.lists(st.sampled_from(["a", "b"]), max_size=2), st.lists(st.sampled_from(["b", "c"]), max_size=2))
def test_merging_keeps_every_name_that_is_ignored_once(low: list[str], high: list[str]) -> None:
    from trainlint.settings.layers import Layer

    found = merged([Layer("a", {"ignore": tuple(low)}), Layer("b", {"ignore": tuple(high)})])
    assert set(found.ignore) == {*low, *high}
    assert len(found.ignore) == len(set(found.ignore))


def test_init(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init"]) == 0
    file = tmp_path / "trainlint.toml"
    assert file.read_text() == FIRST_SETTINGS
    assert msgspec.structs.replace(load_settings(file), file="") == Settings()
    assert [entry.name for entry in tmp_path.iterdir()] == ["trainlint.toml"]
    file.write_text("strict = true\n")
    assert cli.main(["init"]) == 2
    assert file.read_text() == "strict = true\n"
    assert "trainlint.toml holds settings already" in capsys.readouterr().err


def test_init_inside_a_project_tells_what_no_longer_counts(project: Path, monkeypatch, capsys) -> None:
    (project / "src").mkdir()
    monkeypatch.chdir(project)
    assert cli.main(["init", "src"]) == 0
    assert 'write `extend = "../trainlint.toml"` to build on it' in capsys.readouterr().out
    (project / "src" / "trainlint.toml").write_text('extend = "../trainlint.toml"\n')
    assert load_settings(project / "src" / "trainlint.toml").ignore == ("data", "numerics")


def test_what_init_writes_is_right_without_its_comment_signs() -> None:
    lines = [line.removeprefix("# ") for line in FIRST_SETTINGS.splitlines()[3:]]
    table = tomllib.loads("\n".join(lines))
    VALIDATOR.validate(table)
    assert table["fail-on"] == Settings().fails_at


@pytest.mark.parametrize("kind", ["pyproject", "dangling", "no folder", "read-only"])
def test_init_refuses(tmp_path: Path, kind: str, capsys) -> None:
    folder = tmp_path / "inner"
    if kind != "no folder":
        folder.mkdir()
    if kind == "pyproject":
        (folder / "pyproject.toml").write_text("[tool.trainlint]\n")
    if kind == "dangling":
        (folder / "trainlint.toml").symlink_to(tmp_path / "elsewhere.toml")
    if kind == "read-only":
        folder.chmod(0o555)
        if (tmp_path / "inner").stat().st_uid == 0:
            pytest.skip("root writes everywhere")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    assert cli.main(["init", str(folder)]) == 2
    assert capsys.readouterr().err.startswith("Error: ")
    folder.exists() and folder.chmod(0o755)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before
