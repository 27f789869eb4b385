"""`--fix`, `--unsafe-fixes` and `--diff` over whole projects, with rules made up for it."""

from __future__ import annotations

import ast
import codecs
import io
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from fake_rules import Rule, finding, judged_by, span, swap
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from trainlint import cli
from trainlint.commands.baseline import create
from trainlint.findings import Edit, Severity, Span

BETTER = swap("better", r"\bbad\b", "good")
RISKY = swap("risky", r"\brisk\b", "calm", safety="unsafe")


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(tmp_path: Path, monkeypatch, capsys):
    """Runs the command line in a project of its own, with these rules."""
    (tmp_path / "trainlint.toml").write_text("")
    monkeypatch.chdir(tmp_path)

    def call(*args: str, rules: tuple[Rule, ...] = (BETTER, RISKY)) -> Result:
        judged_by(monkeypatch, *rules)
        capsys.readouterr()
        code = cli.main([*args, "--no-cache"])
        return Result(code, *capsys.readouterr())

    return call


def test_safe_fixes_are_applied_and_the_rest_is_reported(run, tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("x = bad + risk\ny = bad\n")
    done = run("--fix", ".")
    assert file.read_text() == "x = good + risk\ny = good\n"
    assert done.code == 1
    assert "Fixed 2 problems in 1 file." in done.out
    assert "risky is wrong" in done.out
    assert "better is wrong" not in done.out
    again = run("--fix", ".")
    assert "Fixed" not in again.out
    assert file.read_text() == "x = good + risk\ny = good\n"
    last = run("--fix", "--unsafe-fixes", ".")
    assert (last.code, file.read_text()) == (0, "x = good + calm\ny = good\n")


def test_unsafe_fixes_alone_only_count_as_available(run, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = bad + risk\n")
    done = run(".")
    assert "1 fixable with --fix (1 more with --unsafe-fixes)" in done.out
    assert (
        "   fix: mend better (apply with --fix)\n     1 - x = bad + risk\n     1 + x = good + risk\n"
        in done.out
    )
    assert "fix: mend risky (apply with --fix --unsafe-fixes)" in done.out
    assert "2 fixable with --fix --unsafe-fixes" in run("--unsafe-fixes", ".").out
    assert (tmp_path / "a.py").read_text() == "x = bad + risk\n"


def test_json_says_how_much_was_fixed(run, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = bad + risk\n")
    (tmp_path / "b.py").write_text("x = bad\n")
    found = json.loads(run("--fix", ".", "--format", "json").out)
    assert found["summary"]["fixed"] == 2
    assert found["summary"]["fixed_files"] == 2
    assert found["summary"]["fixable"] == 1
    assert [each["rule"] for each in found["findings"]] == ["risky"]


@pytest.mark.skipif(shutil.which("patch") is None, reason="applies the diff with patch")
def test_the_diff_is_what_fixing_does(run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    files = {
        "a.py": b"x = bad\n" + b"y = 1\n" * 20 + b"z = bad",
        "sub dir/b.py": b"\xef\xbb\xbfx = bad\r\ny = 1\r\n",
        "latin.py": "# coding: latin-1\nx = 'é'; bad\n".encode("latin-1"),
        "n.ipynb": notebook(["import torch\n", "x = bad"]).encode(),
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    judged_by(monkeypatch, BETTER)
    with monkeypatch.context() as patch:
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        patch.setattr(sys, "stdout", out)
        assert cli.main(["--diff", "."]) == 1
        diff = out.buffer.getvalue()
    assert {name: (tmp_path / name).read_bytes() for name in files} == files
    run("--fix", ".")
    fixed = {name: (tmp_path / name).read_bytes() for name in files}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    subprocess.run(["patch", "-p0", "--binary", "-s"], input=diff, cwd=tmp_path, check=True)
    assert {name: (tmp_path / name).read_bytes() for name in files} == fixed
    assert all(b"good" in data and data != files[name] for name, data in fixed.items())
    clean = run("--diff", ".")
    assert (clean.code, clean.out) == (0, "")
    assert "nothing to fix" in clean.err


def test_a_diff_for_people_is_escaped_and_keeps_secrets(run, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("api_key = 'hunter2-very-secret'\nx = bad  # \x1b[2J\u202e\n")
    done = run("--diff", "--color", "always", ".")
    assert done.code == 1
    assert "hunter2" not in done.out
    assert "\x1b[2J" not in done.out
    assert "\u202e" not in done.out
    assert "\x1b[31m-x = bad  # \\x1b[2J\\u202e\x1b[0m" in done.out
    assert "would fix 1 problem in 1 file" in done.err
    assert "hunter2" not in run("--diff", "--color", "never", ".").out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--diff", "--format", "json"], "a diff and no report"),
        (["--diff", "--statistics"], "a diff and no report"),
        (["--fix", "--add-ignore", "better", "--reason", "x"], "one after the other"),
    ],
)
def test_options_that_do_not_go_together(run, tmp_path: Path, args: list[str], message: str) -> None:
    (tmp_path / "a.py").write_text("x = bad\n")
    done = run(*args, ".")
    assert (done.code, (tmp_path / "a.py").read_text()) == (2, "x = bad\n")
    assert message in done.err


# Rounds


def test_what_overlaps_waits_for_the_next_round(run, tmp_path: Path) -> None:
    rules = (swap("inner", r"\bx\b", "y"), swap("outer", r"f\((x|y)\)", r"g(\1)"))
    (tmp_path / "a.py").write_text("f(x)\n")
    done = run("--fix", ".", rules=rules)
    assert (tmp_path / "a.py").read_text() == "g(y)\n"
    assert "Fixed 2 problems in 1 file." in done.out


def test_an_import_comes_once_and_another_in_the_next_round(run, tmp_path: Path) -> None:
    rules = (
        swap("one", r"(?<!torch\.)\bseed\(", "torch.seed(", imports="import torch"),
        swap("two", r"(?<!math\.)\bcos\(", "math.cos(", imports="import math"),
    )
    (tmp_path / "a.py").write_text("seed(1)\nseed(2)\ncos(3)\n")
    assert run("--fix", ".", rules=rules).code == 0
    assert (tmp_path / "a.py").read_text() == (
        "import math\nimport torch\ntorch.seed(1)\ntorch.seed(2)\nmath.cos(3)\n"
    )


def test_what_no_longer_parses_is_taken_back_and_the_others_stay(run, tmp_path: Path) -> None:
    breaks = swap("breaks", r"\bcursed\b", "((")
    (tmp_path / "a.py").write_text("x = bad\ny = cursed\n")
    (tmp_path / "b.py").write_text("x = bad\n")
    done = run("--fix", ".", rules=(BETTER, breaks))
    assert (tmp_path / "a.py").read_text() == "x = bad\ny = cursed\n"
    assert (tmp_path / "b.py").read_text() == "x = good\n"
    assert "the fix of better, breaks is not applied: with it the file does not parse (line 2:" in done.out
    assert "please report" in done.out
    assert "Fixed 1 problem in 1 file." in done.out


@pytest.mark.parametrize(
    ("name", "before", "new"),
    [
        ("c.yaml", "a: cursed\nb: bad\n", "[1, 2"),
        ("c.toml", "a = 'cursed'\nb = 'bad'\n", "' x"),
        ("c.json", '{"a": "cursed", "b": "bad"}\n', '" "'),
    ],
)
def test_broken_configs_are_taken_back(run, tmp_path: Path, name: str, before: str, new: str) -> None:
    file = tmp_path / name
    file.write_text(before)
    done = run("--fix", ".", rules=(BETTER, swap("breaks", "cursed", new)))
    assert file.read_text() == before
    assert "does not parse" in done.out
    run("--fix", ".")
    assert file.read_text() == before.replace("bad", "good")


def test_a_file_that_never_parsed_can_still_be_fixed(run, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = bad (\n")
    run("--fix", ".")
    assert (tmp_path / "a.py").read_text() == "x = good (\n"


def test_a_fix_that_does_not_help_is_taken_back(run, tmp_path: Path) -> None:
    useless = swap("useless", r"(?m)^call\(", "call(1, ")
    (tmp_path / "a.py").write_text("call(0)\nx = bad\n")
    done = run("--fix", ".", rules=(BETTER, useless))
    assert (tmp_path / "a.py").read_text() == "call(0)\nx = good\n"
    assert "the fix of useless is not applied: its finding is still there afterwards" in done.out
    assert "useless is wrong" in done.out


def test_fixes_that_undo_each_other_end(run, tmp_path: Path) -> None:
    rules = (swap("to-right", r"\bleft\b", "right"), swap("to-left", r"\bright\b", "left"))
    (tmp_path / "a.py").write_text("left\n")
    (tmp_path / "b.py").write_text("bad\n")
    done = run("--fix", ".", rules=(*rules, BETTER))
    assert (tmp_path / "a.py").read_text() == "left\n"
    assert (tmp_path / "b.py").read_text() == "good\n"
    assert "the fix of to-left, to-right is not applied: fixes undo each other" in done.out


def test_rounds_have_an_end(run, tmp_path: Path) -> None:
    def longer(_path: str, source):
        if source.text.startswith("x"):
            at = len(source.text.rstrip("\n"))
            yield finding("longer", span(source, at - 1, at), Edit(span(source, at, at), "x" * 3))

    (tmp_path / "a.py").write_text("xx\n")
    done = run("--fix", ".", rules=(longer,))
    assert "after 10 rounds of fixes there are still some to apply (longer)" in done.out
    assert (tmp_path / "a.py").read_text() == "x" * 32 + "\n"


def test_edits_that_overlap_themselves_are_told(run, tmp_path: Path) -> None:
    def rule(path: str, source):
        if path == "a.py":
            edits = [Edit(Span(path, 1, 1, 1, 3), "y"), Edit(Span(path, 1, 2, 1, 4), "z")]
            yield finding("clumsy", Span(path, 1, 1, 1, 3), *edits)

    (tmp_path / "a.py").write_text("abcd\nbad\n")
    done = run("--fix", ".", rules=(rule, BETTER))
    assert (tmp_path / "a.py").read_text() == "abcd\ngood\n"
    assert "the fix of clumsy is not applied: its edits overlap" in done.out


# Which findings


def test_only_named_files_change(run, tmp_path: Path) -> None:
    def seeds(path: str, source):
        if path == "a.py":
            yield finding(
                "seeds",
                span(source, 0, 1),
                Edit(span(source, 0, 0), "s"),
                Edit(Span("b.py", 1, 1, 1, 1), "s"),
            )

    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("bad\n")
    done = run("--fix", "a.py", rules=(BETTER, seeds))
    assert (tmp_path / "a.py").read_text() == "good\n"
    assert (tmp_path / "b.py").read_text() == "bad\n"
    assert "seeds is not fixed: the fix also changes b.py, which is not among the named files" in done.out


def test_what_is_not_reported_is_not_fixed(run, tmp_path: Path) -> None:
    rule = swap("missing-seed", r"\bbad\b", "good")
    (tmp_path / "a.py").write_text("bad  # trainlint: ignore[missing-seed] -- on purpose\nbad\n")
    run("--fix", ".", rules=(rule,))
    assert (tmp_path / "a.py").read_text().endswith("purpose\ngood\n")
    assert (tmp_path / "a.py").read_text().startswith("bad")


def test_what_the_baseline_holds_back_is_not_fixed(run, tmp_path: Path, monkeypatch) -> None:
    rule = swap("missing-seed", r"\bbad\b", "good")
    (tmp_path / "a.py").write_text("bad\n")
    (tmp_path / "b.py").write_text("x = 1\n")
    judged_by(monkeypatch, rule)
    assert "1" in create((".",), None, strict=False, force=False)
    (tmp_path / "b.py").write_text("bad\n")
    run("--fix", ".", rules=(rule,))
    assert (tmp_path / "a.py").read_text() == "bad\n"
    assert (tmp_path / "b.py").read_text() == "good\n"


def test_only_changed_lines_are_fixed(run, tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "a.py").write_text("bad\nx = 1\n")
    subprocess.run([*git, "init", "-q"], check=True, cwd=tmp_path)
    subprocess.run([*git, "add", "."], check=True, cwd=tmp_path)
    subprocess.run([*git, "commit", "-qm", "a"], check=True, cwd=tmp_path)
    (tmp_path / "a.py").write_text("bad\nx = 1\nbad\n")
    run("--fix", "--diff-base", "HEAD", ".")
    assert (tmp_path / "a.py").read_text() == "bad\nx = 1\ngood\n"


# Files as they were


def notebook(*cells: object) -> str:
    made = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": cell}
        for cell in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


@pytest.mark.parametrize(
    "cell", [["%time\n", "x = bad\n", "y = 'é'"], "%time\nx = bad\ny = 'é'", ["%time\nx = bad\n", "y = 'é'"]]
)
def test_notebooks_change_in_their_cell_alone(run, tmp_path: Path, cell: object) -> None:
    file = tmp_path / "n.ipynb"
    file.write_text(notebook(["import torch"], cell, ["z = 1"]))
    before = json.loads(file.read_text())
    rule = swap("two", r"x = bad\n", "x = good\nw = 1\n")
    found = json.loads(run(".", "--format", "json", rules=(rule,)).out)
    (edit,) = found["findings"][0]["fix"]["edits"]
    assert (edit["cell"], edit["line"], edit["end_line"]) == (2, 2, 3)
    assert run("--fix", ".", rules=(rule,)).code == 0
    after = json.loads(file.read_text())
    source = after["cells"][1]["source"]
    assert "".join(source) == "%time\nx = good\nw = 1\ny = 'é'"
    if cell == ["%time\n", "x = bad\n", "y = 'é'"]:
        assert source == ["%time\n", "x = good\n", "w = 1\n", "y = 'é'"]
        assert file.read_text() == notebook(["import torch"], source, ["z = 1"])
    after["cells"][1]["source"] = before["cells"][1]["source"]
    assert after == before


@pytest.mark.parametrize(
    ("cell", "pattern", "new", "expected"),
    [
        (["a = 1\n", "bad = 2"], r"bad = 2\n", "", ["a = 1"]),
        (["bad = 1\n", "b = 2"], r"bad = 1\n", "", ["b = 2"]),
        (["bad = 1"], r"bad = 1\n", "", []),
        ("bad = 1", r"bad = 1\n", "", ""),
        (["bad = 1\n", "b = 2\n", "c = 3"], r"bad = 1\nb = 2", "d = 4", ["d = 4\n", "c = 3"]),
        (["a = 1\n", "bad = 2"], "bad = 2", "b = 3\nc = 4", ["a = 1\n", "b = 3\n", "c = 4"]),
    ],
)
def test_lines_of_a_cell_come_and_go(run, tmp_path: Path, cell, pattern: str, new: str, expected) -> None:
    file = tmp_path / "n.ipynb"
    file.write_text(notebook(["z = 1"], cell, ["z = 2"]))
    assert run("--fix", ".", rules=(swap("cut", pattern, new),)).code == 0
    assert json.loads(file.read_text()) == json.loads(notebook(["z = 1"], expected, ["z = 2"]))


def test_a_broken_cell_is_taken_back(run, tmp_path: Path) -> None:
    file = tmp_path / "n.ipynb"
    text = notebook(["x = bad\n"], ["y = cursed\n"])
    file.write_text(text)
    done = run("--fix", ".", rules=(BETTER, swap("breaks", r"cursed", "((")))
    assert file.read_text() == text
    assert "does not parse" in done.out


def test_a_cell_that_cannot_be_changed_leaves_the_other_fixes(run, tmp_path: Path) -> None:
    file = tmp_path / "n.ipynb"
    file.write_text(notebook(["x ", "= risk\n", "y = 2"], ["z = bad"]))
    done = run("--fix", "--unsafe-fixes", ".")
    assert json.loads(file.read_text()) == json.loads(notebook(["x ", "= risk\n", "y = 2"], ["z = good"]))
    assert "the fix of risky is not applied: its cell 1 is written in a way" in done.out
    assert "please report" not in done.out


def test_a_magic_is_never_rewritten(run, tmp_path: Path) -> None:
    file = tmp_path / "n.ipynb"
    text = notebook(["x = !ls\n", "y = 2"])
    file.write_text(text)
    run("--fix", ".", rules=(swap("ipython", r"get_ipython\(\)", "None"),))
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("mark", "encoding", "cookie"),
    [(b"", "utf-8", ""), (codecs.BOM_UTF8, "utf-8", ""), (b"", "latin-1", "# coding: latin-1\n")],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_files_keep_encoding_mark_ends_and_mode(
    run, tmp_path: Path, mark: bytes, encoding: str, cookie: str, newline: str
) -> None:
    file = tmp_path / "a.py"
    text = (cookie + "x = 'é', bad\ny = 2").replace("\n", newline)
    file.write_bytes(mark + text.encode(encoding))
    file.chmod(0o754)
    rule = swap("better", r"\bbad\b", "good", imports="import torch")
    assert run("--fix", "a.py", rules=(rule,)).code == 0
    fixed = f"import torch{newline}" + text.replace("bad", "good")
    assert file.read_bytes() == mark + fixed.encode(encoding)
    assert stat.S_IMODE(file.stat().st_mode) == 0o754


def test_what_the_encoding_cannot_hold_is_left_out(run, tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_bytes("# coding: latin-1\nx = bad, risk, 'é'\n".encode("latin-1"))
    done = run("--fix", ".", rules=(swap("wide", "risk", "'数据'"), BETTER))
    assert file.read_bytes() == "# coding: latin-1\nx = good, risk, 'é'\n".encode("latin-1")
    assert "the fix of wide is not applied: what is to be added cannot be written in its encoding" in done.out


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_configs_in_other_encodings(run, tmp_path: Path, mark: bytes) -> None:
    codec = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
    file = tmp_path / "a.yaml"
    file.write_bytes(mark + "a: bad é\r\n".encode(codec))
    run("--fix", "a.yaml")
    assert file.read_bytes() == mark + "a: good é\r\n".encode(codec)


# Standard input


@pytest.fixture
def stdin(monkeypatch):
    def give(data: bytes) -> None:
        class Input:
            buffer = io.BytesIO(data)

        monkeypatch.setattr("sys.stdin", Input())

    return give


@pytest.mark.parametrize("data", [b"x = bad\r\ny = risk", codecs.BOM_UTF8 + b"x = bad\n", b"x = 1\r", b""])
def test_standard_input_comes_back_fixed(run, tmp_path: Path, stdin, data: bytes) -> None:
    (tmp_path / "a.py").write_text("on disk, bad\n")
    stdin(data)
    done = run("--fix", "-", "--stdin-filename", "a.py")
    assert done.out.encode() == data.replace(b"bad", b"good")
    assert ("risky is wrong" in done.err) == (b"risk" in data)
    assert (tmp_path / "a.py").read_text() == "on disk, bad\n"
    assert done.code == (1 if b"risk" in data else 0)


def test_a_diff_of_standard_input(run, tmp_path: Path, stdin) -> None:
    stdin(b"x = bad\n")
    done = run("--diff", "-", "--stdin-filename", "a.py")
    assert (done.code, done.out) == (1, "--- a.py\n+++ a.py\n@@ -1 +1 @@\n-x = bad\n+x = good\n")
    assert not (tmp_path / "a.py").exists()


# The same everywhere

words = st.lists(
    st.sampled_from(["bad", "risk", "f(x)", "x", "left\n", "'é'", "\n", " ", "\r\n", "good"]), max_size=15
)


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(words, min_size=1, max_size=3))
def test_fixing_twice_changes_nothing_more(run, tmp_path: Path, texts: list[list[str]]) -> None:
    for number, parts in enumerate(texts):
        lines = "".join(f"{part}\n" if part.strip() else part for part in parts)
        (tmp_path / f"m{number}.py").write_bytes(lines.encode())
    files = sorted(tmp_path.glob("m*.py"))
    rules = (
        BETTER,
        RISKY,
        swap("inner", r"\bx\b", "y", imports="import y"),
        swap("outer", r"f\((x|y)\)", r"g(\1)"),
    )
    run("--fix", "--unsafe-fixes", ".", rules=rules)
    once = [file.read_bytes() for file in files]
    run("--fix", "--unsafe-fixes", *map(str, reversed(files)), rules=rules[::-1])
    assert [file.read_bytes() for file in files] == once
    for file in files:
        file.unlink()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_demo_is_fixed_once_and_still_parses(tmp_path: Path, monkeypatch, capsys, jobs: str) -> None:
    demo = Path(__file__).resolve().parent.parent / "fixtures" / "demo"
    shutil.copytree(demo, tmp_path / "demo")
    monkeypatch.chdir(tmp_path)

    def fix() -> dict[str, bytes]:
        cli.main(["--fix", "--unsafe-fixes", "--no-cache", "-j", jobs, "--format", "json", "demo"])
        return {
            path.relative_to(tmp_path / "demo").as_posix(): path.read_bytes()
            for path in sorted((tmp_path / "demo").rglob("*"))
            if path.is_file()
        }

    before = {name: (demo / name).read_bytes() for name in fix()}
    summary = json.loads(capsys.readouterr().out)["summary"]
    once = fix()
    report = json.loads(capsys.readouterr().out)
    assert (report["summary"]["fixed"], fix()) == (0, once)
    changed = [name for name in once if once[name] != before[name]]
    assert len(changed) == summary["fixed_files"] > 0
    assert summary["fixed"] >= len(changed)
    assert not [each for each in report["notices"] if each["kind"] in ("fix", "syntax", "config-syntax")]
    for name in changed:
        if name.endswith(".py"):
            ast.parse(once[name])


def test_severities_and_quiet(run, tmp_path: Path) -> None:
    advice = swap("hint", "risk", "calm", severity=Severity.ADVICE)
    (tmp_path / "a.py").write_text("risk\n")
    assert "fix: mend hint (apply with --fix)" in run(".", rules=(advice,)).out
    assert run("--fix", "-q", ".", rules=(advice,)).out == ""
    assert (tmp_path / "a.py").read_text() == "calm\n"


def test_another_owner_keeps_the_file(run, tmp_path: Path) -> None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can give files away")
    file = tmp_path / "a.py"
    file.write_text("bad\n")
    os.chown(file, 1234, 5678)
    run("--fix", ".")
    assert (file.read_text(), file.stat().st_uid, file.stat().st_gid) == ("good\n", 1234, 5678)
