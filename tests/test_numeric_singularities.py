"""Evidence that is complete without a training caller: declared tensors under roots and in `where`, quotients
whose numerator is 0 with the denominator."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_numerics import read

from trainlint.linter import lint
from trainlint.settings import Settings


def grades(body: str, arguments: str) -> list[tuple[str, str, str]]:
    """Kind, operand and grade of what a function of this body may do wrong."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    candidates = read(f"def f({arguments}):\n{lines}").candidates
    return [(each.kind, each.operand, each.grade) for each in candidates]


@pytest.mark.parametrize(
    "quotient",
    [
        "torch.sin(t) / t",
        "(1 - torch.cos(t)) / t**2",
        "(t - t.sin()) / t**3",
        "(torch.cos(t) - 1) / (t * t)",
        "2 * torch.tan(t[..., None]) / t[..., None]",
    ],
)
def test_a_numerator_that_is_zero_with_the_norm_below_it(quotient: str) -> None:
    """Rotations by hand: 0/0 at the identity, which is an ordinary value."""
    found = grades(f"t = v.norm(dim=-1)\nreturn {quotient}", "v: Tensor")
    assert [(kind, grade) for kind, _, grade in found] == [("division", "certain")]


@pytest.mark.parametrize(
    "quotient", ["torch.cos(t) / t", "torch.sin(w) / t", "(2 - torch.cos(t)) / t**2", "(t - t) / t", "v / t"]
)
def test_a_numerator_that_is_not_known_to_vanish(quotient: str) -> None:
    """Twins a hair apart: only a zero vector itself is a hazard, and that is told in strict runs."""
    found = grades(f"t = v.norm(dim=-1)\nreturn {quotient}", "v: Tensor, w: Tensor")
    assert [(kind, grade) for kind, _, grade in found] == [("division", "possible")]


@pytest.mark.parametrize(("annotation", "grade"), [(": Tensor", "certain"), ("", "likely")])
def test_roots_of_declared_tensors(annotation: str, grade: str) -> None:
    """Who hands tensors to a function may differentiate it; of an undeclared parameter nothing is known."""
    body = "return torch.sqrt(p[..., 0] ** 2 + p[..., 1] ** 2)"
    assert grades(body, f"p{annotation}") == [("sqrt", "sum-of-squares", grade)]


def test_a_root_that_is_only_compared_is_not_certain() -> None:
    """A histogram of distances: no derivative comes back through `bucketize`."""
    body = "d = torch.sqrt(((p[:, None] - p[None]) ** 2).sum(-1))\nreturn torch.bucketize(d, edges)"
    assert grades(body, "p: Tensor, edges: Tensor") == [("sqrt", "sum-of-squares", "likely")]


@pytest.mark.parametrize("root", ["torch.sqrt({})", "{} ** 0.5", "{} ** 0.3"])
def test_torch_drops_the_gradient_of_a_relu_at_zero(root: str) -> None:
    """Measured in torch 2.13: 0 below a relu whatever comes from above; a clamp to 0 passes it on at 0."""
    assert grades(f"return {root.format('F.relu(x)')}", "x: Tensor") == []
    assert [operand for _, operand, _ in grades(f"return {root.format('x.clamp(min=0)')}", "x: Tensor")] == [
        "clamped-at-zero"
    ]


def test_a_mask_made_on_one_path_counts_as_made_here() -> None:
    """A contrastive loss that makes its mask of the labels unless it is given one."""
    body = (
        "if mask is None:\n    mask = (labels == labels.t()).float()\n"
        "mask = mask * (1 - torch.eye(4))\n"
        "return (mask * x).sum(1) / mask.sum(1)"
    )
    found = grades(body, "x: Tensor, labels: Tensor, mask=None")
    assert ("division", "label-mask-count", "certain") in found


def test_where_in_a_library_function_is_shown_by_default(tmp_path: Path) -> None:
    """The condition says that zeros are expected, the annotation that tensors come: no caller is needed."""
    code = (
        "import torch\n\n\ndef slope(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:\n"
        "    d = (x * x).sum(-1)\n    return torch.where(d > 0, y / d, torch.zeros_like(d))\n"
    )
    (tmp_path / "lines.py").write_text(code)
    report = lint([tmp_path], Settings())
    assert [(each.rule, each.confidence.value) for each in report.findings] == [("where-keeps-nan", "high")]
