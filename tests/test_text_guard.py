from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainlint.text.document import Broken
from trainlint.text.guard import refusal
from trainlint.text.lexer import logical_lines
from trainlint.text.source import source_of

HAZARDS: dict[str, Callable[[int], str]] = {
    "parentheses": lambda n: "x = " + "(" * n + "1" + ")" * n,
    "lists": lambda n: "x = " + "[" * n + "]" * n,
    "dicts": lambda n: "x = " + "{1: " * n + "1" + "}" * n,
    "calls in calls": lambda n: "x = " + "f(" * n + "1" + ")" * n,
    "calls in calls over lines": lambda n: "x = " + "f(\n" * n + "1" + ")" * n,
    "brackets around strings": lambda n: "x = " + "f('a', " * n + "1" + ")" * n,
    "sum": lambda n: "x = " + "+".join("1" * n),
    "sum over lines": lambda n: "x = (" + "\n  + ".join("1" * n) + ")",
    "sum over continued lines": lambda n: "x = " + " \\\n  + ".join("1" * n),
    "sum as an argument": lambda n: "f(0, " + "+".join("1" * n) + ", 1)",
    "powers": lambda n: "x = " + "**".join("1" * n),
    "signs": lambda n: "x = " + "-" * n + "1",
    "comparison": lambda n: "x = " + "<".join("1" * n),
    "and": lambda n: "x = " + " and ".join("a" * n),
    "or": lambda n: "if " + " or ".join("a" * n) + ": pass",
    "not": lambda n: "x = " + "not " * n + "1",
    "await": lambda n: "x = " + "await " * n + "y",
    "lambda": lambda n: "x = " + "lambda: " * n + "1",
    "lambda with parameters": lambda n: "x = " + "lambda a, b: " * n + "1",
    "conditional": lambda n: "x = " + "1 if a else " * n + "1",
    "comprehension": lambda n: "x = [1 " + "for a in b " * n + "]",
    "attributes": lambda n: "x = y" + ".a" * n,
    "subscripts": lambda n: "x = y" + "[0]" * n,
    "calls of calls": lambda n: "x = y" + "()" * n,
    "chained methods": lambda n: "x = (y" + "\n  .a('b')" * n + ")",
    "adjacent strings": lambda n: "x = " + "'a' " * n,
    "adjacent strings over lines": lambda n: "x = (" + "'a'\n" * n + ")",
    "elif": lambda n: "if x: pass\n" + "elif x: pass\n" * n,
    "elif in a block": lambda n: "def f():\n  if x:\n    pass\n" + "  elif x:\n    pass\n" * n,
    "blocks": lambda n: "".join(" " * i + "if x:\n" for i in range(n)) + " " * n + "pass",
    "blocks with elif": lambda n: (
        "".join(
            " " * i + "if x: pass\n" + (" " * i + "elif x: pass\n") * 3 + " " * i + "else:\n"
            for i in range(n)
        )
        + " " * n
        + "pass"
    ),
    "f-string field": lambda n: 'x = f"{' + "(" * n + "1" + ")" * n + '}"',
    "raw f-string field": lambda n: 'x = (1, Rf"{' + "(" * n + "1" + ")" * n + '}")',
    "sum in an f-string": lambda n: 'x = f"{{}} {' + "+".join("1" * n) + '}"',
    "sums in parentheses": lambda n: "x = " + "(1+1+1+" * n + "1" + ")" * n,
    "parentheses in sums": lambda n: "x = " + "(" * n + "1" + "+1+1+1)" * n,
    "powers in parentheses": lambda n: "x = " + "(2**3**4**" * n + "1" + ")" * n,
    "lambdas in parentheses": lambda n: "x = " + "(lambda: lambda: lambda: " * n + "1" + ")" * n,
    "methods in calls": lambda n: "x = " + "f.a.b(" * n + "1" + ")" * n,
    "conditionals in brackets": lambda n: "x = " + "[1 if a else not " * n + "1" + "]" * n,
}

PARSE_ALL = """
import json, sys, libcst
for name, text in json.load(sys.stdin).items():
    try:
        libcst.parse_module(text)
        libcst.parse_module("if 1:\\n" + "".join(" " + line for line in text.splitlines(True)))
    except libcst.ParserSyntaxError:
        pass
    print(name, flush=True)
"""


