"""Measuring packages: counts and rates, what counts as a failure, the seeded sample."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import corpora
import link_cost
import speed
from lint_runs import Run


def finding(rule: str, line: int, severity: str = "warning", confidence: str = "high") -> dict[str, Any]:
    return {
        "rule": rule,
        "family": "data",
        "severity": severity,
        "confidence": confidence,
        "message": f"what is\twrong in {line}",
        "span": {"path": "a.py", "line": line, "column": 1, "end_line": line, "end_column": 2},
    }


def run(folder: Path, findings: list[dict[str, Any]], **extra: object) -> Run:
    report: dict[str, Any] = {
        "findings": findings,
        "notices": [],
        "summary": {"lines": 2000, "python_files": 2, "configs": 0, "programs": 1},
        "seconds": {"outline": 0.5, "total": 1.0},
        "memory": {"process": 100_000_000, "worker": 0},
        "stderr": "",
    }
    return Run(folder, report | extra)


def test_counts_and_rates_by_severity(tmp_path: Path) -> None:
    data = corpora.measure(
        run(tmp_path, [finding("x", 1), finding("x", 2), finding("x", 3, "advice"), finding("y", 4, "error")])
    )
    assert data["findings"] == {"x advice": 1, "x warning": 2, "y error": 1}
    assert data["per_1000_lines"] == {"error": 0.5, "warning": 1.0, "advice": 0.5}
    assert data["memory_mb"] == {"process": 100.0, "worker": 0.0}
    assert data["failures"] == []


def test_tracebacks_and_internal_notices_are_failures(tmp_path: Path) -> None:
    notices = [
        {"path": "a.py", "line": 3, "kind": "crashed", "message": "a worker died"},
        {"path": "b.py", "line": 1, "kind": "syntax", "message": "print 1"},
    ]
    stderr = "Traceback (most recent call last):\n  …\nValueError: no"
    data = corpora.measure(run(tmp_path, [], notices=notices, stderr=stderr))
    assert data["failures"] == ["a.py:3: a worker died", "1 tracebacks on stderr"]
    assert data["notices"] == {"crashed": 1, "syntax": 1}
    assert "a worker died" in corpora.table({"pkg": data})
    lost = corpora.measure(Run(tmp_path, {}, "no report after 9 s"))
    assert lost["failures"] == ["no report after 9 s"]
    assert "no report" in corpora.table({"pkg": lost})


def test_sample_takes_all_when_few_and_is_seeded_otherwise(tmp_path: Path) -> None:
    few = run(
        tmp_path,
        [finding("x", 2), finding("x", 1), finding("x", 3, "advice"), finding("x", 4, confidence="medium")],
    )
    assert [found.line for _, found in corpora.sample([few], 80, 0)] == [1, 2]
    many = run(tmp_path, [finding("x", line) for line in range(1, 200)])
    first = [found.line for _, found in corpora.sample([many], 10, 7)]
    assert first == [found.line for _, found in corpora.sample([many], 10, 7)]
    assert first == sorted(first)
    assert first != [found.line for _, found in corpora.sample([many], 10, 8)]


def test_sample_is_printed_as_tsv_ready_to_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.py").write_text("one\ntwo\nthree\n", encoding="utf-8")
    monkeypatch.setattr(
        corpora, "run_all", lambda folders, *_: {folders[0]: run(folders[0], [finding("x", 2)])}
    )
    assert corpora.main([str(tmp_path), "--sample", "5"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "package\tfile\tline\trule\tverdict\treason",
        f"{tmp_path.name}\ta.py\t2\tx\t\twhat is wrong in 2",
    ]
    assert "  >     2 | two" in err


def test_missing_folder_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert corpora.main([str(tmp_path / "none")]) == 2
    assert speed.main([str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("not a folder") == 2


def test_speed_compares_with_parsing_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "b.py").write_text("def f(:\n", encoding="utf-8")
    measured = speed.yardstick(tmp_path)
    assert (measured["files"], measured["lines"], measured["failed"]) == (2, 2, 1)
    report = {
        "seconds": {"outline": 0.1, "total": 0.4},
        "memory": {"process": 1_000_000},
        "findings": [],
    }
    assert "ratio 0.40, aim 0.80: met" in speed.summary(measured, 1.0, report, 0.4)


def test_link_cost_is_a_share_of_reading(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert link_cost.main([str(tmp_path / "none")]) == 2
    assert "not a folder" in capsys.readouterr().err
    report = {
        "seconds": {"import": 1.0, "outline": 2.0, "interpret": 6.0, "link": 1.6, "total": 10.6},
        "summary": {"python_files": 3000, "lines": 500_000, "programs": 200},
    }
    assert link_cost.share(report["seconds"]) == pytest.approx(0.2)
    assert "link 20% of outline and interpret, aim 15%: missed" in link_cost.summary(report)
