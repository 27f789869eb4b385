"""The numeric analysis on small functions: which sites become candidates, which guards silence them."""

from __future__ import annotations

import textwrap

import msgspec
import pytest

from trainlint.analysis.close.reader import Reader
from trainlint.analysis.facts import Candidate, Outline, UnitFacts
from trainlint.analysis.index.project import ProjectIndex
from trainlint.analysis.outline.outline import outline
from trainlint.knowledge.base import load_knowledge

_ROOTS_AND_QUOTIENTS = ("sqrt", "division")
HEADER = "import torch\nimport torch.nn.functional as F\nfrom torch import nn, Tensor\n\n"


def read(source: str, qualname: str = "f") -> UnitFacts:
    """The facts of a unit of a one-file project."""
    knowledge = load_knowledge()
    text = HEADER + textwrap.dedent(source)
    seen = outline("m.py", text, "m", False, knowledge.vocabulary)
    assert isinstance(seen, Outline)
    facts = Reader(ProjectIndex([seen]), lambda _: text.split("\n"), knowledge).facts("m.py", qualname)
    assert facts is not None
    return facts


def found(source: str, qualname: str = "f") -> list[tuple[str, str]]:
    """Kind and operand of the candidates among roots and quotients; other tests have the other kinds."""
    candidates = read(source, qualname).candidates
    return [(each.kind, each.operand) for each in candidates if each.kind in _ROOTS_AND_QUOTIENTS]


def body(*lines: str, arguments: str = "x: Tensor, labels: Tensor") -> list[tuple[str, str]]:
    """The candidates of a function with this body."""
    return found(f"def f({arguments}):\n" + "".join(f"    {line}\n" for line in lines))


@pytest.mark.parametrize(
    ("expression", "operand"),
    [
        ("torch.sqrt((x ** 2).sum(-1))", "sum-of-squares"),
        ("torch.sqrt(torch.sum(x * x, dim=1))", "sum-of-squares"),
        ("x.pow(2).sum(1).sqrt()", "sum-of-squares"),
        ("(x ** 2).sum(1) ** 0.5", "sum-of-squares"),
        ("x.square().mean().pow(0.5)", "sum-of-squares"),
        ("(x[..., 0] ** 2 + x[..., 1] ** 2).sqrt()", "sum-of-squares"),
        ("torch.dot(x, x).sqrt()", "sum-of-squares"),
        ("F.mse_loss(x, labels).sqrt()", "sum-of-squares"),
        ("torch.sqrt(x[:, 0] * x[:, 0] + x[:, 1] * x[:, 1])", "sum-of-squares"),
        ("torch.sqrt(x ** 2)", "square"),
        ("torch.sqrt(x.abs())", "magnitude"),
        ("x.var(0).sqrt()", "variance"),
        ("torch.rsqrt(torch.var(x, dim=0, keepdim=True))", "variance"),
        ("torch.var_mean(x, dim=1)[0].sqrt()", "variance"),
        ("torch.sqrt(1 - torch.cos(x) ** 2)", "one-minus-square"),
        ("torch.sqrt(x.clamp(min=0))", "clamped-at-zero"),
        ("torch.sqrt(x.exp())", "exponential"),
        ("(2 * x.var(0) / 3).view(-1, 1).sqrt()", "variance"),
    ],
)
def test_roots_of_hazards(expression: str, operand: str) -> None:
    assert body(f"return {expression}") == [("sqrt", operand)]


@pytest.mark.parametrize(
    ("expression", "operand"),
    [
        ("x / x.std()", "std"),
        ("x.div(x.var(0))", "variance"),
        ("x / (x.max() - x.min())", "max-min"),
        ("x / (x.max(dim=1)[0] - x.min(dim=1)[0])", "max-min"),
        ("x / (torch.amax(x, 1) - torch.amin(x, 1))[:, None]", "max-min"),
        ("x / x.norm(dim=1, keepdim=True)", "norm"),
        ("x.sum() / (labels != -100).sum()", "label-mask-count"),
        ("x.sum() / labels.gt(0).float().sum().item()", "label-mask-count"),
        ("x.sum() / (x > 0.5).sum()", "mask-count"),
        ("x.sum() / torch.count_nonzero(labels > 0)", "label-mask-count"),
        ("x.sum() / x[labels > 0].numel()", "filtered-count"),
        ("x.sum() / len((labels == 1).nonzero())", "filtered-count"),
        ("x.reciprocal() + x.std().reciprocal()", "std"),
        ("x * x.std() ** -1", "std"),
    ],
)
def test_quotients_by_hazards(expression: str, operand: str) -> None:
    assert body(f"return {expression}") == [("division", operand)]


