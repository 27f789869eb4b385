from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainlint.findings import Span
from trainlint.output.excerpt import CUT, excerpt
from trainlint.output.progress import Progress
from trainlint.output.secrets import hide_secrets, in_secret_block, looks_secret
from trainlint.output.terminal import Style, pad, visible, wants_colour, width


@given(st.text())
def test_nothing_visible_moves_a_terminal(text: str) -> None:
    shown = visible(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_what_is_hidden_is_spelled_out() -> None:
    assert (
        visible("a\x1b[31mb\u202ec\nd\u200b\U000e0001\udcff")
        == "a\\x1b[31mb\\u202ec\\x0ad\\u200b\\U000e0001\\udcff"
    )
    assert visible("Größe 数据 é 🦊\t|") == "Größe 数据 é 🦊    |"


def test_width() -> None:
    assert [width(text) for text in ("abc", "数据", "e\u0301", "🦊")] == [3, 4, 1, 2]
    assert pad("数", 4) == "数  "


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("choice", "environment", "terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_when_to_colour(
    monkeypatch, choice: str, environment: dict[str, str], terminal: bool, expected: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wants_colour(choice, Terminal() if terminal else io.StringIO()) is expected


def test_style() -> None:
    assert Style(colour=True)("error", "x") == "\x1b[1;31mx\x1b[0m"
    assert Style(colour=False)("error", "x") == "x"


def under(lines: list[str], span: Span, columns: int = 60) -> str:
    """What the caret underlines of the excerpt, cell by cell."""
    shown = excerpt(lines, span, columns)
    assert shown is not None
    text, marks = shown
    cells = [char for char in text for _ in range(width(char))]
    return "".join(cell for cell, mark in zip(cells, marks, strict=False) if mark == "^")


@pytest.mark.parametrize(
    ("line", "start", "end", "expected"),
    [
        ("x = sqrt(y)", 5, 12, "sqrt(y)"),
        ("\tx = sqrt(y)", 6, 13, "sqrt(y)"),
        ("数据 = sqrt(y)", 6, 13, "sqrt(y)"),
        ("x =\t'e\u0301' + sqrt(y)", 12, 19, "sqrt(y)"),
        ("a = '\x1b[31m' + sqrt(y)", 15, 22, "sqrt(y)"),
        (" " * 40 + "sqrt(y)", 41, 48, "sqrt(y)"),
        ("x" * 200 + " sqrt(y) " + "z" * 200, 202, 209, "sqrt(y)"),
        ("x" * 90000 + " sqrt(y) " + "z" * 200, 90002, 90009, "sqrt(y)"),
    ],
)
def test_the_caret_stands_under_the_span(line: str, start: int, end: int, expected: str) -> None:
    assert under([line], Span("a.py", 1, start, 1, end)) == expected


def test_wide_characters_have_wide_carets() -> None:
    assert excerpt(["x = '数据'"], Span("a", 1, 5, 1, 9), 60) == ("x = '数据'", "    ^^^^^^")


def test_long_lines_are_cut_on_both_sides() -> None:
    shown = excerpt(["a" * 300 + "BAD" + "c" * 300], Span("a", 1, 301, 1, 304), 60)
    assert shown is not None
    text, _ = shown
    assert text.startswith(CUT)
    assert text.endswith(CUT)
    assert len(text) <= 62


def test_a_span_over_several_lines_says_where_it_ends() -> None:
    assert excerpt(["x = f(", "  a)"], Span("a", 1, 5, 2, 5), 60) == ("x = f(", "    ^^ to line 2")


def test_a_span_beyond_the_file_or_line() -> None:
    assert excerpt(["x"], Span("a", 2, 1, 2, 2), 60) is None
    assert excerpt([], Span("a", 1, 1, 1, 2), 60) is None
    assert excerpt([""], Span("a", 1, 1, 1, 1), 60) == ("", "^")
    assert excerpt(["ab"], Span("a", 1, 9, 1, 12), 60) == ("ab", "  ^")


@given(st.text(max_size=30), st.integers(1, 40), st.integers(1, 40), st.integers(0, 1), st.integers(5, 40))
def test_excerpts_never_fail(line: str, start: int, end: int, more: int, columns: int) -> None:
    text, marks = excerpt([line, ""], Span("a", 1, start, 1 + more, end), columns) or ("", "^")
    assert "^" in marks
    assert visible(text) == text


@pytest.mark.parametrize(
    "key", ["password", "db_password", "aws.secret_access_key", "API-KEY", "hf_token", "token"]
)
def test_keys_of_secrets(key: str) -> None:
    assert looks_secret(key)


@pytest.mark.parametrize(
    "key", ["tokenizer", "max_tokens", "pad_token", "key", "num_keys", "monkey", "token_type"]
)
def test_keys_that_only_sound_like_it(key: str) -> None:
    assert not looks_secret(key)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("api_key: abc def  # mine", "api_key: *******  # mine"),
        ('  "password": "a\\"b", "lr": 1', '  "password": ******, "lr": 1'),
        ("login(token='abc', lr=1)", "login(token=*****, lr=1)"),
        ("{api_key: abc, lr: 1}", "{api_key: ***, lr: 1}"),
        ("WANDB_API_KEY=abc python train.py", "WANDB_API_KEY=*** python train.py"),
        ("password = os.environ['PW']", "password = os.environ['PW']"),
        ("token: ${HF_TOKEN}", "token: ${HF_TOKEN}"),
        ("api_key: null", "api_key: null"),
        ("if token == other: pass", "if token == other: pass"),
        ("pad_token: <pad>", "pad_token: <pad>"),
        ("lr: 0.1", "lr: 0.1"),
    ],
)
def test_secrets_are_hidden_in_place(line: str, expected: str) -> None:
    assert hide_secrets(line) == expected


@given(st.text())
def test_hiding_keeps_the_length(text: str) -> None:
    for line in (text, f"password={text}", f"a: 1, token: {text}"):
        assert len(hide_secrets(line)) == len(line)


def test_blocks_under_a_secret_key() -> None:
    lines = ["a:", "  private_key: |", "    one", "", "    two", "  lr: 1"]
    assert [in_secret_block(lines, number) for number in range(1, 7)] == [
        False,
        False,
        True,
        False,
        True,
        False,
    ]
    shown = excerpt(lines, Span("a", 3, 5, 3, 8), 60)
    assert shown is not None
    assert "one" not in shown[0]


def test_progress_shows_only_on_a_terminal_and_goes_away(monkeypatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("trainlint.output.progress.time.monotonic", lambda: next(clock))
    quiet, seen = io.StringIO(), Terminal()
    for stream in (quiet, seen):
        progress = Progress(stream)
        progress("reading", 1, 30)
        progress("reading", 2, 30)
        progress.clear()
    assert quiet.getvalue() == ""
    assert "reading 2/30" in seen.getvalue()
    assert seen.getvalue().endswith("\r")
