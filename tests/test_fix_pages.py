"""The `fix:` of rule pages: what is refused with a reason and its line, and a user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixed_texts import repaired
from trainlint.findings import Finding
from trainlint.linter import lint
from trainlint.pipeline.run import Run
from trainlint.rulebook.loading import load_rulebook
from trainlint.settings.model import Settings

PAGE = """\
---
rule: my-rule
summary: a rule of my own
judges: recipe
when:
  batch.effective: {minimum: 8}
cases:
  - {severity: warning, confidence: high}
at: batch.effective
message: "batch {batch.effective}"
hint: "use less"
FIX
---

## What it does
Reports it.

## Why it is bad
It is.

## Example
```yaml bad
batch_size: 64  # error: [my-rule]
```

## Use instead
```yaml good
batch_size: 4
```

## When it stays silent
- Unknown.

## Fix safety
Unsafe: it changes the run.

## References
- None.
"""

TRAINING = """\
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

torch.manual_seed(0)
train_set = datasets.ImageFolder("data/train", transforms.ToTensor())
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(90):
    for images, labels in train_loader:
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""


def rulebook(folder: Path, fix: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "my-rule.md").write_text(PAGE.replace("FIX", fix), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("fix", "line", "said"),
    [
        ("fix: {safety: safe, edits: [{delete-statement: finding}]}", 12, "fix"),
        ("fix: {title: t, safety: maybe, edits: [{delete-statement: finding}]}", 12, "fix"),
        ("fix: {title: t, safety: safe}", 12, "fix"),
        ("fix: {title: t, safety: safe, edits: [{delete: finding}]}", 12, "fix"),
        ("fix: {title: t, safety: safe, edits: [{replace: batch.effectiv, by: '1'}]}", 12, "batch.effective"),
        ("fix: {title: t, safety: safe, edits: [{replace: finding, by: '{batch.x}'}]}", 12, "batch.x"),
        ("fix: {title: t, safety: safe, edits: [{replace: finding, by: '{'}]}", 12, "brace"),
        ("fix: {title: '{nope}', safety: safe, edits: [{delete-statement: finding}]}", 12, "nope"),
        ("fix: {title: t, safety: safe, make: search.seed_sampler}", 12, "data only"),
        (
            "fix:\n  - when: {batch.nope: {minimum: 1}}\n"
            "    title: t\n    safety: safe\n    edits: [{delete-statement: finding}]",
            13,
            "batch.nope",
        ),
    ],
)
def test_a_fix_that_cannot_be_is_refused(fix: str, line: int, said: str, tmp_path: Path) -> None:
    book = load_rulebook([rulebook(tmp_path / "mine", fix)])
    assert len(book.errors) == 1
    assert said in str(book.errors[0])
    assert book.errors[0].line == line
    assert "my-rule" not in book.rules


def reported(folder: Path, fix: str) -> Finding:
    (folder / "train.py").write_text(TRAINING, encoding="utf-8")
    mine = str(rulebook(folder / "mine", fix))
    report = lint([folder / "train.py"], Settings(strict=True, select=("my-rule",), rulebooks=(mine,)))
    (finding,) = report.findings
    return finding


def test_a_rulebook_of_ones_own_can_repair(tmp_path: Path) -> None:
    fix = "fix: {title: 'halve {batch.effective}', safety: unsafe, edits: [{replace: finding, by: '… // 2'}]}"
    finding = reported(tmp_path, fix)
    assert finding.fix is not None
    assert (finding.fix.title, finding.fix.safety) == ("halve 64", "unsafe")
    assert repaired(finding, TRAINING) == TRAINING.replace("batch_size=64", "batch_size=64 // 2")


@pytest.mark.parametrize(
    "edit",
    [
        "{replace: optimizer.lr, by: '1'}",
        "{replace: finding, by: 'not ('}",
        "{replace: finding, by: '@train_set.a'}",
        "{set-argument: finding, name: x, value: '1'}",
        "{delete-statement: finding}",
        "{replace-scalar: finding, by: '1'}",
    ],
)
def test_what_cannot_be_made_is_no_fix(edit: str, tmp_path: Path) -> None:
    assert reported(tmp_path, f"fix: {{title: t, safety: safe, edits: [{edit}]}}").fix is None


def test_the_first_that_can_be_made_is_the_fix(tmp_path: Path) -> None:
    fix = """fix:
  - {when: {batch.effective: {maximum: 8}}, title: a, safety: safe, edits: [{replace: finding, by: '1'}]}
  - {title: b, safety: safe, edits: [{delete-statement: finding}]}
  - {title: c, safety: unsafe, edits: [{replace: finding, by: '@torch.get_num_threads()'}]}
  - {title: d, safety: safe, edits: [{replace: finding, by: '4'}]}"""
    finding = reported(tmp_path, fix)
    assert finding.fix is not None
    assert finding.fix.title == "c"
    assert [edit.text for edit in finding.fix.edits] == ["torch.get_num_threads()"]


def test_a_repair_that_fails_costs_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainlint.fixing.making import maker

    def fail(*_: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(maker, "edits_of", fail)
    (tmp_path / "train.py").write_text(TRAINING.replace(", shuffle=True", ""), encoding="utf-8")
    report = lint([tmp_path], Settings(select=("unshuffled-training-data",)))
    assert [finding.fix for finding in report.findings] == [None]
    assert [notice.kind for notice in report.notices] == ["internal"]
    assert "unshuffled-training-data" in report.notices[0].message


def test_fixes_are_made_for_what_is_reported_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a fix was made")

    monkeypatch.setattr(Run, "_with_fix", never)
    text = TRAINING.replace(", shuffle=True)", ")  # trainlint: ignore[unshuffled-training-data] -- sorted")
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    report = lint([tmp_path], Settings(select=("unshuffled-training-data",)))
    assert report.findings == []
    assert len(report.silenced) == 1
