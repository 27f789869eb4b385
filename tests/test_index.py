"""What names mean across the files of a project, and what a program reaches."""

from __future__ import annotations

import random
import textwrap

import pytest

from trainlint.analysis.facts import Outline
from trainlint.analysis.index.names import Names
from trainlint.analysis.index.project import ProjectIndex, Target, module_name
from trainlint.analysis.outline.outline import outline

GUARD = "if __name__ == '__main__': pass\n"
CONVENTIONS = {"nn": "torch.nn", "F": "torch.nn.functional", "np": "numpy"}


def outlines(files: dict[str, str]) -> list[Outline]:
    found = []
    for path, text in files.items():
        module, is_package = module_name(path)
        read = outline(path, textwrap.dedent(text), module, is_package, frozenset())
        assert isinstance(read, Outline), read
        found.append(read)
    return found


def project(files: dict[str, str], broken: tuple[str, ...] = ()) -> ProjectIndex:
    return ProjectIndex(outlines(files), broken)


def where(target: Target) -> tuple[str, str, str]:
    return (target.kind, target.path, target.qualname)


PACKAGE = {
    "pkg/__init__.py": """
        from .core import Model, make as build
        from .names import *
        from .train import train
        __version__ = "1"
    """,
    "pkg/core.py": """
        import torch
        from torch import nn
        from . import core as itself
        from .base import Base

        class Model(Base, nn.Module):
            def forward(self, x): return self.shared(x)
            @staticmethod
            def helper(x): return x
            class Config: size = 1

        def make(): return Model()
    """,
    "pkg/base.py": """
        class Base:
            def shared(self, x): return x
            def forward(self, x): raise NotImplementedError
    """,
    "pkg/names.py": """
        from .deeper import *
        __all__ = ["listed"] + []
        def listed(): pass
        def unlisted(): pass
    """,
    "pkg/deeper.py": "def deep(): pass\n",
    "pkg/train.py": "def train(): pass\ndef other(): pass\n",
    "main.py": """
        import os.path
        import pkg
        import pkg.core as core
        import torch.optim as optim
        from torch.optim import SGD
        from pkg import Model, build, train, listed
        from pkg.core import nn, make
        if __name__ == "__main__":
            train()
        def run(model, lr=0.1):
            from pkg.base import Base
            return Base()
        settings = {}
    """,
}


@pytest.mark.parametrize(
    ("dotted", "expected"),
    [
        ("Model", ("class", "pkg/core.py", "Model")),
        ("pkg.Model", ("class", "pkg/core.py", "Model")),
        ("pkg.core.Model.forward", ("function", "pkg/core.py", "Model.forward")),
        ("core.make", ("function", "pkg/core.py", "make")),
        ("core.itself.make", ("function", "pkg/core.py", "make")),
        ("build", ("function", "pkg/core.py", "make")),
        ("Model.shared", ("function", "pkg/base.py", "Base.shared")),
        ("Model.Config", ("class", "pkg/core.py", "Model.Config")),
        ("train", ("function", "pkg/train.py", "train")),
        ("pkg.train", ("function", "pkg/train.py", "train")),
        ("pkg.listed", ("function", "pkg/names.py", "listed")),
        ("pkg.core", ("module", "pkg/core.py", "")),
        ("pkg", ("module", "pkg/__init__.py", "")),
        ("run", ("function", "main.py", "run")),
        ("settings", ("variable", "main.py", "settings")),
        ("pkg.__version__", ("variable", "pkg/__init__.py", "__version__")),
    ],
)
def test_project_names_resolve_through_imports_aliases_and_reexports(
    dotted: str, expected: tuple[str, str, str]
) -> None:
    assert where(project(PACKAGE).resolve("main.py", "", dotted)) == expected


@pytest.mark.parametrize(
    ("dotted", "absolute"),
    [
        ("SGD", "torch.optim.SGD"),
        ("optim.lr_scheduler.StepLR", "torch.optim.lr_scheduler.StepLR"),
        ("nn.Linear", "torch.nn.Linear"),
        ("os.path.join", "os.path.join"),
        ("len", "builtins.len"),
        ("core.torch.sqrt", "torch.sqrt"),
        ("Model.parameters", "torch.nn.Module.parameters"),
    ],
)
def test_external_names_are_absolute(dotted: str, absolute: str) -> None:
    target = project(PACKAGE).resolve("main.py", "", dotted)
    assert (target.kind, target.absolute) == ("external", absolute)


