"""Signatures of functions and classes, read from a library's source without importing it."""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from trainlint.knowledge.base import Param
from trainlint.knowledge.signatures import parse_call

MAX_STEPS = 12
Definition = ast.FunctionDef | ast.ClassDef
Place = tuple[Path, Definition]


def package_folder(package: str) -> Path | None:
    """Where a package's source lies; None where it is not installed or has no folder."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(folders[0]) if folders else None


def signature(dotted: str) -> tuple[Param, ...] | None:
    """The parameters of what a dotted name stands for, without self; None where its source does not say."""
    found = _find(dotted)
    if found is None:
        return None
    path, node = found
    if isinstance(node, ast.FunctionDef):
        return _parsed(node.args)
    return _of_class(path, node)


def method_signature(dotted: str, method: str) -> tuple[Param, ...] | None:
    """The parameters of a method of a class, without self; None where its source does not say."""
    found = _find(dotted)
    if found is None or not isinstance(found[1], ast.ClassDef):
        return None
    for _, owner in _lineage(found[0], found[1]):
        for node in owner.body:
            if isinstance(node, ast.FunctionDef) and node.name == method:
                static = any(_last(each) == "staticmethod" for each in node.decorator_list)
                return _parsed(node.args) if static else _parsed(node.args)[1:]
    return None


def _find(dotted: str) -> Place | None:
    """The definition behind a dotted name, through re-exports."""
    parts = dotted.split(".")
    folder = package_folder(parts[0])
    if folder is None:
        return None
    path, rest = folder / "__init__.py", parts[1:]
    while rest and (deeper := _submodule(path, rest[0])) is not None and not _shadowed(path, rest):
        path, rest = deeper, rest[1:]
    if len(rest) != 1:
        return None
    return _in_module(path, rest[0], 0)


def _shadowed(path: Path, rest: list[str]) -> bool:
    """Whether the last name is both a module and something the package defines: the latter is meant."""
    return len(rest) == 1 and _in_module(path, rest[0], 0) is not None


def _submodule(path: Path, name: str) -> Path | None:
    if path.name != "__init__.py":
        return None
    for candidate in (path.parent / name / "__init__.py", path.parent / f"{name}.py"):
        if candidate.is_file():
            return candidate
    return None


@functools.cache
def _statements(path: Path) -> tuple[ast.stmt, ...]:
    """The statements of a module, those under `if` and `try` included."""
    try:
        body = ast.parse(path.read_text(encoding="utf-8")).body
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ()
    return tuple(_flat(body))


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, (ast.If, ast.Try)):
            yield from _flat(node.body)
            for handler in getattr(node, "handlers", ()):
                yield from _flat(handler.body)
            yield from _flat(node.orelse)
        else:
            yield node


def _in_module(path: Path, name: str, steps: int) -> Place | None:
    if steps > MAX_STEPS:
        return None
    starred: list[ast.ImportFrom] = []
    for node in reversed(_statements(path)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            return path, node
        if isinstance(node, ast.Assign) and any(_last(target) == name for target in node.targets):
            return _assigned(path, node.value, steps + 1)
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name == "*":
                    starred.append(node)
                elif (alias.asname or alias.name) == name:
                    return _imported(path, node, alias.name, steps + 1)
    for node in starred:
        found = _imported(path, node, name, steps + 1)
        if found is not None:
            return found
    return None


def _assigned(path: Path, value: ast.expr, steps: int) -> Place | None:
    """What `name = other` or `name = module.other` stands for."""
    if isinstance(value, ast.Name):
        return _in_module(path, value.id, steps)
    if not isinstance(value, ast.Attribute) or not isinstance(value.value, ast.Name):
        return None
    for node in _statements(path):
        if not isinstance(node, ast.ImportFrom):
            continue
        for alias in node.names:
            if (alias.asname or alias.name) == value.value.id:
                inner = ast.ImportFrom(".".join(filter(None, (node.module, alias.name))), [], node.level)
                source = _module_file(path, inner)
                return None if source is None else _in_module(source, value.attr, steps)
    return None


def _imported(path: Path, node: ast.ImportFrom, name: str, steps: int) -> Place | None:
    source = _module_file(path, node)
    return None if source is None else _in_module(source, name, steps)


def _module_file(path: Path, node: ast.ImportFrom) -> Path | None:
    parts = (node.module or "").split(".") if node.module else []
    if node.level:
        folder = path.parent
        for _ in range(node.level - 1):
            folder = folder.parent
    else:
        found = package_folder(parts[0])
        if found is None:
            return None
        folder, parts = found, parts[1:]
    for part in parts[:-1]:
        folder = folder / part
    last = folder / parts[-1] if parts else folder
    for candidate in (last.with_name(f"{last.name}.py"), last / "__init__.py"):
        if candidate.is_file() and (parts or candidate.name == "__init__.py"):
            return candidate
    return None


def _of_class(path: Path, node: ast.ClassDef) -> tuple[Param, ...] | None:
    """The parameters of a class's constructor: of the nearest `__init__` or dataclass, else of `__new__`."""
    for constructor in ("__init__", "__new__"):
        for where, owner in _lineage(path, node):
            for each in owner.body:
                if isinstance(each, ast.FunctionDef) and each.name == constructor:
                    return _parsed(each.args)[1:]
            if any(_last(each) == "dataclass" for each in owner.decorator_list):
                return tuple(_fields(where, owner).values())
    return None


def _lineage(path: Path, node: ast.ClassDef, steps: int = 0) -> Iterator[Place]:
    yield path, node
    if steps > MAX_STEPS:
        return
    for base in node.bases:
        name = _last(base)
        found = _in_module(path, name, 0) if name else None
        if found is not None and isinstance(found[1], ast.ClassDef) and found[1] is not node:
            yield from _lineage(found[0], found[1], steps + 1)


def _fields(path: Path, node: ast.ClassDef) -> dict[str, Param]:
    """The fields of a dataclass that its constructor takes: those of its bases first."""
    fields: dict[str, Param] = {}
    for base in node.bases:
        found = _in_module(path, _last(base), 0)
        if found is not None and isinstance(found[1], ast.ClassDef):
            fields.update(_fields(*found))
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            param = _field(each.target.id, each)
            if param is not None:
                fields[each.target.id] = param
    return fields


def _field(name: str, node: ast.AnnAssign) -> Param | None:
    if _last(node.annotation) == "ClassVar" or "ClassVar" in ast.unparse(node.annotation):
        return None
    default = node.value
    if isinstance(default, ast.Call) and _last(default.func) == "field":
        given = {keyword.arg: keyword.value for keyword in default.keywords}
        if isinstance(given.get("init"), ast.Constant) and given["init"].value is False:  # type: ignore[attr-defined]
            return None
        default = given.get("default", given.get("default_factory"))
        if "default_factory" in given:
            return Param(name, "normal", True)
    text = name if default is None else f"{name}={ast.unparse(default)}"
    return parse_call(text)[0]


def _parsed(arguments: ast.arguments) -> tuple[Param, ...]:
    return parse_call(ast.unparse(arguments))


def _last(node: ast.expr | None) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
