"""The first look at a file: units, lines, calls, mentions, imports, symbols, and what is refused."""

from __future__ import annotations

import json
import textwrap

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainlint.analysis.facts import Import, Outline, Parameter, Unit
from trainlint.analysis.outline.outline import outline
from trainlint.text.document import Broken

VOCABULARY = frozenset({"lr", "sqrt", "shuffle", "SGD", "seed", "train"})


def read(text: str, module: str = "pkg.mod", is_package: bool = False) -> Outline:
    found = outline("pkg/mod.py", textwrap.dedent(text), module, is_package, VOCABULARY)
    assert isinstance(found, Outline), found
    return found


def refuse(text: str) -> Broken:
    found = outline("bad.py", text, "bad", False, VOCABULARY)
    assert isinstance(found, Broken), found
    return found


def units(found: Outline) -> dict[str, Unit]:
    return {unit.qualname: unit for unit in found.units}


def test_units_are_the_module_its_classes_and_their_direct_functions() -> None:
    found = read(
        """
        import torch

        @decorated
        def f(x):
            def nested():
                return torch.sqrt(x)
            class Local:
                def method(self): pass
            return nested

        class A(Base):
            class B:
                def g(self): pass
            rate = 1
            async def h(self): pass
        """
    )
    assert list(units(found)) == ["", "f", "A", "A.B", "A.B.g", "A.h"]
    assert [unit.kind for unit in found.units] == [
        "module", "function", "class", "class", "function", "function",
    ]  # fmt: skip
    assert units(found)["f"].lines == [(4, 10)]
    assert units(found)["f"].calls == ["torch.sqrt"]
    assert units(found)["f"].mentions == ["sqrt"]
    assert units(found)["A"].lines == [(15, 15)]
    assert units(found)["A"].bases == ["Base"]
    assert units(found)["A.B"].lines == []


def test_redefinitions_have_names_of_their_own() -> None:
    found = read(
        """
        class C:
            @property
            def x(self): return 1
            @x.setter
            def x(self, value): pass
        class C:
            def x(self): pass
        def f(): pass
        def f(): pass
        """
    )
    assert list(units(found)) == ["", "C", "C.x", "C.x#2", "C#2", "C#2.x", "f", "f#2"]
    assert units(found)["C.x#2"].decorators == ["x.setter"]


def test_a_def_inside_a_block_is_a_unit_and_the_block_stays_whole() -> None:
    found = read(
        """
        try:
            import apex
        except ImportError:
            def scale(x):
                return x / 2
        if fast:
            class Net:
                def run(self): pass
        else:
            x = seed()
        """
    )
    assert units(found)[""].lines == [(2, 11)]
    assert units(found)[""].calls == ["seed"]
    assert units(found)["scale"].lines == [(5, 6)]
    assert [unit.qualname for unit in found.units if unit.conditional] == ["scale", "Net", "Net.run"]


def test_module_lines_leave_out_definitions_docstrings_and_pass() -> None:
    found = read(
        '''
        """Docs."""
        import a

        b = 1; c = """
        """; d = 2
        def f(): pass
        pass
        class Empty(Exception): pass
        e = [
            1,
        ]  # tail
        '''
    )
    assert units(found)[""].lines == [(3, 6), (10, 12)]
    assert units(found)["Empty"].lines == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("class A: x = 1; y = 2\n", [(1, 1)]),
        ("class A(\n    B,\n): x = 1\n", [(1, 3)]),
        ("class A:\n    x = 1 \\\n\n    def f(self): pass\n    y = 2\n", [(2, 3), (5, 5)]),
        ("class A:\n    'doc'\n    def f(self): pass\n", []),
        ("class A:\n    'doc'; x = 1\n", [(2, 2)]),
        ("class A:\n    ...\n", []),
    ],
)
def test_class_lines(text: str, lines: list[tuple[int, int]]) -> None:
    assert units(read(text))["A"].lines == lines


def test_calls_are_as_written_in_order_each_once() -> None:
    found = read(
        """
        outer(inner(1), models["a"](x).eval())
        inner(2)
        make()(3)
        ", ".join(names)
        (a + b).sum()
        layers[0].train(mode=False)
        """
    )
    assert units(found)[""].calls == ["inner", "[]", "().eval", "outer", "make", "()", "().sum", "[].train"]


