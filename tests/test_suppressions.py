from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import finding

from trainlint.findings import Finding, Severity, Span
from trainlint.rulebook.loading import load_rulebook
from trainlint.suppressions.comments import (
    ParsedComment,
    Read,
    parse_comment,
    python_comments,
    python_suppressions,
)
from trainlint.suppressions.silencing import Applied, apply

BOOK = load_rulebook()
ALL = frozenset(BOOK.rules)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# trainlint: ignore[missing-seed]", ParsedComment("line", ("missing-seed",))),
        ("#trainlint:ignore[a,b] -- why not", ParsedComment("line", ("a", "b"), "why not")),
        ("#  Trainlint: Ignore [ a , b ]  — because", ParsedComment("line", ("a", "b"), "because")),
        ("# trainlint: ignore-file[data]: generated", ParsedComment("file", ("data",), "generated")),
        ("# noqa # trainlint: ignore[a]", ParsedComment("line", ("a",), offset=7)),
        ("# trainlint: ignore[a]  # type: ignore", ParsedComment("line", ("a",), "type: ignore")),
    ],
)
def test_parsing(text: str, expected: ParsedComment) -> None:
    assert parse_comment(text) == expected


@pytest.mark.parametrize(
    "text", ["# plain", "# use `trainlint: ignore[a]` here", "# trainlint: a linter", "# see trainlint"]
)
def test_other_comments_are_none(text: str) -> None:
    assert parse_comment(text) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# trainlint: ignore", "names no rule"),
        ("# trainlint: ignore missing-seed", "names no rule"),
        ("# trainlint: ignore[]", "names no rule"),
        ("# trainlint: ignore[missing-seed", "names no rule"),
        ("# trainlint: ignore-fle[missing-seed]", "'ignore-fle' is not understood"),
        ("# trainlint: disable=missing-seed", "'disable' is not understood"),
    ],
)
def test_malformed_comments_say_what_is_wrong(text: str, problem: str) -> None:
    parsed = parse_comment(text)
    assert parsed is not None
    assert problem in parsed.problem


@given(st.text())
def test_parsing_never_fails(text: str) -> None:
    parse_comment(text)
    parse_comment("# trainlint: ignore" + text)


def test_comments_of_python() -> None:
    text = "s = \"# trainlint: ignore[a]\"\nx = 1  # trainlint: ignore[b]\n'''\n# trainlint: ignore[c]\n'''\n"
    assert python_comments(text) == [(2, 8, "# trainlint: ignore[b]")]


