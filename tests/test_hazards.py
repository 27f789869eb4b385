"""Hazards beyond roots, quotients and logarithms: what becomes a candidate, and what silences it."""

from __future__ import annotations

import textwrap

import pytest

from trainlint.analysis.close.reader import Reader
from trainlint.analysis.facts import Candidate, Outline
from trainlint.analysis.index.project import ProjectIndex
from trainlint.analysis.outline.outline import outline
from trainlint.knowledge.base import load_knowledge

HEADER = "import numpy as np\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn, Tensor\n\n"


def candidates(text: str, qualname: str = "f") -> list[Candidate]:
    """The candidates of a unit of a one-file project."""
    knowledge = load_knowledge()
    seen = outline("m.py", text, "m", False, knowledge.vocabulary)
    assert isinstance(seen, Outline)
    facts = Reader(ProjectIndex([seen]), lambda _: text.split("\n"), knowledge).facts("m.py", qualname)
    assert facts is not None
    return facts.candidates


def body(*lines: str, kind: str, arguments: str = "x: Tensor, labels: Tensor, mask: Tensor") -> list[str]:
    """The operands of a kind of candidate in a function with this body."""
    text = HEADER + f"def f({arguments}):\n" + "".join(f"    {line}\n" for line in lines)
    return [candidate.operand for candidate in candidates(text) if candidate.kind == kind]


HALVES = [
    "h = x.half()",
    "h = x.to(torch.float16)",
    "h = x.to(device=x.device, dtype=torch.half)",
    "h = x.type(torch.float16)",
    "h = x.cuda().half().clone()",
    "h = (x.half() * 2).sum(dim=1, keepdim=True)",
    "h = torch.zeros(4, dtype=torch.float16)",
    "h = torch.zeros_like(x.half())",
    "h = torch.cat([x.half(), x.half()])",
    "h = x.half() @ x.half().t()",
    "h = x.half()[:, 0]",
    "h = x.half() + labels.long()",
    "h = x.half() if mask is None else x.half()",
]
OTHERS = [
    "h = x",
    "h = x.bfloat16()",
    "h = x.half().float()",
    "h = x.half().to(torch.float32)",
    "h = x.half() + x.float()",
    "h = x.half() + x",
    "h = torch.cat([x.half(), x])",
    "h = x.half().sum(dtype=torch.float32)",
    "h = torch.zeros(4)",
    "h = x.half() if mask is None else x",
    "h = x.half().to(x.dtype)",
    "h = x.half().type_as(x)",
]


@pytest.mark.parametrize("line", HALVES)
def test_what_is_known_to_be_half(line: str) -> None:
    assert body(line, "return h + 1e-8", kind="eps-lost-in-half") == ["sum"]
    assert body(line, "return h.masked_fill(mask, -1e9)", kind="mask-overflows-half") == ["fill"]


@pytest.mark.parametrize("line", OTHERS)
def test_what_is_not_known_to_be_half(line: str) -> None:
    assert body(line, "return h + 1e-8", kind="eps-lost-in-half") == []
    assert body(line, "return h.masked_fill(mask, -1e9)", kind="mask-overflows-half") == []


def test_autocast_makes_nothing_half_that_is_known() -> None:
    lines = ("with torch.autocast('cuda', dtype=torch.float16):", "    h = x @ x.t()", "    return h + 1e-8")
    assert body(*lines, kind="eps-lost-in-half") == []


@pytest.mark.parametrize(
    ("eps", "lost"), [("2.9e-8", True), ("1e-12", True), ("3e-8", False), ("6e-8", False), ("0.0", False)]
)
def test_the_least_eps_is_half_of_the_least_number(eps: str, lost: bool) -> None:
    assert body(f"return x.half() + {eps}", kind="eps-lost-in-half") == ["sum"] * lost


@pytest.mark.parametrize(
    ("fill", "overflows"),
    [("-1e9", True), ("65520.0", True), ("-65504.0", False), ("-1e4", False), ("float('-inf')", False)],
)
def test_the_greatest_fill_is_what_is_rounded_to_the_greatest_number(fill: str, overflows: bool) -> None:
    assert body(f"return x.half() + {fill}", kind="mask-overflows-half") == ["sum"] * overflows


def test_an_eps_from_a_default_has_its_value() -> None:
    for eps, expected in (("1e-8", ["sum"]), ("1e-4", [])):
        found = body("return x.half() + eps", kind="eps-lost-in-half", arguments=f"x: Tensor, eps={eps}")
        assert found == expected


