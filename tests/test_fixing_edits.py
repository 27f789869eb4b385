"""Edits of texts: whatever is not edited stays, byte for byte."""

from __future__ import annotations

from itertools import pairwise

import pytest
from fake_rules import finding, span
from hypothesis import given
from hypothesis import strategies as st

from trainlint.findings import Edit, Span
from trainlint.fixing.choosing import Applicable, choose
from trainlint.text.edits import Change, EditError, Moves, Taken, applied, changes_of, new_lines
from trainlint.text.line_ends import with_own_line_ends
from trainlint.text.source import source_of

pieces = st.lists(
    st.sampled_from(
        ["a", "é", "数", "🦊", " ", "\t", "\x0c", "\u2028", "\n", "\r\n", "\r", "x = 1", "e\u0301"]
    ),
    max_size=40,
).map("".join)
inserted = st.sampled_from(["", "b", "ß🦊", "one\n", "\ntwo", "\r\n"])


@st.composite
def texts_and_changes(draw: st.DrawFn) -> tuple[str, list[Change]]:
    """A text and changes of it that neither overlap nor touch."""
    text = draw(pieces)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=12)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return text, [Change(start, end, draw(inserted)) for start, end in pairs]


@given(texts_and_changes(), st.randoms())
def test_what_no_change_touches_stays(made: tuple[str, list[Change]], random) -> None:
    text, changes = made
    kept, at = [], 0
    for change in changes:
        kept.append(text[at : change.start])
        at = change.end
    kept.append(text[at:])
    expected = "".join(a + b for a, b in zip(kept, [*(change.text for change in changes), ""], strict=True))
    shuffled = [*changes, *changes[:1]]
    random.shuffle(shuffled)
    assert applied(text, shuffled) == expected


@given(texts_and_changes())
def test_spans_and_lines_say_the_same_as_offsets(made: tuple[str, list[Change]]) -> None:
    text, changes = made
    source = source_of("x.py", text)
    inside = [
        c
        for c in changes
        if "\r\n" not in text[c.start - 1 : c.start + 1] and "\r\n" not in text[c.end - 1 : c.end + 1]
    ]
    edits = [Edit(span(source, change.start, change.end), change.text) for change in inside]
    found = changes_of(source, edits)
    assert applied(text, found) == applied(text, inside)
    lines = [text[a:b] for a, b in zip(source.starts, [*source.starts[1:], len(text)], strict=True)]
    replaced = new_lines(source, found)
    assert "".join(replaced.get(n, line) for n, line in enumerate(lines, start=1)) == applied(text, found)


@given(pieces, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9), inserted), max_size=12))
def test_overlapping_fixes_leave_a_choice_that_can_be_applied(
    text: str, wishes: list[tuple[int, int, str]]
) -> None:
    place = Span("x.py", 1, 1, 1, 1)
    fixes = []
    for number, (start, length, new) in enumerate(wishes):
        start = min(start, len(text))
        change = Change(start, min(start + length, len(text)), new)
        fixes.append(Applicable(finding(f"rule-{number:02}", place), {"x.py": (change,)}))
    chosen = choose(fixes)
    assert choose(fixes[::-1]) == chosen
    changes = chosen.changes.get("x.py", [])
    for first, second in pairwise(changes):
        assert first.end < second.start
    left = [each for each in fixes if each not in chosen.fixes]
    taken = Taken()
    taken.add(changes)
    assert not any(taken.has_room(each.changes["x.py"]) for each in left)
    assert bool(chosen.fixes) == bool(fixes)


def test_one_import_for_two_fixes() -> None:
    place = Span("x.py", 1, 1, 1, 1)
    line = Change(0, 0, "import torch\n")
    first = Applicable(finding("a", place), {"x.py": (line, Change(5, 6, "b"))})
    second = Applicable(finding("b", place), {"x.py": (line, Change(8, 9, "c"))})
    other = Applicable(finding("c", place), {"x.py": (Change(0, 0, "import math\n"),)})
    chosen = choose([other, second, first])
    assert [each.finding.rule for each in chosen.fixes] == ["a", "b"]
    assert chosen.changes["x.py"] == [line, Change(5, 6, "b"), Change(8, 9, "c")]


def test_a_fix_of_two_files_is_chosen_whole_or_not_at_all() -> None:
    place = Span("x.py", 1, 1, 1, 1)
    both = Applicable(finding("b", place), {"x.py": (Change(0, 1, "b"),), "y.py": (Change(0, 1, "b"),)})
    first = Applicable(finding("a", place), {"x.py": (Change(0, 1, "a"),)})
    assert choose([both, first]).changes == {"x.py": [Change(0, 1, "a")]}


@pytest.mark.parametrize(
    ("edits", "why"),
    [
        ([(1, 1, 1, 3, "x"), (1, 2, 1, 4, "y")], "overlap"),
        ([(9, 1, 9, 1, "x")], "outside the file"),
        ([(1, 9, 1, 9, "x")], "outside its line"),
        ([(1, 3, 1, 2, "x")], "before it starts"),
        ([(1, 0, 1, 2, "x")], "outside"),
    ],
)
def test_edits_that_cannot_be(edits: list[tuple[int, int, int, int, str]], why: str) -> None:
    source = source_of("x.py", "abcd\nefgh\n")
    with pytest.raises(EditError, match=why):
        changes_of(source, [Edit(Span("x.py", *place), text) for *place, text in edits])


def test_insertions_at_one_point_keep_their_order() -> None:
    here = Span("x.py", 1, 2, 1, 2)
    source = source_of("x.py", "ad")
    assert applied("ad", changes_of(source, [Edit(here, "b"), Edit(here, "c")])) == "abcd"


@pytest.mark.parametrize(
    ("text", "place", "new", "expected"),
    [
        ("a\r\nb\r\n", (2, 1), "x\n", "a\r\nx\r\nb\r\n"),
        ("a\rb\r", (2, 1), "x\n", "a\rx\rb\r"),
        ("a\nb\r\nc\n", (2, 1), "x\n", "a\nx\r\nb\r\nc\n"),
        ("a\nb\r\nc\n", (3, 1), "x\n", "a\nb\r\nx\nc\n"),
        ("a\r\nb", (2, 2), "\nx", "a\r\nb\r\nx"),
        ("a\r\nb", (3, 1), "x\n", "a\r\nb\r\nx"),
        ("a\n", (2, 1), "x\n", "a\nx\n"),
        ("a", (1, 1), "x\ny\n", "x\ny\na"),
        ("", (1, 1), "x\n", "x\n"),
    ],
)
def test_new_lines_end_like_those_around_them(
    text: str, place: tuple[int, int], new: str, expected: str
) -> None:
    source = source_of("x.py", text)
    edit = with_own_line_ends(source, Edit(Span("x.py", *place, *place), new))
    assert applied(text, changes_of(source, [edit])) == expected


def test_where_a_place_goes() -> None:
    changes = [Change(2, 4, "xyz"), Change(10, 10, "!!"), Change(20, 25, "")]
    moves = Moves(changes)
    places = {1: (1, 1), 2: (2, 5), 4: (5, 5), 10: (11, 13), 22: (23, 23), 25: (23, 23), 30: (28, 28)}
    assert {place: moves.of(place) for place in places} == places


@given(texts_and_changes(), st.integers(0, 80))
def test_what_stays_is_found_again(made: tuple[str, list[Change]], place: int) -> None:
    text, changes = made
    if place < len(text) and not any(change.start <= place < change.end for change in changes):
        low, high = Moves(changes).of(place)
        after = applied(text, changes)
        assert text[place] in (after[low], after[high])