def test_no_tokenizing_without_a_mention(monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("trainlint.suppressions.comments.tokenize.generate_tokens", fail)
    assert python_comments("x = 1  # a comment\n") == []


def test_comments_before_what_cannot_be_tokenized() -> None:
    assert python_comments("x = 1  # trainlint: ignore[a]\ny = (\n") == [(1, 8, "# trainlint: ignore[a]")]
    assert python_comments("x = 1  # trainlint: ignore[a]\n  y = '''\n")[0][0] == 1


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_are_those_of_python(ending: str) -> None:
    text = ending.join(["x = '\x0c \u2028'", "y = 1  # trainlint: ignore[a]", ""])
    (found,) = python_suppressions(text).suppressions
    assert (found.line, found.target, found.column) == (2, 2, 8)


def test_a_lone_comment_covers_the_next_line_of_code() -> None:
    text = "# trainlint: ignore[a]\n# more words\n# trainlint: ignore[b]\nx = 1\n"
    assert [(s.line, s.target, s.rules) for s in python_suppressions(text).suppressions] == [
        (1, 4, ("a",)),
        (3, 4, ("b",)),
    ]


@given(st.text(alphabet="#trainlint: ignore[a]\n'\"()x=1 \t\\", max_size=80))
def test_python_never_fails(text: str) -> None:
    python_suppressions("# trainlint:\n" + text)


def silence(text: str, *findings: Finding, ran: frozenset[str] = ALL, **more) -> Applied:
    return apply(findings, {"train.py": python_suppressions(text)}, BOOK, ran, **more)


def at(line: int, end_line: int | None = None, rule: str = "missing-seed") -> Finding:
    family = BOOK.rules[rule].family
    return finding(rule, span=Span("train.py", line, 1, end_line or line, 5), family=family)


def test_on_any_line_of_the_primary_span() -> None:
    text = "x = f(\n    a,  # trainlint: ignore[missing-seed] -- fine\n)\n"
    done = silence(text, at(1, 3))
    assert (done.kept, done.suppressed, done.unused) == ([], 1, [])
    kept = silence(text, at(3))
    assert kept.kept == [at(3)]
    assert [f.rule for f in kept.unused] == ["unused-suppression"]


def test_by_family_and_for_a_whole_file() -> None:
    assert silence("x = 1  # trainlint: ignore[reproducibility]\n", at(1)).suppressed == 1
    found = silence(
        "# trainlint: ignore-file[missing-seed]\n\n\nx\n", at(4), at(9), at(4, rule="partial-seed")
    )
    assert (found.suppressed, [f.rule for f in found.kept]) == (2, ["partial-seed"])
    assert found.unused == []


def test_other_files_are_not_covered() -> None:
    elsewhere = finding("missing-seed", span=Span("model.py", 1, 1, 1, 5))
    assert silence("x  # trainlint: ignore[missing-seed]\n", elsewhere).kept == [elsewhere]


def test_old_names_work(monkeypatch) -> None:
    monkeypatch.setitem(BOOK.aliases, "no-seed", "missing-seed")
    assert silence("x  # trainlint: ignore[no-seed]\n", at(1)).suppressed == 1


def test_unused_names_are_reported_one_by_one() -> None:
    found = silence("x  # trainlint: ignore[missing-seed, partial-seed]\n", at(1)).unused
    assert [(f.severity, f.message) for f in found] == [
        (Severity.ADVICE, "nothing here is reported by partial-seed: the suppression is not needed")
    ]
    assert found[0].span == Span("train.py", 1, 4, 1, 51)


def test_a_rule_that_did_not_run_is_no_unused_suppression() -> None:
    text = "x  # trainlint: ignore[partial-seed, reproducibility]\n"
    assert len(silence(text).unused) == 2
    assert silence(text, ran=ALL - {"partial-seed"}).unused == []
    assert silence(text, ran=ALL - {"unused-suppression"}).unused == []


def test_unknown_names_are_reported_with_the_nearest() -> None:
    (found,) = silence("x  # trainlint: ignore[mising-seed]\n", at(1)).unused
    assert found.severity is Severity.WARNING
    assert "'mising-seed'" in found.message or "mising-seed" in found.message
    assert "did you mean missing-seed?" in found.message


def test_malformed_comments_are_reported() -> None:
    (found,) = silence("x\ny  # trainlint: ignore\n").unused
    assert (found.span.line, found.severity) == (2, Severity.WARNING)
    assert "names no rule" in found.message


def test_per_file_ignores() -> None:
    ignores = {"*.py": ("reproducibility",), "other/": ("data",)}
    found = silence("x\n", at(1), at(1, rule="unshuffled-training-data"), per_file_ignores=ignores)
    assert (found.suppressed, [f.rule for f in found.kept]) == (1, ["unshuffled-training-data"])
    assert silence("# trainlint: ignore[x]\n", per_file_ignores={"train.py": ("suppressions",)}).unused == []


def test_unused_suppressions_can_be_silenced_in_place() -> None:
    assert silence("x  # trainlint: ignore[missing-seed, unused-suppression] -- on one branch\n").unused == []
    assert (
        silence("# trainlint: ignore-file[unused-suppression]\nx  # trainlint: ignore[missing-seed]\n").unused
        == []
    )


def test_overlapping_suppressions_are_all_used() -> None:
    text = "# trainlint: ignore-file[missing-seed]\nx  # trainlint: ignore[missing-seed]\n"
    assert silence(text, at(2)).unused == []


def test_nothing_to_do() -> None:
    assert apply([at(1)], {"train.py": Read()}, BOOK, ALL) == Applied([at(1)], 0, [])
