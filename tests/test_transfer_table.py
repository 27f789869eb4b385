"""The table of functions that the numeric analysis must know, walked in every framework's spelling.

A name that the knowledge lost gives no tensor and fails here.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import trainlint
from trainlint.analysis.close.reader import Reader
from trainlint.analysis.close.site_words import has_sites
from trainlint.analysis.facts import Outline, Term
from trainlint.analysis.index.project import ProjectIndex
from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.abstract import AbstractValues
from trainlint.analysis.numerics.lattice import Gradient, Kind, Value
from trainlint.analysis.numerics.leaves import Parameter
from trainlint.analysis.outline.outline import outline
from trainlint.knowledge.base import load_knowledge

FRAMEWORKS = Path(trainlint.__file__).parent / "knowledge" / "frameworks"

TABLE = Path(__file__).with_name("transfer_table.yaml")


def rows() -> Iterator[tuple[str, float, float, str]]:
    """Every spelling of the table, and what must be known."""
    for row in yaml.safe_load(TABLE.read_text(encoding="utf-8")):
        for name in row["names"].split():
            yield name, row["low"], row["high"], row["origin"]


def value_of(spelling: str) -> Value:
    """What is known of the call. `name:1` has x as its second argument too, `name:2` the number 2."""
    name, _, second = spelling.partition(":")
    terms = [Term("param", (), "x"), Term("const", (), value=2)]
    extra = () if not second else ((0,) if second == "1" else (1,))
    if name.startswith("."):
        terms += [Term("attr", (0,), name[1:]), Term("call", (2, *extra), keys=("",) * len(extra))]
    else:
        terms += [Term("global", (), name), Term("call", (2, 0, *extra), keys=("",) * (1 + len(extra)))]
    values = AbstractValues(terms, load_knowledge(), lambda _: None, lambda _: None)
    values.parameters[0] = Parameter("x", "torch.Tensor")
    return values.value(3)


@pytest.mark.parametrize(("spelling", "low", "high", "origin"), list(rows()))
def test_what_is_known_of_a_call(spelling: str, low: float, high: float, origin: str) -> None:
    value = value_of(spelling)
    assert (value.low, value.high, value.origin) == (low, high, origin)
    assert value.kind is Kind.TENSOR
    assert value.grad is (Gradient.NO if origin == origins.DEGREE else Gradient.YES)


@pytest.mark.parametrize("name", "log sqrt exp pow fsum hypot dist prod".split())
def test_python_math_gives_numbers(name: str) -> None:
    value = value_of(f"math.{name}")
    assert (value.kind, value.grad) == (Kind.NUMBER, Gradient.NO)


@pytest.mark.parametrize(
    "name", "log sqrt exp power sum mean std var linalg.norm divide maximum clip where".split()
)
def test_numpy_gives_arrays_without_gradient(name: str) -> None:
    value = value_of(f"numpy.{name}")
    assert (value.kind, value.grad) == (Kind.ARRAY, Gradient.NO)


IMPORTS = """
    import torch, torch.nn.functional as F, tensorflow as tf, jax, jax.numpy as jnp
    from torch import Tensor
    from tensorflow import keras
    from tensorflow.keras import backend as K
