"""Slices of files parse on their own, and positions in them are the file's."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import libcst as cst
import pytest
from hypothesis import given
from hypothesis import strategies as st
from libcst.metadata import MetadataWrapper, PositionProvider

from trainlint.analysis.close.slices import Slice, parse_slice, positions, split_lines, unit_source
from trainlint.analysis.facts import Outline, Unit
from trainlint.analysis.outline.outline import outline

REALISTIC = textwrap.dedent(
    '''
    """A module."""
    import torch
    from torch import nn

    RATE = 1e-3; BATCH = 64
    NOTE = """
    not indented
      at all
    """


    @torch.no_grad()
    @retry(
        times=3,
    )
    def evaluate(model, loader: "Loader" = None, *args, **kw) -> float:
        """Docs."""
        total = 0.0
        for x, y in loader:
            total += (
                (model(x) - y) ** 2
            ).mean() / \\
                len(loader)
    # a comment to the left
            if total: break
        return total


    class Net(nn.Module):
        """Docs."""

        width = 64; depth = 3
        sizes = [
            1, 2,
        ]

        def __init__(self): super().__init__(); self.x = 1

        norm = nn.BatchNorm2d
        # comment

        class Meta:
            name = "net"

        async def fetch(self):
            async with self.session as s, s.get("ü→") as r:
                return await r.text()

        if RATE > 1:
            def fast(self):
                return """
    left
    """
        else:
            fast = None


    class Empty(Net):
        def only(self): pass


    class Short: kind = "a:b"; other = {1: 2}
    class Spread(
        Net,
    ): size = 1

    try:
        import apex
    except ImportError:
        def apex(x):
        \treturn x
    if __name__ == "__main__":
        evaluate(Net(), None)
    '''
)


def read(text: str) -> tuple[list[str], Outline]:
    found = outline("a.py", text, "a", False, frozenset())
    assert isinstance(found, Outline), found
    return split_lines(text), found


def slices(text: str) -> Iterator[tuple[list[str], Unit, Slice]]:
    lines, found = read(text)
    for unit in found.units:
        yield lines, unit, unit_source(lines, unit)


def slice_of(text: str, qualname: str) -> Slice:
    return next(piece for _, unit, piece in slices(text) if unit.qualname == qualname)


def names_of(module: cst.Module) -> list[cst.Name]:
    found: list[cst.Name] = []

    class Collect(cst.CSTVisitor):
        def visit_Name(self, node: cst.Name) -> None:  # noqa: N802
            found.append(node)

    module.visit(Collect())
    return found


def assert_exact(text: str) -> int:
    """Every slice parses to itself, and every name in it is where the map says. Returns how many names."""
    count = 0
    for lines, unit, piece in slices(text):
        if not piece.text:
            continue
        module = parse_slice(piece)
        assert module.code == piece.text, unit.qualname
        assert len(piece.line_map) == piece.text.count("\n") + 1
        names = names_of(module)
        places = positions(module, names, piece.line_map)
        for name in names:
            line, column, end_line, end_column = places[name]
            assert line == end_line
            assert lines[line - 1][column - 1 : end_column - 1] == name.value
            count += 1
    return count


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_unit_of_a_realistic_file_is_exact(end: str) -> None:
    assert assert_exact(REALISTIC.replace("\n", end)) > 70


def test_a_function_is_its_lines_under_a_wrapper() -> None:
    piece = slice_of("class A:\n    x = 1\n\n    @d\n    def f(self):\n        pass\n", "A.f")
    assert piece == Slice("if 1:\n    @d\n    def f(self):\n        pass\n", [0, 0, 4, 5, 6])


def test_a_class_body_is_its_own_statements() -> None:
    piece = slice_of(REALISTIC, "Net")
    assert "def __init__" not in piece.text
    assert "class Meta" not in piece.text
    assert piece.text.startswith("if 1:\n    width = 64; depth = 3\n")
    assert "def fast" in piece.text


def test_a_class_of_methods_only_gives_nothing() -> None:
    assert slice_of(REALISTIC, "Empty") == Slice("", [0])


def test_a_header_on_the_body_s_line_is_blanked() -> None:
    piece = slice_of("class Short: kind = 'a:b'; n = 1\n", "Short")
    assert piece.text == "if 1:\n             kind = 'a:b'; n = 1\n"
    assert slice_of(REALISTIC, "Spread").text == "if 1:\n   size = 1\n"


def test_module_body_leaves_out_definitions() -> None:
    piece = slice_of("import a\ndef f(): pass\nx = f()\n", "")
    assert piece == Slice("import a\nx = f()\n", [0, 1, 3])


@pytest.mark.parametrize(
    "text",
    [
        "class A:\n\tx = 1\n\tdef f(self):\n\t\treturn x\n\ty = 2\n",
        "class A:\n\x0c    x = 1\n\x0c\n    def f(self):\n        return x\n",
        "\x0c\ndef f():\n    return x\n\x0c\ny = f\n",
        "def f(): x = 1; y = 2\nz = 3;\n",
        "class A:\n    x = 1 \\\n\n    def f(self): return x\n    y = x\n",
        "x = (\n  a\n).b; y = '''\n'''; z = 1\ndef f(): pass\nw = 2\n",
        "if a:\n    def f():\n        if b:\n            return c\nelif d:\n  class E:\n     g = h\n",
        "class A:\n    '''doc'''; x = y\n    def f(self): pass\n",
        "class A(B, metaclass=C[1:2]): x = y\n",
        "@a\n@b(\n  c\n)\nasync def f(): return d\n",
        "class Größe:\n    ß = 'é'; ñ = ß\n    def f(self): return ñ\n",
        "x = 1  # tail \\\ndef f(): return x\ny = x\n",
        "match a:\n    case [b, *c]:\n        def f(): return d\n",
        "with a as b: c = d\nfor e in f: g = h\nelse:\n    def i(): return j\n",
    ],
)
def test_odd_layouts_are_exact(text: str) -> None:
    assert assert_exact(text) > 0


def test_a_byte_order_mark_does_not_move_columns() -> None:
    piece = slice_of("\ufeffx = y\n", "")
    module = parse_slice(piece)
    assert sorted(positions(module, names_of(module), piece.line_map).values()) == [
        (1, 1, 1, 2),
        (1, 5, 1, 6),
    ]


def test_lines_end_where_python_ends_them() -> None:
    assert split_lines("a\r\nb\rc\nd\x0ce\u2028f\x1cg") == ["a", "b", "c", "d\x0ce\u2028f\x1cg"]


def test_the_same_text_is_parsed_once() -> None:
    first = slice_of("def f(): return 1\n", "f")
    again = slice_of("x = 1\n\ndef f(): return 1\n", "f")
    assert parse_slice(first) is parse_slice(again)
    assert first.line_map != again.line_map


def test_positions_are_those_of_libcst_s_own_provider() -> None:
    for _, _, piece in slices(REALISTIC):
        if not piece.text:
            continue
        module = parse_slice(piece)
        ours = dict(MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider))
        wanted = {
            node: place
            for node, place in ours.items()
            if isinstance(node, cst.BaseExpression | cst.BaseStatement)
        }
        found = positions(module, wanted, piece.line_map)
        assert found == {
            node: (
                piece.line_map[place.start.line], place.start.column + 1,
                piece.line_map[place.end.line], place.end.column + 1,
            )
            for node, place in wanted.items()
        }  # fmt: skip


def test_parentheses_and_strangers_do_not_count() -> None:
    piece = slice_of("def f():\n    return (a +\n            b)\n", "f")
    module = parse_slice(piece)
    total = next(node for node in _nodes(module) if isinstance(node, cst.BinaryOperation))
    assert positions(module, [total, cst.Name("stranger")], piece.line_map) == {total: (2, 13, 3, 14)}


def _nodes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _nodes(child)


STATEMENTS = st.sampled_from(
    [
        "x = y",
        "x = y; z = w",
        "x = '''\nq\n'''",
        "x = (\n1,\n)",
        "pass",
        "'doc'",
        "# comment",
        "",
        "x = y \\\n  + z",
        "def f(a): return b",
        "@d\ndef f(a):\n    return b",
        "class C: x = y",
        "class C:\n    x = y\n    def g(self): return x",
        "if a:\n    def h(): return b\nelse:\n    x = y",
        "class D(E):\n    'doc'\n    def g(self):\n        return x\n    z = 1",
        "try:\n    x = y\nexcept A as b:\n    x = z",
        "for i in j: x = i",
        "\x0c\nx = y",
    ]
)


@given(st.lists(STATEMENTS, max_size=8), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), st.booleans())
def test_any_mix_of_statements_is_exact(parts: list[str], end: str, in_class: bool, tabs: bool) -> None:
    text = "\n".join(parts) + "\n"
    if in_class:
        text = "class Outer:\n    first = 1\n" + textwrap.indent(text, "    ")
    if tabs:
        text = text.replace("    ", "\t")
    assert_exact(text.replace("\n", end))
