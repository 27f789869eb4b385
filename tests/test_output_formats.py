from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from referencing import Registry
from report_samples import TRAIN, finding, report, rich_report

from trainlint.findings import Notice, Related, Report, Severity, Span
from trainlint.output import json as json_output
from trainlint.output.files import write_atomically
from trainlint.output.fingerprints import fingerprints
from trainlint.output.json import document, to_json
from trainlint.output.lsp import diagnostics, file_uri, to_lsp, units
from trainlint.output.terminal import Style
from trainlint.output.text import NOTICES_SHOWN, concise, full
from trainlint.output.verdict import failing
from trainlint.pipeline.merge import merge_reports

PLAIN = Style(colour=False)
SCHEMA = json.loads(Path(json_output.__file__).with_name("report.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, registry=Registry())


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


FULL = """\
configs/big.yaml:2:15  warning  large-batch-without-warmup
   batch 4,096
   2 |   batch_size: 4096
     |               ^^^^
   help: shuffle=True

train.py:3:17  warning  unshuffled-training-data
   training samples come in file order
   3 |     train_loader = DataLoader(train_set, batch_size=128, num_workers=4)
     |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       - train_set is the training split    data.py:9
       - its batches reach loss.backward()  train.py:41
   help: shuffle=True
   fix: shuffle (apply with --fix)
     3 -     train_loader = DataLoader(train_set, batch_size=128, num_workers=4)
     3 +     train_loader = DataLoader(train_set, batch_size=128, num_workers=4, shuffle=True)

train.py:4:15  error  unguarded-sqrt
   training samples come in file order
   4 |     x = '数据', torch.sqrt(y)
     |                 ^^^^^^^^^^^^^
   help: shuffle=True

advice  missing-seed  train.py:1  training samples come in file order
        help: shuffle=True

notice  old.py:3  Python 2 source: not read

1 error, 2 warnings, 1 advice in 2 programs (31 Python files, 6 configs; PyTorch, PaddleClas). 1 suppressed.
1 fixable with --fix
3 recipe fields unknown: trainlint recipe PATH --why FIELD tells why
"""


def rich(here: Path) -> Report:
    found = rich_report(here)
    spans = {
        "unshuffled-training-data": Span("train.py", 3, 17, 3, 69),
        "unguarded-sqrt": Span("train.py", 4, 15, 4, 28),
    }
    assert all(f.span == spans[f.rule] for f in found.findings if f.rule in spans)
    return found


def test_full_text(here: Path) -> None:
    assert full(rich(here), style=PLAIN) == FULL


def test_paths_are_relative_to_the_working_directory(here: Path, monkeypatch) -> None:
    (here / "sub").mkdir()
    monkeypatch.chdir(here / "sub")
    text = full(rich_report(here), style=PLAIN)
    assert "../train.py:3:17  warning" in text
    assert "../data.py:9" in text
    assert document(rich_report(here))["findings"][0]["path"] == "../configs/big.yaml"


def test_quiet_text_is_errors_and_warnings(here: Path) -> None:
    text = full(rich_report(here), style=PLAIN, quiet=True)
    assert text == FULL[: FULL.index("\nadvice")]
    assert full(report(here), style=PLAIN, quiet=True) == ""
    failed = report(here, notices=(Notice("a.py", 1, "internal", "oops"), Notice("b.py", 1, "syntax", "x")))
    assert full(failed, style=PLAIN, quiet=True) == "notice  a.py:1  oops\n"


def test_concise_text(here: Path) -> None:
    assert concise(rich_report(here), style=PLAIN).splitlines() == [
        "configs/big.yaml:2:15: warning[large-batch-without-warmup] batch 4,096",
        "train.py:1:1: advice[missing-seed] training samples come in file order",
        "train.py:3:17: warning[unshuffled-training-data] training samples come in file order",
        "train.py:4:15: error[unguarded-sqrt] training samples come in file order",
        "old.py:3: notice[python2] Python 2 source: not read",
        *FULL.splitlines()[-3:],
    ]
    assert len(concise(rich_report(here), style=PLAIN, quiet=True).splitlines()) == 3


def test_advice_is_one_line_per_rule_and_program(here: Path) -> None:
    advice = [
        finding("a-rule", Severity.ADVICE, Span("train.py", line, 1, line, 2), program=program)
        for line, program in ((1, "train.py"), (2, "train.py"), (3, "train.py"), (4, "probe.py"))
    ]
    lines = full(report(here, *advice), style=PLAIN).splitlines()
    assert [line for line in lines if line.startswith("advice")] == [
        "advice  a-rule  train.py:1  training samples come in file order (and 2 more)",
        "advice  a-rule  train.py:4  training samples come in file order",
    ]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"python_files": 0, "configs": 0, "programs": 0}, "Nothing to check"),
        (
            {"configs": 0, "programs": 1, "python_files": 1},
            "No problems in 1 program (1 Python file; PyTorch, PaddleClas).",
        ),
        (
            {"programs": 0, "frameworks": ()},
            "No problems in 31 Python files, 6 configs; no training program.",
        ),
        (
            {"unknown_fields": 1, "programs": 1},
            "1 recipe field unknown: trainlint recipe PATH --why FIELD tells why",
        ),
    ],
)
def test_the_summary_says_what_was_read(here: Path, counts: dict[str, object], expected: str) -> None:
    assert expected in full(report(here, **counts), style=PLAIN)


