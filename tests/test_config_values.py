from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from config_samples import document
from hypothesis import given, settings
from hypothesis import strategies as st

from trainlint.recipe.config.tree import find_all, nearest, value_node, walk_entries
from trainlint.recipe.config.values import find_config, value_at
from trainlint.recipe.model import State
from trainlint.text.source import source_of
from trainlint.text.yaml import parse_yaml

MERGED = """
defaults: &defaults
  lr: 0.1
  betas: [0.9, 0.999]
more: &more {lr: 0.2, eps: 1e-8}
optim:
  <<: [*defaults, *more]
  lr: 0.3
plain:
  <<: *defaults
again: *defaults
"""


@pytest.mark.parametrize(
    ("path", "expected", "line"),
    [
        (["optim", "lr"], 0.3, 8),
        (["optim", "eps"], "1e-8", 5),
        (["plain", "lr"], 0.1, 3),
        (["again", "lr"], 0.1, 3),
        (["optim", "betas", 1], 0.999, 4),
    ],
)
def test_merges_and_anchors_are_followed_to_where_the_value_is_written(
    path: list[Any], expected: object, line: int
) -> None:
    value = value_at(document(MERGED), path, "pyyaml")
    assert value is not None
    assert (value.value, value.state) == (expected, State.EXPLICIT)
    assert value.span is not None
    assert (value.span.path, value.span.line) == ("train.yaml", line)


@pytest.mark.parametrize(
    ("loader", "expected"),
    [("pyyaml", "1e-4"), ("omegaconf", 1e-4), ("yaml12", 1e-4), ("literal-eval", 1e-4)],
)
def test_the_loader_decides_what_a_value_is(loader: str, expected: object) -> None:
    value = value_at(document("lr: 1e-4\n"), ["lr"], loader)
    assert value is not None
    assert value.value == expected


def test_json_types_itself_whatever_the_loader() -> None:
    value = value_at(document('{"lr": 1e-4}', "a.json"), ["lr"], "pyyaml")
    assert value is not None
    assert value.value == 1e-4


@pytest.mark.parametrize(
    "path", [["missing"], ["lr", "deeper"], ["list", 5], ["list", "x"], ["missing", "x"]]
)
def test_a_missing_key_is_none(path: list[Any]) -> None:
    assert value_at(document("lr: 0.1\nlist: [1]\n"), path, "pyyaml") is None


def test_the_last_of_repeated_keys_counts() -> None:
    value = value_at(document("lr: 0.1\nlr: 0.2\n"), ["lr"], "pyyaml")
    assert value is not None
    assert value.value == 0.2


def test_references_within_the_file_are_resolved_for_omegaconf() -> None:
    text = "base: {lr: 0.1}\nlr: ${base.lr}\nenv: ${oc.env:LR}\nloop: ${loop}\nauto: auto\n"
    value = value_at(document(text), ["lr"], "omegaconf")
    assert value is not None
    assert (value.value, value.state, [link.label for link in value.chain]) == (
        0.1,
        State.EXPLICIT,
        ["${base.lr}"],
    )
    for key, loader in (("env", "omegaconf"), ("loop", "omegaconf"), ("lr", "pyyaml"), ("auto", "pyyaml")):
        other = value_at(document(text), [key], loader)
        assert other is not None
        assert other.state is State.DYNAMIC


def test_lists_and_mappings_are_not_one_value() -> None:
    listed = value_at(document("steps: [30, 60]\n"), ["steps"], "pyyaml")
    mapped = value_at(document("optim: {lr: 1}\n"), ["optim"], "pyyaml")
    assert listed is not None
    assert mapped is not None
    assert (listed.state, listed.choices) == (State.UNKNOWN, (30, 60))
    assert (mapped.state, mapped.choices) == (State.UNKNOWN, ())


_KEYS = st.text("abcdef_", min_size=1, max_size=4)
_LEAVES = st.one_of(
    st.integers(-5, 5), st.floats(-1, 1), st.booleans(), st.none(), st.sampled_from(["x", "sgd", "1e-4"])
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=15,
)