@pytest.mark.parametrize("dotted", ["nowhere", "pkg.unlisted", "pkg.deep", "core.absent", "().x", "[].y", ""])
def test_unknown_names_say_so(dotted: str) -> None:
    assert project(PACKAGE).resolve("main.py", "", dotted).kind == "unknown"


def test_absent_names_are_reported_so_that_they_can_be_recorded() -> None:
    index = project(PACKAGE)
    assert index.resolve("main.py", "", "core.absent").missed == ("pkg.core.absent",)
    assert index.resolve("main.py", "", "SGD").missed == ("torch",)
    assert index.method("pkg/base.py", "Base", "absent").missed == ("Base.absent",)


def test_inside_a_unit_its_imports_and_parameters_come_first() -> None:
    index = project(PACKAGE)
    assert where(index.resolve("main.py", "run", "Base")) == ("class", "pkg/base.py", "Base")
    assert index.resolve("main.py", "", "Base").kind == "unknown"
    assert index.resolve("main.py", "run", "model.forward") == Target("local", "model.forward")
    assert where(index.resolve("main.py", "run", "Model")) == ("class", "pkg/core.py", "Model")


def test_self_means_the_class() -> None:
    index = project(PACKAGE)
    assert where(index.resolve("pkg/core.py", "Model.forward", "self.shared")) == (
        "function",
        "pkg/base.py",
        "Base.shared",
    )
    assert index.resolve("pkg/core.py", "Model.forward", "self.layer").kind == "local"
    assert index.resolve("pkg/core.py", "Model.helper", "x.shared").kind == "local"


def test_trailing_attributes_of_variables_are_kept_apart() -> None:
    target = project(PACKAGE).resolve("main.py", "", "settings.lr.base")
    assert (target.kind, target.qualname, target.rest) == ("variable", "settings", "lr.base")
    assert target.absolute == "main.settings.lr.base"


def test_cycles_end() -> None:
    index = project(
        {
            "a.py": "from b import x, y\nfrom b import *\n",
            "b.py": "from a import x, z\nfrom a import *\ny = 1\n",
            "c.py": "class A(B): pass\nclass B(A): pass\n",
        }
    )
    assert index.resolve("a.py", "", "x").kind == "unknown"
    assert index.resolve("a.py", "", "w").kind == "unknown"
    assert where(index.resolve("a.py", "", "y")) == ("variable", "b.py", "y")
    assert index.method("c.py", "A", "f").kind == "unknown"
    assert index.is_subclass_of("c.py", "A", frozenset({"c.B"})) is True
    assert index.import_closure("a.py").paths == ["a.py", "b.py"]


def test_star_imports_in_diamonds_stay_linear() -> None:
    depth = 60
    files = {"m0.py": "def found(): pass\n", "n0.py": ""}
    for level in range(1, depth):
        text = f"from n{level - 1} import *\nfrom m{level - 1} import *\n"
        files[f"m{level}.py"] = files[f"n{level}.py"] = text
    index = project(files)
    assert where(index.resolve(f"m{depth - 1}.py", "", "found")) == ("function", "m0.py", "found")
    assert index.resolve(f"m{depth - 1}.py", "", "absent").kind == "unknown"


def test_scripts_see_their_own_folder_first() -> None:
    index = project(
        {
            "utils.py": "def where(): pass\n",
            "one/train.py": "from utils import where\nimport net.layers\n" + GUARD,
            "one/utils.py": "def where(): pass\n",
            "one/net/layers.py": "from utils import where\n",
            "two/train.py": "from utils import where\n" + GUARD,
        }
    )
    assert index.resolve("one/train.py", "", "where").path == "one/utils.py"
    assert index.resolve("one/net/layers.py", "", "where").path == "one/utils.py"
    assert index.resolve("two/train.py", "", "where").path == "utils.py"
    assert index.resolve("one/train.py", "", "net.layers.where").path == "one/utils.py"
    assert index.resolve("utils.py", "", "where").absolute == "utils.where"
    assert index.resolve("one/utils.py", "", "where").absolute == "one.utils.where"


def test_src_layouts_and_packages_elsewhere() -> None:
    index = project(
        {
            "src/lib/__init__.py": "from .ops import op\n",
            "src/lib/ops.py": "def op(): pass\n",
            "tests/test_ops.py": "from lib import op\nfrom src.lib.ops import op as same\n",
            "plugins/extra/setup.py": "",
            "plugins/extra/extra/__init__.py": "def plug(): pass\n",
            "scripts/run.py": "import lib.ops\nfrom extra import plug\n",
        }
    )
    assert index.resolve("tests/test_ops.py", "", "op").absolute == "lib.ops.op"
    assert index.resolve("tests/test_ops.py", "", "same").absolute == "lib.ops.op"
    assert index.resolve("scripts/run.py", "", "lib.ops.op").path == "src/lib/ops.py"
    assert index.resolve("scripts/run.py", "", "plug").path == "plugins/extra/extra/__init__.py"


