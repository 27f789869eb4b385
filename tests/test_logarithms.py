"""Logarithms, exponentials, powers and arc cosines: what becomes a candidate, and which idioms silence it."""

from __future__ import annotations

import textwrap

import pytest

from trainlint.analysis.close.reader import Reader
from trainlint.analysis.facts import Outline, UnitFacts
from trainlint.analysis.index.project import ProjectIndex
from trainlint.analysis.outline.outline import outline
from trainlint.knowledge.base import load_knowledge

HEADER = (
    "import math\nimport torch\nimport torch.nn.functional as F\nimport tensorflow as tf\n"
    "import jax\nimport jax.numpy as jnp\nfrom torch import nn, Tensor\n\nEPS = 1e-8\n\n"
)
KINDS = (
    "log-of-softmax", "unguarded-log", "softplus-by-hand", "logsumexp-by-hand", "softmax-by-hand",
    "absorbed-eps", "unclamped-arccos", "fractional-power-at-zero", "unbounded-exp",
)  # fmt: skip


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
    """Kind and operand of the candidates of these kinds."""
    candidates = read(source, qualname).candidates
    return [(each.kind, each.operand) for each in candidates if each.kind in KINDS]


def body(*lines: str) -> list[tuple[str, str]]:
    """The candidates of a function with this body."""
    source = "def f(x: Tensor, y: Tensor, mask: Tensor, eps=1e-8, tau=0.1):\n"
    return found(source + "".join(f"    {line}\n" for line in lines))


@pytest.mark.parametrize(
    ("expression", "kind", "operand"),
    [
        ("torch.log(F.softmax(x, dim=-1))", "log-of-softmax", "softmax"),
        ("x.softmax(-1).log()", "log-of-softmax", "softmax"),
        ("x.sigmoid().log2()", "log-of-softmax", "sigmoid"),
        ("torch.log(1 - torch.sigmoid(x))", "log-of-softmax", "one-minus-probability"),
        ("torch.log(torch.abs(x.softmax(-1)[:, 0]))", "log-of-softmax", "softmax"),
        ("nn.Softmax(dim=1)(x).log()", "log-of-softmax", "softmax"),
        ("nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())(x).log()", "log-of-softmax", "sigmoid"),
        ("torch.log(1 - x.sigmoid().clamp(1e-8, 1 - 1e-8))", "log-of-softmax", "one-minus-probability"),
        ("tf.math.log(tf.nn.softmax(x))", "log-of-softmax", "softmax"),
        ("tf.log(tf.layers.dense(x, 10, activation=tf.nn.softmax))", "log-of-softmax", "softmax"),
        ("tf.keras.backend.log(tf.keras.layers.Dense(1, 'sigmoid')(x))", "log-of-softmax", "sigmoid"),
        ("jnp.log(jax.nn.softmax(x))", "log-of-softmax", "softmax"),
        ("torch.log((x.softmax(-1) * (y > 0)).sum(-1))", "unguarded-log", "chosen-probability"),
        ("torch.log(torch.relu(x))", "unguarded-log", "clamped-at-zero"),
        ("torch.log(x.var(0))", "unguarded-log", "variance"),
        ("x.exp().add(1).log()", "softplus-by-hand", "one-plus-exponential"),
        ("torch.log(1 + torch.exp(-x))", "softplus-by-hand", "one-plus-exponential"),
        ("torch.exp(x).sum(-1).log()", "logsumexp-by-hand", "sum-of-exponentials"),
        ("torch.log(torch.exp(x).mean(-1) + 1e-8)", "logsumexp-by-hand", "sum-of-exponentials"),
        ("torch.exp(x) / torch.exp(x).sum(-1, keepdim=True)", "softmax-by-hand", "sum-of-exponentials"),
        ("tf.div(tf.exp(x), tf.reduce_sum(tf.exp(x), 1))", "softmax-by-hand", "sum-of-exponentials"),
        ("torch.log(1e-10 + 1 - x)", "absorbed-eps", "absorbed-eps"),
        ("1 / ((1 + 1e-9) - x)", "absorbed-eps", "absorbed-eps"),
        ("torch.acos(F.cosine_similarity(x, y))", "unclamped-arccos", "bounded"),
        ("torch.acos((torch.trace(x @ y) - 1) / 2)", "unclamped-arccos", "trace"),
        ("torch.acos(F.cosine_similarity(x, y).clamp(-1, 1))", "unclamped-arccos", "clamped-to-one"),
        ("x.abs() ** 0.3", "fractional-power-at-zero", "magnitude"),
        ("(1 - x.sigmoid()).pow(0.75)", "fractional-power-at-zero", "one-minus-probability"),
        ("torch.exp(nn.Linear(2, 2)(x))", "unbounded-exp", "network-output"),
    ],
)  # fmt: skip
def test_hazards(expression: str, kind: str, operand: str) -> None:
    assert body(f"return {expression}") == [(kind, operand)]