@pytest.mark.parametrize(
    "expression",
    [
        "torch.sqrt((x ** 2).sum(-1) + 1e-8)",
        "torch.sqrt((x ** 2).sum(-1).clamp(min=1e-8))",
        "torch.sqrt((x ** 2).sum(-1).clamp_min(1e-8))",
        "torch.sqrt(torch.clamp((x ** 2).sum(-1), 1e-8))",
        "torch.sqrt(1 + x ** 2)",
        "torch.sqrt(torch.tanh(x).exp())",
        "torch.sqrt(torch.sigmoid(x))",
        "torch.sqrt(F.softplus(x))",
        "torch.sqrt(x.detach() ** 2)",
        "torch.sqrt(labels ** 2)",
        "torch.sqrt(x)",
        "x.norm(dim=1)",
        "x / (x.std() + 1e-6)",
        "x / x.std().clamp(min=1e-6)",
        "x / torch.maximum(x.std(), torch.tensor(1e-6))",
        "x / (x.max() - labels.min())",
        "x.sum() / max((labels > 0).sum(), 1)",
        "x.sum() / ((labels > 0).sum() or 1)",
        "x.sum() / (labels > 0).sum().clamp(1)",
        "x / torch.where(x.std() > 0, x.std(), torch.ones_like(x))",
        "x / x.shape[0] / x.size(1) / len(x) / x.numel()",
        "x / x.softmax(-1).sum(-1, keepdim=True)",
        "(labels == 1).sum() / (labels > 0).sum()",
        "(x.sum() / (labels > 0).sum()).nan_to_num()",
        "(x / (labels > 0).sum()).item()",
        "x / unknown(x)",
        "x / 0.5 / 3",
    ],
)
def test_guarded_or_unknown_operands_are_silent(expression: str) -> None:
    assert body(f"return {expression}") == []


@pytest.mark.parametrize(
    "lines",
    [
        ("if n > 0:", "    return x.sum() / n", "return x"),
        ("if n == 0:", "    return x", "return x.sum() / n"),
        ("if not n:", "    raise ValueError", "return x.sum() / n"),
        ("assert n > 0", "return x.sum() / n"),
        (
            "if n.item() >= 1:",
            "    return x.sum() / n",
        ),
        ("return x.sum() / n if n else x",),
        ("while n > 0:", "    x = x.sum() / n"),
        ("if n != 0 and x.numel() > 2:", "    return x.sum() / n"),
        ("if n == 0 or x is None:", "    return x", "return x.sum() / n"),
        ("if n == 0:", "    n = 1", "return x.sum() / n"),
        ("if pos.any():", "    return x.sum() / n"),
        ("if pos.sum() == 0:", "    return x", "return x.sum() / n"),
        ("if n > 0:", "    return x.sum() / pos.float().sum()"),
        ("if n > 0:", "    return x.sum() / x[pos].numel()"),
        ("n.clamp_(min=1)", "return x.sum() / n"),
        ("n = n + 1", "return x.sum() / n"),
    ],
)
def test_guards_of_a_count(lines: tuple[str, ...]) -> None:
    assert body("pos = labels > 0", "n = pos.sum()", *lines) == []


@pytest.mark.parametrize(
    "lines",
    [
        ("if n >= 0:", "    return x.sum() / n"),
        ("if n > 0:", "    x = x + 1", "return x.sum() / n"),
        ("other = labels != -1", "if other.any():", "    return x.sum() / n"),
        ("if x.numel() > 0:", "    return x.sum() / n"),
        ("if pos.any():", "    return x.sum() / (~pos).sum()"),
        ("for _ in range(3):", "    x = x.sum() / n"),
    ],
)
def test_what_is_no_guard_of_a_count(lines: tuple[str, ...]) -> None:
    assert body("pos = labels > 0", "n = pos.sum()", *lines) == [("division", "label-mask-count")]


def test_a_masked_write_removes_the_zeros() -> None:
    assert body("s = x.std(0)", "s[s == 0] = 1.0", "return x / s") == []
    assert body("s = x.std(0)", "s[s < 1e-6] = 1e-6", "return x / s") == []
    assert body("s = x.std(0).masked_fill(x.std(0) == 0, 1.0)", "return x / s") == []
    assert body("if x.std(0) > 0:", "    return x / x.std(0)") == []
    assert body("s = x.std(0)", "s[s == 5] = 1.0", "return x / s") == [("division", "std")]


