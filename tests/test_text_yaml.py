from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from trainlint.text.document import Broken, Document, Node
from trainlint.text.source import Source, source_of
from trainlint.text.walk import walk
from trainlint.text.yaml import DEPTH_LIMIT, parse_yaml, yaml_comments


def documents(text: str) -> list[Document]:
    found, broken = parse_yaml(source_of("a.yaml", text))
    assert broken == []
    return found


def root_of(text: str) -> Node:
    (document,) = documents(text)
    return document.root


def problem(text: str) -> Broken:
    _, (broken,) = parse_yaml(source_of("a.yaml", text))
    return broken


def covered(source: Source, node: Node) -> str:
    line, column, end_line, end_column = node.place
    return source.text[source.offset(line, column) : source.offset(end_line, end_column)]


def _is_one_plain_scalar(word: str) -> bool:
    try:
        events = [event for event in yaml.parse(f"- {word}\n") if isinstance(event, yaml.ScalarEvent)]
    except yaml.YAMLError:
        return False
    return [(event.value, event.style) for event in events] == [(word, None)]


WORDS = st.text(alphabet="ab1.-_é😀\u200b:#'\"", min_size=1, max_size=6).filter(_is_one_plain_scalar)
SPACE = st.sampled_from([" ", "  ", "\t ", " # c 😀\r\n      ", "\n      "])


@given(
    st.lists(st.tuples(WORDS, SPACE, WORDS), min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_a_plain_scalar_stands_exactly_where_its_place_says(
    pairs: list[tuple[str, str, str]], newline: str, bom: bool
) -> None:
    text = "".join(f"{key}:{space}{value} # 😀{newline}" for key, space, value in pairs)
    source = source_of("a.yaml", ("\ufeff" if bom else "") + text)
    found, broken = parse_yaml(source)
    if broken:
        return
    scalars = [node for _, node in walk(found[0].root) if node.kind == "scalar" and node.style == "plain"]
    scalars += [entry.key for entry in found[0].root.items]
    assert {node.raw for node in scalars} >= {key for key, _, _ in pairs}
    for node in scalars:
        assert covered(source, node) == node.raw


@given(st.text(alphabet="ab: -?[]{},&*!|>'\"%@#\n\r\t \u2028\x850~<", max_size=40))
def test_any_text_gives_what_the_parser_gives_or_one_reason(text: str) -> None:
    source = source_of("a.yaml", text)
    found, broken = parse_yaml(source)
    try:
        expected = list(yaml.compose_all(text, Loader=yaml.CSafeLoader))
    except yaml.composer.ComposerError:
        return  # compose refuses repeated anchors, which the YAML specification allows
    except yaml.YAMLError:
        assert len(broken) == 1
        assert 1 <= broken[0].line <= len(source.starts)
        return
    assert not broken
    assert [_shape(document.root, ()) for document in found] == [
        _shape_of_pyyaml(node, ()) for node in expected
    ]


def _shape(node: Node, above: tuple[int, ...]) -> object:
    if id(node) in above:
        return "cycle"
    above = (*above, id(node))
    if node.kind == "scalar":
        return node.raw
    if node.kind == "sequence":
        return [_shape(child, above) for child in node.children]
    return [(_shape(entry.key, above), _shape(entry.value, above)) for entry in node.items]


def _shape_of_pyyaml(node: yaml.Node, above: tuple[int, ...]) -> object:
    if id(node) in above:
        return "cycle"
    above = (*above, id(node))
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_shape_of_pyyaml(child, above) for child in node.value]
    return [(_shape_of_pyyaml(key, above), _shape_of_pyyaml(value, above)) for key, value in node.value]


def test_styles_tags_and_places() -> None:
    source = source_of(
        "a.yaml",
        "a: 'x # y'\nb: !!float 1e-4\nc: |- # why\n    one\n    two\n\n\nd: >\n  fold\n"
        'e: &here !ref <lr> # c\nf: !!python/name:os.system\ng: "\\t"\nh: ! 1\ni: !include\n',
    )
    ((document,), broken) = parse_yaml(source)
    assert broken == []
    found = {
        entry.key.raw: (entry.value.style, entry.value.tag, covered(source, entry.value))
        for entry in document.root.items
    }
    assert found == {
        "a": ("single", "", "'x # y'"),
        "b": ("plain", "!!float", "1e-4"),
        "c": ("literal", "", "|- # why\n    one\n    two"),
        "d": ("folded", "", ">\n  fold"),
        "e": ("plain", "!ref", "<lr>"),
        "f": ("plain", "!!python/name:os.system", ""),
        "g": ("double", "", '"\\t"'),
        "h": ("plain", "!", "1"),
        "i": ("plain", "!include", ""),
    }
    assert document.root.get("c") is not None
    assert document.root.items[2].value.raw == "one\ntwo"


def test_collections_end_where_their_last_value_ends() -> None:
    source = source_of("a.yaml", "a:\n  - 1\n  - b: 2 # c\n\n# d\ne: !x [1,\n  2 ]\n")
    root = parse_yaml(source)[0][0].root
    assert covered(source, root.items[0].value) == "- 1\n  - b: 2"
    assert covered(source, root.items[1].value) == "[1,\n  2 ]"
    assert root.items[1].value.tag == "!x"
    assert covered(source, root) == source.text.rstrip()


def test_duplicates_merges_and_complex_keys_are_kept() -> None:
    root = root_of(
        "base: &b {lr: 1}\nrun:\n  <<: *b\n  lr: 2\n  lr: 3\n'<<': 4\n? [1, 2]\n: 5\n? {q: 1}\n: 6\n"
    )
    run = root.get("run")
    assert run is not None
    assert list(run.keys()) == ["<<", "lr", "lr"]
    assert [entry.merge for entry in run.items] == [True, False, False]
    assert run.items[0].value is root.items[0].value
    assert root.items[0].value.anchored
    assert not run.anchored
    last = run.get("lr")
    assert last is not None
    assert last.raw == "3"
    assert [(entry.key.raw, entry.merge) for entry in root.items[2:]] == [
        ("<<", False),
        ("[1, 2]", False),
        ("{q: 1}", False),
    ]


def test_several_documents_and_empty_ones() -> None:
    assert documents("") == []
    assert documents("# nothing\n") == []
    found = documents("---\n---\na: 1\n...\n--- 2\n")
    assert [(document.index, document.root.kind, document.root.raw) for document in found] == [
        (0, "scalar", ""),
        (1, "mapping", ""),
        (2, "scalar", "2"),
    ]


def test_a_broken_document_keeps_those_before_it() -> None:
    found, (broken,) = parse_yaml(source_of("a.yaml", "a: 1\n---\nb: [1\nc: 2\n---\nd: 1\n"))
    assert [document.root.get("a") is not None for document in found] == [True]
    assert (broken.kind, broken.line) == ("config-syntax", 4)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a:\n\tb: 1\n", 2, 1, "a tab cannot indent YAML"),
        ("a:\n  b: 1\n\tc: 2\n", 3, 1, "a tab cannot indent YAML"),
        ("a: 1\nb: 'x\n\n", 2, 4, "never closed"),
        ("a: b: c\n", 1, 5, "second ': '"),
        ("a: @x\n", 1, 4, "'@' cannot start a value"),
        ("a: {{ x }} y\n", 1, 12, "expected a key"),
        ("a: 1\n b: 2\n", 2, 3, "second ': '"),
        ("- a\nb: 1\n", 2, 1, "list item"),
        ("a: !e!x 1\n", 1, 4, "tag handle"),
        ("a: 1\nb: \x07\n", 2, 4, "U+0007"),
        ("a: 1\nb: *x\n", 2, 4, "*x names no anchor"),
        ("a: &x 1\n---\nb: *x\n", 3, 4, "*x names no anchor"),
        ('a: "\\q"\n', 1, 5, "escape"),
    ],
)
def test_reasons_are_plain_and_placed(text: str, line: int, column: int, words: str) -> None:
    broken = problem(text)
    assert (broken.kind, broken.line, broken.column) == ("config-syntax", line, column)
    assert words in broken.message


