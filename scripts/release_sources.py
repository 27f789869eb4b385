"""Releases of packages as sources: wheels, source archives, unpacked trees. Nothing of them is imported."""

from __future__ import annotations

import ast
import dataclasses
import re
import tarfile
import zipfile
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path

_ARCHIVE = re.compile(r"(?P<name>[A-Za-z0-9_.]+?)-(?P<version>\d+(?:\.\d+)+)(?:-.*\.whl|\.tar\.gz|)$")
_SIMPLE = {"int": "integer", "float": "number", "str": "string", "bool": "boolean", "None": "null"}
_CONTAINERS = {
    "list": "array",
    "List": "array",
    "tuple": "array",
    "set": "array",
    "dict": "object",
    "Dict": "object",
}

Types = frozenset[str]
ANY: Types = frozenset()
"""No types: the field takes anything, or more than can be told from its annotation."""


@dataclasses.dataclass
class Release:
    """One release of a package: the texts of its files by their path in the package."""

    name: str
    version: str
    texts: dict[str, str]

    @cached_property
    def trees(self) -> list[tuple[str, ast.Module]]:
        """Path and parsed module; modules that do not parse are left out."""
        found = []
        for path, text in sorted(self.texts.items()):
            if path.endswith(".py"):
                try:
                    found.append((path, ast.parse(text)))
                except SyntaxError:
                    continue
        return found


def releases(folders: Sequence[Path], wanted: dict[str, tuple[str, ...]]) -> Iterator[Release]:
    """The releases below some folders: of each package in `wanted` the files with these endings.

    A release that lies there twice is read once.
    """
    seen: set[tuple[str, str]] = set()
    for folder in folders:
        for path in sorted(folder.iterdir()):
            match = _ARCHIVE.fullmatch(path.name)
            if match and match["name"] in wanted and (match["name"], match["version"]) not in seen:
                seen.add((match["name"], match["version"]))
                texts = dict(_texts(path, match["name"], wanted[match["name"]]))
                yield Release(match["name"], match["version"], texts)


def _texts(path: Path, name: str, endings: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if path.is_dir():
        for file in path.rglob("*"):
            if file.as_posix().endswith(endings):
                yield file.relative_to(path).as_posix(), file.read_text(encoding="utf-8", errors="replace")
    elif path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            for entry in archive.namelist():
                if entry.endswith(endings):
                    yield entry, archive.read(entry).decode("utf-8", "replace")
    else:
        with tarfile.open(path) as archive:
            for member in archive.getmembers():
                stream = archive.extractfile(member) if member.name.endswith(endings) else None
                inside = member.name.partition("/")[2].removeprefix("src/")
                if stream is not None and inside.startswith(f"{name}/"):
                    yield inside, stream.read().decode("utf-8", "replace")


class Classes:
    """The classes of a release by name, for the fields they have with those of their bases."""

    def __init__(self, release: Release) -> None:
        self._found: dict[str, ast.ClassDef] = {}
        self.modules: dict[str, list[str]] = {}
        for path, tree in release.trees:
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self._found.setdefault(node.name, node)
                    self.modules.setdefault(path, []).append(node.name)

    def with_bases(self, name: str) -> list[ast.ClassDef]:
        """A class after those it is made of."""
        ordered: dict[str, ast.ClassDef] = {}
        self._add(name, ordered, frozenset())
        return list(ordered.values())

    def _add(self, name: str, ordered: dict[str, ast.ClassDef], above: frozenset[str]) -> None:
        node = self._found.get(name)
        if node is None or name in above:
            return
        for base in reversed(node.bases):
            self._add(last_name(base), ordered, above | {name})
        ordered.pop(name, None)
        ordered[name] = node

    def fields(self, name: str) -> dict[str, Types]:
        """Field → its types, the class's own before those of its bases."""
        found: dict[str, Types] = {}
        for node in self.with_bases(name):
            for statement in node.body:
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                    types = types_of(statement.annotation)
                    found[statement.target.id] = types
                    for alias in _aliases(statement.value):
                        found[alias] = types
        return {key: types for key, types in found.items() if not key.startswith("_")}


def last_name(node: ast.expr) -> str:
    """The last part of a dotted name, "" for any other expression."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def texts_in(node: ast.AST) -> Iterator[str]:
    """Every text below a node."""
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def _aliases(value: ast.expr | None) -> Iterator[str]:
    if isinstance(value, ast.Call):
        for keyword in value.keywords:
            if keyword.arg in ("alias", "validation_alias"):
                yield from texts_in(keyword.value)


def types_of(node: ast.expr | None) -> Types:
    """The JSON types an annotation allows; ANY where that cannot be told."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return types_of(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return ANY
    if isinstance(node, ast.Constant) and node.value is None:
        return frozenset({"null"})
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _either([node.left, node.right])
    if isinstance(node, ast.Name):
        kind = _SIMPLE.get(node.id) or _CONTAINERS.get(node.id)
        return frozenset({kind}) if kind else ANY
    return _generic(node) if isinstance(node, ast.Subscript) else ANY


def _generic(node: ast.Subscript) -> Types:
    outer = last_name(node.value)
    inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if outer == "Optional":
        inner = types_of(inside[0])
        return inner | {"null"} if inner else ANY
    if outer == "Union":
        return _either(inside)
    if outer == "Annotated":
        return types_of(inside[0])
    return frozenset({_CONTAINERS[outer]}) if outer in _CONTAINERS else ANY


def _either(nodes: Collection[ast.expr]) -> Types:
    kinds = [types_of(node) for node in nodes]
    return frozenset().union(*kinds) if all(kinds) else ANY
