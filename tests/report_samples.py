"""A report as a run might give it, for the tests of outputs and command line."""

from __future__ import annotations

from pathlib import Path

from trainlint.findings import (
    Confidence,
    Edit,
    Finding,
    Fix,
    Notice,
    Related,
    Report,
    Severity,
    Span,
    Summary,
)

TRAIN = [
    "import torch",
    "def main():",
    "\ttrain_loader = DataLoader(train_set, batch_size=128, num_workers=4)",
    "    x = '数据', torch.sqrt(y)",
    "    loader = DataLoader(",
    "        train_set,",
    "    )",
]
CONFIG = ["train:", "  batch_size: 4096", "  api_key: hunter2-very-secret"]


def finding(
    rule: str = "unshuffled-training-data",
    severity: Severity = Severity.WARNING,
    span: Span | None = None,
    **more: object,
) -> Finding:
    """One finding, at the loader of train.py unless told otherwise."""
    values: dict[str, object] = {
        "family": "data",
        "confidence": Confidence.HIGH,
        "message": "training samples come in file order",
        "hint": "shuffle=True",
    }
    values.update(more)
    place = span or Span("train.py", 3, 17, 3, 69)
    return Finding(rule=rule, severity=severity, span=place, **values)  # type: ignore[arg-type]


def report(
    root: Path | str, *findings: Finding, notices: tuple[Notice, ...] = (), **summary: object
) -> Report:
    """A report over train.py and a config; counts follow the findings."""
    counts = {level: sum(f.severity is level for f in findings) for level in Severity}
    return Report(
        root=str(root),
        findings=sorted(findings, key=lambda f: f.sort_key),
        notices=sorted(notices),
        summary=Summary(
            **{
                "python_files": 31,
                "configs": 6,
                "programs": 2,
                "frameworks": ("PyTorch", "PaddleClas"),
                "errors": counts[Severity.ERROR],
                "warnings": counts[Severity.WARNING],
                "advice": counts[Severity.ADVICE],
                **summary,
            }  # type: ignore[arg-type]
        ),
        sources={"train.py": TRAIN, "configs/big.yaml": CONFIG},
        failing=counts[Severity.ERROR] + counts[Severity.WARNING],
    )


def rich_report(root: Path | str) -> Report:
    """A report with everything a report can hold."""
    return report(
        root,
        finding(
            related=(
                Related(Span("data.py", 9, 1, 9, 10), "train_set is the training split"),
                Related(Span("train.py", 41, 5, 41, 20), "its batches reach loss.backward()"),
            ),
            fix=Fix("shuffle", "safe", (Edit(Span("train.py", 3, 68, 3, 68), ", shuffle=True"),)),
            symbol="main",
            program="train.py",
            evidence="DataLoader(train_set)",
        ),
        finding(
            "large-batch-without-warmup", span=Span("configs/big.yaml", 2, 15, 2, 19), message="batch 4,096"
        ),
        finding("unguarded-sqrt", Severity.ERROR, Span("train.py", 4, 15, 4, 28), family="numerics"),
        finding("missing-seed", Severity.ADVICE, Span("train.py", 1, 1, 1, 2), program="train.py"),
        notices=(Notice("old.py", 3, "python2", "Python 2 source: not read"),),
        unknown_fields=3,
        suppressed=1,
    )