def test_a_lone_surrogate_is_a_reason() -> None:
    assert problem("a: 1\nb: \ud800").line == 2


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10_000,
        "{a: " * 10_000,
        "- " * 10_000 + "1",
        "x:\n" + "? " * 10_000,
        "a: " + "[" * 10_000 + "]" * 10_000,
    ],
)
def test_deep_nesting_is_refused_with_its_place(text: str) -> None:
    broken = problem(text)
    assert broken.kind == "too-deep"
    assert str(DEPTH_LIMIT) in broken.message


def test_too_many_values_are_refused() -> None:
    broken = problem("a:\n" + "- 0\n" * 200_000)
    assert broken.kind == "budget"
    assert broken.line > 199_000


def test_cycles_and_alias_bombs_end() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 20)}]\n" for i in range(1, 30)
    )
    assert len(list(walk(root_of(bomb)))) == 32
    cyclic = root_of("a: &x {b: *x, c: &y [*y, *x]}\n? *x\n: 1\n")
    assert len(list(walk(cyclic))) == 4


def test_a_walk_knows_paths_and_stops_at_its_budget() -> None:
    root = root_of("a: [1, {b: 2}]\n? [k]\n: 3\n")
    assert [path for path, _ in walk(root)] == [
        (),
        ("a",),
        ("a", 0),
        ("a", 1),
        ("a", 1, "b"),
        ("[k]",),
        ("[k]", 0),
        ("[k]",),
    ]
    assert len(list(walk(root, budget=3))) == 3


def test_comments_are_found_outside_of_texts_only() -> None:
    text = (
        "# trainlint: ignore-file[a]\na: 'x # no' # one\nb: \"\n  # no\n  \" # two\n"
        "c: | # three\n  # no\n\n# four\nd: x#no\ne: [1, # five\n  'it''s # no']\nf: >-\n\n  # no\n"
    )
    assert yaml_comments(source_of("a.yaml", text)) == [
        (1, 1, "# trainlint: ignore-file[a]"),
        (2, 13, "# one"),
        (5, 5, "# two"),
        (6, 6, "# three"),
        (9, 1, "# four"),
        (11, 8, "# five"),
    ]
    assert yaml_comments(source_of("a.yaml", "a: 1 # x\n")) == []
    assert yaml_comments(source_of("a.yaml", "a: 'x # no' # trainlint: x\nb: [\n# y\n"))[0] == (
        1,
        13,
        "# trainlint: x",
    )