def test_files_that_could_not_be_read_are_not_called_nothing(here: Path) -> None:
    notices = (Notice("a.py", 1, "syntax", "bad"),)
    found = report(here, notices=notices, python_files=0, configs=0, programs=0)
    assert "none of the named files could be read" in full(found, style=PLAIN)


def test_many_notices_are_counted(here: Path) -> None:
    notices = tuple(Notice(f"f{n:02}.py", 1, "syntax", "bad") for n in range(NOTICES_SHOWN + 5))
    text = full(report(here, notices=notices), style=PLAIN)
    assert text.count("notice  f") == NOTICES_SHOWN
    assert "and 5 more notices" in text
    assert concise(report(here, notices=notices), style=PLAIN).count("notice[syntax]") == NOTICES_SHOWN + 5


EVIL = "\x1b]0;owned\x07\u202e\n::error::x"


def test_nothing_hostile_reaches_the_terminal(here: Path) -> None:
    hostile = finding(
        EVIL,
        message=EVIL,
        hint=EVIL,
        span=Span(EVIL, 1, 1, 1, 2),
        related=(Related(Span(EVIL, 1, 1, 1, 2), EVIL),),
    )
    advice = finding(EVIL, Severity.ADVICE, Span(EVIL, 1, 1, 1, 2), message=EVIL)
    found = report(here, hostile, advice, notices=(Notice(EVIL, 1, EVIL, EVIL),), frameworks=(EVIL,))
    found.sources[EVIL] = [EVIL]
    for text in (full(found, style=PLAIN), concise(found, style=PLAIN)):
        assert not set(text) & {"\x1b", "\x07", "\u202e"}
        assert not any(line.startswith("::") for line in text.splitlines())
    for text in (to_json(found), to_lsp(found)):
        assert text.isascii()
        assert "\x1b" not in text


def test_secrets_stay_hidden_everywhere(here: Path) -> None:
    secret = "hunter2-very-secret"
    leak = finding(
        span=Span("configs/big.yaml", 3, 3, 3, 12),
        message=f"api_key: {secret} is unread",
        hint=f"remove password={secret}",
        related=(Related(Span("configs/big.yaml", 3, 3, 3, 12), f"api_key={secret}"),),
    )
    found = report(here, leak, notices=(Notice("a", 1, "syntax", f"token: {secret}"),))
    for text in (full(found, style=PLAIN), concise(found, style=PLAIN), to_json(found), to_lsp(found)):
        assert secret not in text


