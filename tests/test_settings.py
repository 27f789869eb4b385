from __future__ import annotations

import json
import sys
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainlint.findings import Severity
from trainlint.rulebook.loading import load_rulebook
from trainlint.settings import model as settings_module
from trainlint.settings.file import line_of, load_settings, settings_file_in, settings_from_table
from trainlint.settings.model import KEYS, Settings, SettingsError, laid_over
from trainlint.settings.selection import selected_rules

SCHEMA = json.loads(Path(settings_module.__file__).with_name("settings.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

FULL = """\
select = ["numerics", "missing-seed"]
ignore = ["data"]
strict = true
fail-on = "error"
exclude = ["legacy/"]
rulebooks = ["lint/rules"]
devices = 8
configs = ["conf/**/*.yaml"]
jobs = 2

[per-file-ignores]
"scripts/*.py" = ["missing-seed"]

[options.large-batch-without-warmup]
large_batch = 1024

[severity]
missing-seed = "error"

[versions]
torch = "2.4"
"""


def toml(text: str) -> object:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def write(folder: Path, text: str, name: str = "trainlint.toml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_every_setting_is_read(tmp_path: Path) -> None:
    file = write(tmp_path, FULL)
    assert load_settings(file) == Settings(
        select=("numerics", "missing-seed"),
        ignore=("data",),
        strict=True,
        fail_on="error",
        exclude=("legacy/",),
        per_file_ignores={"scripts/*.py": ("missing-seed",)},
        options={"large-batch-without-warmup": {"large_batch": 1024}},
        severity={"missing-seed": Severity.ERROR},
        rulebooks=(str(tmp_path / "lint/rules"),),
        devices=8,
        configs=("conf/**/*.yaml",),
        jobs=2,
        versions={"torch": "2.4"},
        file=str(file),
    )


def test_the_same_in_pyproject(tmp_path: Path) -> None:
    table = FULL.replace("\n[", "\n[tool.trainlint.")
    file = write(tmp_path, '[project]\nname = "x"\n\n[tool.trainlint]\n' + table, "pyproject.toml")
    found = load_settings(file)
    own = load_settings(write(tmp_path, FULL))
    assert laid_over(found, Settings()) == laid_over(own, Settings())


def test_schema_and_struct_have_the_same_keys() -> None:
    assert set(SCHEMA["properties"]) == set(KEYS)
    assert all("description" in entry for entry in SCHEMA["properties"].values())
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(toml(FULL))


scalars = st.one_of(
    st.booleans(), st.integers(-2, 5), st.floats(0, 3), st.sampled_from(["error", "warning", "x", ""])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b-c"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*sorted(KEYS), "devise"]), values, max_size=3))
def test_schema_and_loader_accept_the_same(table: dict[str, object]) -> None:
    try:
        settings_from_table(table, Path("trainlint.toml"))
        accepted = True
    except SettingsError:
        accepted = False
    # JSON Schema calls 2.0 an integer; TOML and the loader do not.
    whole_float = any(isinstance(table.get(key), float) for key in ("devices", "jobs"))
    assert accepted == VALIDATOR.is_valid(table) or whole_float


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("strict = true\nselct = []\n", 2, "unknown setting 'selct'; did you mean 'select'?"),
        ("\nper_file_ignores = {}\n", 2, "did you mean 'per-file-ignores'?"),
        ('strict = "yes"\n', 1, "strict must be true or false, not 'yes'"),
        ("# a comment\ndevices = 0\n", 2, "devices must be a whole number of at least 1, not 0"),
        ("devices = true\n", 1, "not true"),
        (
            'fail-on = "warnings"\n',
            1,
            "must be error, warning, advice, notice or never, not 'warnings'; did you mean",
        ),
        ("select = 'numerics'\n", 1, "select must be a list of texts"),
        ("select = [1]\n", 1, "select must be a list of texts"),
        ('[severity]\na = "error"\nb = "bad"\n', 3, "severity.b must be advice, warning or error"),
        ('[per-file-ignores]\n"a/*.py" = "x"\n', 2, "per-file-ignores.a/*.py must be a list of texts"),
        ("[options]\nrule = 3\n", 2, "options.rule must be a table"),
        ("[options.rule]\nx = 1979-05-27\n", 2, "options.rule.x must be"),
        ("options = {rule = {x = {}}}\n", 1, "options.rule.x must be"),
        ("[versions]\ntorch = 2.4\n", 2, "versions.torch must be a text, not 2.4"),
        ("a = [1,\n2\n", 2, "not valid TOML"),
        ("a = 1\na = 2\n", 2, "not valid TOML"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    file = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert f"trainlint.toml:{line}: " in str(caught.value)
    assert message in str(caught.value)


def test_the_line_in_a_pyproject_is_that_of_our_table(tmp_path: Path) -> None:
    text = "[tool.other]\nstrict = 1\n\n[tool.trainlint]\nignore = []\n\nstrict = 1\n"
    with pytest.raises(SettingsError, match=r"pyproject\.toml:7: strict must be"):
        load_settings(write(tmp_path, text, "pyproject.toml"))


def test_a_table_that_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"pyproject\.toml:2: tool\.trainlint must be a table"):
        load_settings(write(tmp_path, "[tool]\ntrainlint = 3\n", "pyproject.toml"))


def test_encoding_and_bom(tmp_path: Path) -> None:
    file = tmp_path / "trainlint.toml"
    file.write_bytes(b"\xef\xbb\xbfstrict = true\n")
    assert load_settings(file).strict
    file.write_bytes(b"strict = true # \xff\n")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_settings(file)


def test_line_of() -> None:
    text = "a = 1\n[x.y]\n'k.1' = 2\n[x]\nz.w = 3\n[[list]]\nk=1\n"
    assert line_of(text, ("x", "y", "k.1")) == 3
    assert line_of(text, ("x", "z", "w")) == 5
    assert line_of(text, ("x", "y", "gone")) == 2
    assert line_of(text, ("nothing",)) == 1


@given(st.text(), st.lists(st.text(max_size=3), max_size=3))
def test_line_of_never_fails(text: str, keys: list[str]) -> None:
    assert line_of(text, keys) >= 1


def test_which_file_of_a_folder(tmp_path: Path) -> None:
    assert settings_file_in(tmp_path) is None
    shared = write(tmp_path, "[tool.black]\n# trainlint would go here\n", "pyproject.toml")
    assert settings_file_in(tmp_path) is None
    shared.write_text("[tool.trainlint]\n")
    assert settings_file_in(tmp_path) == shared
    shared.write_text("broken [\n[tool.trainlint]\n")
    assert settings_file_in(tmp_path) == shared
    shared.write_text("broken [ trainlint\n")
    assert settings_file_in(tmp_path) is None
    own = write(tmp_path, "")
    assert settings_file_in(tmp_path) == own


def test_laying_over() -> None:
    base = Settings(
        select=("a",),
        ignore=("b",),
        exclude=("x",),
        devices=2,
        options={"r": {"p": 1, "q": 2}},
        fail_on="error",
    )
    given_settings = Settings(ignore=("c", "b"), options={"r": {"q": 3}, "s": {"t": 4}}, strict=True)
    found = laid_over(given_settings, base)
    assert found.select == ("a",)
    assert found.ignore == ("b", "c")
    assert found.options == {"r": {"p": 1, "q": 3}, "s": {"t": 4}}
    assert (found.strict, found.devices, found.fails_at) == (True, 2, "error")
    assert laid_over(None, base) is base
    assert Settings().fails_at == "warning"


BOOK = load_rulebook()


def test_selection() -> None:
    stable = {rule.name for rule in BOOK.rules.values() if rule.status == "stable"}
    assert selected_rules(BOOK, Settings()) == stable
    assert selected_rules(BOOK, Settings(select=("missing-seed",))) == {"missing-seed"}
    family = selected_rules(BOOK, Settings(select=("reproducibility",), ignore=("missing-seed",)))
    assert "partial-seed" in family
    assert "missing-seed" not in family
    assert selected_rules(BOOK, Settings(select=("all",))) == stable
    assert selected_rules(BOOK, Settings(ignore=("all",))) == frozenset()


def test_a_preview_runs_only_by_its_own_name() -> None:
    import msgspec

    rules = dict(BOOK.rules)
    rules["missing-seed"] = msgspec.structs.replace(rules["missing-seed"], status="preview")
    book = msgspec.structs.replace(BOOK, rules=rules)
    assert "missing-seed" not in selected_rules(book, Settings())
    assert "missing-seed" not in selected_rules(book, Settings(select=("reproducibility",)))
    assert selected_rules(book, Settings(select=("missing-seed",))) == {"missing-seed"}


def test_unknown_names_are_refused_where_they_stand(tmp_path: Path) -> None:
    file = write(tmp_path, 'strict = true\nignore = ["missing-sed"]\n')
    with pytest.raises(
        SettingsError, match=r"trainlint\.toml:2: ignore: 'missing-sed' is neither .*'missing-seed'"
    ):
        selected_rules(BOOK, load_settings(file))
    from_options = laid_over(Settings(select=("nope-nope",)), load_settings(write(tmp_path, "")))
    with pytest.raises(SettingsError, match=r"^select: 'nope-nope' is neither a rule nor a family"):
        selected_rules(BOOK, from_options)
    with pytest.raises(SettingsError, match=r"severity: 'reproducibility' is no rule"):
        selected_rules(BOOK, Settings(severity={"reproducibility": Severity.ERROR}))
