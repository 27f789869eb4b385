"""Compare recipes with what a person read from the source: python benchmarks/recipe_fields.py CHECKOUTS.

`recipes.tsv` holds the readings: a row a program, `-` where the repository does not say, `a|b` where either
will do. A field the tool calls unknown costs completeness; another value than the person's is wrong.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from labelled import Checkouts

from trainlint.linter import recipes
from trainlint.recipe.model import Recipe, State, Value

READINGS = Path(__file__).with_name("recipes.tsv")
FIELDS = ("optimizer", "rate", "schedule", "warmup", "batch", "length", "seed", "shuffle")
_PATHS = {
    "optimizer": ("optimizer.name",),
    "rate": ("rate.peak", "optimizer.lr"),
    "schedule": ("schedule.name",),
    "warmup": ("warmup.length",),
    "batch": ("batch.effective", "batch.per_device"),
    "length": ("train.length",),
    "seed": ("repro.seed",),
}


@dataclasses.dataclass(frozen=True)
class Compared:
    """One field of one program. `outcome` is right, unknown or wrong."""

    program: str
    field: str
    outcome: str
    wanted: str
    found: str


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 1 where a checkout or a program is missing."""
    parser = argparse.ArgumentParser(description="Compare recipes with what a person read.")
    parser.add_argument("checkouts", type=Path, help="folder of owner__name checkouts")
    parser.add_argument("--readings", type=Path, default=READINGS, help="table of readings")
    parser.add_argument("--details", action="store_true", help="print every field that is not right")
    arguments = parser.parse_args(argv)
    with arguments.readings.open(encoding="utf-8", newline="") as file:
        readings = list(csv.DictReader(file, delimiter="\t"))
    checkouts = Checkouts(arguments.checkouts)
    compared: list[Compared] = []
    missing = 0
    for repo, programs in groupby(readings, key=lambda reading: reading["repo"]):
        folder = checkouts.folder(repo, "")
        found = {recipe.entry: recipe for recipe in recipes([folder])} if folder is not None else {}
        for reading in programs:
            made = found.get(reading["program"])
            if made is None:
                missing += 1
                print(f"no recipe of {repo} {reading['program']}", file=sys.stderr)
            compared += compare(reading, made)
    if arguments.details:
        for each in compared:
            if each.outcome != "right":
                print(f"{each.outcome:8} {each.program}  {each.field}: {each.found}, not {each.wanted}")
    print(table(compared))
    return 1 if missing else 0


def compare(reading: dict[str, str], recipe: Recipe | None) -> Iterator[Compared]:
    """The fields of one program that a person could determine."""
    program = f"{reading['repo']} {reading['program']}"
    for field in FIELDS:
        wanted = reading[field]
        if wanted == "-":
            continue
        found = shown(recipe, field) if recipe is not None else []
        if not found:
            outcome = "unknown"
        elif any(_same(one, other) for one in wanted.split("|") for other in found):
            outcome = "right"
        else:
            outcome = "wrong"
        yield Compared(program, field, outcome, wanted, ", ".join(found) or "unknown")


def shown(recipe: Recipe, field: str) -> list[str]:
    """What the tool says of a field, each way it says it; empty where it is unknown."""
    if field == "shuffle":
        loaders = [each for each in recipe.groups.get("loaders", []) if "loader.order" in each]
        orders = {
            str(loader["loader.order"].value)
            for loader in loaders
            if loader["loader.role"].value == "train" and loader["loader.order"].known
        }
        return sorted(orders)
    found = [_text(recipe.get(path), field) for path in _PATHS[field]]
    return [text for text in found if text]


def _text(value: Value, field: str) -> str:
    if value.state is State.OFF:
        return "none" if field == "seed" else "off"
    if not value.known:
        return ""
    if value.value is None:
        return "none" if field == "seed" else ""
    unit = f" {value.unit}" if value.unit in ("epochs", "steps") else ""
    return f"{value.value}{unit}"


def _same(wanted: str, found: str) -> bool:
    if wanted == found:
        return True
    one, other = wanted.split(), found.split()
    try:
        return abs(float(one[0]) - float(other[0])) <= 1e-6 * abs(float(one[0])) and one[1:] == other[1:]
    except (ValueError, IndexError):
        return False


def table(compared: list[Compared]) -> str:
    """Right, unknown and wrong by field, as a Markdown table."""
    lines = ["| field | right | unknown | wrong |", "|---|---|---|---|"]
    for field in (*FIELDS, "all"):
        rows = [each for each in compared if field in ("all", each.field)]
        counts = [sum(each.outcome == outcome for each in rows) for outcome in ("right", "unknown", "wrong")]
        lines.append(f"| {field} | " + " | ".join(map(str, counts)) + " |")
    total = max(len(compared), 1)
    right = sum(each.outcome == "right" for each in compared)
    wrong = sum(each.outcome == "wrong" for each in compared)
    lines.append(f"\n{right / total:.0%} right, {wrong / total:.1%} wrong of {total} fields")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