def test_mentions_are_names_attributes_keywords_parameters_and_equal_strings() -> None:
    found = read(
        """
        def a(lr): pass
        def b(): loader(shuffle=True)
        def c(): return cfg["lr"]
        def d(): return optim.SGD
        def e(): "lr is described here"
        def f(): return f"{seed}"
        """
    )
    assert {name: unit.mentions for name, unit in units(found).items() if name} == {
        "a": ["lr"], "b": ["shuffle"], "c": ["lr"], "d": ["SGD"], "e": [], "f": ["seed"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "divides"),
    [
        ("a / b", True), ("a / 2", False), ("a / -2.0", False), ("a / 'x'", False), ("a // b", False),
        ("a ** 0.5", True), ("a ** 2", False), ("a ** n", True), ("a ** -1", True), ("lambda: a / b", True),
        ("[x / y for x in z]", True),
    ],
)  # fmt: skip
def test_divides(expression: str, divides: bool) -> None:
    assert units(read(f"def f(): return {expression}\n"))["f"].divides is divides


@pytest.mark.parametrize(("statement", "divides"), [("x /= y", True), ("x /= 2", False), ("x **= 0.5", True)])
def test_augmented_division(statement: str, divides: bool) -> None:
    assert units(read(statement))[""].divides is divides


def test_parameters() -> None:
    found = read("def f(a, /, b, c=1, *args, d, e=2, **kwargs): pass\n")
    assert units(found)["f"].params == [
        Parameter("a", "positional-only"),
        Parameter("b"),
        Parameter("c", "normal", True),
        Parameter("args", "star"),
        Parameter("d", "keyword-only"),
        Parameter("e", "keyword-only", True),
        Parameter("kwargs", "double-star"),
    ]


def test_decorators_and_bases_are_names_without_arguments() -> None:
    found = read(
        """
        @torch.no_grad()
        @app.command
        def f(): pass
        class C(Generic[T], nn.Module, make(), metaclass=Meta): pass
        """
    )
    assert units(found)["f"].decorators == ["torch.no_grad", "app.command"]
    assert units(found)["C"].bases == ["Generic", "nn.Module", "make"]


def test_imports_are_absolute_and_know_their_unit() -> None:
    found = read(
        """
        import a.b.c
        import numpy as np
        from . import sibling
        from .near import x as y
        from ..far import z
        from star import *
        class C:
            import inside
            def f(self):
                if 1:
                    def g():
                        from late import thing
        """,
        module="pkg.sub.mod",
    )
    assert found.imports == [
        Import("a", "a", 2),
        Import("", "a.b.c", 2),
        Import("np", "numpy", 3),
        Import("sibling", "pkg.sub.sibling", 4, relative=True),
        Import("y", "pkg.sub.near.x", 5, relative=True),
        Import("z", "pkg.far.z", 6, relative=True),
        Import("*", "star", 7),
        Import("inside", "inside", 9, "C"),
        Import("thing", "late.thing", 13, "C.f"),
    ]


def test_relative_imports_of_a_package_start_at_itself_and_stop_at_the_top() -> None:
    found = read("from .a import b\nfrom ...x import y\n", module="pkg", is_package=True)
    assert [entry.target for entry in found.imports] == ["pkg.a.b", "x.y"]


def test_symbols() -> None:
    found = read(
        """
        import os.path, sys as system
        try:
            from fast import kernel
        except ImportError:
            kernel = None
        def f(): hidden = 1
        class C: attribute = 1
        a, (b, *c) = d = 1, (2, 3)
        for i in x: j: int = 0
        with open(p) as handle: pass
        f = wrap(f)
        """
    )
    assert found.symbols == {
        **dict.fromkeys(["os", "system", "kernel"], "import"),
        **dict.fromkeys(["a", "b", "c", "d", "i", "j", "handle"], "variable"),
        "f": "function",
        "C": "class",
    }


@pytest.mark.parametrize(
    ("text", "exports"),
    [
        ("x = 1", None),
        ("__all__ = ['a', 'b']", ["a", "b"]),
        ("__all__ = ('a',) + ('b',)", ["a", "b"]),
        (
            "__all__ = ['a']\n__all__ += ['b']\n__all__.extend(['c'])\n__all__.append('d')",
            ["a", "b", "c", "d"],
        ),
        ("__all__ = ['a'] + other.__all__", None),
        ("__all__ = ['a']\n__all__ += other.__all__", None),
    ],
)
def test_exports(text: str, exports: list[str] | None) -> None:
    assert read(text).exports == exports


@pytest.mark.parametrize(
    ("test", "guards"),
    [("__name__ == '__main__'", True), ("'__main__' == __name__", True), ("__name__ == 'x'", False)],
)
def test_main_guard(test: str, guards: bool) -> None:
    assert read(f"if {test}:\n    main()\n").main_guard is guards