@pytest.mark.parametrize(
    "expression",
    [
        "F.log_softmax(x, dim=-1)",
        "torch.log(x.softmax(-1) + eps)",
        "torch.log(x.softmax(-1) + EPS)",
        "torch.log(x.softmax(-1).clamp(min=eps))",
        "torch.log(1 - x.sigmoid() + 1e-10)",
        "torch.log(1 - x.sigmoid().clamp(1e-6, 1 - 1e-6))",
        "torch.log(1 - x.sigmoid().clamp(eps, 1 - eps))",
        "torch.log(torch.maximum(x.sigmoid(), torch.tensor(1e-7)))",
        "torch.log(torch.tanh(x).sigmoid())",
        "torch.log(x.sigmoid().detach())",
        "torch.log(x.softmax(-1).sum(-1))",
        "torch.log(torch.relu(x) + 1.0)",
        "torch.log1p(torch.relu(x))",
        "torch.log(x)",
        "torch.log(1 + torch.exp(-x.abs()))",
        "torch.log(1 + torch.exp(x.clamp(max=30)))",
        "torch.log(1 + torch.tanh(x).exp())",
        "torch.exp(x - x.max(-1, keepdim=True)[0]).sum(-1).log()",
        "torch.exp(tau * (x - x.amax(-1, keepdim=True))).sum(-1).log()",
        "torch.exp(F.normalize(x) @ F.normalize(y).t() / tau).sum(-1).log()",
        "torch.exp(x - torch_scatter.scatter(x, mask, reduce='max')[mask]).sum(-1).log()",
        "torch.exp(2 * (x - F.adaptive_max_pool2d(x, 1))).mean((2, 3)).log()",
        "(torch.exp(x - torch.max(y, mask)) + torch.exp(mask - torch.max(y, mask))).log()",
        "torch.log((torch.arange(9) - torch.arange(9)[:, None]).abs().float() / 4)",
        "torch.log(1 + 1e-3 - x)",
        "torch.log(1 - x + 1e-10)",
        "torch.acos(x)",
        "torch.acos(F.cosine_similarity(x, y).clamp(-1 + 1e-6, 1 - 1e-6))",
        "torch.acos(0.999 * F.cosine_similarity(x, y))",
        "x.abs() ** 1.5 + x.abs() ** tau",
        "(x.abs() + 1e-6) ** 0.3",
        "torch.exp(nn.Linear(2, 2)(x).clamp(-20, 20))",
        "torch.exp(torch.tanh(nn.Linear(2, 2)(x)))",
        "math.log(tau) + math.exp(tau)",
    ],
)
def test_guarded_or_unknown_operands_are_silent(expression: str) -> None:
    assert body(f"return {expression}") == []


def test_a_test_on_the_way_is_a_guard() -> None:
    assert body("p = x.sigmoid()", "if p.min() > 1e-6:", "    return p.log()", "return 0") == []
    assert body("p = x.sigmoid()", "if p.min() < 1:", "    return p.log()", "return 0") != []


