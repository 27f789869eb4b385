"""The primitives that fixes are made of: what they write parses, means what is meant, and keeps comments."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import trainlint
from trainlint.findings import Edit, Span
from trainlint.fixing.making.arguments import set_argument
from trainlint.fixing.making.config_text import delete_entry, insert_entry, replace_scalar, replace_text
from trainlint.fixing.making.expressions import put
from trainlint.fixing.making.imports import add_import, name_in
from trainlint.fixing.making.statements import delete, insert_after, insert_before, insert_first, swap
from trainlint.fixing.making.syntax import Syntax, read_syntax
from trainlint.text.edits import applied, changes_of
from trainlint.text.source import source_of
from trainlint.text.yaml import parse_yaml


def syntax_of(text: str) -> Syntax:
    found = read_syntax(source_of("a.py", text))
    assert found is not None
    return found


def after(syntax: Syntax, edits: list[Edit] | None) -> str | None:
    return None if edits is None else applied(syntax.text, changes_of(syntax.source, edits))


def first_call(syntax: Syntax) -> ast.Call:
    return next(node for node in ast.walk(syntax.tree) if isinstance(node, ast.Call))


def with_argument(
    text: str, name: str = "shuffle", value: str = "True", position: int | None = None
) -> str | None:
    syntax = syntax_of(text)
    return after(syntax, set_argument(syntax, first_call(syntax), name, value, position))


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("f()\n", "f(shuffle=True)\n"),
        ("f(a)\n", "f(a, shuffle=True)\n"),
        ("f(a,)\n", "f(a, shuffle=True)\n"),
        ("f(a, *b)\n", "f(a, *b, shuffle=True)\n"),
        ("f((a))\n", "f((a), shuffle=True)\n"),
        ("(f)(a)\n", "(f)(a, shuffle=True)\n"),
        ("f(a, shuffle=False)\n", "f(a, shuffle=True)\n"),
        ("f(\n    a,\n    b=1,  # why\n)\n", "f(\n    a,\n    b=1,  # why\n    shuffle=True,\n)\n"),
        ("f(\n    a,\n    b=1  # why\n)\n", "f(\n    a,\n    b=1,  # why\n    shuffle=True\n)\n"),
        ("f(\n    a,\n    b=1)\n", "f(\n    a,\n    b=1,\n    shuffle=True)\n"),
        ("f(a,\n  b=1,\n  c=2)\n", "f(a,\n  b=1,\n  c=2,\n  shuffle=True)\n"),
        ("f(  # why\n)\n", "f(shuffle=True  # why\n)\n"),
        ("f(# why\n)\n", "f(shuffle=True  # why\n)\n"),
        ("f(shuffle=False, **options)\n", "f(shuffle=True, **options)\n"),
        ('f("ü😀", é)\n', 'f("ü😀", é, shuffle=True)\n'),
        ("f(a  # why\n  ,)\n", "f(a  # why\n  , shuffle=True)\n"),
    ],
)
def test_an_argument_is_written_as_the_others_are(before: str, expected: str) -> None:
    assert with_argument(before) == expected


@pytest.mark.parametrize(
    "text",
    [
        "f(a, **options)\n",
        "f(a, **options, shuffle=on)\n",
        "f(x for x in y)\n",
        "f(a, shuffle=args.shuffle)\n",
        "f(a, shuffle=not True)\n",
    ],
)
def test_no_argument_where_it_is_not_certain(text: str) -> None:
    assert with_argument(text) is None


def test_an_argument_that_is_passed_by_position_is_replaced_there() -> None:
    assert with_argument("f(a, 64, False)\n", position=2) == "f(a, 64, True)\n"
    assert with_argument("f(a, 64)\n", position=2) == "f(a, 64, shuffle=True)\n"
    assert with_argument("f(*a)\n", position=2) is None
    assert with_argument("f(a, 64, shuffled)\n", position=2) is None


_GAPS = st.sampled_from(["", "", " ", "\n", "\n    ", "  # c, (\n", "\n\n  # ü )\n  ", " \t"])
_VALUES = st.sampled_from(
    [
        "a",
        "1",
        '"é😀, ("',
        "g(1, b=2)",
        "(a)",
        "( a + b )",
        "[1, 2]",
        "lambda x: x",
        "a.b[0]",
        "(\n1,\n)",
        "{**a}",
        "not a",
    ]
)
_CALLEES = st.sampled_from(["f", "a.b", "(f)", "g()", "a[0]", "a\n.b", "(lambda: 1)"])


@st.composite
def calls(draw: st.DrawFn) -> str:
    """A call with any arguments, laid out anyhow, in brackets: there its callee may span lines too."""
    positional = [
        draw(st.sampled_from(["", "", "*"])) + draw(_VALUES) for _ in range(draw(st.integers(0, 3)))
    ]
    keywords = [
        f"{name}={draw(_GAPS)}{draw(_VALUES)}"
        for name in draw(st.lists(st.sampled_from("bcdé"), unique=True))
    ]
    arguments = positional + keywords
    text = draw(_GAPS)
    for index, argument in enumerate(arguments):
        last = index == len(arguments) - 1
        comma = "" if last and draw(st.booleans()) else ","
        text += f"{argument}{draw(_GAPS)}{comma}{draw(_GAPS)}"
    return f"{draw(_CALLEES)}{draw(st.sampled_from(['', ' ']))}({text})"


def comments(text: str) -> list[str]:
    return [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    ]


@given(call=calls(), ends=st.sampled_from(["\n", "\r\n"]))
def test_an_argument_is_added_to_any_call(call: str, ends: str) -> None:
    text = f"x = [\n  1, {call},\n]\n"
    syntax = syntax_of(text.replace("\n", ends))
    outer = syntax.tree.body[0]
    assert isinstance(outer, ast.Assign)
    assert isinstance(outer.value, ast.List)
    target = outer.value.elts[1]
    assert isinstance(target, ast.Call)
    edits = set_argument(syntax, target, "shuffle", "True")
    assert edits is not None
    done = after(syntax, edits)
    assert done is not None
    target.keywords.append(ast.keyword("shuffle", ast.Constant(True)))
    assert ast.dump(ast.parse(done)) == ast.dump(syntax.tree)
    assert comments(done.replace("\r\n", "\n")) == comments(text)


def everywhere(text: str) -> tuple[str, str, str]:
    """The text with an argument added to every call, its tree, and the tree it should have."""
    syntax = syntax_of(text)
    edits: list[Edit] = []
    for node in list(ast.walk(syntax.tree)):
        if isinstance(node, ast.Call) and not any(
            isinstance(up, ast.JoinedStr) for up in syntax.around(node)
        ):
            made = set_argument(syntax, node, "shuffle", "True")
            if made is not None:
                edits += made
                node.keywords.append(ast.keyword("shuffle", ast.Constant(True)))
    done = applied(text, changes_of(syntax.source, edits))
    return done, ast.dump(ast.parse(done)), ast.dump(syntax.tree)


@pytest.mark.parametrize("room", ["fixing", "output", "text", "rulebook", "suppressions"])
def test_an_argument_is_added_to_every_call_of_our_own_sources(room: str) -> None:
    for file in sorted(Path(trainlint.__file__).parent.joinpath(room).rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        done, tree, expected = everywhere(text)
        assert tree == expected, file
        assert comments(done) == comments(text), file


def replaced(text: str, operand: str, template: str) -> str | None:
    syntax = syntax_of(text)
    found = [
        node
        for node in ast.walk(syntax.tree)
        if isinstance(node, ast.expr) and syntax.written(node) == operand
    ]
    return after(syntax, put(syntax, found[0], template))


@pytest.mark.parametrize(
    ("before", "operand", "template", "expected"),
    [
        ("torch.sqrt(a)\n", "a", "… + 1e-8", "torch.sqrt(a + 1e-8)\n"),
        ("a.sqrt()\n", "a", "… + 1e-8", "(a + 1e-8).sqrt()\n"),
        ("(a * b).sqrt()\n", "a * b", "… + 1e-8", "(a * b + 1e-8).sqrt()\n"),
        ("x / (a - b)\n", "a - b", "….clamp(min=1)", "x / (a - b).clamp(min=1)\n"),
        ("x / a\n", "a", "… + 1e-6", "x / (a + 1e-6)\n"),
        ("x / n\n", "n", "max(…, 1)", "x / max(n, 1)\n"),
        ("a ** 0.5\n", "a", "… + 1e-8", "(a + 1e-8) ** 0.5\n"),
        ("-a ** 2\n", "a ** 2", "… + 1", "-(a ** 2 + 1)\n"),
        ("f(a if b else c)\n", "a if b else c", "… + 1", "f((a if b else c) + 1)\n"),
        ("x = a @ b\n", "a @ b", "….sum()", "x = (a @ b).sum()\n"),
        ("x[a]\n", "a", "… + 1", "x[a + 1]\n"),
        ("x = y - (a\n    + b)\n", "a\n    + b", "… + 1", "x = y - (a\n    + b + 1)\n"),
        ("x = (a\n    - b) + y\n", "a\n    - b", "… + 1", "x = (a\n    - b + 1) + y\n"),
        ("x = [a]\n", "a", "lambda: …", "x = [(lambda: a)]\n"),
    ],
)
def test_an_expression_gets_parentheses_where_it_needs_them(
    before: str, operand: str, template: str, expected: str
) -> None:
    assert replaced(before, operand, template) == expected


_OPERANDS = st.sampled_from(
    [
        "a",
        "a + b",
        "-a",
        "a ** b",
        "a if b else c",
        "a or b",
        "not a",
        "a < b",
        "a @ b",
        "lambda: a",
        "1",
        "a.b",
        "f(a)",
        "a | b",
        "await_(a)",
    ]
)
_AROUND = st.sampled_from(
    [
        "{}",
        "f({})",
        "x / {}",
        "{} / x",
        "x - {}",
        "{} ** x",
        "x ** {}",
        "-{}",
        "{}.a",
        "{}[0]",
        "x[{}]",
        "[{}, 1]",
        "{} < x",
        "not {}",
        "{} or x",
        "x if {} else y",
        "f(k={})",
        "{} and 1",
        "{}(1)",
        "x | {}",
    ]
)
_TEMPLATES = st.sampled_from(
    ["… + 1e-8", "….clamp(min=1)", "max(…, 1)", "… * 2", "… or 1", "-…", "x if … else y"]
)


@given(operand=_OPERANDS, around=_AROUND, template=_TEMPLATES)
def test_an_expression_in_place_of_another_means_what_is_meant(
    operand: str, around: str, template: str
) -> None:
    syntax = syntax_of(f"y = {around.format(f'({operand})')}\n")
    wanted = ast.dump(ast.parse(operand, mode="eval").body)
    node = next(
        each for each in ast.walk(syntax.tree) if isinstance(each, ast.expr) and ast.dump(each) == wanted
    )
    done = after(syntax, put(syntax, node, template))
    assert done is not None
    meant = around.format(f"({template.replace('…', f'({operand})')})")
    assert ast.dump(ast.parse(done)) == ast.dump(ast.parse(f"y = {meant}\n"))


def statement(syntax: Syntax, line: int) -> ast.stmt:
    return next(node for node in ast.walk(syntax.tree) if isinstance(node, ast.stmt) and node.lineno == line)


@pytest.mark.parametrize(
    ("text", "line", "before", "behind"),
    [
        ("if x:\n    a()  # c\n", 2, "if x:\n    new()\n    a()  # c\n", "if x:\n    a()  # c\n    new()\n"),
        ("a()", 1, "new()\na()", "a()\nnew()"),
        ("if x: a()\n", 1, "new()\nif x: a()\n", "if x: a()\nnew()\n"),
        ("a(\n  1)\n", 1, "new()\na(\n  1)\n", "a(\n  1)\nnew()\n"),
        ("@d\ndef f(): ...\n", 2, "new()\n@d\ndef f(): ...\n", "@d\ndef f(): ...\nnew()\n"),
    ],
)
def test_a_statement_stands_above_or_below_another(text: str, line: int, before: str, behind: str) -> None:
    syntax = syntax_of(text)
    found = statement(syntax, line)
    assert after(syntax, insert_before(syntax, found, "new()")) == before
    assert after(syntax, insert_after(syntax, found, "new()")) == behind


def test_statements_that_share_a_line_are_left_alone() -> None:
    syntax = syntax_of("if x: a(); b()\nc(); d()\n")
    branch = syntax.tree.body[0]
    assert isinstance(branch, ast.If)
    assert insert_first(syntax, branch.body, "new()") is None
    assert insert_after(syntax, branch.body[0], "new()") is None
    assert insert_after(syntax, syntax.tree.body[1], "new()") is None
    assert insert_before(syntax, syntax.tree.body[2], "new()") is None
    assert delete(syntax, syntax.tree.body[1]) is None


def test_lines_joined_by_a_backslash_are_one() -> None:
    syntax = syntax_of("x = 1; \\\n    y = 2\n")
    assert insert_before(syntax, syntax.tree.body[1], "new()") is None


def test_a_block_begins_above_its_comments() -> None:
    syntax = syntax_of("# main\nif x:\n    # first\n    # second\n    a()\n")
    branch = syntax.tree.body[0]
    assert isinstance(branch, ast.If)
    done = after(syntax, insert_first(syntax, branch.body, "new()\n    old()"))
    assert done == "# main\nif x:\n    new()\n        old()\n    # first\n    # second\n    a()\n"


def test_a_block_begins_below_its_docstring() -> None:
    syntax = syntax_of('def f():\n    """What."""\n    return 1\n')
    function = syntax.tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    done = after(syntax, insert_first(syntax, function.body, "new()"))
    assert done == 'def f():\n    """What."""\n    new()\n    return 1\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if x:\n    a()  # one\n    b(\n      1)\n", "if x:\n    b(\n      1)\n    a()  # one\n"),
        ("if x:\n    a()\n\n    b()\n", None),
        ("if x:\n    a()\n    # two\n    b()\n", None),
        ("if x:\n    a(); b()\n", None),
        ("if x:\n    a()\n    b()", None),
    ],
)
def test_neighbours_change_places(text: str, expected: str | None) -> None:
    syntax = syntax_of(text)
    branch = syntax.tree.body[0]
    assert isinstance(branch, ast.If)
    assert after(syntax, swap(syntax, *branch.body)) == expected


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("a()\nb()\n", 2, "a()\n"),
        ("a()\nb()", 2, "a()\n"),
        ("if x:\n    a()\n", 2, "if x:\n    pass\n"),
        ("if x:\n    a()  # why\n    b()\n", 2, "if x:\n    # why\n    b()\n"),
        ("a(\n    1,  # why\n)\nb()\n", 1, None),
        ("if x:\n    a()\nelse:\n    b()\n", 4, "if x:\n    a()\nelse:\n    pass\n"),
    ],
)
def test_a_statement_is_taken_out_with_its_lines(text: str, line: int, expected: str | None) -> None:
    syntax = syntax_of(text)
    assert after(syntax, delete(syntax, statement(syntax, line))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import torch\n", "torch.manual_seed"),
        ("import torch as th\n", "th.manual_seed"),
        ("from torch import manual_seed\n", "manual_seed"),
        ("import torch.nn\n", "torch.manual_seed"),
        ("import torch.nn as nn\n", None),
        ("from .torch import manual_seed\n", None),
        ("import torch\ntorch = 1\n", None),
        ("def f():\n    import torch\n", None),
        ('import os\nos.environ["A"] = "1"\nimport torch\n', "torch.manual_seed"),
        ("x = make()\nimport torch\n", None),
    ],
)
def test_a_librarys_name_is_written_as_the_imports_have_it(text: str, expected: str | None) -> None:
    assert name_in(syntax_of(text), "torch.manual_seed") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import os\n\nx = 1\n", "import os\nimport torch\n\nx = 1\n"),
        ('"""What."""\n\nx = 1\n', '"""What."""\nimport torch\n\nx = 1\n'),
        (
            "from __future__ import annotations\nx = 1\n",
            "from __future__ import annotations\nimport torch\nx = 1\n",
        ),
        ("# coding: utf-8\nx = 1\n", "# coding: utf-8\nimport torch\nx = 1\n"),
        ("try:\n    import a\nexcept ImportError:\n    a = None\nx = f()\n", None),
    ],
)
def test_an_import_stands_below_the_others(text: str, expected: str | None) -> None:
    syntax = syntax_of(text)
    done = after(syntax, add_import(syntax, "import torch"))
    if expected is None:
        assert done is not None
        ast.parse(done)
    else:
        assert done == expected


def test_a_place_in_an_f_string_is_no_place() -> None:
    syntax = syntax_of('x = f"{g(1)}"\n')
    assert syntax.expression(Span("a.py", 1, 8, 1, 12), ast.Call) is None


def test_a_place_counts_code_points() -> None:
    syntax = syntax_of('x = ("😀é", f(1))\n')
    found = syntax.expression(Span("a.py", 1, 12, 1, 16), ast.Call)
    assert found is not None
    assert syntax.written(found) == "f(1)"


YAML = """\
# learning
lr: 1e-4  # why
name: 'a'  # b
nested: {lr: 1, x: 2}
block:
  one: 1
  two:
    - 1
    - 2

  three: "3"
