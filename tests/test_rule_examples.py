"""Every example of every page, and of tests/examples/<rule>.md, does what its fence says.

The blocks of one heading and kind are the files of one project. A `bad` project gives findings of the page's
rule on exactly the lines that carry `# error: [rule]`, a `good` or `fixed` one gives none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from trainlint.linter import lint
from trainlint.rulebook.loading import rules_directory
from trainlint.rulebook.page_text import read_examples
from trainlint.rulebook.pages import find_pages, read_page
from trainlint.rulebook.rule import Example
from trainlint.settings.model import Settings

MORE_EXAMPLES = Path(__file__).with_name("examples")
STARRED_DATA_RULES = ("fixed-learning-rate", "large-batch-without-warmup", "unscaled-learning-rate")
_MARK = re.compile(r"# error: \[([\w-]+(?:, ?[\w-]+)*)\]")


class Project(NamedTuple):
    """The files of one example and the rule they are an example of."""

    rule: str
    source: str
    kind: str
    files: list[Example]

    def expected(self) -> set[tuple[str, int]]:
        """(file, line) of every mark of the rule."""
        marks = {(file.file, line) for file in self.files for line, rule in file.marked if rule == self.rule}
        for file in self.files:
            for number, line in enumerate(file.text.split("\n"), start=1):
                match = _MARK.search(line)
                if match and self.rule in match[1].replace(" ", "").split(","):
                    marks.add((file.file, number))
        return marks


def projects() -> Iterator[Project]:
    for page in find_pages(rules_directory(), builtin=True):
        rule, _ = read_page(page)
        if rule is not None:
            yield from grouped(rule.name, page.name, rule.examples)
    for file in sorted(MORE_EXAMPLES.glob("*.md")):
        examples = read_examples(file.read_text(encoding="utf-8"), 1)
        yield from grouped(file.stem, f"examples/{file.name}", examples)


def grouped(rule: str, source: str, examples: list[Example]) -> Iterator[Project]:
    groups: dict[tuple[str, str, str], list[Example]] = {}
    for example in examples:
        if example.kind:
            groups.setdefault((example.section, example.heading, example.kind), []).append(example)
    for (_, heading, kind), files in groups.items():
        yield Project(rule, f"{source}:{files[0].line} {heading} ({kind})", kind, files)


PROJECTS = list(projects())


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.source)
def test_example(project: Project, tmp_path: Path) -> None:
    names = [file.file for file in project.files]
    assert all(names)
    assert len(set(names)) == len(names), "two files of one name: give the second a heading of its own"
    for file in project.files:
        target = tmp_path / file.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.text, encoding="utf-8")
    # Whether a suppression is needed shows only when the rules it names run too.
    select = () if project.rule == "unused-suppression" else (project.rule,)
    report = lint([tmp_path], Settings(strict=True, select=select))
    found = {(one.span.path, one.span.line) for one in report.findings if one.rule == project.rule}
    assert [notice for notice in report.notices if notice.kind in ("crashed", "internal")] == []
    if project.kind == "bad":
        assert project.expected(), "a bad example marks the line: # error: [rule]"
        assert found == project.expected()
    else:
        assert found == set()


@pytest.mark.parametrize("rule", STARRED_DATA_RULES)
def test_starred_rules_have_ten_examples_and_ten_near_twins(rule: str) -> None:
    kinds = [project.kind for project in PROJECTS if project.rule == rule]
    assert kinds.count("bad") >= 10
    assert kinds.count("good") >= 10
