"""What reading and judging configs costs: python benchmarks/configs_cost.py FOLDER… [--files N] [--repeat N].

Takes the first N YAML files of the folders, in order of their paths, that could be training configs, copies
them into one project, and compares, in one process after start-up, discovery, reading, recipes and judging
of that project with what PyYAML's C loader needs to load the same texts. Both alternate, seconds are those of
the processor, and the best of the repeats counts: the ratio means the same on any machine, busy or not.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from trainlint.linter import lint
from trainlint.recipe.config.recognise import may_be_config
from trainlint.settings.model import Settings

AIM = 3.0
"""At most this many times what PyYAML's C loader needs."""


class _Loader(yaml.CSafeLoader):
    """The C loader, with tags of other readers left as they are."""


_Loader.add_constructor(None, lambda _loader, _node: None)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 1 where it costs more than the aim, 2 where there are no configs."""
    parser = argparse.ArgumentParser(prog="configs_cost.py", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="trees with training configs")
    parser.add_argument("--files", type=int, default=1000, help="how many configs to take")
    parser.add_argument("--repeat", type=int, default=3, help="runs; the fastest counts")
    arguments = parser.parse_args(argv)
    chosen = configs(arguments.folders, arguments.files)
    if not chosen:
        print("configs_cost: no configs there", file=sys.stderr)
        return 2
    texts = [text for _, text in chosen]
    with tempfile.TemporaryDirectory() as folder:
        for path, text in chosen:
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        settings = Settings(jobs=1)
        warm = Path(folder, "warm")
        warm.mkdir()
        shutil.copy(Path(folder, chosen[0][0]), warm / "first.yaml")
        lint([warm], settings)
        shutil.rmtree(warm)
        loading, linting = [], []
        for _ in range(arguments.repeat):
            loading.append(_seconds(lambda: load(texts)))
            linting.append(_seconds(lambda: lint([Path(folder)], settings)))
    ratio = min(linting) / min(loading)
    print(f"{len(texts)} configs, {sum(map(len, texts)):,} characters")
    print(f"  PyYAML's C loader {min(loading):8.2f} s")
    print(f"  trainlint         {min(linting):8.2f} s")
    print(f"ratio {ratio:.2f}, aim {AIM:.1f}: {'met' if ratio <= AIM else 'missed'}")
    return 0 if ratio <= AIM else 1


def configs(folders: list[Path], files: int) -> list[tuple[Path, str]]:
    """The first configs of the folders, with their texts; paths begin with the folder's name."""
    found = []
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*.y*ml") if path.is_file()):
            text = path.read_text(encoding="utf-8", errors="replace")
            inside = path.relative_to(folder)
            if may_be_config(inside.as_posix(), text):
                found.append((Path(folder.name) / inside, text))
    return found[:files]


def load(texts: list[str]) -> None:
    """Load every document of some texts; what PyYAML cannot read costs what it costs."""
    for text in texts:
        try:
            list(yaml.load_all(text, Loader=_Loader))
        except (yaml.YAMLError, ValueError):  # noqa: PERF203 - each text for itself
            continue


def _seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == "__main__":
    sys.exit(main())