def test_folders_do_not_hide_the_framework_of_the_same_name() -> None:
    index = project(
        {
            "backend/__init__.py": "",
            "backend/torch/__init__.py": "",
            "backend/torch/nn.py": "import torch\nfrom torch import nn\nimport logging\ntorch.sqrt\n",
            "backend/logging.py": "",
            "examples/torch/train.py": "import torch\nfrom datasets import load_dataset\n" + GUARD,
            "examples/torch/helper.py": "import random\nfrom datasets import load_dataset\n",
            "examples/torch/random.py": "",
            "examples/datasets.py": "from datasets import load_dataset\ndef make(): pass\n",
        }
    )
    for path in ("backend/torch/nn.py", "examples/torch/train.py"):
        assert index.resolve(path, "", "torch.sqrt").absolute == "torch.sqrt"
    assert index.resolve("backend/torch/nn.py", "", "nn.Linear").absolute == "torch.nn.Linear"
    assert index.resolve("backend/torch/nn.py", "", "logging.info").kind == "external"
    assert index.resolve("examples/torch/helper.py", "", "load_dataset").absolute == "datasets.load_dataset"
    assert index.resolve("examples/datasets.py", "", "load_dataset").kind == "external"


def test_relative_imports_mean_files_of_the_tree_only() -> None:
    index = project(
        {
            "proj/deep/a.py": "from .b import f\nfrom ..c import g\nfrom . import absent\nfrom .b import h\n",
            "proj/deep/b.py": "def f(): pass\n",
            "proj/c.py": "def g(): pass\n",
        }
    )
    assert index.resolve("proj/deep/a.py", "", "f").path == "proj/deep/b.py"
    assert index.resolve("proj/deep/a.py", "", "g").path == "proj/c.py"
    assert index.resolve("proj/deep/a.py", "", "absent").kind == "unknown"
    closure = index.import_closure("proj/deep/a.py")
    assert closure.paths == ["proj/deep/a.py", "proj/deep/b.py", "proj/c.py"]
    assert [(name, line) for _, name, line in closure.unresolved] == [
        ("proj.deep.absent", 3),
        ("proj.deep.b.h", 4),
    ]


def test_a_package_may_import_itself_by_name() -> None:
    index = project({"pkg/__init__.py": "import pkg.sub\n", "pkg/sub.py": "def f(): pass\n"})
    assert where(index.resolve("pkg/__init__.py", "", "pkg")) == ("module", "pkg/__init__.py", "")
    assert index.resolve("pkg/__init__.py", "", "pkg.sub.f").path == "pkg/sub.py"


def test_alternatives_are_named() -> None:
    index = project(
        {
            "a.py": """
                def once(): pass
                if fast:
                    def both(): pass
                else:
                    def both(): pass
                def then(): pass
                if fast:
                    def then(): pass
                def again(): pass
                def again(): pass
                class P:
                    @property
                    def x(self): pass
                    @x.setter
                    def x(self, v): pass
            """
        }
    )
    found = {name: index.resolve("a.py", "", name) for name in ("once", "both", "then", "again", "P.x")}
    assert {name: (target.qualname, target.alternatives) for name, target in found.items()} == {
        "once": ("once", ()),
        "both": ("both", ("both#2",)),
        "then": ("then", ("then#2",)),
        "again": ("again#2", ()),
        "P.x": ("P.x", ()),
    }


CLASSES = {
    "nets.py": """
        import abc
        import torch.nn as nn
        from elsewhere import Mixin
        class Root(nn.Module):
            def forward(self): pass
            def root(self): pass
        class Left(Root):
            def forward(self): pass
        class Right(Root):
            def forward(self): pass
            def root(self): pass
        class Both(Left, Right): pass
        class Mixed(Mixin, Left): pass
        class Plain(abc.ABC): pass
        class Dynamic(make_base()): pass
        class Under(Dynamic, Root): pass
    """,
    "more.py": "import nets\nclass Leaf(nets.Both): pass\n",
}


