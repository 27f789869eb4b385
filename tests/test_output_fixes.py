"""Fixes in reports: the diff below a finding, edits in JSON and SARIF."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import finding, report

from trainlint.findings import Edit, Fix, Report, Span
from trainlint.output.fixes import SHOWN, fix_lines, fixable
from trainlint.output.json import document
from trainlint.output.places import Places
from trainlint.output.sarif import log
from trainlint.output.terminal import Style, width
from trainlint.output.text import full
from trainlint.rulebook.loading import load_rulebook

PLAIN = Style(colour=False)


def fixed(*edits: Edit, title: str = "mend it", safety: str = "safe", **more: object):
    return finding(fix=Fix(title, safety, edits), **more)


def shown(root: Path, lines: list[str], *edits: Edit, columns: int = 100, **more: object) -> list[str]:
    one = fixed(*edits, **more)
    found = report(root, one)
    found.sources = {"train.py": lines, "data.py": ["a = 1", "b = 2"]}
    return fix_lines(one, found, Places(str(root)), PLAIN, columns)


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_new_line_is_shown_alone(here: Path) -> None:
    edit = Edit(Span("train.py", 2, 1, 2, 1), "import math\n")
    assert shown(here, ["import torch", "x = 1"], edit) == [
        "fix: mend it (apply with --fix)",
        "  2 + import math",
    ]


def test_each_place_is_shown_and_other_files_are_named(here: Path) -> None:
    edits = [
        Edit(Span("train.py", 1, 1, 1, 1), "import math\r\n"),
        Edit(Span("train.py", 3, 1, 4, 1), ""),
        Edit(Span("data.py", 2, 5, 2, 6), "3"),
    ]
    assert shown(here, ["a", "b", "c", "d"], *edits, safety="unsafe") == [
        "fix: mend it (apply with --fix --unsafe-fixes)",
        "  1 + import math",
        "  3 - c",
        "  data.py:2",
        "  2 - b = 2",
        "  2 + b = 3",
    ]


def test_a_long_fix_is_cut(here: Path) -> None:
    edit = Edit(Span("train.py", 1, 1, 1, 1), "".join(f"x{number} = {number}\n" for number in range(30)))
    lines = shown(here, ["a"], edit)
    assert len(lines) == SHOWN + 2
    assert lines[-1] == "  and 18 more lines"


def test_a_long_line_is_cut_around_the_change(here: Path) -> None:
    line = "value = [" + ", ".join(map(str, range(200))) + "]"
    at = line.index("150") + 1
    lines = shown(here, [line], Edit(Span("train.py", 1, at, 1, at + 3), "three"), columns=60)
    assert all(width(text) <= 60 for text in lines)
    assert "150" in lines[1]
    assert "three" in lines[2]


def test_far_indents_are_left_out_near_ones_stay(here: Path) -> None:
    edit = Edit(Span("train.py", 1, 17, 1, 18), "y")
    assert shown(here, [" " * 16 + "x"], edit)[1:] == ["  1 - x", "  1 + y"]
    edit = Edit(Span("train.py", 1, 5, 1, 6), "y")
    assert shown(here, ["    x"], edit)[1:] == ["  1 -     x", "  1 +     y"]


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=10))
def test_nothing_hostile_reaches_the_terminal(line: str, text: str, title: str) -> None:
    lines = line.splitlines() or [""]
    for printed in shown(Path.cwd(), lines, Edit(Span("train.py", 1, 1, 1, 1), text), title=title):
        assert not {unicodedata.category(char) for char in printed} & {
            "Cc",
            "Cf",
            "Cs",
            "Co",
            "Cn",
            "Zl",
            "Zp",
        }


def test_secrets_of_a_fix_stay_hidden(here: Path) -> None:
    lines = ["api_key = 'hunter2-very-secret'; x = 1"]
    edit = Edit(Span("train.py", 1, len(lines[0]), 1, len(lines[0]) + 1), "2")
    assert not any("hunter2" in line for line in shown(here, lines, edit))


def test_an_edit_of_lines_that_are_not_there_is_only_named(here: Path) -> None:
    assert len(shown(here, ["a"], Edit(Span("train.py", 9, 1, 9, 1), "x"))) == 1
    assert len(shown(here, ["a"], Edit(Span("gone.py", 1, 1, 1, 1), "x"))) == 1
    assert shown(here, ["a"]) == []


def in_notebook(root: Path) -> Report:
    edit = Edit(Span("n.ipynb", 2, 1, 3, 1, 4), "y = 2\n")
    found = report(root, fixed(edit, span=Span("n.ipynb", 2, 1, 2, 6, 4)))
    found.sources = {"n.ipynb:cell 4": ["x = 0", "y = 1", "z = 2"]}
    return found


def test_notebooks_give_cells(here: Path) -> None:
    found = in_notebook(here)
    assert "   fix: mend it (apply with --fix)\n     2 - y = 1\n     2 + y = 2\n" in full(found, style=PLAIN)
    (edit,) = document(found)["findings"][0]["fix"]["edits"]
    assert (edit["cell"], edit["line"], edit["end_line"], edit["text"]) == (4, 2, 3, "y = 2\n")
    (result,) = log(found, load_rulebook([]), 1)["runs"][0]["results"]
    assert "fixes" not in result


def test_sarif_gives_the_edits_of_each_file(here: Path) -> None:
    edits = [
        Edit(Span("train.py", 1, 1, 1, 1), "import math\n"),
        Edit(Span("data.py", 2, 5, 2, 6), "3"),
        Edit(Span("train.py", 3, 2, 4, 1), "[x](y)"),
    ]
    (result,) = log(report(here, fixed(*edits)), load_rulebook([]), 1)["runs"][0]["results"]
    (fix,) = result["fixes"]
    assert {
        change["artifactLocation"]["uri"]: [
            ([*part["deletedRegion"].values()], part["insertedContent"]["text"])
            for part in change["replacements"]
        ]
        for change in fix["artifactChanges"]
    } == {
        "train.py": [([1, 1, 1, 1], "import math\n"), ([3, 2, 4, 1], "[x](y)")],
        "data.py": [([2, 5, 2, 6], "3")],
    }
    json.dumps(result)


def test_what_can_be_fixed_is_counted(here: Path) -> None:
    edit = Edit(Span("train.py", 1, 1, 1, 1), "x")
    found = report(
        here,
        fixed(edit),
        fixed(edit, safety="unsafe", span=Span("train.py", 2, 1, 2, 2)),
        fixed(span=Span("train.py", 3, 1, 3, 2)),
        finding(span=Span("train.py", 4, 1, 4, 2)),
    )
    assert fixable(found) == (1, 1)
    assert "\n1 fixable with --fix (1 more with --unsafe-fixes)\n" in full(found, style=PLAIN)
    assert "\n2 fixable with --fix --unsafe-fixes\n" in full(found, style=PLAIN, unsafe_fixes=True)