def test_a_hazard_on_one_branch_is_one() -> None:
    lines = ("if labels is None:", "    s = x.std()", "else:", "    s = 1.0", "return x / s")
    assert body(*lines) == [("division", "std")]


def test_no_gradient_no_candidate() -> None:
    assert body("with torch.no_grad():", "    return torch.sqrt((x ** 2).sum())") == []


def test_a_norm_by_hand_is_reported_at_its_root_only() -> None:
    assert body("n = torch.sqrt((x ** 2).sum(1))", "return x / n") == [("sqrt", "sum-of-squares")]


def test_one_denominator_is_one_candidate() -> None:
    facts = read("def f(x: Tensor):\n    s = x.std()\n    a = x / s\n    b = 2 * x / s\n    return a + b\n")
    assert [candidate.operand for candidate in facts.candidates] == ["std"]
    assert len(facts.candidates[0].related) == 1


def test_eps_after_the_root_is_noted() -> None:
    facts = read("def f(x: Tensor, eps=1e-8):\n    return x / (torch.sqrt((x ** 2).sum(1)) + eps)\n")
    assert [(candidate.operand, candidate.guard) for candidate in facts.candidates] == [
        ("sum-of-squares", "after")
    ]


def test_positive_masks_without_their_diagonal_may_be_empty() -> None:
    pairs = ("same = torch.eq(labels, labels.T).float()", "mask = same * (1 - torch.eye(8))")
    assert body(*pairs, "return (mask * x).sum(1) / mask.sum(1)") == [("division", "label-mask-count")]
    assert body(*pairs, "return (same * x).sum(1) / same.sum(1)") == []
    scattered = "keep = torch.scatter(torch.ones_like(same), 1, torch.arange(8).view(-1, 1), 0)"
    assert body(pairs[0], scattered, "m = same * keep", "return (m * x).sum(1) / m.sum(1)") == [
        ("division", "label-mask-count")
    ]


def test_length_masks_are_told_from_label_masks() -> None:
    assert body("m = attention_mask", "return (x * m).sum(1) / m.sum(1)", arguments="x, attention_mask") == [
        ("division", "length-mask-count")
    ]
    arguments = "x, batch"
    assert body('m = batch["padding_mask"]', "return (x * m).sum() / m.sum(dim=1)", arguments=arguments) == [
        ("division", "length-mask-count")
    ]


def test_summaries_cross_functions() -> None:
    helpers = """
        def dot(a, b):
            return (a * b).sum(-1)

        def spread(a):
            return a.std(0)

        def safe(a, eps=1e-6):
            return a.std(0) + eps

        def f(x: Tensor):
            return dot(x, x).sqrt() + dot(x, x + 1).sqrt() + x / spread(x) + x / safe(x)
    """
    assert found(helpers) == [("sqrt", "sum-of-squares"), ("division", "std")]


def test_attributes_come_from_the_constructor() -> None:
    source = """
        class Head(nn.Module):
            def __init__(self, width, floor=1e-5):
                super().__init__()
                self.floor = 1e-5
                self.act = nn.Softplus()
                self.mse = nn.MSELoss()
                self.sigma = nn.Parameter(torch.zeros(width))

            def forward(self, x, y):
                a = torch.sqrt(x.var(0) + self.floor)
                b = torch.sqrt(self.act(x))
                c = torch.sqrt(self.mse(x, y))
                return a + b + c + x / self.sigma
    """
    assert found(source, "Head.forward") == [("sqrt", "sum-of-squares"), ("division", "learned")]


def test_arrays_and_numbers_are_no_tensors() -> None:
    source = """
        import math
        import numpy as np

        def f(a, scale=0.5, n: int = 3):
            x = np.asarray(a)
            y = np.sqrt((x ** 2).sum())
            return x / x.std(), y / n, a / scale, math.sqrt(n * n)
    """
    assert found(source) == []


def test_candidates_survive_json() -> None:
    facts = read("def f(x: Tensor, labels: Tensor):\n    return x.sum() / (labels > 0).sum()\n")
    assert facts.candidates
    again = msgspec.json.decode(msgspec.json.encode(facts.candidates), type=list[Candidate])
    assert again == facts.candidates
    assert facts.candidates[0].trace


def test_deep_expressions_do_not_recurse() -> None:
    lines = ["def f(x: Tensor):"] + [f"    x = x * {n} + 1" for n in range(1500)] + ["    return x / x.std()"]
    assert found("\n".join(lines) + "\n") == [("division", "std")]
