from __future__ import annotations

import datetime
import math

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from trainlint.text.document import Node
from trainlint.text.scalars import LOADERS, Scalar, is_opaque, resolve
from trainlint.text.source import source_of
from trainlint.text.yaml import parse_yaml

NUMBERLIKE = st.text(alphabet="0123456789.eE+-_:xobXinfaNyYsS~", min_size=1, max_size=8)
WORDS = st.sampled_from(
    [
        "yes",
        "Yes",
        "YES",
        "yEs",
        "no",
        "On",
        "ON",
        "off",
        "true",
        "True",
        "TRUE",
        "tRue",
        "null",
        "Null",
        "~",
        ".inf",
        "-.INF",
        ".NaN",
        ".nan",
        "None",
        "=",
    ]
)


def scalar(written: str) -> Node | None:
    """The value of `k: written`, where that is a scalar at all."""
    found, broken = parse_yaml(source_of("a.yaml", f"k: {written}\n"))
    if broken or found[0].root.kind != "mapping" or found[0].root.items[0].value.kind != "scalar":
        return None
    return found[0].root.items[0].value


def same(left: object, right: object) -> bool:
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return type(left) is type(right) and left == right


@given(NUMBERLIKE | WORDS | st.floats().map(str) | st.integers().map(str))
@example("1e-4")
@example("1.0e-4")
@example("190:20:30.15")
@example("-0b1_0")
@example("0_")
@example("0x_")
def test_pyyaml_is_what_pyyaml_does(written: str) -> None:
    node = scalar(written)
    if node is None:
        return
    try:
        expected = yaml.safe_load(f"k: {written}\n")["k"]
    except (ValueError, yaml.YAMLError):
        expected = node.raw
    if isinstance(expected, datetime.date):
        expected = node.raw
    assert same(resolve(node, "pyyaml"), expected)


@given(st.sampled_from(["!!float", "!!int", "!!bool", "!!str", "!!null"]), NUMBERLIKE | WORDS)
def test_explicit_tags_are_what_pyyaml_makes_of_them(tag: str, written: str) -> None:
    node = scalar(f"{tag} {written}")
    if node is None:
        return
    try:
        expected = yaml.safe_load(f"k: {tag} {written}\n")["k"]
    except (ValueError, KeyError, IndexError, yaml.YAMLError):
        return
    assert same(resolve(node, "pyyaml"), expected)


@pytest.mark.parametrize(
    ("written", "pyyaml", "yaml12", "omegaconf", "literal"),
    [
        ("1e-4", "1e-4", 1e-4, 1e-4, 1e-4),
        ("1e4", "1e4", 1e4, 1e4, 1e4),
        ("1.0e-4", 1e-4, 1e-4, 1e-4, 1e-4),
        ("1.0e4", "1.0e4", 1e4, 1e4, 1e4),
        (".5e-3", 5e-4, 5e-4, 5e-4, 5e-4),
        ("yes", True, "yes", True, True),
        ("off", False, "off", False, False),
        ("010", 8, 10, 8, 8),
        ("0o10", "0o10", 8, "0o10", 8),
        ("1:30", 90, "1:30", 90, 90),
        ("None", "None", "None", "None", None),
        ("null", None, None, None, None),
        ("1_000", 1000, 1000, 1000, 1000),
        ("1.0/255.0", "1.0/255.0", "1.0/255.0", "1.0/255.0", "1.0/255.0"),
        ("'1e-4'", "1e-4", "1e-4", "1e-4", 1e-4),
        ("'None'", "None", "None", "None", None),
        ("(1, 2)", "(1, 2)", "(1, 2)", "(1, 2)", "(1, 2)"),
        ("2001-01-01", "2001-01-01", "2001-01-01", "2001-01-01", "2001-01-01"),
        (".inf", math.inf, math.inf, math.inf, math.inf),
        ("!!float 1e-4", 1e-4, 1e-4, 1e-4, 1e-4),
        ("!!str 1", "1", "1", "1", 1),
        ("! 1", "1", "1", "1", 1),
        ("", None, None, None, None),
    ],
)
def test_the_loader_decides(
    written: str, pyyaml: Scalar, yaml12: Scalar, omegaconf: Scalar, literal: Scalar
) -> None:
    node = scalar(written)
    assert node is not None
    expected = {"pyyaml": pyyaml, "yaml12": yaml12, "omegaconf": omegaconf, "literal-eval": literal}
    for loader, value in expected.items():
        assert same(resolve(node, loader), value), loader


@given(st.text(max_size=30))
def test_no_text_can_make_a_loader_fail(written: str) -> None:
    for style in ("plain", "double", "json", "toml"):
        for tag in ("", "!!int", "!!float", "!!bool"):
            for loader in LOADERS:
                value = resolve(Node("scalar", (1, 1, 1, 1), written, style, tag), loader)
                assert value is None or isinstance(value, bool | int | float | str)


@pytest.mark.parametrize("written", ["9" * 100_000, "(" * 100_000, "-" * 100_000 + "1", "0x" + "f" * 9_999])
def test_endless_spellings_stay_text(written: str) -> None:
    for loader in LOADERS:
        assert resolve(Node("scalar", (1, 1, 1, 1), written), loader) == written
    assert resolve(Node("scalar", (1, 1, 1, 1), "(" * 290), "literal-eval") == "(" * 290


def test_tags_of_the_readers_own_code_are_opaque() -> None:
    opaque = {
        "!ref <lr>": True,
        "!!python/name:os.system": True,
        "!!float 1": False,
        "1": False,
        "! 1": False,
    }
    for written, expected in opaque.items():
        node = scalar(written)
        assert node is not None
        assert is_opaque(node) is expected
    assert is_opaque(Node("mapping", (1, 1, 1, 1), tag="!new:torch.nn.Linear"))
    assert not is_opaque(Node("mapping", (1, 1, 1, 1), tag="!!map"))


def test_a_collection_has_no_value() -> None:
    with pytest.raises(TypeError, match="mapping"):
        resolve(Node("mapping", (1, 1, 1, 1)), "pyyaml")
