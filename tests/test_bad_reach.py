"""A module in reach that cannot be read, or code that only exists when the program runs: what it does is
unknown, a notice or the reason names it, and no rule about an absence fires because of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from trainlint.cli import main
from trainlint.findings import Report
from trainlint.linter import lint, recipes
from trainlint.recipe.model import State, Value
from trainlint.recipe.schema import recipe_schema
from trainlint.settings.model import Settings

IMAGES = """
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler
from torchvision import datasets, transforms
{imports}

parser = argparse.ArgumentParser()
parser.add_argument("--amp", type=bool, default=False)
parser.add_argument("--plugin", required=True)
args = parser.parse_args()
torch.autograd.set_detect_anomaly(True)
data = datasets.CIFAR10("data", transform=transforms.ToTensor())
extra = DataLoader(data, batch_size=1024, shuffle=False)
loader = DataLoader(data, batch_size=1024, sampler=DistributedSampler(data))
conv = nn.Conv2d(3, 64, 3, bias=False)
model = nn.Sequential(conv, nn.BatchNorm2d(64), nn.ReLU(), nn.Flatten(), nn.Linear(57600, 10))
{body}
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(100):
    for images, labels in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    for images, labels in extra:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
"""
TEXTS = """
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader
{imports}

parser = argparse.ArgumentParser()
parser.add_argument("--amp", type=bool, default=False)
parser.add_argument("--plugin", required=True)
args = parser.parse_args()
torch.autograd.set_detect_anomaly(True)
loader = DataLoader(torch.load("data.pt"), batch_size=32, shuffle=True)
model = nn.LSTM(64, 64, num_layers=2)
{body}
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
torch.optim.lr_scheduler.StepLR(optimizer, 30)
for epoch in range(100):
    for words, labels in loader:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(words)[0], labels).backward()
        optimizer.step()
