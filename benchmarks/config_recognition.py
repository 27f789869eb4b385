"""Which config files are recognised as what: python benchmarks/config_recognition.py FOLDER… [--details].

`config_files.tsv` lists sources of public files: a name, a glob, the format they are written in (`-`: none of
them is a training config) and how many there are. Sources are looked for below each FOLDER by their name, as
wheels unpack (`name-version`) and checkouts are called (`owner__name`). A training config counts where it is
seen as its format, any other file where it is seen as nothing.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from trainlint.analysis.outline.outline import outline
from trainlint.knowledge.base import load_knowledge
from trainlint.recipe.config.composition.compose import Composer
from trainlint.recipe.config.composition.files import ProjectFiles
from trainlint.recipe.config.file import config_file
from trainlint.recipe.config.recognise import may_be_config, may_be_python_config
from trainlint.text.document import Broken, Document
from trainlint.text.json import parse_json
from trainlint.text.python_config.module import parse_python_config
from trainlint.text.source import Source, read_source
from trainlint.text.toml import parse_toml
from trainlint.text.yaml import parse_yaml

SOURCES = Path(__file__).with_name("config_files.tsv")
AIM = 0.98
"""Share of the training configs that must be seen as what they are; of the other files, none may be seen."""

_NONE = "-"
_PARSERS = {".json": parse_json, ".toml": parse_toml, ".py": parse_python_config}
_ENDINGS = frozenset({".yaml", ".yml", ".json", ".toml", ".py"})


@dataclasses.dataclass(frozen=True)
class Row:
    """Files of one source: its name, where they are below it, what they are, how many were counted."""

    source: str
    pattern: str
    expected: str
    files: int


class Tree:
    """One unpacked source: its texts and documents, read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._texts: dict[str, Source | None] = {}
        self._documents: dict[str, Document | None] = {}
        self.known = {
            path.relative_to(root).as_posix() for path in root.rglob("*") if path.suffix in _ENDINGS
        }
        self.composer = Composer(ProjectFiles(self.document, self.text, self.known))

    def text(self, path: str) -> Source | None:
        """A file's text, None where it cannot be read."""
        if path not in self._texts:
            read = read_source(self.root / path, path, python=path.endswith(".py"))
            self._texts[path] = read if isinstance(read, Source) else None
        return self._texts[path]

    def document(self, path: str) -> Document | None:
        """A file's first document."""
        if path not in self._documents:
            documents = self.parse(path)[0]
            self._documents[path] = documents[0] if documents else None
        return self._documents[path]

    def parse(self, path: str) -> tuple[list[Document], list[Broken]]:
        """A file's documents and what is broken in it."""
        source = self.text(path)
        return ([], []) if source is None else _PARSERS.get(Path(path).suffix, parse_yaml)(source)

    def seen_as(self, path: str) -> str:
        """The format a file is recognised as, "-" for none."""
        source = self.text(path)
        if source is None or not self._may_be(path, source):
            return _NONE
        first = self.document(path)
        documents, broken = ([first], []) if first is not None else self.parse(path)
        inherits = first is not None and self.composer.inherits(first)
        composed = self.composer.compose(first) if first is not None and inherits else None
        found = config_file(source, documents, broken, composed=composed).recognition
        return (found.format or _NONE) if found.recognised else _NONE

    def _may_be(self, path: str, source: Source) -> bool:
        if not path.endswith(".py"):
            return may_be_config(path, source.text)
        seen = outline(path, source.text, path, False, load_knowledge({}).vocabulary)
        return not isinstance(seen, Broken) and may_be_python_config(seen)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 1 where an aim is missed or a source is not there."""
    parser = argparse.ArgumentParser(description="Which config files are recognised as what.")
    parser.add_argument("folders", type=Path, nargs="+", help="folders of unpacked sources")
    parser.add_argument("--sources", type=Path, default=SOURCES, help="table of sources")
    parser.add_argument(
        "--details", action="store_true", help="print every file that is seen as something else"
    )
    arguments = parser.parse_args(argv)
    with arguments.sources.open(encoding="utf-8", newline="") as file:
        lines = (line for line in file if not line.startswith("#"))
        rows = [
            Row(each["source"], each["pattern"], each["expected"], int(each["files"]))
            for each in csv.DictReader(lines, delimiter="\t")
        ]
    trees: dict[str, Tree] = {}
    totals: Counter[str] = Counter()
    failed = False
    for row in rows:
        root = next((each / row.source for each in arguments.folders if (each / row.source).is_dir()), None)
        if root is None:
            print(f"not there: {row.source}", file=sys.stderr)
            failed = True
            continue
        tree = trees.setdefault(row.source, Tree(root))
        kind = "other files" if row.expected == _NONE else "training configs"
        paths = sorted(matching(root, row.pattern))
        right = 0
        for path in paths:
            seen = tree.seen_as(path)
            right += seen == row.expected
            if seen != row.expected and arguments.details:
                print(f"{row.source}/{path}: {seen}, not {row.expected}")
        totals[kind] += len(paths)
        totals[f"{kind}, right"] += right
        changed = "" if len(paths) == row.files else f" (the table counts {row.files})"
        print(f"{row.source}\t{row.pattern}\t{row.expected}\t{right} of {len(paths)}{changed}")
    for kind in ("training configs", "other files"):
        print(f"{kind}: {totals[f'{kind}, right']} of {totals[kind]}")
    missed = totals["training configs, right"] < AIM * totals["training configs"]
    return int(failed or missed or totals["other files, right"] < totals["other files"])


def matching(root: Path, patterns: str) -> Iterator[str]:
    """Paths that the first of some patterns matches, without those that one with a `!` matches."""
    wanted, *others = patterns.split(" ")
    left_out = {path for other in others for path in root.glob(other.removeprefix("!"))}
    for path in root.glob(wanted):
        if path.is_file() and path.suffix in _ENDINGS and path not in left_out and path.name != "__init__.py":
            yield path.relative_to(root).as_posix()


if __name__ == "__main__":
    sys.exit(main())
