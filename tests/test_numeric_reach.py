"""Files that get a framework's names from a module of the project are followed as those that import it."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainlint.linter import lint
from trainlint.settings.model import Settings

DISTANCE = """\
{}


def distance_loss(x: Tensor, y: Tensor) -> Tensor:
    return ((x - y) ** 2).sum(-1).sqrt().mean()
"""


def found(folder: Path, imports: str, core: str) -> list[str]:
    (folder / "pack").mkdir()
    (folder / "pack" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "pack" / "core.py").write_text(core, encoding="utf-8")
    (folder / "pack" / "distance.py").write_text(DISTANCE.format(imports), encoding="utf-8")
    report = lint([folder], Settings(strict=True, select=("numerics",)))
    return [finding.rule for finding in report.findings]


@pytest.mark.parametrize(
    ("imports", "core"),
    [
        ("from .core import Tensor", "from torch import Tensor\n"),
        ("from .core import Tensor", "import torch\n\nTensor = torch.Tensor\n"),
        ("from pack.core import Tensor, pad", "import torch\n\nTensor = torch.Tensor\npad = torch.zeros\n"),
        ("from .core import softmax\nTensor = object", "from torch.nn.functional import softmax\n"),
    ],
)
def test_a_file_with_names_that_another_hands_on_is_read(imports: str, core: str, tmp_path: Path) -> None:
    assert found(tmp_path, imports, core) == ["unguarded-sqrt"]


@pytest.mark.parametrize(
    ("imports", "core"),
    [
        ("from .core import Tensor", "class Tensor:\n    pass\n"),
        ("from .core import Tensor", "import vectors\n\nTensor = vectors.Tensor\n"),
        ("from .core import SIZE as Tensor", "import torch\n\nSIZE = 3\n"),
    ],
)
def test_a_file_of_another_library_is_not(imports: str, core: str, tmp_path: Path) -> None:
    assert found(tmp_path, imports, core) == []
