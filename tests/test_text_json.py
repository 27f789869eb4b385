from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainlint.text.document import Broken, Node
from trainlint.text.json import parse_json
from trainlint.text.scalars import resolve
from trainlint.text.source import source_of
from trainlint.text.walk import walk

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def root_of(text: str) -> Node:
    (document,), broken = parse_json(source_of("a.json", text))
    assert broken == []
    assert document.format == "json"
    return document.root


def problem(text: str) -> Broken:
    found, (broken,) = parse_json(source_of("a.json", text))
    assert found == []
    return broken


def plain(node: Node) -> object:
    if node.kind == "scalar":
        return resolve(node, "json")
    if node.kind == "sequence":
        return [plain(child) for child in node.children]
    return {entry.key.raw: plain(entry.value) for entry in node.items}


@given(TREES, st.sampled_from([None, 1]), st.booleans())
def test_values_and_places_agree_with_the_standard_parser(
    tree: object, indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(tree, indent=indent, ensure_ascii=ascii_only)
    source = source_of("a.json", text)
    root = root_of(text)
    assert plain(root) == tree
    for _, node in walk(root):
        line, column, end_line, end_column = node.place
        written = text[source.offset(line, column) : source.offset(end_line, end_column)]
        assert json.loads(written) == plain(node)


@given(st.text(alphabet='{}[]:,"\\/*#10-e.tnu \n', max_size=30))
def test_accepts_what_the_standard_parser_accepts(text: str) -> None:
    found, broken = parse_json(source_of("a.json", text))
    assert len(found) + len(broken) == 1
    try:
        json.loads(text)
    except ValueError:
        return
    assert found


def test_comments_commas_duplicates_and_odd_numbers() -> None:
    root = root_of('// a\n{"lr": 1e-4, /* b\n */ "lr": NaN, # c\n "x": [-Infinity, 10e1,],\n}')
    assert list(root.keys()) == ["lr", "lr", "x"]
    values = [resolve(entry.value, "json") for entry in root.items[:2]]
    assert values[0] == 1e-4
    assert isinstance(values[1], float)
    assert math.isnan(values[1])
    assert root.items[0].value.raw == "1e-4"
    assert root.items[1].key.place == (3, 5, 3, 9)
    last = root.get("x")
    assert last is not None
    assert [resolve(child, "json") for child in last.children] == [-math.inf, 100.0]


def test_quoted_numbers_stay_text_and_surrogates_are_replaced() -> None:
    assert resolve(root_of('"1e-4"'), "json") == "1e-4"
    assert root_of('"\\ud83d\\ude00 \\ud800"').raw == "😀 \ufffd"


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "the end of the file"),
        ('{"a": 1\n', 1, 1, "never closed"),
        ('{"a": 1\r\n "b": 2}', 2, 2, "expected ',' or '}'"),
        ('{"a"\n1}', 2, 1, "expected ':'"),
        ("{lr: 1}", 1, 2, "in double quotes, found 'lr'"),
        ('{"a": BATCH_SIZE}', 1, 7, "found 'BATCH_SIZE'"),
        ('{"a": 01}', 1, 7, "'01'"),
        ("[1,,2]", 1, 4, "found ','"),
        ('["a\nb"]', 1, 2, "never closed"),
        ('["\\x"]', 1, 2, "escape"),
        ("1 2", 1, 3, "more text"),
        ("{'a': 1}", 1, 2, "double quotes"),
    ],
)
def test_reasons_are_plain_and_placed(text: str, line: int, column: int, words: str) -> None:
    broken = problem(text)
    assert (broken.kind, broken.line, broken.column) == ("config-syntax", line, column)
    assert words in broken.message


def test_deep_and_vast_files_are_refused() -> None:
    assert problem("[" * 10_000).kind == "too-deep"
    assert problem("\n" + '{"a":' * 10_000).line == 2
    assert problem("[" + "0," * 200_001 + "0]").kind == "budget"