@pytest.mark.parametrize(
    ("expression", "operand"),
    [
        ("torch.where(x > 0, torch.log(x), 0.0)", "log"),
        ("torch.where(x > 0, x.sqrt(), 0.0)", "sqrt"),
        ("torch.where(x != 0, 1 / x, 0.0)", "division"),
        ("torch.where(x == 0, 0.0, labels / x)", "division"),
        ("torch.where(x <= 0, 0.0, 2 * x.log() + 1)", "log"),
        ("torch.where(x > 1e-6, torch.sin(x.sqrt()) / x.sqrt(), 1.0)", "sqrt"),
        ("torch.where((x > 0) & mask, x.log(), 0.0)", "log"),
        ("torch.where(x > 0, x ** 0.3, 0.0)", "power"),
        ("torch.where(x > 0, x.pow(1 / 3), 0.0)", "power"),
        ("torch.where((x > -1) & (x < 1), torch.acos(x), 0.0)", "arc"),
        ("torch.where(x.abs() < 1, x.acos(), 0.0)", "arc"),
    ],
)
def test_where_hides_the_value_but_not_the_gradient(expression: str, operand: str) -> None:
    assert operand in body(f"return {expression}", kind="where-keeps-nan")


@pytest.mark.parametrize(
    "lines",
    [
        ("return torch.where(x > 0, torch.log(x.clamp(min=1e-6)), 0.0)",),
        ("safe = torch.where(x > 0, x, torch.ones_like(x))", "return torch.where(x > 0, safe.log(), 0.0)"),
        ("return torch.where(mask > 0, torch.exp(x), 0.0)",),
        ("return torch.where(labels > 0, torch.log(labels), 0.0)",),
        ("with torch.no_grad():", "    return torch.where(x > 0, x.log(), 0.0)"),
        ("return torch.where(x.detach() > 0, x.detach().log(), 0.0)",),
        ("return np.where(x > 0, np.log(x), 0.0)",),
    ],
)
def test_branches_that_are_safe_or_not_differentiated(lines: tuple[str, ...]) -> None:
    assert body(*lines, kind="where-keeps-nan") == []


@pytest.mark.parametrize(
    ("arguments", "made", "grade"),
    [
        ("data: Tensor", "n = data.amax(-1) - data.amin(-1)", "certain"),
        ("data: torch.Tensor", "n = (data[..., 0] * data[..., 1]).sum(-1)", "certain"),
        ("data", "n = data.amax(-1) - data.amin(-1)", "likely"),
        ("data: Tensor, other", "n = helper(data)", "likely"),
        ("mask: Tensor, data", "n = data - 1", "likely"),
    ],
)
def test_a_tensor_by_annotation_may_be_differentiated(arguments: str, made: str, grade: str) -> None:
    text = HEADER + f"def f({arguments}):\n    {made}\n    return torch.where(n > 0, 1 / n, 0.0)\n"
    assert [each.grade for each in candidates(text) if each.kind == "where-keeps-nan"] == [grade]


def test_counts_have_no_derivative() -> None:
    lines = (
        "def f(data: Tensor):",
        "    n = torch.histc(data)",
        "    return torch.where(n > 0, 1 / n, 0.0)",
        "",
    )
    assert [each.kind for each in candidates(HEADER + "\n".join(lines))] == []


def test_what_where_hides_is_told_once() -> None:
    text = (
        HEADER + "def f(x: Tensor):\n    s = (x ** 2).sum(-1)\n    return torch.where(s > 0, s.sqrt(), 0.0)\n"
    )
    assert [candidate.kind for candidate in candidates(text)] == ["where-keeps-nan"]


@pytest.mark.parametrize(
    ("expression", "operand"),
    [
        ("x == float('nan')", "equal"),
        ("np.nan == x", "equal"),
        ("x != torch.nan", "not-equal"),
        ("x > float('NaN')", "order"),
        ("x == -np.nan", "equal"),
    ],
)
def test_comparisons_with_nan(expression: str, operand: str) -> None:
    assert body(f"return {expression}", kind="nan-comparison") == [operand]


@pytest.mark.parametrize(
    "expression", ["x != x", "x == float('inf')", "x is np.nan", "str(x) == 'nan'", "np.isnan(x)", "x == 0"]
)
def test_other_comparisons(expression: str) -> None:
    assert body(f"return {expression}", kind="nan-comparison") == []


@pytest.mark.parametrize(
    ("lines", "operands"),
    [
        (("return x[labels > 0].mean()",), ["mean"]),
        (("return ((x - 1)[labels > 0] ** 2).mean()",), ["mean"]),
        (("return torch.masked_select(x, labels > 0).mean()",), ["mean"]),
        (("m = labels != -1", "return F.cross_entropy(x[m], labels[m])"), ["loss"]),
        (("m = labels != -1", "return F.mse_loss(x[m], labels[m], reduction='none').mean()"), ["mean"]),
        (("m = labels != -1", "return F.mse_loss(x[m], labels[m], reduction='sum')"), []),
        (("m = labels != -1", "if m.any():", "    return x[m].mean()"), []),
        (("m = labels != -1", "if m.sum() == 0:", "    return x.sum() * 0", "return x[m].mean()"), []),
        (("return x[labels > 0].mean() if (labels > 0).any() else 0.0",), []),
        (("return torch.nan_to_num(x[labels > 0].mean())",), []),
        (("return x[:, 0].mean()",), []),
        (("return x[labels].mean()",), []),
        (("return x[labels > 0].mean(dim=1)",), []),
        (("return F.mse_loss(x[mask], labels[mask])",), []),
        (("for c in labels.unique():", "    x = x[labels == c].mean()", "return x"), []),
        (("return x[labels == labels.max()].mean()",), []),
    ],
)
def test_means_of_selections(lines: tuple[str, ...], operands: list[str]) -> None:
    assert body(*lines, kind="mean-of-empty-selection") == operands