"""


def kinds(expression: str) -> list[str]:
    """The kinds of candidates of a function that returns an expression of x."""
    text = textwrap.dedent(IMPORTS) + f"\ndef f(x: Tensor, y):\n    return {expression}\n"
    knowledge = load_knowledge()
    seen = outline("m.py", text, "m", False, knowledge.vocabulary)
    assert isinstance(seen, Outline)
    facts = Reader(ProjectIndex([seen]), lambda _: text.split("\n"), knowledge).facts("m.py", "f")
    assert facts is not None
    return sorted({candidate.kind for candidate in facts.candidates})


CHAINS = [
    ("softplus-by-hand", "x.exp().add(1).log()"),
    ("softplus-by-hand", "torch.log(torch.exp(x) + 1)"),
    ("softplus-by-hand", "torch.exp(x).add(1.0).log2()"),
    ("softplus-by-hand", "tf.math.log(1.0 + tf.exp(x))"),
    ("softplus-by-hand", "K.log(1 + K.exp(x))"),
    ("softplus-by-hand", "jnp.log(1 + jnp.exp(x))"),
    ("logsumexp-by-hand", "x.exp().sum(-1).log()"),
    ("logsumexp-by-hand", "torch.log(torch.sum(torch.exp(x), dim=1))"),
    ("logsumexp-by-hand", "tf.math.log(tf.reduce_sum(tf.exp(x), axis=1))"),
    ("logsumexp-by-hand", "K.log(K.sum(K.exp(x), axis=-1))"),
    ("log-of-softmax", "x.softmax(-1).log()"),
    ("log-of-softmax", "x.sigmoid().neg().add(1).log()"),
    ("log-of-softmax", "torch.log(torch.sub(torch.ones_like(x), torch.sigmoid(x)))"),
    ("log-of-softmax", "F.softmax(x, dim=1).squeeze(0).log()"),
    ("log-of-softmax", "tf.math.log(tf.nn.softmax(x))"),
    ("log-of-softmax", "tf.math.log(tf.subtract(1.0, tf.sigmoid(x)))"),
    ("log-of-softmax", "K.log(K.softmax(x))"),
    ("log-of-softmax", "K.log(keras.layers.Activation('softmax')(x))"),
    ("log-of-softmax", "K.log(keras.layers.Dense(3, activation='softmax')(x))"),
    ("log-of-softmax", "keras.ops.log(keras.ops.sigmoid(x))"),
    ("softmax-by-hand", "x.exp().div(x.exp().sum(-1, keepdim=True))"),
    ("softmax-by-hand", "tf.divide(tf.exp(x), tf.reduce_sum(tf.exp(x)))"),
    ("sqrt", "x.pow(2).sum(-1).sqrt()"),
    ("sqrt", "torch.sub(x, y).square().sum(dim=1).add(0).pow(0.5)"),
    ("sqrt", "tf.sqrt(tf.reduce_sum(tf.square(x), axis=1))"),
    ("sqrt", "tf.pow(tf.reduce_sum(tf.multiply(x, x)), 0.5)"),
    ("sqrt", "K.sqrt(K.sum(K.square(x), axis=-1))"),
    ("sqrt", "keras.ops.sqrt(keras.ops.sum(keras.ops.square(x), axis=-1))"),
    ("division", "torch.true_divide(x, x.std())"),
    ("division", "x.div_(x.max() - x.min())"),
    ("division", "tf.truediv(x, tf.reduce_max(x) - tf.reduce_min(x))"),
    ("unclamped-arccos", "torch.acos(F.cosine_similarity(x, y))"),
    ("unclamped-arccos", "F.normalize(x).matmul(F.normalize(y).t()).acos()"),
    ("unclamped-arccos", "tf.acos(tf.matmul(tf.math.l2_normalize(x), tf.math.l2_normalize(y)))"),
    ("fractional-power-at-zero", "x.abs().pow(0.3)"),
    ("fractional-power-at-zero", "tf.pow(tf.abs(x), 0.3)"),
    ("norm-gradient-at-zero", "torch.hypot(x, y)"),
    ("norm-gradient-at-zero", "jnp.linalg.norm(x - y)"),
    ("norm-gradient-at-zero", "tf.norm(x - y, axis=1)"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "chain"), CHAINS)
def test_chains_are_followed(kind: str, chain: str) -> None:
    assert kinds(chain) == [kind]


def checked() -> Iterator[tuple[str, str]]:
    """Last name and check of every function and method whose calls are sites."""
    for file in sorted(FRAMEWORKS.glob("*.yaml")):
        for row in yaml.safe_load(file.read_text(encoding="utf-8")).get("numeric", ()):
            for name in (*row.get("functions", ()), *row.get("methods", ())):
                if "check" in row and not name.startswith("numpy."):
                    yield name.rpartition(".")[2], row["check"]


@pytest.mark.parametrize(("name", "check"), sorted(set(checked())))
def test_a_unit_that_calls_a_site_is_read(name: str, check: str) -> None:
    text = f"import torch\n\ndef f(x):\n    return torch.{name}(x)\n"
    seen = outline("m.py", text, "m", False, load_knowledge().vocabulary)
    assert isinstance(seen, Outline)
    assert check
    assert has_sites(next(unit for unit in seen.units if unit.qualname == "f"))


GUARDED = [
    "x.exp().clamp(max=1e4).add(1).log()",
    "x.clamp(max=20).exp().add(1).log()",
    "x.exp().log1p()",
    "x.sub(x.max()).exp().sum(-1).log()",
    "x.softmax(-1).clamp_min(1e-7).log()",
    "x.softmax(-1).add(1e-6).log()",
    "tf.math.log(tf.clip_by_value(tf.nn.softmax(x), 1e-7, 1.0))",
    "K.log(K.softmax(x) + K.epsilon())",
    "K.log(K.clip(K.sigmoid(x), K.epsilon(), 1 - 1e-6))",
    "x.pow(2).sum(-1).add(1e-12).sqrt()",
    "tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(x), axis=1), 1e-12))",
    "x / x.std().add(1e-6)",
    "tf.math.divide_no_nan(x, tf.reduce_max(x) - tf.reduce_min(x))",
    "torch.acos(F.cosine_similarity(x, y).clamp(-1 + 1e-6, 1 - 1e-6))",
    "x.new_full((4,), 1e-6).sqrt()",
    "(x.pow(2).sum() + torch.finfo(x.dtype).tiny).sqrt()",
    "(x.pow(2).sum() + torch.finfo(torch.float32).eps).sqrt()",
]  # fmt: skip


@pytest.mark.parametrize("chain", GUARDED)
def test_guards_in_chains_silence(chain: str) -> None:
    assert kinds(chain) == []