"""
PROGRAMS = {"images.py": IMAGES, "texts.py": TEXTS}
ABSENCES = {
    "images.py": {
        "missing-seed",
        "fixed-learning-rate",
        "large-batch-without-warmup",
        "sampler-without-set-epoch",
        "unlogged-run",
        "no-validation",
    },
    "texts.py": {
        "missing-seed",
        "unclipped-recurrent-gradients",
        "scheduler-never-stepped",
        "unlogged-run",
    },
}
PRESENCES = {
    "images.py": {"argparse-bool", "anomaly-detection-left-on", "unshuffled-training-data"},
    "texts.py": {"argparse-bool", "anomaly-detection-left-on"},
}
EFFECTS = {
    "repro.seeded": "images.py",
    "schedule.name": "images.py",
    "train.recorded": "images.py",
    "sampler.told_epoch": "images.py",
    "train.clips": "texts.py",
}
"""Fields that tell of an absence, each with the program that is asked for it."""


def write(folder: Path, files: Mapping[str, str | bytes], imports: str = "", body: str = "pass") -> Path:
    """A folder with both programs and further files."""
    programs = {name: text.format(imports=imports, body=body) for name, text in PROGRAMS.items()}
    for name, text in {**programs, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def rules(report: Report, path: str) -> set[str]:
    return {finding.rule for finding in report.findings if finding.span.path == path}


def judge(folder: Path) -> Report:
    return lint([folder], Settings(strict=True))


def why(folder: Path, field: str) -> Value:
    """The value of a field that tells of an absence."""
    recipe = next(each for each in recipes([folder]) if each.entry == EFFECTS[field])
    if field.startswith("sampler."):
        return recipe.groups["samplers"][0][field]
    return recipe.get(field)


def test_without_bad_input_every_absence_is_reported(tmp_path: Path) -> None:
    report = judge(write(tmp_path, {"helpers.py": "x = 1\n"}, "import helpers"))
    assert not report.notices
    for path, expected in ABSENCES.items():
        assert rules(report, path) >= expected | PRESENCES[path]


UNREADABLE: dict[str, tuple[str | bytes, str, int]] = {
    "broken": ("x = 1\ndef f(:\n", "syntax", 2),
    "unclosed": ("x = 1\ny = (2,\n", "syntax", 2),
    "indentation": ("def f():\n\tx = 1\n        y = 2\n", "syntax", 3),
    "print": ("import os\nprint x\n", "python2", 2),
    "backticks": ("x = 1\ny = `x`\n", "python2", 2),
    "except": ("try:\n    pass\nexcept ValueError, e:\n    pass\n", "python2", 3),
    "raise": ("raise ValueError, 'no'\n", "python2", 1),
    "exec": ("exec 'x = 1'\n", "python2", 1),
    "octal": ("mode = 0777\n", "python2", 1),
    "binary": (b"\x7fELF\x02\x01\x00\xff\xfe" * 100, "encoding", 1),
    "compiled": (b"\x16\r\r\n" + b"\x00" * 100, "encoding", 3),
    "latin": ("name = 'é'\n".encode("latin-1"), "encoding", 1),
    "nested": ("x = " + "(" * 2000 + ")" * 2000 + "\n", "too-deep", 1),
    "long sum": ("x = " + " + ".join(["1"] * 20_000) + "\n", "too-deep", 1),
    "table": (
        "TABLE = {\n" + "".join(f"    'key{i}': [{i}, 'the text of it'],\n" for i in range(150_000)) + "}\n",
        "too-large",
        1,
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_module_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    text, kind, line = UNREADABLE[name]
    report = judge(write(tmp_path, {"helpers.py": text}, "import helpers"))
    [notice] = report.notices
    assert (notice.path, notice.kind, notice.line) == ("helpers.py", kind, line)
    assert notice.message
    for path, expected in PRESENCES.items():
        assert rules(report, path) == expected
    for field in EFFECTS:
        value = why(tmp_path, field)
        assert value.state is State.UNKNOWN
        assert value.reason.startswith(f"helpers.py:{line}, which could not be read ({notice.message}), may ")


@pytest.mark.parametrize(
    "imports", ["from helpers import *", "from helpers import setup", "from package import helpers"]
)
def test_however_it_is_imported(tmp_path: Path, imports: str) -> None:
    place = "package/helpers.py" if "package" in imports else "helpers.py"
    extra = {"package/__init__.py": ""} if "package" in imports else {}
    report = judge(write(tmp_path, {place: "def f(:\n", **extra}, imports))
    for path, expected in PRESENCES.items():
        assert rules(report, path) == expected


def test_a_broken_module_reached_through_another(tmp_path: Path) -> None:
    files = {"a.py": "def f():\n    from b import g\n    g()\n", "b.py": "import c\n", "c.py": "print 'x'\n"}
    report = judge(write(tmp_path, files, "import a"))
    assert [notice.path for notice in report.notices] == ["c.py"]
    assert rules(report, "images.py") == PRESENCES["images.py"]


def test_a_broken_module_that_nothing_imports_changes_nothing(tmp_path: Path) -> None:
    report = judge(write(tmp_path, {"helpers.py": "print 'x'\n"}))
    assert [notice.kind for notice in report.notices] == ["python2"]
    assert rules(report, "images.py") >= ABSENCES["images.py"] | PRESENCES["images.py"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX links")
@pytest.mark.parametrize(
    "links", [{"helpers.py": "helpers.py"}, {"helpers.py": "b.py", "b.py": "helpers.py"}]
)
def test_links_that_lead_in_a_circle(tmp_path: Path, links: dict[str, str]) -> None:
    write(tmp_path, {}, "import helpers")
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    report = judge(tmp_path)
    assert [(each.path, each.kind) for each in report.notices] == [
        (name, "unreadable") for name in sorted(links)
    ]
    for path, expected in PRESENCES.items():
        assert rules(report, path) == expected


@pytest.mark.skipif(os.name == "nt", reason="POSIX links")
def test_a_link_to_nothing_and_links_that_are_no_modules(tmp_path: Path) -> None:
    write(tmp_path, {"folder/a.txt": ""}, "import helpers")
    (tmp_path / "helpers.py").symlink_to("gone.py")
    (tmp_path / "gone.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "folder" / "up").symlink_to(tmp_path)
    report = judge(tmp_path)
    assert [(each.path, each.kind) for each in report.notices] == [("helpers.py", "unreadable")]
    assert rules(report, "images.py") == PRESENCES["images.py"]


CIRCLES: dict[str, tuple[str, dict[str, str]]] = {
    "two": ("import a", {"a.py": "import b\n{}", "b.py": "import a\n"}),
    "three": ("import a", {"a.py": "import b\n", "b.py": "import c\n", "c.py": "import a\n{}"}),
    "stars": (
        "import a",
        {"a.py": "from b import *\n", "b.py": "from c import *\n", "c.py": "from a import *\n{}"},
    ),
    "package": (
        "import a",
        {"a/__init__.py": "from a import b\nfrom . import *\n", "a/b.py": "from a import *\nimport a\n{}"},
    ),
}


@pytest.mark.parametrize("name", CIRCLES)
@pytest.mark.parametrize("seeds", [True, False])
def test_imports_in_a_circle_are_read_once(tmp_path: Path, name: str, seeds: bool) -> None:
    """They are no obstacle: all that they do is read."""
    imports, files = CIRCLES[name]
    seeding = "import torch\ntorch.manual_seed(0)\n" if seeds else ""
    report = judge(write(tmp_path, {path: text.format(seeding) for path, text in files.items()}, imports))
    assert not report.notices
    missing = {"missing-seed"} if seeds else set()
    assert rules(report, "images.py") == (ABSENCES["images.py"] | PRESENCES["images.py"]) - missing


def test_names_lost_in_a_circle_are_unknown(tmp_path: Path) -> None:
    files = {
        "a.py": "from b import setup\n",
        "b.py": "from c import setup\n",
        "c.py": "from a import setup\n",
    }
    folder = write(tmp_path, files, "from a import setup", "setup(model)")
    report = judge(folder)
    for path in PROGRAMS:
        assert not rules(report, path) & (ABSENCES[path] - {"scheduler-never-stepped"})
    assert why(folder, "repro.seeded").reason.endswith("which was not found, may seed it")


def test_a_generated_module_that_can_be_read_is_read(tmp_path: Path) -> None:
    lines = "".join(f"x{i} = {i}\n" for i in range(60_000))
    report = judge(write(tmp_path, {"helpers.py": lines}, "import helpers"))
    assert not report.notices
    assert rules(report, "images.py") >= ABSENCES["images.py"] | PRESENCES["images.py"]


HIDDEN = """
import torch

