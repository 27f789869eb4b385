"""Compare recipes of configs with what a person read: python benchmarks/config_fields.py FOLDER… [--details].

`config_recipes.tsv` holds the readings of sixty entry configs, ten each of six sources, drawn with a fixed
seed: what the trainer will do, bases and defaults included. Sources are found as in config_recognition.py,
and fields are compared as in recipe_fields.py.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from config_recognition import Tree
from recipe_fields import Compared, compare, table

from trainlint.recipe.config.file import config_file
from trainlint.recipe.config.from_config import config_recipe
from trainlint.recipe.model import Recipe

READINGS = Path(__file__).with_name("config_recipes.tsv")
RIGHT, WRONG = 0.90, 0.02
"""At least this share of the fields right, at most that share wrong."""


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 1 where an aim is missed or a config has no recipe."""
    parser = argparse.ArgumentParser(description="Compare recipes of configs with what a person read.")
    parser.add_argument("folders", type=Path, nargs="+", help="folders of unpacked sources")
    parser.add_argument("--readings", type=Path, default=READINGS, help="table of readings")
    parser.add_argument("--details", action="store_true", help="print every field that is not right")
    arguments = parser.parse_args(argv)
    with arguments.readings.open(encoding="utf-8", newline="") as file:
        readings = list(csv.DictReader(file, delimiter="\t"))
    trees: dict[str, Tree] = {}
    compared: list[Compared] = []
    missing = 0
    for reading in readings:
        source = reading["repo"]
        if source not in trees:
            roots = [folder / source for folder in arguments.folders if (folder / source).is_dir()]
            if not roots:
                print(f"not there: {source}", file=sys.stderr)
                return 1
            trees[source] = Tree(roots[0])
        made = recipe_of(trees[source], reading["program"])
        if made is None:
            missing += 1
            print(f"no recipe of {source} {reading['program']}", file=sys.stderr)
        compared += compare(reading, made)
    if arguments.details:
        for each in compared:
            if each.outcome != "right":
                print(f"{each.outcome:8} {each.program}  {each.field}: {each.found}, not {each.wanted}")
    print(table(compared))
    shares = [
        sum(each.outcome == outcome for each in compared) / len(compared) for outcome in ("right", "wrong")
    ]
    return int(bool(missing) or shares[0] < RIGHT or shares[1] > WRONG)


def recipe_of(tree: Tree, path: str) -> Recipe | None:
    """The recipe of one config of a source."""
    source, first = tree.text(path), tree.document(path)
    if source is None or first is None:
        return None
    composed = tree.composer.compose(first) if tree.composer.inherits(first) else None
    config = config_file(source, [first], [], composed=composed)
    return config_recipe(
        composed.document if composed is not None else first,
        config.recognition,
        loader=config.loader,
        files=composed.files if composed is not None else (),
        chains=composed.chains if composed is not None else None,
    )


if __name__ == "__main__":
    sys.exit(main())
