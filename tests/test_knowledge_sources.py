"""The calls in the fact files are held to the source of the libraries that happen to be installed.

Nothing is imported: signatures are read from the source files, so that a heavy library costs a parse. A
library that is missing, or there in another release than its facts were read in, is skipped.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator

import msgspec
import pytest
from source_signatures import method_signature, package_folder, signature

from trainlint.knowledge.base import Entry, Param, load_knowledge
from trainlint.knowledge.sources import read_source, source_paths

READ = {
    "absl": ("absl-py", "2.5"),
    "accelerate": ("accelerate", "1.15"),
    "albumentations": ("albumentations", "2.0"),
    "dadaptation": ("dadaptation", "3.2"),
    "datasets": ("datasets", "5.2"),
    "diffusers": ("diffusers", "0.42"),
    "flax": ("flax", "0.12"),
    "keras": ("keras", "3.15"),
    "lightning": ("lightning", "2.6"),
    "optax": ("optax", "0.2"),
    "optuna": ("optuna", "5.0"),
    "paddle": ("paddlepaddle", "3.3"),
    "prodigyopt": ("prodigyopt", "1.1"),
    "ray": ("ray", "2.60"),
    "schedulefree": ("schedulefree", "1.4"),
    "sklearn": ("scikit-learn", "1.9"),
    "timm": ("timm", "1.0"),
    "torch": ("torch", "2.13"),
    "torchvision": ("torchvision", "0.29"),
    "transformers": ("transformers", "5.23"),
    "trl": ("trl", "1.16"),
}
"""Package → its distribution, and the release its facts were read in."""

OTHERWISE = {
    "torch.no_grad": "a decorator of two forms",
    "torch.enable_grad": "a decorator of two forms",
    "torch.nn.Parameter": "made by its metaclass",
}
"""What is written otherwise than its `def`, and why."""

METHODS_OF = {
    ("accelerate", "accelerator"): "accelerate.Accelerator",
    ("lightning", "trainer"): "lightning.pytorch.Trainer",
    ("lightning", "fabric"): "lightning.fabric.Fabric",
    ("lightning", "module"): "lightning.pytorch.LightningModule",
    ("transformers", "trainer"): "transformers.Trainer",
    ("timm", "scheduler"): "timm.scheduler.scheduler.Scheduler",
}
"""(framework, receiver) of the fact files → the class whose methods these are."""


def names_of(package: str) -> Iterator[str]:
    """The names of a package that the fact files describe one by one."""
    for path in source_paths():
        source = read_source(path)
        grouped = (f"{group.under}.{name}" for group in source.groups for name in group.names)
        for name in (*source.names, *grouped):
            if name.partition(".")[0] == package and not name.endswith(".*"):
                yield name


def differences(label: str, written: tuple[Param, ...], real: tuple[Param, ...]) -> list[str]:
    """What a written signature says otherwise than the source.

    One that ends in `*args` or `**kwargs` where the source has none names a part of the parameters only.
    """
    if not _is_part(written, real):
        ours = [(each.name, each.kind, each.has_default) for each in written]
        theirs = [(each.name, each.kind, each.has_default) for each in real]
        if ours != theirs:
            return [f"{label}: written {ours}, in the source {theirs}"]
    by_name = {each.name: each for each in real}
    found = []
    for each in written:
        other = by_name.get(each.name)
        if other is None:
            if each.kind not in ("star", "double-star"):
                found.append(f"{label}: no parameter {each.name} in the source")
        elif (
            each.default is not msgspec.UNSET
            and other.default is not msgspec.UNSET
            and each.default != other.default
        ):
            found.append(f"{label}({each.name}): written {each.default!r}, in the source {other.default!r}")
    return found


def _is_part(written: tuple[Param, ...], real: tuple[Param, ...]) -> bool:
    open_ended = {each.kind for each in written} & {"star", "double-star"}
    return bool(open_ended - {each.kind for each in real}) or any(
        each.kind == "double-star" and each.name not in {other.name for other in real} for each in written
    )


def skip_unless_read(package: str) -> None:
    """Skip the test where the package is not installed in the release that the facts were read in."""
    distribution, release = READ[package]
    if package_folder(package) is None:
        pytest.skip(f"{package} is not installed")
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"the release of {package} is not known")
    if not version.startswith(release):
        pytest.skip(f"read in {package} {release}, installed is {version}")


@pytest.mark.parametrize("package", sorted(READ))
def test_calls_agree_with_the_source(package: str) -> None:
    skip_unless_read(package)
    knowledge = load_knowledge()
    found: list[str] = []
    for name in names_of(package):
        entry: Entry | None = knowledge.lookup(name)
        assert entry is not None
        real = signature(name)
        if real is not None and entry.params and name not in OTHERWISE:
            found += differences(name, entry.params, real)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("framework", "receiver"), sorted(METHODS_OF))
def test_methods_agree_with_the_source(framework: str, receiver: str) -> None:
    skip_unless_read(framework)
    owner = METHODS_OF[framework, receiver]
    found: list[str] = []
    for path in source_paths():
        source = read_source(path)
        if source.framework != framework:
            continue
        for method in source.methods.get(receiver, {}):
            entry = load_knowledge().method(method, receiver, framework)
            real = method_signature(owner, method)
            if entry is None or real is None:
                found.append(f"{owner} has no method {method}")
            elif entry.params:
                found += differences(f"{owner}.{method}", entry.params, real)
    assert not found, "\n".join(found)


def test_signatures_are_read_through_reexports_bases_and_dataclasses(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("library") / "madeup_library"
    (folder / "parts").mkdir(parents=True)
    (folder / "__init__.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .parts import *\n"
        "from .parts import base as other\n"
        "Renamed = other.Base\n"
    )
    (folder / "parts" / "__init__.py").write_text("from .base import Settings, Trained, make\n")
    (folder / "parts" / "base.py").write_text(
        "import dataclasses\nfrom typing import ClassVar\n\n"
        "class Base:\n    def __init__(self, rate=0.1, *, steps: int = 3):\n        pass\n"
        "    @staticmethod\n    def build(a, b=2):\n        pass\n\n"
        "class Trained(Base):\n    def fit(self, data, epochs=1):\n        pass\n\n"
        "@dataclasses.dataclass\nclass Plain:\n    name: str\n    rate: float = 0.5\n\n"
        "@dataclasses.dataclass\nclass Settings(Plain):\n    rate: float = dataclasses.field(default=0.25)\n"
        "    known: ClassVar[int] = 1\n    hidden: int = dataclasses.field(default=0, init=False)\n"
        "    many: list = dataclasses.field(default_factory=list)\n\n"
        "def make(a, /, b, *rest, c=None, **others):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(folder.parent))

    def text(params: tuple[Param, ...] | None) -> list[tuple[str, object]]:
        assert params is not None
        return [(each.name, each.default if each.default is not msgspec.UNSET else "-") for each in params]

    assert text(signature("madeup_library.Trained")) == [("rate", 0.1), ("steps", 3)]
    assert text(signature("madeup_library.Renamed")) == [("rate", 0.1), ("steps", 3)]
    assert text(signature("madeup_library.Settings")) == [("name", "-"), ("rate", 0.25), ("many", "-")]
    made = signature("madeup_library.make")
    assert made is not None
    assert [each.kind for each in made] == [
        "positional-only",
        "normal",
        "star",
        "keyword-only",
        "double-star",
    ]
    assert text(method_signature("madeup_library.Trained", "fit")) == [("data", "-"), ("epochs", 1)]
    assert text(method_signature("madeup_library.Trained", "build")) == [("a", "-"), ("b", 2)]
    assert signature("madeup_library.Absent") is None
    assert signature("no_such_library.Thing") is None