def test_without_gradient_no_candidate() -> None:
    assert body("with torch.no_grad():", "    p = x.sigmoid().log()", "return p") == []


def test_an_activation_handed_to_a_helper_is_applied() -> None:
    source = """
        def layer(inputs, columns, activation=None):
            outputs = tf.matmul(inputs, tf.Variable(tf.zeros([4, columns])))
            if activation is None:
                return outputs
            return activation(outputs)

        def f(x):
            plain = tf.log(layer(x, 3))
            return tf.log(layer(x, 3, tf.nn.softmax)) + tf.log(layer(x, 3, activation=tf.nn.sigmoid)) + plain
    """
    assert found(source) == [("log-of-softmax", "softmax"), ("log-of-softmax", "sigmoid")]


def test_modules_of_the_object_and_of_the_project_end_in_an_activation() -> None:
    source = """
        class Head(nn.Module):
            def __init__(self):
                super().__init__()
                self.linear = nn.Linear(2, 2)

            def forward(self, x):
                return torch.softmax(self.linear(x), -1)

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.head = Head()
                self.gate = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid())
                self.body = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))

            def forward(self, x):
                return self.head(x).log() + self.gate(x).log() + self.body(x).log()
    """
    assert found(source, "Net.forward") == [("log-of-softmax", "softmax"), ("log-of-softmax", "sigmoid")]


def test_a_probability_handed_to_a_function_is_told_where_its_logarithm_stands() -> None:
    source = """
        def cross_entropy(probabilities, labels, eps=1e-8):
            return -(labels * torch.log(probabilities)).sum()

        def safe_cross_entropy(probabilities, labels, eps=1e-8):
            return -(labels * torch.log(probabilities + eps)).sum()

        def f(x: Tensor, labels):
            p = torch.softmax(x, -1)
            return cross_entropy(labels=labels, probabilities=p) + safe_cross_entropy(p, labels)
    """
    facts = read(source)
    (candidate,) = facts.candidates
    assert (candidate.kind, candidate.operand) == ("log-of-softmax", "softmax")
    assert candidate.text == "torch.log(probabilities)"
    assert candidate.at[0] == HEADER.count("\n") + 3


def test_what_reaches_the_minimised_loss_needs_no_role() -> None:
    source = """
        def f(x, y):
            p = torch.softmax(x, -1)
            shown = torch.log(torch.sigmoid(x))
            loss = -(y * torch.log(p)).sum()
            loss.backward()
            return shown
    """
    assert [("role" in each.open, each.operand) for each in read(source).candidates] == [
        (True, "sigmoid"),
        (False, "softmax"),
    ]


def test_helpers_that_call_each_other_end() -> None:
    source = """
        def a(x):
            return b(x)

        def b(x):
            return a(x)

        def f(x: Tensor):
            return torch.log(a(x)) + torch.log(torch.sigmoid(a(x)))
    """
    assert found(source) == [("log-of-softmax", "sigmoid")]


def test_long_chains_and_long_functions_are_read() -> None:
    chain = "x" + ".sub(1).relu()" * 40
    assert found(f"def f(x: Tensor):\n    return {chain}.log()\n") == [("unguarded-log", "clamped-at-zero")]
    lines = (
        ["def f(x: Tensor):"]
        + [f"    x = x + {n}" for n in range(5000)]
        + ["    return torch.log(x.sigmoid())"]
    )
    assert found("\n".join(lines) + "\n") == [("log-of-softmax", "sigmoid")]


def test_a_chain_too_deep_to_parse_is_refused_not_guessed() -> None:
    text = HEADER + "def f(x):\n    return x" + ".exp().log()" * 300 + "\n"
    seen = outline("m.py", text, "m", False, load_knowledge().vocabulary)
    assert not isinstance(seen, Outline)
    assert seen.kind == "too-deep"


def test_an_activation_that_loops_on_itself_ends() -> None:
    source = """
        def f(x: Tensor, activation):
            for _ in range(3):
                activation = nn.Sequential(activation, activation)
            return torch.log(activation(x))
    """
    assert found(source) == []
