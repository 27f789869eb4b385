"""The fixture projects: what each must show, line by line, and what must stay silent."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from trainlint.linter import lint
from trainlint.rulebook.loading import load_rulebook
from trainlint.settings.model import Settings

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
MARKER = re.compile(r"#\s*error:\s*\[([a-z0-9, -]+)\]")
SOURCES = ("*.py", "*.yaml", "*.sh")
STARRED = {
    "unguarded-sqrt",
    "unguarded-division",
    "unshuffled-training-data",
    "conditionally-shuffled-training-data",
    "fixed-learning-rate",
    "large-batch-without-warmup",
    "unscaled-learning-rate",
    "missing-seed",
    "partial-seed",
    "regularization-without-baseline",
}
TWINS = FIXTURES / "twins"
SINGLE_FILE_TWINS = ("unshuffled-training-data", "missing-seed")

Place = tuple[str, int, str]


def folders(pattern: str) -> list[Path]:
    return sorted(path for path in FIXTURES.glob(pattern) if path.is_dir())


def name_of(folder: Path) -> str:
    return folder.relative_to(FIXTURES).as_posix()


def sources(folder: Path) -> Iterator[Path]:
    for pattern in SOURCES:
        yield from sorted(folder.rglob(pattern))


def expected(folder: Path) -> set[Place]:
    """The marked places of a project."""
    places = set()
    for file in sources(folder):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            for match in MARKER.finditer(line):
                path = file.relative_to(folder).as_posix()
                places |= {(path, number, rule.strip()) for rule in match[1].split(",")}
    return places


@cache
def found(folder: Path, strict: bool = False) -> frozenset[Place]:
    """What the linter reports about a project, at the first line of each primary span."""
    report = lint([folder], Settings(strict=strict, jobs=1))
    root = Path(report.root).resolve()
    assert not report.notices, report.notices
    return frozenset(
        ((root / item.span.path).relative_to(folder).as_posix(), item.span.line, item.rule)
        for item in report.findings
    )


def explain(got: set[Place], wanted: set[Place]) -> str:
    lines = [f"missing  {path}:{line} {rule}" for path, line, rule in sorted(wanted - got)]
    lines += [f"surplus  {path}:{line} {rule}" for path, line, rule in sorted(got - wanted)]
    return "\n" + "\n".join(lines)


PROJECTS = folders("plain/*") + folders("projects/*/*") + folders("twins/regularization-without-baseline/*")


@pytest.mark.parametrize("folder", PROJECTS, ids=name_of)
def test_project_shows_exactly_what_is_marked(folder: Path) -> None:
    got, wanted = set(found(folder)), expected(folder)
    assert got == wanted, explain(got, wanted)


@pytest.mark.parametrize(
    "file", [file for name in SINGLE_FILE_TWINS for file in sorted((TWINS / name).glob("*.py"))], ids=name_of
)
def test_program_shows_exactly_what_is_marked(file: Path) -> None:
    folder = file.parent
    got = {place for place in found(folder) if place[0] == file.name}
    wanted = {place for place in expected(folder) if place[0] == file.name}
    assert got == wanted, explain(got, wanted)


@pytest.mark.parametrize("folder", folders("ok/*"), ids=name_of)
def test_clean_program_is_silent_even_when_strict(folder: Path) -> None:
    got = {place for place in found(folder, strict=True) if place[2] in STARRED}
    assert not got, explain(got, set())


def test_demo_shows_every_pattern_by_default() -> None:
    with (FIXTURES / "demo.expected").open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        wanted = {(row["path"], int(row["line"]), row["rule"]) for row in rows}
    got = set(found(FIXTURES / "demo"))
    assert got == wanted, explain(got, wanted)


@pytest.mark.parametrize("folder", [*PROJECTS, FIXTURES / "demo"], ids=name_of)
def test_naming_the_files_one_by_one_shows_the_same(folder: Path) -> None:
    together: set[Place] = set()
    for file in sources(folder):
        together |= {(item.span.path, item.span.line, item.rule) for item in lint([file]).findings}
    assert together == set(found(folder)), explain(together, set(found(folder)))


def test_names_say_what_the_twins_do() -> None:
    for file in TWINS.glob("*/*.py"):
        assert bool(MARKER.search(file.read_text(encoding="utf-8"))) == file.name.startswith("fires_"), file
    for folder in (*folders("twins/regularization-without-baseline/*"), *folders("projects/*/*")):
        assert bool(expected(folder)) == folder.name.startswith("fires"), folder


@pytest.mark.parametrize("folder", [*PROJECTS, *folders("ok/*"), FIXTURES / "demo"], ids=name_of)
def test_every_fixture_is_a_project_of_its_own(folder: Path) -> None:
    assert (folder / "trainlint.toml").is_file()


@pytest.mark.parametrize(
    ("rule", "sibling", "projects"),
    [
        ("unshuffled-training-data", "conditionally-shuffled-training-data", 2),
        ("missing-seed", "partial-seed", 3),
        ("regularization-without-baseline", "", 1),
    ],
)
def test_ten_must_fire_and_ten_twins_must_not(rule: str, sibling: str, projects: int) -> None:
    rules = [rule, sibling] if sibling else [rule]
    marked = [place for folder in FIXTURES.glob("*/") for place in expected(folder) if place[2] in rules]
    pages = [load_rulebook().rules[name] for name in rules]
    examples = [example for page in pages for example in page.examples]
    bad = [example for example in examples if example.kind == "bad" and MARKER.search(example.text)]
    good = {example.heading for example in examples if example.kind in ("good", "fixed")}
    silent = list((TWINS / rule).glob("silent_*"))
    assert len(marked) + len(bad) >= 10
    assert len(silent) + len(good) + projects >= 10