def refused(text: str) -> Broken | None:
    return refusal(source_of("a.py", text + "\n"))


def tallest_that_passes(build: Callable[[int], str]) -> int:
    low, high = 1, 2000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if refused(build(middle)) is None else (low, middle)
    return low


@pytest.mark.parametrize("name", HAZARDS)
def test_every_hazard_is_refused_when_huge_and_passes_when_ordinary(name: str) -> None:
    build = HAZARDS[name]
    broken = refused(build(10_000 if "block" not in name else 1_000))
    assert broken is not None
    assert broken.kind == "too-deep"
    assert "more than" in broken.message or "nested" in broken.message
    assert refused(build(30)) is None


@pytest.mark.parametrize("name", HAZARDS)
def test_limits_are_where_they_are_said_to_be(name: str) -> None:
    assert 30 < tallest_that_passes(HAZARDS[name]) <= 302


def test_what_passes_near_the_limit_does_not_kill_the_parser() -> None:
    tall = {name: build(tallest_that_passes(build)) + "\n" for name, build in HAZARDS.items()}
    assert all(refused(text) is None for text in tall.values())
    run = subprocess.run(
        [sys.executable, "-c", PARSE_ALL], input=json.dumps(tall), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, f"after {run.stdout.splitlines()[-1:]}: {run.stderr}"
    assert run.stdout.splitlines() == list(tall)


@pytest.mark.parametrize(
    "text",
    [
        "x = [" + "-1.0, " * 5_000 + "]",
        "x = {" + "'a': f.g(1, 'b' + c, d=[1, 2]).h,\n" * 2_000 + "}",
        "x = [" + "('a', 'b'),\n" * 2_000 + "]",
        "x = [" + "lambda a, b: a,\n" * 2_000 + "]",
        "x = '''" + "((((((((((" * 50 + "'''",
        "x = 'a' # " + "(" * 500,
        'x = """' + "a.b " * 500 + '"""\n',
        "print('{" + "(" * 400 + "}')",
        "f('{" + "(" * 400 + "}', b'{" + "(" * 400 + "}')",
        "x = f'{{" + "(" * 400 + "}}'",
        "x = f'''" + "<p style='a-b: c'> {y.z} </p>\n" * 200 + "'''",
        "\n".join(f"if x == {i}: pass" for i in range(1_000)),
        "def f():\n" + "    if x: pass\n    elif y: pass\n    else: pass\n" * 500,
        "def f():\n    g(1," + "\n" + " " * 120 + "2)\n",
        "import a; " * 500,
        "x = 1 #" + "+1" * 500,
        "x = '\\'' + '" + "(" * 200 + "'",
    ],
)
def test_long_but_flat_source_passes(text: str) -> None:
    assert refused(text) is None


PARTS = ['\\"', "\\'", '"""\\', "'''\\", "\\", "(", ")", 'f"{', '"', "#\n", "()", "'\\\n"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("start", ["", '"', "'", "x = '", 'x = f"{'])
def test_no_text_takes_more_than_linear_time(start: str, part: str) -> None:
    refusal(source_of("a.py", start + part * 100_000))


def test_an_unclosed_bracket_does_not_turn_the_rest_into_one_expression() -> None:
    body = "def f(x):\n    y = x + 1 - 2 * x\n    return y.a.b\n" * 200
    assert refused("x = (1,\n" + body) is None


def test_a_string_cannot_hide_depth_behind_it() -> None:
    hidden = "x = " + "+".join(["'''\ndef f(): pass\n'''"] * 2 + ["1"] * 400)
    broken = refused(hidden)
    assert broken is not None
    assert broken.kind == "too-deep"


def test_the_place_is_where_the_limit_is_passed() -> None:
    broken = refused("import os\n\nx = (1,\n  " + "a + " * 400 + "b)")
    assert broken is not None
    assert (broken.line, broken.column) == (4, 3 + 4 * 300 + 2)


@given(st.text(alphabet="ab'\"#()[]{}\\\n\r,.:+ f", max_size=200))
def test_logical_lines_cover_every_text_in_order(text: str) -> None:
    lines = list(logical_lines(text))
    assert lines[0][0] == 0
    assert lines[-1][1] == len(text)
    for (_, end, _), (start, _, _) in itertools.pairwise(lines):
        assert text[end:start] in ("\n", "\r", "\r\n")
    assert refusal(source_of("a.py", text)) is None