list:
  - k: 1
    v: 2
anchor: &a
  x: 1
"""


def yaml_after(path: str, act: str) -> str | None:
    source = source_of("a.yaml", YAML)
    documents, _ = parse_yaml(source)
    holder, entry = documents[0].root, None
    for part in path.split("."):
        entry = next(each for each in holder.items if each.key.raw == part)
        holder = entry.value if entry.value.kind == "mapping" else (entry.value.children or [holder])[0]
    assert entry is not None
    made = {
        "plain": lambda: replace_scalar(source, entry.value, "1.0e-4"),
        "text": lambda: replace_text(source, entry.value, "b"),
        "delete": lambda: delete_entry(source, entry),
        "insert": lambda: insert_entry(source, entry.value, "k", "v"),
    }[act]()
    return None if made is None else applied(source.text, changes_of(source, made))


def test_a_scalar_is_replaced_and_its_comment_stays() -> None:
    assert yaml_after("lr", "plain") == YAML.replace("lr: 1e-4  # why", "lr: 1.0e-4  # why")
    assert yaml_after("name", "text") == YAML.replace("'a'", "'b'")
    assert yaml_after("block", "plain") is None


def test_a_key_goes_with_its_lines_and_nothing_else() -> None:
    assert yaml_after("block.two", "delete") == YAML.replace("  two:\n    - 1\n    - 2\n", "")
    assert yaml_after("block.one", "delete") == YAML.replace("  one: 1\n", "")
    for path in ("lr", "nested.lr", "list.k", "anchor"):
        assert yaml_after(path, "delete") is None, path


def test_a_key_is_written_in_front_of_the_others() -> None:
    assert yaml_after("block", "insert") == YAML.replace("  one: 1", "  k: v\n  one: 1")
    assert yaml_after("nested", "insert") == YAML.replace("{lr: 1", "{k: v, lr: 1")
