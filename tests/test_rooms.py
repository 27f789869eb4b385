"""The rooms of CONTRIBUTING.md are all there are, and each imports from its own row and those above only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "trainlint"
ANYWHERE = ("version", "suggest")
"""Modules without imports, for every room."""


def rows() -> dict[str, int]:
    """Each room of the table as a dotted name, with its row."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.partition("| room | does |")[2].partition("\n\n")[0]
    found: dict[str, int] = {}
    for number, line in enumerate(table.splitlines()):
        for name in re.findall(r"`trainlint/([\w/]+?)/?(?:\.py)?`", line.partition(" | ")[0]):
            found[name.replace("/", ".")] = number
    return found


def room_of(module: str, rooms: dict[str, int]) -> str:
    """The room of a module, the innermost of those that hold it; "" for one outside of all."""
    held = [room for room in rooms if module == room or module.startswith(room + ".")]
    return max(held, key=len, default="")


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("trainlint."):
            yield node.module.removeprefix("trainlint.")


def test_imports_go_up_the_table() -> None:
    rooms, wrong = rows(), []
    for file in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
        own = room_of(module, rooms)
        for name in imports(file):
            other = room_of(name, rooms)
            if own and other and rooms[other] > rooms[own]:
                wrong.append(f"{module} imports {name}")
    assert wrong == []


def test_every_room_is_in_the_table() -> None:
    rooms = rows()
    modules = {
        path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    left = modules - {"__init__", "__main__", *ANYWHERE}
    assert {name for name in left if not room_of(name, rooms)} == set()
    assert {room for room in rooms if not (PACKAGE / room.replace(".", "/")).is_dir()} <= {
        path.stem for path in PACKAGE.glob("*.py")
    }
