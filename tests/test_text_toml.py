from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trainlint.text.document import Broken, Node
from trainlint.text.scalars import resolve
from trainlint.text.source import source_of
from trainlint.text.toml import parse_toml, toml_comments

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RICH = """\
title = "a # b" # c
"quoted key".'lit.eral'.bare-1 = 'x\\y'
text = \"\"\"
one "two"
\\u00e9\\
   three\"\"\"
raw = '''
it's'''
numbers = [1_000, -2, +3.5, 1e-4, 6.6_2e+3, 0xFF, 0o17, 0b11, inf, -nan, # c
  true, false,
]
[optimizer]
lr = 1e-4
betas = [0.9, 0.999]
sub.a.b = { x = 1, y.z = [ {}, [] ] }
[optimizer.sub.c]
d = 1979-05-27T07:32:00Z
e = 1979-05-27 07:32:00.5
f = 07:32:00
[[stage]]
n = 1
[[stage]]
n = 2
[stage.inner]
deep = "x"
[[stage.list]]
[x.y.z]
[x]
k = 1
"""


def root_of(text: str) -> Node:
    (document,), broken = parse_toml(source_of("a.toml", text))
    assert broken == []
    return document.root


def problem(text: str) -> Broken:
    found, (broken,) = parse_toml(source_of("a.toml", text))
    assert found == []
    return broken


def plain(node: Node) -> object:
    if node.kind == "scalar":
        return resolve(node, "toml")
    if node.kind == "sequence":
        return [plain(child) for child in node.children]
    return {entry.key.raw: plain(entry.value) for entry in node.items}


def textual(value: object) -> object:
    """The standard parser's tree with dates as they are written, and NaN comparable."""
    if isinstance(value, dict):
        return {key: textual(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [textual(inner) for inner in value]
    return value if isinstance(value, bool | int | str) else repr(value)


def test_values_agree_with_the_standard_parser() -> None:
    dates = {"1979-05-27T07:32:00Z": "1", "1979-05-27 07:32:00.5": "2", "07:32:00": "3"}
    text = RICH
    for written, number in dates.items():
        text = text.replace(written, number)
    assert textual(plain(root_of(text))) == textual(tomllib.loads(text))
    root = root_of(RICH)
    optimizer = root.get("optimizer")
    assert optimizer is not None
    assert "1979-05-27 07:32:00.5" in str(plain(optimizer))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_places(newline: str) -> None:
    text = RICH.replace("\n", newline)
    source = source_of("a.toml", text)
    root = root_of(text)

    def covered(node: Node) -> str:
        line, column, end_line, end_column = node.place
        return text[source.offset(line, column) : source.offset(end_line, end_column)]

    optimizer, stage = root.get("optimizer"), root.get("stage")
    assert optimizer is not None
    assert stage is not None
    assert covered(optimizer.items[0].key) == "lr"
    assert covered(optimizer.items[0].value) == "1e-4"
    assert optimizer.items[0].value.place[0] == 12 + 1
    assert covered(optimizer.items[1].value) == "[0.9, 0.999]"
    assert covered(optimizer).startswith("[optimizer]")
    assert covered(stage.children[1]) == f"[[stage]]{newline}n = 2"
    assert covered(root.items[0].value) == '"a # b"'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a = 1\nb = 2\na = 3\n", 3, "'a' is already set on line 1"),
        ("[a]\nx = 1\n\n[a]\n", 4, "'a' is already set on line 1"),
        ("a = 1\na.b = 2\n", 2, "already set"),
        ("t = {a = 1, a = 2}\n", 1, "already set"),
        ("a = 1\nb = \n", 2, "invalid value"),
        ("a = yes\n", 1, "invalid value"),
        ("a = [1, 2\n\nb = 1\n", 3, ""),
        ("a 1\n", 1, "'='"),
        ("a = 010\n", 1, ""),
        ('a = "\\q"\n', 1, ""),
        ("a = 'x\n", 1, ""),
        ("\n[a\n", 2, ""),
    ],
)
def test_reasons_have_their_line(text: str, line: int, words: str) -> None:
    broken = problem(text)
    assert (broken.kind, broken.line) == ("config-syntax", line)
    assert words in broken.message


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 10_000, "x = " + "{a=" * 10_000, ".".join(["a"] * 10_000) + " = 1"]
)
def test_deep_nesting_is_refused(text: str) -> None:
    assert problem(text).kind == "too-deep"


def test_this_projects_own_settings_are_read() -> None:
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert textual(plain(root_of(text))) == textual(tomllib.loads(text))


def test_empty_files_are_empty_tables() -> None:
    assert root_of("").items == []
    assert root_of("# only a comment\n").items == []


def test_comments_are_those_outside_of_texts() -> None:
    text = "a = \"# no\" # one\n# two\r\nb = '''\n# no\n''' # three\nc = \"\\\"# no\" #four"
    assert toml_comments(source_of("a.toml", text)) == [
        (1, 12, "# one"),
        (2, 1, "# two"),
        (5, 5, "# three"),
        (6, 14, "#four"),
    ]