def test_methods_are_looked_up_along_the_bases() -> None:
    index = project(CLASSES)
    assert index.method("more.py", "Leaf", "forward").qualname == "Left.forward"
    assert index.method("more.py", "Leaf", "root").qualname == "Right.root"
    assert index.method("nets.py", "Both", "train") == Target(
        "external", "torch.nn.Module.train", missed=("Both.train",)
    )
    assert index.method("nets.py", "Plain", "x").absolute == "abc.ABC.x"
    assert index.method("nets.py", "Under", "forward").kind == "unknown"
    assert index.method("nets.py", "Mixed", "absent").kind == "unknown"
    assert index.method("nets.py", "Absent", "x").kind == "unknown"


@pytest.mark.parametrize(
    ("name", "answer"),
    [("Both", True), ("Mixed", True), ("Plain", False), ("Dynamic", None), ("Under", True), ("Absent", None)],
)
def test_is_subclass_of(name: str, answer: bool | None) -> None:
    assert project(CLASSES).is_subclass_of("nets.py", name, frozenset({"torch.nn.Module"})) is answer


def test_the_import_closure_holds_packages_externals_and_what_is_missing() -> None:
    index = project(
        {
            "train.py": "import torch\nimport lib.data\nfrom lib import model\ndef f(): import late\n",
            "lib/__init__.py": "from . import seeds\n",
            "lib/seeds.py": "import torch, random\n",
            "lib/data/__init__.py": "from ..broken import x\n",
            "lib/model.py": "from .absent import y\n",
            "late.py": "",
            "unrelated.py": "import train\n",
        },
        broken=("lib/broken.py",),
    )
    closure = index.import_closure("train.py")
    assert closure.paths == [
        "train.py", "lib/__init__.py", "lib/seeds.py", "lib/data/__init__.py", "lib/model.py", "late.py",
    ]  # fmt: skip
    assert closure.external == {"torch": ["train.py", "lib/seeds.py"], "random": ["lib/seeds.py"]}
    assert closure.broken == ["lib/broken.py"]
    assert closure.unresolved == [("lib/model.py", "lib.absent.y", 1)]


def test_names_from_unreadable_files_are_unknown() -> None:
    index = project({"a.py": "from b import x\nimport b\n"}, broken=("b.py",))
    assert index.resolve("a.py", "", "x").kind == "unknown"
    assert index.resolve("a.py", "", "b.y").kind == "unknown"


def test_names_add_conventions_to_what_is_unbound() -> None:
    files = {
        "a.py": "from torch import *\nF = make()\ndef f(np): return nn.Linear, F.relu, np.sum\ncfg = load()\n"
    }
    read = outlines({"b.py": "def g(): pass\n", **files})
    index = ProjectIndex(read)
    names = Names(index, CONVENTIONS, read[1], read[1].units[1])
    assert names.absolute("F.relu").kind == "unknown"
    assert names.absolute("F").kind == "variable"
    assert names.absolute("np.sum").kind == "local"
    assert names.absolute("cfg.lr").kind == "unknown"
    assert names.absolute("cfg").qualname == "cfg"
    assert names.absolute("sqrt").absolute == "torch.sqrt"
    plain = Names(index, CONVENTIONS, read[0], read[0].units[1])
    assert plain.absolute("nn.Linear").absolute == "torch.nn.Linear"
    assert plain.absolute("F").absolute == "torch.nn.functional"
    assert plain.absolute("absent").kind == "unknown"
    assert plain.absolute("nn.Linear") is plain.absolute("nn.Linear")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.py", ("a", False)),
        ("pkg/__init__.py", ("pkg", True)),
        ("pkg/sub/mod.py", ("pkg.sub.mod", False)),
        ("src/pkg/mod.py", ("pkg.mod", False)),
        ("__init__.py", ("", True)),
        ("tools/train.ipynb", ("tools.train", False)),
    ],
)
def test_module_names(path: str, name: tuple[str, bool]) -> None:
    assert module_name(path) == name


def test_src_that_is_a_package_keeps_its_name() -> None:
    assert module_name("src/a.py", {"src"}) == ("src.a", False)


def test_answers_do_not_depend_on_order() -> None:
    read = outlines({**PACKAGE, **CLASSES})
    shuffled = list(read)
    random.Random(7).shuffle(shuffled)
    one, two = ProjectIndex(read), ProjectIndex(shuffled)
    for each in read:
        for unit in each.units:
            for name in ("Model", "pkg.train", "Left.forward", "nn.Module", *unit.calls, *unit.bases):
                assert one.resolve(each.path, unit.qualname, name) == two.resolve(
                    each.path, unit.qualname, name
                )
        assert one.import_closure(each.path) == two.import_closure(each.path)
    assert one.paths() == two.paths() == sorted(each.path for each in read)