def test_one_mask_is_told_once() -> None:
    lines = ("m = labels > 0", "d = x[m] - 1", "return (d ** 2).mean() - d.mean()")
    assert body(*lines, kind="mean-of-empty-selection") == ["mean"]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (("return x.masked_fill(mask, float('-inf')).softmax(-1)",), True),
        (("return F.softmax(torch.where(mask, x, -torch.inf), dim=-1)",), True),
        (("x[mask == 0] = float('-inf')", "return torch.softmax(x, -1)"), True),
        (("return x.masked_fill(mask, -1e9).softmax(-1)",), False),
        (
            (
                "causal = torch.ones(4, 4).triu(1)",
                "return x.masked_fill(causal == 1, -torch.inf).softmax(-1)",
            ),
            False,
        ),
        (("return x.masked_fill(x < x.amax(), float('-inf')).softmax(-1)",), False),
        (("return torch.nan_to_num(x.masked_fill(mask, float('-inf')).softmax(-1))",), False),
    ],
)
def test_rows_of_minus_infinity(lines: tuple[str, ...], found: bool) -> None:
    assert bool(body(*lines, kind="fully-masked-softmax")) is found


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("x.std(dim=0)", True),
        ("torch.var(x, 0)", True),
        ("x.std(dim=0, unbiased=False)", False),
        ("x.var(dim=0, correction=0)", False),
        ("x.std(dim=-1)", False),
        ("x.std()", False),
        ("labels.std(dim=0)", False),
        ("np.std(x, 0)", False),
    ],
)
def test_deviations_over_the_batch(expression: str, found: bool) -> None:
    assert bool(body("y = x / mask", f"return {expression}", kind="one-sample-std")) is found


@pytest.mark.parametrize(
    ("lines", "operands"),
    [
        (("return (x ** 2).mean(1) - x.mean(1) ** 2",), ["open"]),
        (("return torch.sqrt((x * x).mean(1) - x.mean(1).pow(2) + 1e-5)",), ["root"]),
        (("m = x.mean(1)", "v = x.square().mean(1) - m * m", "return v.clamp(min=0).sqrt()"), ["guarded"]),
        (("n = x.shape[0]", "return (x ** 2).sum(0) / n - (x.sum(0) / n) ** 2"), ["open"]),
        (("return torch.sub((x ** 2).mean(), x.mean() ** 2)",), ["open"]),
        (("return (x ** 2).mean() - labels.mean() ** 2",), []),
        (("return (x ** 2).mean() - x.mean()",), []),
        (("return ((x - x.mean()) ** 2).mean()",), []),
        (("return np.mean(x ** 2) - np.mean(x) ** 2",), []),
    ],
)
def test_variances_by_subtraction(lines: tuple[str, ...], operands: list[str]) -> None:
    assert body("y = x / mask", *lines, kind="variance-by-subtraction") == operands


JAX = "import jax.numpy as jnp\n\n"


@pytest.mark.parametrize(
    ("expression", "kinds"),
    [
        ("jnp.linalg.norm(x, axis=-1)", ["norm-gradient-at-zero"]),
        ("jnp.maximum(jnp.linalg.norm(x), 1e-6)", ["norm-gradient-at-zero"]),
        ("jnp.std(x)", ["std-gradient-at-zero"]),
        ("jnp.sqrt(jnp.var(x) + 1e-6)", []),
        ("jnp.linalg.norm(labels)", []),
        ("jnp.linalg.norm(jnp.exp(x))", []),
    ],
)
def test_gradients_at_zero_that_jax_does_not_define(expression: str, kinds: list[str]) -> None:
    text = JAX + f"def f(x, labels):\n    return {expression}\n"
    found = [candidate.kind for candidate in candidates(text)]
    assert [kind for kind in found if kind.endswith("gradient-at-zero")] == kinds


@pytest.mark.parametrize(
    ("cast", "found"), [("jnp.float16", ["eps-lost-in-half"]), ("jnp.bfloat16", []), ("jnp.float32", [])]
)
def test_half_in_jax(cast: str, found: list[str]) -> None:
    text = JAX + f"def f(x):\n    h = x.astype({cast})\n    return jnp.maximum(h, 1e-8)\n"
    assert [each.kind for each in candidates(text)] == found


def test_torch_defines_them() -> None:
    text = HEADER + "def f(x: Tensor):\n    return x.norm() + torch.linalg.vector_norm(x) + x.std()\n"
    assert [each.kind for each in candidates(text) if each.kind.endswith("at-zero")] == []


def test_what_surrounds_half_is_bounded() -> None:
    chain = "h = x.half()" + "".join(f"\n    h = h.add({number})" for number in range(1500))
    text = HEADER + f"def f(x: Tensor):\n    {chain}\n    return h + 1e-8\n"
    assert [each.kind for each in candidates(textwrap.dedent(text))] == ["eps-lost-in-half"]
