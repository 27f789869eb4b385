"""What is handed to a function that needs something of it: told once, across files, whichever is named."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from trainlint.analysis.close.reader import Reader
from trainlint.analysis.facts import Outline, UnitFacts
from trainlint.analysis.index.project import ProjectIndex
from trainlint.analysis.outline.outline import outline
from trainlint.findings import Finding
from trainlint.knowledge.base import load_knowledge
from trainlint.linter import lint
from trainlint.settings.model import Settings

STRICT = Settings(strict=True, jobs=1)
LOSS = """
    import torch


    def entropy_loss(probabilities, targets):
        return -(targets * torch.log(probabilities)).sum()


    def guarded_loss(probabilities, targets):
        return -(targets * torch.log(probabilities.clamp(min=1e-6))).sum()
"""
TRAIN = """
    import torch
    from losses import entropy_loss, guarded_loss


    def train_{name}(model, batches, optimizer):
        for inputs, targets in batches:
            scores = model(inputs)
            loss = entropy_loss({first}, targets) + guarded_loss(scores.softmax(-1), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
"""


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).write_text(textwrap.dedent(text))
    return root


def numeric(findings: list[Finding]) -> list[Finding]:
    return [each for each in findings if each.family == "numerics"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return written(
        tmp_path,
        {
            "losses.py": LOSS,
            "one.py": TRAIN.format(name="one", first="torch.softmax(scores, -1)"),
            "two.py": TRAIN.format(name="two", first="scores.sigmoid()"),
            "three.py": TRAIN.format(name="three", first="scores"),
        },
    )


def test_it_is_told_where_it_goes_wrong_once_with_all_ways_to_it(project: Path) -> None:
    (finding,) = numeric(lint([project], STRICT).findings)
    assert (finding.rule, Path(finding.span.path).name, finding.span.line) == (
        "log-of-softmax",
        "losses.py",
        6,
    )
    assert finding.symbol == "entropy_loss"
    assert {Path(each.span.path).name for each in finding.related} == {"one.py", "two.py"}


@pytest.mark.parametrize("name", ["losses.py", "one.py", "two.py", "three.py"])
def test_it_is_the_same_whichever_file_is_named(project: Path, name: str, monkeypatch) -> None:
    monkeypatch.chdir(project)
    (whole,) = numeric(lint([project], STRICT).findings)
    alone = numeric(lint([project / name], STRICT).findings)
    assert alone == ([] if name == "three.py" else [whole])
    for _ in range(2):
        assert numeric(lint([project / name], STRICT, cached=True).findings) == alone


def test_what_was_handed_changes_and_what_is_remembered_with_it(project: Path, monkeypatch) -> None:
    monkeypatch.chdir(project)
    assert numeric(lint([project], STRICT, cached=True).findings)
    (project / "losses.py").write_text(
        (project / "losses.py").read_text().replace("(probabilities))", "(1 + targets))")
    )
    assert numeric(lint([project], STRICT, cached=True).findings) == []


@pytest.mark.parametrize(("folder", "count"), [("losses", 1), ("metrics", 0)])
def test_what_only_a_metric_takes_the_logarithm_of_is_silent(tmp_path: Path, folder: str, count: int) -> None:
    (tmp_path / folder).mkdir()
    caller = f"""
        from {folder}.scores import entropy_loss


        def difference(model, inputs, targets):
            return entropy_loss(model(inputs).sigmoid(), targets)
    """
    root = written(tmp_path, {f"{folder}/scores.py": LOSS, "one.py": caller})
    (root / "one.py").write_text("import torch\n" + (root / "one.py").read_text())
    assert len(numeric(lint([root], STRICT).findings)) == count


def read(source: str, qualname: str) -> UnitFacts:
    """The facts of a unit of a one-file project."""
    knowledge = load_knowledge()
    header = "import torch\nimport tensorflow as tf\nfrom torch import nn, Tensor\n"
    text = header + textwrap.dedent(source)
    seen = outline("m.py", text, "m", False, knowledge.vocabulary)
    assert isinstance(seen, Outline)
    reader = Reader(ProjectIndex([seen]), lambda _: text.split("\n"), knowledge)
    reader.numeric_units("m.py")
    reader.handing_units("m.py")
    facts = reader.facts("m.py", qualname)
    assert facts is not None
    return facts


def candidates(source: str, qualname: str = "f") -> list[tuple[str, str, str]]:
    return [(each.kind, each.operand, each.text) for each in read(source, qualname).candidates]


MEAN = """
    def mean_of(values, weights):
        return (values * weights).sum() / weights.sum()

    def share(values, count):
        return values.sum() / count

    def safe_share(values, count):
        if count > 0:
            return values.sum() / count
        return values.sum() * 0.0

    def cleaned_share(values, count):
        return torch.nan_to_num(values.sum() / count)

    def length(total):
        return torch.sqrt(total)
"""


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("share(x, (labels > 0).sum())", [("division", "label-mask-count", "values.sum() / count")]),
        ("share(x, count=(labels > 0).sum())", [("division", "label-mask-count", "values.sum() / count")]),
        ("share(x, x.std())", [("division", "std", "values.sum() / count")]),
        ("length((x ** 2).sum())", [("sqrt", "sum-of-squares", "torch.sqrt(total)")]),
        ("share(x, (labels > 0).sum().clamp(min=1))", []),
        ("share(x, len(labels))", []),
        ("share(x, 4)", []),
        ("share(*x)", []),
        ("safe_share(x, (labels > 0).sum())", []),
        ("cleaned_share(x, (labels > 0).sum())", []),
        ("length((x ** 2).sum() + 1e-6)", []),
    ],
)
def test_operands_of_quotients_and_roots(call: str, expected: list[tuple[str, str, str]]) -> None:
    source = (
        MEAN
        + f"""
    def f(x: Tensor, labels):
        x = nn.functional.linear(x, x)
        return {call}
    """
    )
    assert candidates(source) == expected


def test_a_guard_on_the_way_to_the_call_holds() -> None:
    source = (
        MEAN
        + """
    def f(x: Tensor, labels):
        count = (labels > 0).sum()
        if count == 0:
            return x.sum() * 0
        return share(x, count)
    """
    )
    assert candidates(source) == []


ATTRIBUTES = """
    class Model:
        def __init__(self, kind):
            self.kind = kind
            self.output = None
            self.count = None

        def decode(self, hidden):
            if self.kind == "sigmoid":
                self.output = torch.sigmoid(hidden)
            elif self.kind == "tanh":
                self.output = torch.tanh(hidden)
            else:
                self.output = None
            self.count = (hidden > 0).sum()

        def cost(self, target):
            return -(target * torch.log(self.output)).sum() / self.count

    class Derived(Model):
        def penalty(self):
            return torch.log(self.output).sum()
"""


@pytest.mark.parametrize("method", ["Model.cost", "Derived.penalty"])
def test_an_attribute_that_another_method_sets(method: str) -> None:
    """A probability stays one; a count may have been looked at between the two."""
    assert candidates(ATTRIBUTES, method) == [("log-of-softmax", "sigmoid", "torch.log(self.output)")]


def test_an_attribute_that_many_methods_set_is_unknown() -> None:
    setters = "".join(f"    def set{i}(self, x):\n        self.p = x.softmax({i})\n" for i in range(9))
    source = f"class A:\n{setters}    def cost(self):\n        return torch.log(self.p)\n"
    assert candidates(source, "A.cost") == []


def test_a_dict_that_is_written_out_is_looked_into() -> None:
    source = """
        def f(x: Tensor, labels):
            found = {"probability": x.softmax(-1), "count": (labels > 0).sum()}
            return torch.log(found["probability"]) + x.sum() / found["count"] + torch.log(found["other"])
    """
    assert [each[:2] for each in candidates(source)] == [
        ("log-of-softmax", "softmax"),
        ("division", "label-mask-count"),
    ]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("tf.zeros([4])", [("division", "learned")]),
        ("tf.random_uniform([4], 0, 16)", [("division", "learned")]),
        ("tf.ones([4])", []),
        ("tf.constant(1.0, shape=[4])", []),
    ],
)
def test_a_weight_in_a_denominator(start: str, expected: list[tuple[str, str]]) -> None:
    source = f"""
        def f(x):
            return x / tf.get_variable("gain", initializer={start})
    """
    assert [each[:2] for each in candidates(source)] == expected


def test_two_draws_are_two_values() -> None:
    source = """
        def f(x):
            return tf.sqrt(tf.random_normal([4]) * tf.random_normal([4]))
    """
    calls = [each for each in read(source, "f").terms if each.op == "call"]
    assert len(calls) == 3


SCRIPT = """
    embeddings = tf.Variable(tf.zeros([9, 4]))
    loss = tf.reduce_mean(tf.nn.nce_loss(embeddings, 1))
    {before}
    train_op = tf.train.AdamOptimizer(0.1).minimize(loss)
    norm = tf.sqrt(tf.reduce_sum(tf.square(embeddings), 1))
    {after}
"""


def test_what_is_made_after_the_train_op_is_only_shown() -> None:
    """As in word2vec: the similarity that is printed has no gradient."""
    assert candidates(SCRIPT.format(before="", after=""), "") == []
    before = SCRIPT.format(before="size = tf.sqrt(tf.reduce_sum(tf.square(embeddings), 0))", after="")
    assert [each[:2] for each in candidates(before, "")] == [("sqrt", "sum-of-squares")]
    again = SCRIPT.format(before="", after="other = tf.train.AdamOptimizer(0.1).minimize(loss + norm)")
    assert [each[:2] for each in candidates(again, "")] == [("sqrt", "sum-of-squares")]
