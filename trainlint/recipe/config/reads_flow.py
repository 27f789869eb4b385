"""What the names, attributes and functions of a project hold of the configs that its code loads."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from trainlint.knowledge.config_readers import ConfigReaders, config_readers

Path = tuple[str, ...]
Site = tuple[str, int]
"""A call that loads a config: the code's path, and its line."""

Part = tuple[Site, Path]
"""A part of what a site loads: the keys that lead to it."""

MODULE = ""


class Reads(msgspec.Struct):
    """`asked`: the keys that are asked for by name; `whole`: the parts that go where nobody looks.

    `settled` is false where following them took too long.
    """

    sites: set[Site] = msgspec.field(default_factory=set)
    asked: set[Part] = msgspec.field(default_factory=set)
    whole: set[Part] = msgspec.field(default_factory=set)
    settled: bool = True


class Flow:
    """What every name, attribute and function of a project is known to hold."""

    def __init__(self, modules: list[tuple[str, ast.Module]]) -> None:
        self.modules = modules
        self.reads = Reads()
        self.names: dict[tuple[str, str, str], set[Part]] = {}
        self.module_names: dict[str, set[Part]] = {}
        self.attributes: dict[str, set[Part]] = {}
        self.returned: dict[str, set[Part]] = {}
        self.known: ConfigReaders = config_readers()
        self.functions: dict[str, list[tuple[str, str, ast.arguments]]] = {}
        self.classes: set[str] = set()
        self.shared = {
            (path, name)
            for path, tree in modules
            for node in ast.walk(tree)
            if isinstance(node, ast.Global)
            for name in node.names
        }
        for path, tree in modules:
            self._declare(path, tree.body, MODULE, "")

    def _declare(self, path: str, body: list[ast.stmt], scope: str, owner: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = f"{scope}.{node.name}"
                called = owner if owner and node.name == "__init__" else node.name
                self.functions.setdefault(called, []).append((path, inner, node.args))
                self._declare(path, node.body, inner, "")
            elif isinstance(node, ast.ClassDef):
                self.classes.add(node.name)
                self._declare(path, node.body, f"{scope}.{node.name}", node.name)
            else:
                for block in blocks(node):
                    self._declare(path, block, scope, owner)

    def size(self) -> int:
        """How much is known: it only grows."""
        tables = (self.names, self.module_names, self.attributes, self.returned)
        held = sum(len(parts) for table in tables for parts in table.values())
        return held + len(self.reads.asked) + len(self.reads.whole) + len(self.reads.sites)


def blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks of statements that a statement holds."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block
    for inner in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield inner.body