def test_json_fits_its_schema(here: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    found = json.loads(to_json(rich_report(here)))
    VALIDATOR.validate(found)
    assert [entry["rule"] for entry in found["findings"]] == [
        "large-batch-without-warmup",
        "missing-seed",
        "unshuffled-training-data",
        "unguarded-sqrt",
    ]
    loader = found["findings"][2]
    assert loader == {
        "rule": "unshuffled-training-data",
        "family": "data",
        "severity": "warning",
        "confidence": "high",
        "message": "training samples come in file order",
        "hint": "shuffle=True",
        "path": "train.py",
        "line": 3,
        "column": 17,
        "end_line": 3,
        "end_column": 69,
        "cell": None,
        "symbol": "main",
        "program": "train.py",
        "related": [
            {
                "path": "data.py",
                "line": 9,
                "column": 1,
                "end_line": 9,
                "end_column": 10,
                "message": "train_set is the training split",
            },
            {
                "path": "train.py",
                "line": 41,
                "column": 5,
                "end_line": 41,
                "end_column": 20,
                "message": "its batches reach loss.backward()",
            },
        ],
        "fix": {
            "title": "shuffle",
            "safety": "safe",
            "edits": [
                {
                    "path": "train.py",
                    "line": 3,
                    "column": 68,
                    "end_line": 3,
                    "end_column": 68,
                    "cell": None,
                    "text": ", shuffle=True",
                }
            ],
        },
        "fingerprint": loader["fingerprint"],
        "url": "rules/data/unshuffled-training-data.md",
    }


def test_every_field_of_a_finding_and_summary_is_in_the_schema(here: Path) -> None:
    found = document(rich_report(here))
    for name, entry in (
        ("finding", found["findings"][0]),
        ("summary", found["summary"]),
        ("notice", found["notices"][0]),
    ):
        assert (
            set(entry) == set(SCHEMA["$defs"][name]["properties"]) == set(SCHEMA["$defs"][name]["required"])
        )


def test_fingerprints_survive_moved_lines_and_other_findings(here: Path) -> None:
    one = finding(evidence="e", symbol="f")
    moved = msgspec.structs.replace(one, span=Span("train.py", 30, 1, 30, 5))
    other = finding("another", span=Span("a.py", 1, 1, 1, 2))
    assert fingerprints(report(here, one)) == fingerprints(report(here, moved))
    assert fingerprints(report(here, other, moved))[1:] == fingerprints(report(here, one))
    assert len(set(fingerprints(report(here, one, moved)))) == 2
    for change in ({"rule": "x"}, {"symbol": "g"}, {"evidence": "d"}, {"span": Span("b.py", 3, 17, 3, 69)}):
        assert fingerprints(report(here, msgspec.structs.replace(one, **change))) != fingerprints(
            report(here, one)
        )


def test_lsp_positions_are_in_utf16(here: Path) -> None:
    found = report(here, finding(span=Span("fox.py", 1, 8, 1, 12)))
    found.sources["fox.py"] = ["'🦊é' + sqrt(x)"]
    (entry,) = json.loads(to_lsp(found))
    assert entry["uri"] == file_uri(str(here / "fox.py"))
    (diagnostic,) = entry["diagnostics"]
    assert diagnostic["range"] == {"start": {"line": 0, "character": 8}, "end": {"line": 0, "character": 12}}
    byte = diagnostics(found, "utf-8")[entry["uri"]][0]["range"]["start"]["character"]
    assert byte == len("'🦊é' + ".encode())
    assert diagnostic["severity"] == 2
    assert diagnostic["code"] == "unshuffled-training-data"
    assert "help: shuffle=True" in diagnostic["message"]


def test_lsp_has_all_files_and_notices(here: Path) -> None:
    entries = {
        entry["uri"].rpartition("/")[2]: entry["diagnostics"]
        for entry in json.loads(to_lsp(rich_report(here)))
    }
    assert {name: len(found) for name, found in entries.items()} == {
        "big.yaml": 1,
        "old.py": 1,
        "train.py": 3,
    }
    assert entries["old.py"][0]["severity"] == 3


@given(st.text())
def test_units_agree_with_the_encoders(text: str) -> None:
    if not any(0xD800 <= ord(char) < 0xE000 for char in text):
        assert units(text, "utf-16") == len(text.encode("utf-16-le")) // 2
        assert units(text, "utf-8") == len(text.encode())
    assert units(text, "utf-32") == len(text)


def test_reports_of_several_projects_become_one(here: Path) -> None:
    one, two = rich_report(here / "one"), rich_report(here / "two")
    two.failing = 5
    both = merge_reports([one, two])
    assert both.root == str(here)
    assert both.projects == ("one", "two")
    assert [f.span.path for f in both.findings][:2] == ["one/configs/big.yaml", "one/train.py"]
    assert both.summary.warnings == 4
    assert both.summary.frameworks == ("PyTorch", "PaddleClas")
    assert both.failing == one.failing + 5
    assert both.sources["two/train.py"] == TRAIN
    assert fingerprints(both) == fingerprints(one) * 2
    related = next(f for f in both.findings if f.related)
    assert (related.related[0].span.path, related.program) == ("one/data.py", "one/train.py")
    assert merge_reports([one]) is one


def test_a_project_inside_another_keeps_its_fingerprints(here: Path) -> None:
    outer, inner = rich_report(here), rich_report(here / "sub")
    both = merge_reports([outer, inner])
    assert both.root == str(here)
    assert both.projects == ("sub",)
    assert sorted(fingerprints(both)) == sorted(fingerprints(outer) * 2)


def test_what_makes_a_run_fail(here: Path) -> None:
    found = rich_report(here)
    counts = {
        level: failing(found.findings, found.notices, level)
        for level in ("error", "warning", "advice", "notice", "never")
    }
    assert counts == {"error": 1, "warning": 3, "advice": 4, "notice": 5, "never": 0}


def test_writing_a_file_whole_or_not_at_all(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "out.json"
    file.write_text("old")
    file.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(file)
    write_atomically(link, "new é\n")
    assert file.read_bytes() == "new é\n".encode()
    assert file.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trainlint.output.files.os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(file, "half")
    assert file.read_bytes() == "new é\n".encode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "out.json"]