REGISTRY = {}


def register(function):
    REGISTRY[function.__name__] = function
    return function


@register
def seed_all(model):
    torch.manual_seed(0)


@register
def set_the_epoch(sampler):
    sampler.set_epoch(0)


@register
def evaluate(model):
    model.eval()


@register
def clip(model):
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)


@register
def lower(optimizer):
    optimizer.param_groups[0]["lr"] = 0.01
    torch.optim.lr_scheduler.StepLR(optimizer, 1).step()
"""
"""A module of the project whose functions have every effect, and that a program may choose from."""

ALL = tuple(EFFECTS)
SEED_AND_EPOCH = ("repro.seeded", "sampler.told_epoch")

CHOSEN: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    # name: (imports, body, what the reason names, the fields that it makes unknown)
    "star import": ("from mystery import *", "pass", "from mystery import *", ALL),
    "exec": ("", "exec(open('setup.txt').read())", "exec(open('setup.txt').read())", ALL),
    "exec in a function": (
        "",
        "def load(path):\n    exec(compile(open(path).read(), path, 'exec'))\n\n\nload(args.plugin)",
        "exec(compile(open(path).read(), path, 'exec'))",
        ALL,
    ),
    "runpy": ("import runpy", "runpy.run_path(args.plugin)", "runpy.run_path(args.plugin)", ALL),
    "import_module": (
        "import importlib",
        "importlib.import_module(f'plugins.{args.plugin}')",
        "importlib.import_module(f'plugins.{args.plugin}')",
        ALL,
    ),
    "__import__": ("", "__import__(args.plugin)", "__import__(args.plugin)", ALL),
    "locate": ("from pydoc import locate", "locate(args.plugin)(model)", "locate(args.plugin)", ALL),
    "loader of modules": (
        "import importlib.util",
        "spec = importlib.util.spec_from_file_location('plugin', args.plugin)\n"
        "plugin = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(plugin)",
        "spec.loader.exec_module(plugin)",
        ALL,
    ),
    "entry points": (
        "from importlib.metadata import entry_points",
        "for point in entry_points(group='plugins'):\n    point.load()(model)",
        "entry_points(group='plugins')",
        ALL,
    ),
    "entry points of setuptools": (
        "import pkg_resources",
        "for point in pkg_resources.iter_entry_points('plugins'):\n    point.load()(model)",
        "pkg_resources.iter_entry_points('plugins')",
        ALL,
    ),
    "registry": (
        "import hidden",
        "hidden.REGISTRY[args.plugin](model)",
        "hidden.REGISTRY[args.plugin](model)",
        (),
    ),
    "registry of a package": (
        "from mystery import MODELS",
        "MODELS[args.plugin](model)",
        "MODELS[args.plugin](model)",
        ALL,
    ),
    "get of a registry": (
        "from mystery import MODELS",
        "MODELS.get(args.plugin)(model)",
        "MODELS.get(args.plugin)(model)",
        ALL,
    ),
    "getattr": (
        "import hidden",
        "getattr(hidden, args.plugin)(model)",
        "getattr(hidden, args.plugin)(model)",
        (),
    ),
    "getattr of a package": (
        "import mystery",
        "getattr(mystery, args.plugin)(model)",
        "getattr(mystery, args.plugin)(model)",
        ALL,
    ),
    "getattr of the framework": (
        "",
        "getattr(torch, args.plugin)(args.seed)",
        "getattr(torch, args.plugin)(args.seed)",
        ("repro.seeded",),
    ),
    "globals": ("from hidden import *", "globals()[args.plugin](model)", "globals()[args.plugin](model)", ()),
    "vars": ("import hidden", "vars(hidden)[args.plugin](model)", "vars(hidden)[args.plugin](model)", ()),
    "sys.modules": (
        "import sys\n\nimport hidden",
        "getattr(sys.modules['hidden'], args.plugin)(model)",
        "getattr(sys.modules['hidden'], args.plugin)(model)",
        (),
    ),
    "methodcaller": (
        "import operator\n\nimport hidden",
        "operator.methodcaller(args.plugin, model)(hidden)",
        "operator.methodcaller(args.plugin, model)(hidden)",
        (),
    ),
    "attrgetter": (
        "import operator\n\nimport hidden",
        "operator.attrgetter(args.plugin)(hidden)(model)",
        "operator.attrgetter(args.plugin)(hidden)(model)",
        (),
    ),
    "decorator of a package": (
        "import mystery",
        "@mystery.hook\ndef prepare():\n    pass\n\n\nprepare()",
        "@mystery.hook",
        ALL,
    ),
    "decorated class": (
        "import mystery",
        "@mystery.register(name='net')\nclass Net:\n    pass\n\n\nNet()",
        "@mystery.register",
        ALL,
    ),
    "metaclass": (
        "import mystery",
        "class Net(metaclass=mystery.Meta):\n    pass\n\n\nNet()",
        "mystery.Meta",
        ALL,
    ),
    "patched base": (
        "import mystery",
        "torch.optim.Optimizer.step = mystery.step",
        "torch.optim.Optimizer.step is replaced by mystery.step",
        ALL,
    ),
    "sys.modules replaced": ("import sys", "sys.modules['torch'] = None", "sys.modules", ALL),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_code_chosen_at_run_time_is_named(tmp_path: Path, name: str) -> None:
    imports, body, expression, fields = CHOSEN[name]
    folder = write(tmp_path, {"hidden.py": HIDDEN}, imports, body)
    report = judge(folder)
    for field in fields or SEED_AND_EPOCH:
        value = why(folder, field)
        assert value.state is State.UNKNOWN, field
        text = (folder / EFFECTS[field]).read_text()
        found = next(
            line for line, each in enumerate(text.splitlines(), 1) if expression.split(" is ")[0] in each
        )
        assert value.reason.startswith(f"{expression} {EFFECTS[field]}:{found}"), value.reason
        assert value.span is not None
        assert value.span.line == found
    for path, expected in PRESENCES.items():
        assert rules(report, path) >= expected
    silent = (
        {"missing-seed"} if fields == ("repro.seeded",) else {"missing-seed", "sampler-without-set-epoch"}
    )
    assert not silent & (rules(report, "images.py") | rules(report, "texts.py"))
    if fields == ALL:
        assert rules(report, "images.py") == PRESENCES["images.py"]
        assert rules(report, "texts.py") <= PRESENCES["texts.py"] | {"scheduler-never-stepped"}


KNOWN: dict[str, tuple[str, str]] = {
    "a registry of the project, by a constant": ("TABLE = {'wide': nn.Identity}", "TABLE['wide']()"),
    "a class of the framework": ("", "getattr(nn, args.plugin)()"),
    "an activation": ("", "getattr(torch, args.plugin)(model)"),
    "a module of the framework": ("import importlib", "importlib.import_module('torch.nn')"),
    "a decorator of the framework": ("", "@torch.no_grad()\ndef check():\n    pass\n\n\ncheck()"),
    "an abstract class": ("import abc", "class Base(metaclass=abc.ABCMeta):\n    pass"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_what_cannot_have_the_effect_is_no_excuse(tmp_path: Path, name: str) -> None:
    imports, body = KNOWN[name]
    report = judge(write(tmp_path, {}, imports, body))
    assert rules(report, "images.py") >= {"missing-seed", "sampler-without-set-epoch"}


PATCHES = {
    "store": "torch.optim.SGD = mystery.SGD",
    "setattr": "setattr(torch.optim, 'SGD', mystery.SGD)",
    "setattr of a name that is not known": "setattr(torch.optim, args.plugin, mystery.SGD)",
    "every name": "for name in dir(mystery):\n    setattr(torch.optim, name, getattr(mystery, name))",
    "a method": "torch.optim.SGD.step = lambda self: None",
}


@pytest.mark.parametrize("name", PATCHES)
def test_an_optimizer_that_is_replaced_is_unknown(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path, {}, "import mystery", PATCHES[name])
    report = judge(folder)
    assert not rules(report, "images.py") & {"fixed-learning-rate", "large-batch-without-warmup"}
    for recipe in recipes([folder]):
        reason = recipe.get("optimizer.name").reason
        assert "torch.optim.SGD" in reason
        assert f"{recipe.entry}:" in reason


def test_a_setting_of_a_class_replaces_nothing(tmp_path: Path) -> None:
    report = judge(write(tmp_path, {}, "", "datasets.CIFAR10.url = 'https://example.org/cifar.tar.gz'"))
    assert rules(report, "images.py") >= ABSENCES["images.py"] | PRESENCES["images.py"]


def test_metaclasses_of_the_project_are_read(tmp_path: Path) -> None:
    meta = (
        "class Meta(type):\n    def __call__(cls):\n        torch.manual_seed(0)\n        return object()\n"
    )
    report = judge(write(tmp_path, {}, meta, "class Net(metaclass=Meta):\n    pass\n\n\nNet()"))
    assert "missing-seed" not in rules(report, "images.py")


def test_names_that_a_module_makes_up_when_asked(tmp_path: Path) -> None:
    helpers = "import mystery\n\n\ndef __getattr__(name):\n    return getattr(mystery, name)()\n"
    folder = write(tmp_path, {"helpers.py": helpers}, "import helpers", "helpers.anything(model)")
    assert why(folder, "repro.seeded").reason.startswith("getattr(mystery, name)() helpers.py:5 ")
    assert "missing-seed" not in rules(judge(folder), "images.py")


def explain(folder: Path, field: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["recipe", str(folder), "--why", field])
    shown = capsys.readouterr()
    return code, shown.out + shown.err


@pytest.mark.parametrize("text", ["", "x = (\n", "from mystery import *\n"])
def test_why_has_a_reason_for_every_field(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, {"helpers.py": text}, "from helpers import *")
    for field in recipe_schema().leaves:
        code, output = explain(folder, field, capsys)
        assert code == 0
        assert "is unknown: \n" not in output
        assert "nothing says what it is" not in output


def test_why_names_the_call_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path, {}, "import mystery", "mystery.setup(model)")
    code, output = explain(folder / "images.py", "repro.seeded", capsys)
    line = (folder / "images.py").read_text().splitlines().index("mystery.setup(model)") + 1
    assert code == 0
    assert f"mystery.setup(model) images.py:{line} was not read, and may seed it" in output


def test_why_of_a_field_that_does_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, output = explain(write(tmp_path, {}), "optimizer.nam", capsys)
    assert code == 2
    assert "did you mean" in output
    assert "optimizer.name" in output
    assert "Traceback" not in output