@pytest.mark.parametrize(
    ("text", "dynamic"),
    [
        ("exec(open('c.py').read())", ["exec"]),
        ("import importlib\nm = importlib.import_module(name)", ["importlib.import_module"]),
        ("globals()['x'] = 1", ["globals()"]),
        ("globals().update(make())", ["globals()"]),
        ("import os\nsetattr(os, 'x', 1)", ["setattr"]),
        ("setattr(thing, 'x', 1)", []),
        ("import sys\nsys.path.insert(0, '..')", ["sys.path"]),
        ("def f():\n    eval('1')\n", []),
        ("def f():\n    sys.path.append('.')\n", ["sys.path"]),
    ],
)
def test_dynamic(text: str, dynamic: list[str]) -> None:
    assert read(text).dynamic == dynamic


def test_lines_are_counted_as_python_counts_them() -> None:
    assert read("a = 1\r\nb = '\x0c\u2028'\rc = 3").lines == 3
    assert read("").lines == 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("print 'hello'\n", "python2"),
        ("try:\n    f()\nexcept ValueError, e:\n    pass\n", "python2"),
        ("raise ValueError, 'x'\n", "python2"),
        ("x = 0777\n", "python2"),
        ("def f(:\n", "syntax"),
        ("x = 1\0\n", "syntax"),
        ("if 1:\n  a\n b\n", "syntax"),
        ("x = " + "(" * 2000, "too-deep"),
        ("x = " + "[" * 150 + "]" * 150 + "\n" + "y = " + "1+" * 300 + "1", "too-deep"),
        ("x = " + " and ".join(["a"] * 8000), "too-deep"),
        ("x = " + "<".join(["a"] * 400), "too-deep"),
        ("x" + ".a" * 4000, "too-deep"),
        ("x = " + "'a' " * 400, "too-deep"),
        ("x = (" + "f'{a}'\n" * 400 + ")", "too-deep"),
        ("x = (" + "'a\\n'\n" * 400 + ")", "too-deep"),
        ("if a: pass\n" + "elif b: pass\n" * 300, "too-deep"),
        ("".join(" " * i + "if 1:\n" for i in range(120)) + " " * 120 + "pass", "too-deep"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_kind(text: str, kind: str) -> None:
    refused = refuse(text)
    assert refused.kind == kind
    assert refused.line >= 1
    assert refused.column >= 1


def test_refusals_name_their_line() -> None:
    assert refuse("a = 1\nprint 'x'\n") == Broken("python2", 2, 1, "Python 2 source")
    assert refuse("a = 1\n\nb = " + "-a" * 300).line == 3
    assert refuse("a = 1\nx = 1\0").line == 2


@pytest.mark.parametrize(
    "text",
    [
        "x = [" + "1.5, " * 50_000 + "]",
        "x = '''" + "line of text\n" * 2000 + "'''",
        "x = f'''" + "{a} and text\n" * 400 + "'''",
        "x = {" + "'k': 'v',\n" * 2000 + "}",
        "x = '" + "a" * 5000 + "'",
    ],
)
def test_large_flat_source_is_read(text: str) -> None:
    assert read(text).symbols == {"x": "variable"}


def test_newer_grammar_is_read_on_any_python() -> None:
    found = read(
        '''
        type Pair = tuple[int, int]
        class Box[T: (int, str)](Base):
            def get[
                K,
            ](self, lr: K) -> T:
                print(f"{self["lr"]} {
                    torch.sqrt(x / y):>{width}}")
        text = f"""
        {f"{seed(f"{1}")!r}"}
        """ "plain"
        try:
            f()
        except* (ValueError, TypeError):
            g()
        def last(): pass
        '''
    )
    assert found.symbols["Pair"] == "variable"
    assert units(found)["Box.get"].lines == [(4, 8)]
    assert units(found)["Box.get"].mentions == ["lr", "sqrt"]
    assert units(found)["Box.get"].divides
    assert "seed" in units(found)[""].calls
    assert units(found)["last"].lines == [(16, 16)]


def test_a_byte_order_mark_is_no_text() -> None:
    assert read("\ufeffx = 1\n").symbols == {"x": "variable"}


def test_an_outline_survives_json() -> None:
    found = read("from .a import b\nclass C(b):\n    def f(self, lr=1): return lr / self.n\n")
    assert msgspec.json.decode(msgspec.json.encode(found), type=Outline) == found
    json.loads(msgspec.json.encode(found))


@given(st.text(alphabet="ab=(1):;\n \\\t'\"#\f\r\0[]{}.,+@", max_size=60))
def test_any_text_gives_an_outline_or_a_reason(text: str) -> None:
    found = outline("x.py", text, "x", False, VOCABULARY)
    assert isinstance(found, Outline | Broken)
    if isinstance(found, Outline):
        for unit in found.units:
            assert all(1 <= first <= last <= found.lines for first, last in unit.lines)
