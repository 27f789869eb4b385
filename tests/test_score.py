"""Scoring: how labels are read, how findings meet rows, what is counted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import score as score_module
from labelled import Checkouts, LabelError, Row, correct, guess_kind, read_corrections, read_rows
from lint_runs import Run
from matching import FALSE_ALARM, HIT, MISS, NEARBY, QUIET, UNSCORED, Found, judge

HEADER = "repo\tcommit\tpath\tline\trule\tlabel\treason\n"


def row(rule: str, label: str, line: int = 10, path: str = "train.py", reason: str = "") -> Row:
    return Row("a/b", "c0ffee", path, (line,), rule, label, reason)


def found(
    rule: str,
    line: int = 10,
    end_line: int | None = None,
    path: str = "train.py",
    program: str = "",
    severity: str = "warning",
    confidence: str = "high",
    family: str = "data",
) -> Found:
    return Found(rule, family, severity, confidence, path, line, end_line or line, program, "why")


def verdict(r: Row, *findings: Found, kind: str = "recipes", strict: bool = False) -> str:
    return judge(r, kind, list(findings), strict).verdict


def test_present_row_is_hit_anywhere_in_the_file_or_by_its_program() -> None:
    r = row("missing-seed", "PRESENT", line=0)
    assert verdict(r, found("missing-seed", line=400)) == HIT
    assert verdict(r, found("missing-seed", path="model.py", program="train.py")) == HIT
    assert verdict(r, found("missing-seed", path="model.py", program="other.py")) == MISS
    assert verdict(r) == MISS


@pytest.mark.parametrize(
    ("labelled", "reported", "expected"),
    [
        ("missing-seed", "partial-seed", HIT),
        ("partial-seed", "missing-seed", MISS),
        ("unshuffled-training-data", "conditionally-shuffled-training-data", HIT),
        ("missing-eval-mode", "eval-mode-never-left", HIT),
        ("single-batch-evaluation", "overwritten-validation-loss", HIT),
        ("scheduler-unit-mismatch", "schedule-ends-early", HIT),
        ("scheduler-unit-mismatch", "fixed-learning-rate", MISS),
    ],
)
def test_close_siblings_count_as_hits(labelled: str, reported: str, expected: str) -> None:
    assert verdict(row(labelled, "PRESENT"), found(reported)) == expected


def test_siblings_are_no_false_alarm() -> None:
    assert verdict(row("missing-seed", "ABSENT"), found("partial-seed")) == QUIET


@pytest.mark.parametrize(
    ("line", "expected"), [(8, NEARBY), (9, FALSE_ALARM), (13, FALSE_ALARM), (14, NEARBY)]
)
def test_absent_row_is_judged_at_its_statement(line: int, expected: str) -> None:
    finding = found("unshuffled-training-data", line=10, end_line=12)
    assert verdict(row("unshuffled-training-data", "ABSENT", line=line), finding) == expected


def test_absent_on_line_zero_is_the_whole_file() -> None:
    r = row("unshuffled-training-data", "ABSENT", line=0)
    assert verdict(r, found("unshuffled-training-data", line=300)) == FALSE_ALARM
    assert verdict(r, found("unshuffled-training-data", path="other.py")) == QUIET


@pytest.mark.parametrize("kind", ["recipes", "configs"])
def test_advice_is_a_false_alarm_only_when_strict(kind: str) -> None:
    label = "ABSENT" if kind == "recipes" else "FP"
    r, advice = row("missing-seed", label), found("missing-seed", severity="advice")
    assert verdict(r, advice, kind=kind) == QUIET
    assert verdict(r, advice, kind=kind, strict=True) == FALSE_ALARM


def test_medium_confidence_counts_only_when_strict() -> None:
    medium = found("missing-seed", confidence="medium")
    assert verdict(row("missing-seed", "PRESENT"), medium) == MISS
    assert verdict(row("missing-seed", "PRESENT"), medium, strict=True) == HIT


@pytest.mark.parametrize(
    ("label", "reason", "default", "strict"),
    [
        ("PRESENT", "[grey] arguable", UNSCORED, UNSCORED),
        ("PRESENT", "five epochs [toy]", UNSCORED, MISS),
        ("PRESENT", "Adam [adaptive]", UNSCORED, MISS),
        ("ABSENT", "[adaptive]", QUIET, QUIET),
        ("MAYBE", "", UNSCORED, UNSCORED),
    ],
)
def test_tags_decide_what_is_scored(label: str, reason: str, default: str, strict: str) -> None:
    r = row("fixed-learning-rate", label, reason=reason)
    assert verdict(r) == default
    assert verdict(r, strict=True) == strict


def test_numeric_rows_take_any_finding_of_the_family_within_a_line() -> None:
    sqrt = found("unguarded-sqrt", line=11, family="numerics", severity="error")
    assert verdict(row("div-norm", "TP"), sqrt, kind="numerics") == HIT
    assert verdict(row("div-norm", "FP"), sqrt, kind="numerics") == FALSE_ALARM
    assert verdict(row("div-norm", "TP", line=13), sqrt, kind="numerics") == MISS
    assert verdict(row("div-norm", "TP", line=11), found("missing-seed", line=11), kind="numerics") == MISS


def test_config_rows_reach_two_lines() -> None:
    r = row("duplicate-key", "TP", path="c.yaml")
    assert verdict(r, found("duplicate-key", line=12, path="c.yaml"), kind="configs") == HIT
    assert verdict(r, found("duplicate-key", line=13, path="c.yaml"), kind="configs") == MISS


def test_grist_rows_may_name_several_lines(tmp_path: Path) -> None:
    file = tmp_path / "grist.csv"
    file.write_text('bug,file,lines,op,operand,kind\n17,x.py,57 62,exp,o,"a, b"\n', encoding="utf-8")
    assert guess_kind(file) == "grist"
    (only,) = read_rows(file, "grist")
    assert only.lines == (57, 62)
    assert only.reason == "bug 17: a, b"
    near = found("unbounded-exp", line=63, path="x.py", family="numerics", severity="advice")
    assert verdict(only, near, kind="grist") == HIT


def test_reading_reports_file_line_and_reason(tmp_path: Path) -> None:
    bad = tmp_path / "recipes.tsv"
    bad.write_text(HEADER + "a/b\tc\tt.py\tten\tmissing-seed\tPRESENT\t\n", encoding="utf-8")
    with pytest.raises(LabelError, match=r"recipes\.tsv:2: not a line number: 'ten'"):
        read_rows(bad, "recipes")
    bad.write_text("repo\tpath\n", encoding="utf-8")
    with pytest.raises(LabelError, match="no column commit, line"):
        read_rows(bad, "recipes")
    other = tmp_path / "mine.tsv"
    other.write_text(HEADER, encoding="utf-8")
    with pytest.raises(LabelError, match="--kind"):
        guess_kind(other)


def test_corrections_override_rows_and_need_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "adjudicated.tsv"
    head = "repo\tpath\tline\trule\tlabel\treason\n"
    file.write_text(head + "a/b\ttrain.py\t10\tmissing-seed\tABSENT\tseeded in utils\n", encoding="utf-8")
    corrections = read_corrections(file)
    changed, kept = correct(
        [row("missing-seed", "PRESENT"), row("missing-seed", "PRESENT", line=11)], corrections
    )
    assert (changed.label, changed.corrected) == ("ABSENT", "seeded in utils")
    assert (kept.label, kept.corrected) == ("PRESENT", "")
    file.write_text(head + "a/b\ttrain.py\t10\tmissing-seed\tABSENT\t\n", encoding="utf-8")
    with pytest.raises(LabelError, match="needs its reason"):
        read_corrections(file)


def test_checkouts_by_folder_name(tmp_path: Path) -> None:
    for name in ("a__b", "a__b@c0ffee", "a__b@abcdef"):
        (tmp_path / name).mkdir()
    checkouts = Checkouts(tmp_path)
    assert checkouts.folder("a/b", "c0ffee1234") == tmp_path / "a__b@c0ffee"
    assert checkouts.folder("a/b", "9999") == tmp_path / "a__b"
    assert checkouts.folder("a/c", "9999") is None


def test_checkouts_by_index(tmp_path: Path) -> None:
    elsewhere = tmp_path / "far" / "mmdet"
    elsewhere.mkdir(parents=True)
    root = tmp_path / "checkouts"
    (root / "a__b").mkdir(parents=True)
    (root / "INDEX.tsv").write_text(
        "repo\tcommit_wanted\tcommit_used\tfolder\n"
        f"a/b\tabc123\tabc123\t/gone/a__b\nm/d\tpypi:1\tpypi:1\t{elsewhere}\nk/k\tf00\t\t\n",
        encoding="utf-8",
    )
    checkouts = Checkouts(root)
    assert checkouts.folder("a/b", "abc123456") == root / "a__b"
    assert checkouts.folder("m/d", "pypi:1") == elsewhere
    assert checkouts.folder("k/k", "f00") is None


def test_whole_run_counts_and_writes_details(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "recipes.tsv"
    rows = [
        ("a/b", "train.py", "0", "missing-seed", "PRESENT", ""),
        ("a/b", "loop.py", "7", "missing-seed", "ABSENT", ""),
        ("a/b", "toy.py", "0", "missing-seed", "PRESENT", "[toy]"),
        ("no/where", "train.py", "0", "missing-seed", "PRESENT", ""),
        ("a/b", "loop.py", "20", "unshuffled-training-data", "ABSENT", ""),
    ]
    labels.write_text(
        HEADER + "".join(f"{r}\tc\t{p}\t{n}\t{rule}\t{label}\t{why}\n" for r, p, n, rule, label, why in rows),
        encoding="utf-8",
    )
    checkout = tmp_path / "checkouts" / "a__b"
    checkout.mkdir(parents=True)
    item = {
        "rule": "missing-seed",
        "family": "reproducibility",
        "severity": "warning",
        "confidence": "high",
        "message": "nothing seeds",
        "span": {"path": "train.py", "line": 3, "column": 1, "end_line": 3, "end_column": 9},
        "program": "train.py",
    }
    loader = {
        **item,
        "rule": "unshuffled-training-data",
        "span": {"path": "loop.py", "line": 19, "column": 1, "end_line": 19, "end_column": 2},
    }
    report = {"findings": [item, loader]}

    def no_lint(folders: list[Path], *_: object) -> dict[Path, Run]:
        assert folders == [checkout]
        return {checkout: Run(checkout, report)}

    monkeypatch.setattr(score_module, "run_all", no_lint)
    details = tmp_path / "details.tsv"
    arguments = [str(labels), str(tmp_path / "checkouts"), "--details", str(details)]
    assert score_module.main([*arguments, "--adjudicated", str(tmp_path / "none.tsv")]) == 0
    out = capsys.readouterr().out
    numbers = {line.split("  ")[0].strip(): line.split() for line in out.splitlines()}
    assert numbers["missing-seed"][1:] == ["2", "1", "1", "0", "0", "1", "1.00", "0.50"]
    assert numbers["unshuffled-training-data"][1:] == ["0", "0", "1", "1", "0", "0", "0.00", "-"]
    assert "no checkout of no/where: 1 rows" in out
    outcomes = [line.split("\t")[0] for line in details.read_text(encoding="utf-8").splitlines()]
    assert outcomes == ["outcome", "hit", "quiet", "unscored", "no checkout", "false alarm"]


def test_unusable_labels_are_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert score_module.main([str(tmp_path / "recipes.tsv"), str(tmp_path)]) == 2
    assert "recipes.tsv" in capsys.readouterr().err