def _leaves(tree: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    if isinstance(tree, dict):
        return [leaf for key, value in tree.items() for leaf in _leaves(value, (*path, key))]
    if isinstance(tree, list):
        return [leaf for index, value in enumerate(tree) for leaf in _leaves(value, (*path, index))]
    return [(path, tree)]


@given(st.dictionaries(_KEYS, _TREES, min_size=1, max_size=4), st.booleans())
def test_values_are_what_pyyaml_loads(tree: dict[str, Any], flow: bool) -> None:
    text = yaml.safe_dump(tree, default_flow_style=flow)
    documents, _ = parse_yaml(source_of("a.yaml", text))
    for path, expected in _leaves(yaml.safe_load(text)):
        value = value_at(documents[0], path, "pyyaml")
        assert value is not None
        if value.state is State.EXPLICIT:
            assert value.value == expected
            assert type(value.value) is type(expected)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=4),
    st.permutations(["x", "y"]),
    st.integers(0, 3),
)
def test_merges_are_what_pyyaml_makes_of_them(own: list[tuple[str, int]], order: list[str], at: int) -> None:
    lines = [f"  {key}: {number}" for key, number in dict(own).items()]
    lines.insert(min(at, len(lines)), f"  <<: [*{order[0]}, *{order[1]}]")
    text = "one: &x {a: 100, d: 101}\ntwo: &y {a: 200, b: 201}\nboth:\n" + "\n".join(lines) + "\n"
    loaded = yaml.safe_load(text)["both"]
    root = document(text).root
    assert {key: int(value_node(root, ["both", key]).value.raw) for key in loaded} == loaded  # type: ignore[union-attr]


def test_wildcards_and_the_nearest_place() -> None:
    root = document("a:\n  - {x: 1}\n  - {x: 2}\nb: {c: {x: 3}, d: {x: 4}}\n").root
    assert [found.value.raw for found in find_all(root, "a.*.x")] == ["1", "2"]
    assert [found.value.raw for found in find_all(root, "b.*.x")] == ["3", "4"]
    assert nearest(root, ["b", "c", "missing", "deeper"]).path == ("b", "c")
    assert nearest(root, ["nothing"]).path == ()


@settings(deadline=None)
@given(st.integers(2, 30))
def test_a_bomb_of_aliases_ends(levels: int) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    root = document("\n".join(lines) + "\n").root
    assert sum(1 for _ in walk_entries(root, budget=2000)) <= 2000


def test_a_cycle_ends() -> None:
    root = document("a: &a\n  b: *a\n  lr: 0.1\n").root
    assert ("a", "lr") in {found.path for found in walk_entries(root)}


@pytest.mark.parametrize(
    ("literal", "from_file", "expected"),
    [
        ("config.yaml", "src/train.py", "src/config.yaml"),
        ("configs/base.yml", "src/train.py", "configs/base.yml"),
        ("./configs/base.yml", "train.py", "configs/base.yml"),
        ("../configs/base.yml", "src/train.py", "configs/base.yml"),
        ("base.yml", "src/train.py", "configs/base.yml"),
        ("b/twice.yaml", "train.py", "a/b/twice.yaml"),
        ("twice.yaml", "train.py", None),
        ("wice.yaml", "train.py", None),
        ("missing.yaml", "train.py", None),
        ("/etc/config.yaml", "train.py", None),
        ("https://host/config.yaml", "train.py", None),
        ("C:\\configs\\base.yml", "train.py", None),
        ("..\\configs\\base.yml", "src/train.py", "configs/base.yml"),
        ("", "train.py", None),
        ("../../..", "train.py", None),
    ],
)
def test_literal_paths_are_resolved_or_left_alone(literal: str, from_file: str, expected: str | None) -> None:
    known = ["src/config.yaml", "configs/base.yml", "a/b/twice.yaml", "a/c/twice.yaml", "other/config.yaml"]
    assert find_config(known, literal, from_file) == expected


@given(st.text(max_size=20), st.text("ab/.", max_size=8))
def test_no_literal_is_too_odd(literal: str, from_file: str) -> None:
    assert find_config(["a/b.yaml"], literal, from_file) in (None, "a/b.yaml")


def test_json_dump_is_a_yaml_of_the_same_values() -> None:
    tree = {"a": {"b": [1, 2.5, None, True, "x"]}}
    root = document(json.dumps(tree))
    assert [value_at(root, ["a", "b", n], "pyyaml").value for n in range(5)] == tree["a"]["b"]  # type: ignore[union-attr]
