"""Passes of loops under control flow that is hard to follow: what is found does not hang on how a loop is
written, and nothing is found that a branch may undo."""

from __future__ import annotations

import contextlib
import random
import textwrap
from pathlib import Path

import pytest

from trainlint.linter import lint
from trainlint.settings.model import Settings

LOOP_RULES = ("missing-zero-grad", "zero-grad-before-step", "eval-mode-never-left", "loss-keeps-graph")
HEAD = """
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets

data = datasets.CIFAR10("data", train=True)
loader = DataLoader(data, batch_size=64, shuffle=True)
model = nn.Sequential(nn.Flatten(), nn.Linear(3072, 64), nn.Dropout(0.5), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
"""
FORWARD = "loss = nn.functional.cross_entropy(model(x), y)"
BODY = [FORWARD, "loss.backward()", "optimizer.step()"]


def found(code: str, folder: Path) -> list[str]:
    """The rules about loops that report something, each once per place; fails on any internal error."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.py").write_text(code, encoding="utf-8")
    report = lint([folder], Settings(jobs=1, strict=True, select=("loop",)))
    assert [notice for notice in report.notices if notice.kind in ("crashed", "internal")] == []
    return [finding.rule for finding in report.findings]


def looped(body: list[str]) -> str:
    """A program whose batch loop has these statements."""
    inner = textwrap.indent("\n".join(body), " " * 8)
    return f"{HEAD}\nfor epoch in range(30):\n    for x, y in loader:\n{inner}\n"


def wrap(statement: str, kind: str) -> str:
    """A statement that may run, or surely runs, put into some control flow."""
    inner = textwrap.indent(statement, "    ")
    return {
        "plain": statement,
        "if": f"if len(x) > 3:\n{inner}",
        "else": f"if len(x) > 3:\n    pass\nelse:\n{inner}",
        "try": f"try:\n{inner}\nexcept ValueError:\n    pass",
        "except": f"try:\n    pass\nexcept ValueError:\n{inner}",
        "finally": f"try:\n    pass\nfinally:\n{inner}",
        "for": f"for _ in range(2):\n{inner}",
        "for-else": f"for _ in range(2):\n    pass\nelse:\n{inner}",
        "while": f"while len(x) > 3:\n{inner}\n    break",
        "with": f"with open('log') as log:\n{inner}",
        "match": f"match len(x):\n    case 3:\n{textwrap.indent(inner, '    ')}",
    }[kind]


KINDS = ["plain", "if", "else", "try", "except", "finally", "for", "for-else", "while", "with", "match"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_a_zeroing_on_any_branch_is_no_missing_one(kind: str, place: int, tmp_path: Path) -> None:
    body = [*BODY]
    body.insert(place, wrap("optimizer.zero_grad()", kind))
    assert "missing-zero-grad" not in found(looped(body), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_zeroing_that_surely_runs_takes_the_gradients(kind: str, tmp_path: Path) -> None:
    body = [FORWARD, "loss.backward()", wrap("optimizer.zero_grad()", kind), "optimizer.step()"]
    sure = kind in ("plain", "finally", "with", "try", "for-else")
    assert ("zero-grad-before-step" in found(looped(body), tmp_path)) is sure


@pytest.mark.parametrize("kind", KINDS)
def test_a_way_back_to_training_mode_is_enough(kind: str, tmp_path: Path) -> None:
    evaluate = "model.eval()\nwith torch.no_grad():\n    for x, y in loader:\n        model(x)"
    back = wrap("model.train()", kind)
    batches = textwrap.indent("\n".join(["optimizer.zero_grad()", *BODY]), " " * 8)
    tail = textwrap.indent(f"{evaluate}\n{back}", " " * 4)
    code = f"{HEAD}\nfor epoch in range(30):\n    for x, y in loader:\n{batches}\n{tail}\n"
    assert "eval-mode-never-left" not in found(code, tmp_path / "back")
    never = code.replace("model.train()", "pass")
    assert "eval-mode-never-left" in found(never, tmp_path / "never")


def test_a_body_moved_into_functions_is_judged_alike(tmp_path: Path) -> None:
    dice = random.Random(0)
    statements = [
        "optimizer.zero_grad()",
        "loss.backward()",
        "optimizer.step()",
        "total += loss",
        "model.eval()",
    ]
    for number in range(24):
        body = ["total = 0.0", FORWARD, *dice.sample(statements, dice.randint(2, len(statements)))]
        plain = {rule for rule in found(looped(body), tmp_path / f"{number}-plain") if rule in LOOP_RULES}
        inner = textwrap.indent("\n".join(body), "    ")
        calls = "for epoch in range(30):\n    for x, y in loader:\n        one(x, y)\n"
        moved = f"{HEAD}\n\ndef one(x, y):\n{inner}\n\n\n{calls}"
        assert {rule for rule in found(moved, tmp_path / f"{number}-moved") if rule in LOOP_RULES} == plain


def test_functions_that_call_each_other_end(tmp_path: Path) -> None:
    code = HEAD + textwrap.dedent(
        """
        def run(x, y, depth):
            def first():
                return second()

            def second():
                loss = nn.functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                return first() if depth else run(x, y, depth - 1)

            return first()

        while True:
            for x, y in loader:
                run(x, y, 3)
        """
    )
    assert set(found(code, tmp_path)) <= {"missing-zero-grad"}


@pytest.mark.parametrize(
    "setup",
    [
        "exec('optimizer = None')",
        "kinds = {'a': optimizer, 'b': torch.optim.SGD([x], lr=1.0)}\noptimizer = kinds[str(len(data))]",
        "optimizer = globals()['optimizer']",
        "optimizer = getattr(torch.optim, data.name)(model.parameters())",
        "from zoo import wrap\noptimizer = wrap(optimizer)",
        "del optimizer",
    ],
)
def test_what_cannot_be_followed_is_not_judged(setup: str, tmp_path: Path) -> None:
    code = looped(BODY).replace("\nfor epoch", f"\n{setup}\nfor epoch", 1)
    assert "missing-zero-grad" not in found(code, tmp_path)


JUMPS = ("if len(x) > 3:\n    continue", "if len(x) > 3:\n    break", "if len(x) > 5:\n    raise KeyError")
ZERO = "optimizer.zero_grad()"


class Traced:
    """Stands in for a model, a loss and an optimizer at once, and notes what is done to gradients."""

    def __init__(self, events: list[str]) -> None:
        self.events = events

    def __call__(self, *_: object) -> Traced:
        return self

    def backward(self) -> None:
        self.events.append("backward")

    def step(self) -> None:
        self.events.append("step")

    def zero_grad(self) -> None:
        self.events.append("zero")


def hidden(statement: str, drawn: random.Random) -> str:
    """A statement under up to three pieces of control flow; a jump under none in which it would not end."""
    kinds = [kind for kind in KINDS if kind != "with" and (kind != "while" or statement not in JUMPS)]
    for _ in range(drawn.choice((0, 0, 0, 1, 1, 2, 3))):
        statement = wrap(statement, drawn.choice(kinds))
    return statement


def any_body(drawn: random.Random) -> list[str]:
    """A pass with everything somewhere: zeroings and jumps at any place, all more or less hidden."""
    body = [FORWARD, hidden("loss.backward()", drawn), hidden("optimizer.step()", drawn)]
    for extra in [ZERO] * drawn.choice((0, 1, 1, 2)) + [drawn.choice(JUMPS)] * drawn.choice((0, 0, 1)):
        body.insert(drawn.randrange(len(body) + 1), hidden(extra, drawn))
    return body


def run_once(body: list[str], drawn: random.Random) -> list[str]:
    """What one run of a loop does to gradients, branches taken by chance."""
    events: list[str] = []
    stand_in = Traced(events)
    scope = {"nn": type("nn", (), {"functional": type("F", (), {"cross_entropy": stand_in})})}
    scope |= {"model": stand_in, "optimizer": stand_in, "y": None, "loss": stand_in}
    loop = textwrap.indent("\n".join(body), "    ")
    scope["loader"] = ([0] * drawn.randrange(8) for _ in range(6))
    with contextlib.suppress(KeyError):
        exec(f"for x in loader:\n{loop}", scope)
    return events


def steps_on_zeroes(events: list[str]) -> bool:
    """Whether no step came upon a gradient."""
    full = False
    for event in events:
        if event == "step" and full:
            return False
        full = event == "backward" or (full and event != "zero")
    return True


def test_what_is_said_of_gradients_holds_in_every_run(tmp_path: Path) -> None:
    drawn = random.Random(6)
    bodies = {f"a{number}.py": any_body(drawn) for number in range(80)}
    for name, body in bodies.items():
        (tmp_path / name).write_text(looped(body), encoding="utf-8")
    report = lint([tmp_path], Settings(jobs=1, strict=True, select=LOOP_RULES[:2]))
    assert [notice for notice in report.notices if notice.kind in ("crashed", "internal")] == []
    said = [(Path(finding.span.path).name, finding.rule) for finding in report.findings]
    assert {rule for _, rule in said} == set(LOOP_RULES[:2])
    for name, rule in said:
        for _ in range(30):
            events = run_once(bodies[name], drawn)
            if rule == "missing-zero-grad":
                assert "zero" not in events, (bodies[name], events)
            else:
                assert steps_on_zeroes(events), (bodies[name], events)
