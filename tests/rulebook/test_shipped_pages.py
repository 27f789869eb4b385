"""The pages we ship: complete, well-formed, and in step with the checks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import msgspec
import pytest

from trainlint.checks.registry import resolve_check, written_checks
from trainlint.rulebook.loading import load_rulebook, rules_directory
from trainlint.rulebook.pages import Page, find_pages, read_page
from trainlint.rulebook.rule import SECTIONS, Rule

PAGES = find_pages(rules_directory(), builtin=True)
RULES = [rule for rule in (read_page(page)[0] for page in PAGES) if rule is not None]


@pytest.fixture(params=RULES, ids=lambda rule: rule.name)
def rule(request: pytest.FixtureRequest) -> Rule:
    found: Rule = request.param
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_loads(page: Page) -> None:
    _, errors = read_page(page)
    assert [str(error) for error in errors] == []


def test_the_rulebook_holds_every_page() -> None:
    book = load_rulebook()
    assert book.errors == []
    assert sorted(book.rules) == sorted(page.file.stem for page in PAGES)
    assert [(rule.family, rule.name) for rule in book.rules.values()] == sorted(
        (rule.family, rule.name) for rule in book.rules.values()
    )


def test_pages_and_checks_match_one_to_one() -> None:
    named = [rule.check for rule in RULES if rule.check]
    assert sorted(named) == written_checks()
    assert all(callable(resolve_check(name)) for name in named)


def test_sections_stand_in_their_order(rule: Rule) -> None:
    assert tuple(rule.sections) == SECTIONS


def test_page_has_sources_and_a_plain_summary(rule: Rule) -> None:
    assert rule.sources
    assert not rule.summary.endswith(".")
    assert rule.summary[0].islower() or not rule.summary[0].isalpha() or rule.summary.split()[0].isupper()


def test_page_shows_a_bad_and_a_good_example(rule: Rule) -> None:
    kinds = {example.kind for example in rule.examples}
    assert {"bad", "good"} <= kinds
    assert "fixed" in kinds or rule.fixable == "none"


def test_markers_name_the_pages_rule(rule: Rule) -> None:
    for heading in {example.heading for example in rule.examples}:
        blocks = [example for example in rule.examples if example.heading == heading]
        marked = {
            kind: [
                name
                for example in blocks
                if example.kind == kind
                for name in [
                    *re.findall(r"# error: \[([\w-]+)\]", example.text),
                    *(m[1] for m in example.marked),
                ]
            ]
            for kind in ("bad", "good", "fixed")
        }
        assert rule.name not in marked["good"] + marked["fixed"]
        if any(example.kind == "bad" for example in blocks):
            assert rule.name in marked["bad"], heading


def test_python_examples_are_python(rule: Rule) -> None:
    for example in rule.examples:
        if example.language == "python" and example.kind:
            ast.parse(example.text)


def test_pages_survive_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    for rule in RULES:
        page = next(page for page in PAGES if page.file.stem == rule.name)
        copy = tmp_path / page.file.name
        copy.write_bytes(b"\xef\xbb\xbf" + page.file.read_bytes().replace(b"\n", b"\r\n"))
        again, errors = read_page(page._replace(file=copy))
        assert errors == []
        assert msgspec.to_builtins(again) == msgspec.to_builtins(rule)
