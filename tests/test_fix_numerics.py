"""The numeric rules' repairs: forms that the pages do not show, and where they keep their hands off."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.fixed_texts import fixed

IMPORTS = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n\n"
TENSORFLOW = "import tensorflow as tf\n\n\n"
JAX = "import jax\nimport jax.numpy as jnp\n\n\n"
LOSS = "def some_loss(x, y, mask):\n    return {}\n"


def expression(folder: Path, rule: str, written: str, imports: str = IMPORTS) -> str | None:
    """An expression of x, y and mask after the fix of its finding."""
    done = fixed(folder, rule, imports + LOSS.format(written))
    return None if done is None else done.removeprefix(imports).split("return ")[1].rstrip("\n")


@pytest.mark.parametrize(
    ("rule", "written", "repaired"),
    [
        ("log-of-softmax", "torch.log(torch.softmax(x, 1)).mean()", "torch.log_softmax(x, 1).mean()"),
        ("log-of-softmax", "x.softmax(dim=-1).log().sum()", "x.log_softmax(dim=-1).sum()"),
        ("log-of-softmax", "(x - y).softmax(-1).log().sum()", "(x - y).log_softmax(-1).sum()"),
        ("log-of-softmax", "torch.log(input=F.softmax(x, dim=1))", "F.log_softmax(x, dim=1)"),
        ("log-of-softmax", "x.sigmoid().log().mean()", "F.logsigmoid(x).mean()"),
        ("log-of-softmax", "torch.log(1 - torch.sigmoid(x - y))", "F.logsigmoid(-(x - y))"),
        ("log-of-softmax", "torch.log(1.0 - x.sigmoid())", "F.logsigmoid(-x)"),
        ("softplus-by-hand", "torch.log(torch.exp(x) + 1).mean()", "F.softplus(x).mean()"),
        ("softplus-by-hand", "y - (1 + (-x).exp()).log()", "y - F.softplus(-x)"),
        ("logsumexp-by-hand", "torch.log(x.exp().sum(1, True))", "torch.logsumexp(x, 1, True)"),
        ("logsumexp-by-hand", "x.exp().sum(axis=-1).log()", "torch.logsumexp(x, dim=-1)"),
        (
            "unclamped-arccos",
            "F.cosine_similarity(x, y).clamp(-1, 1).acos()",
            "torch.clamp(F.cosine_similarity(x, y), -1 + 1e-6, 1 - 1e-6).acos()",
        ),
        (
            "unclamped-arccos",
            "torch.asin(F.cosine_similarity(x, y))",
            "torch.asin(torch.clamp(F.cosine_similarity(x, y), -1 + 1e-6, 1 - 1e-6))",
        ),
        (
            "where-keeps-nan",
            "torch.where(x == 0, y, y / x)",
            "torch.where(x == 0, y, y / torch.where(x == 0, torch.ones_like(x), x))",
        ),
        ("absorbed-eps", "torch.log(1 + 1e-9 - x)", "torch.log(1 - x + 1e-9)"),
        ("absorbed-eps", "torch.log(1e-12 + 1.0 - (x + y))", "torch.log(1.0 - (x + y) + 1e-12)"),
        ("unguarded-division", "x / torch.norm(x, p=2, dim=1, keepdim=True)", "F.normalize(x, dim=1)"),
        ("unguarded-division", "x / x.norm(2, -1, True)", "F.normalize(x, dim=-1)"),
        (
            "unguarded-division",
            "(x - y) / torch.linalg.vector_norm(x - y, dim=-1, keepdim=True)",
            "F.normalize(x - y, dim=-1)",
        ),
        ("guard-after-sqrt", "(x ** 2).sum(1).sqrt() + 1e-6", "((x ** 2).sum(1) + 1e-8).sqrt() + 1e-6"),
    ],
)  # fmt: skip
def test_what_is_written_instead(rule: str, written: str, repaired: str, tmp_path: Path) -> None:
    assert expression(tmp_path, rule, written) == repaired


@pytest.mark.parametrize(
    ("rule", "written", "repaired"),
    [
        ("log-of-softmax", "tf.math.log(tf.nn.softmax(x, axis=-1))", "tf.nn.log_softmax(x, axis=-1)"),
        ("log-of-softmax", "tf.math.log(tf.sigmoid(x))", "tf.math.log_sigmoid(x)"),
        ("softplus-by-hand", "tf.math.log(1.0 + tf.exp(x))", "tf.math.softplus(x)"),
        ("logsumexp-by-hand", "tf.math.log(tf.reduce_sum(tf.exp(x), 1))", "tf.reduce_logsumexp(x, 1)"),
        ("logsumexp-by-hand", "tf.math.log(tf.reduce_sum(tf.exp(x)))", "tf.reduce_logsumexp(x)"),
    ],
)  # fmt: skip
def test_tensorflow_has_its_own_names(rule: str, written: str, repaired: str, tmp_path: Path) -> None:
    assert expression(tmp_path, rule, written, TENSORFLOW) == repaired


@pytest.mark.parametrize(
    ("rule", "written", "repaired"),
    [
        ("log-of-softmax", "jnp.log(jax.nn.softmax(x, axis=-1))", "jax.nn.log_softmax(x, axis=-1)"),
        ("softplus-by-hand", "jnp.log(1 + jnp.exp(x))", "jax.nn.softplus(x)"),
        ("logsumexp-by-hand", "jnp.log(jnp.sum(jnp.exp(x), axis=1))", "jax.nn.logsumexp(x, axis=1)"),
    ],
)
def test_jax_has_its_own_names(rule: str, written: str, repaired: str, tmp_path: Path) -> None:
    assert expression(tmp_path, rule, written, JAX) == repaired


@pytest.mark.parametrize(
    ("rule", "written"),
    [
        # Another base, a mask between, all elements at once, another norm: another function.
        ("log-of-softmax", "torch.log2(torch.softmax(x, 1))"),
        ("log-of-softmax", "torch.log(F.gumbel_softmax(x))"),
        ("log-of-softmax", "torch.log(F.softmin(x, dim=1))"),
        ("softplus-by-hand", "torch.log2(1 + torch.exp(x))"),
        ("logsumexp-by-hand", "torch.log(torch.exp(x).sum())"),
        ("logsumexp-by-hand", "torch.log((torch.exp(x) * mask).sum(1))"),
        ("unguarded-division", "x / x.norm(p=1, dim=1, keepdim=True)"),
        ("unguarded-division", "x / x.norm(dim=1)[:, None]"),
        ("unguarded-division", "y / x.norm(dim=1, keepdim=True)"),
        # The inverse hyperbolic cosine is defined above 1.
        ("unclamped-arccos", "torch.acosh(F.cosine_similarity(x, y))"),
    ],
)
def test_another_function_is_left_alone(rule: str, written: str, tmp_path: Path) -> None:
    assert expression(tmp_path, rule, written) is None


def test_a_probability_that_came_through_a_variable_is_left_alone(tmp_path: Path) -> None:
    text = """\
        def some_loss(x):
            probs = F.softmax(x, dim=1)
            x = x + 1
            return torch.log(probs).mean() + x.sum()
    """
    assert fixed(tmp_path, "log-of-softmax", IMPORTS + textwrap.dedent(text)) is None


def test_a_name_that_the_file_lacks_is_imported(tmp_path: Path) -> None:
    text = "from torch import log, sigmoid\n\n\ndef some_loss(x):\n    return log(sigmoid(x)).mean()\n"
    done = fixed(tmp_path, "log-of-softmax", text)
    assert done is not None
    assert "import torch\n" in done
    assert "return torch.nn.functional.logsigmoid(x).mean()" in done


def test_half_precision_takes_a_wider_clamp(tmp_path: Path) -> None:
    text = (
        IMPORTS
        + "def some_loss(x, y):\n    return torch.acos(F.cosine_similarity(x.half(), y.half())).mean()\n"
    )
    done = fixed(tmp_path, "unclamped-arccos", text)
    assert done is not None
    assert "-1 + 1e-3, 1 - 1e-3" in done
