from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainlint.discovery.gitignore import Patterns


@pytest.mark.parametrize(
    ("pattern", "excluded", "kept"),
    [
        ("*.py", ["a.py", "x/a.py"], ["a.pyc"]),
        ("/a.py", ["a.py"], ["x/a.py"]),
        ("x/a.py", ["x/a.py"], ["y/x/a.py"]),
        ("out/", ["out/", "x/out/"], ["out"]),
        ("**/logs", ["logs", "a/b/logs/"], ["logsx"]),
        ("logs/**", ["logs/a", "logs/a/b"], ["logs", "logs/"]),
        ("a/**/b", ["a/b", "a/x/y/b"], ["ab", "a/xb"]),
        ("a**b/c", ["axxb/c"], ["a/b/c"]),
        ("[!a]?.py", ["bx.py"], ["ax.py", "b.py"]),
        ("[a-c]", ["b"], ["d"]),
        ("[a-c", [], ["a", "[a-c"]),
        ("x[/]y", [], ["x/y"]),
        (r"\#x", ["#x"], []),
        (r"\!x", ["!x"], []),
        ("# comment", [], ["# comment"]),
        ("x  ", ["x"], ["x  "]),
        ("x\\ ", ["x "], ["x"]),
        ("x\\", [], ["x", "x\\"]),
        ("/", [], ["a"]),
    ],
)
def test_one_pattern(pattern: str, excluded: list[str], kept: list[str]) -> None:
    patterns = Patterns([pattern])
    assert [path for path in excluded if patterns.verdict(path) is not True] == []
    assert [path for path in kept if patterns.verdict(path) is not None] == []


def test_the_last_pattern_that_speaks_decides() -> None:
    patterns = Patterns(["*.py", "!keep.py", "old/keep.py"])
    assert [patterns.verdict(path) for path in ("a.py", "keep.py", "old/keep.py", "a.txt")] == [
        True,
        False,
        True,
        None,
    ]


def test_what_an_excluded_folder_holds_is_excluded() -> None:
    patterns = Patterns(["gen/", "!gen/keep.py"])
    assert patterns.excludes("gen/keep.py")
    assert not patterns.excludes("src/keep.py")
    assert patterns.excludes("src/gen/deep/a.py")


def test_a_class_of_characters_is_no_warning(recwarn) -> None:
    Patterns(["[[:alpha:]]", "[[]", "[a--z]", "[z-a]"])
    assert recwarn.list == []


@given(st.lists(st.text("ab*?[]!\\/-^ .#:&|~", max_size=8), max_size=3), st.text("ab/.", max_size=6))
def test_any_pattern_compiles(lines: list[str], path: str) -> None:
    Patterns(lines).excludes(path)
