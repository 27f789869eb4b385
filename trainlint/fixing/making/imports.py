"""Names of libraries as a file can write them: by an import it has, or by one that is added."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainlint.findings import Edit
from trainlint.fixing.making.statements import insert_after, insert_before
from trainlint.fixing.making.syntax import Syntax

_SETTING_UP = frozenset({"sys", "os", "warnings", "logging", "matplotlib", "mpl", "site"})
"""Modules that are told things between imports: search paths, environment variables, filters."""


def name_in(syntax: Syntax, absolute: str, before: int | None = None) -> str | None:
    """How a file's imports write an absolute dotted name; None where they cannot.

    Those count that stand in the module's body above the offset `before`, without one those of the head.
    """
    best: tuple[int, str] | None = None
    for local, target in _bindings(syntax, before).items():
        rest = absolute[len(target) :]
        if absolute.startswith(target) and rest[:1] in ("", ".") and (best is None or len(target) > best[0]):
            best = (len(target), local + rest)
    return best[1] if best is not None else None


def _bindings(syntax: Syntax, before: int | None) -> dict[str, str]:
    """Local name → the absolute name it is bound to, for imported names that nothing binds again."""
    found: dict[str, str] = {}
    body = syntax.tree.body
    above = head(syntax) if before is None else [each for each in body if syntax.end(each) <= before]
    for statement in above:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                local = alias.asname or alias.name.partition(".")[0]
                found[local] = alias.name if alias.asname else local
        elif isinstance(statement, ast.ImportFrom) and statement.level == 0 and statement.module:
            for alias in statement.names:
                found[alias.asname or alias.name] = f"{statement.module}.{alias.name}"
    again = {each for node in ast.walk(syntax.tree) for each in _bound_otherwise(node)}
    return {local: target for local, target in found.items() if local not in again and local != "*"}


def _bound_otherwise(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg


def binds(syntax: Syntax, name: str) -> bool:
    """Whether anything in the file binds a name: an import of it would then collide."""
    imported = (
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(syntax.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    )
    return name in imported or any(name in _bound_otherwise(node) for node in ast.walk(syntax.tree))


def imported_packages(syntax: Syntax) -> frozenset[str]:
    """The packages that any statement of a file imports from."""
    found: set[str] = set()
    for node in ast.walk(syntax.tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return frozenset(found)


def head(syntax: Syntax) -> list[ast.stmt]:
    """The docstring, the imports at the top of a file, and what is set up between them; ends in an import."""
    taken: list[ast.stmt] = []
    last = 0
    for statement in syntax.tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            taken.append(statement)
            last = len(taken)
        elif _sets_up(statement):
            taken.append(statement)
        else:
            break
    return taken[: last or int(_begins_with_docstring(syntax))]


def _sets_up(statement: ast.stmt) -> bool:
    """Whether a statement may stand between imports without making anything of the program."""
    if isinstance(statement, ast.Try | ast.If):
        return all(
            isinstance(each, ast.Import | ast.ImportFrom | ast.Pass) or _sets_up(each)
            for each in ast.iter_child_nodes(statement)
            if isinstance(each, ast.stmt)
        )
    if not isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign | ast.Pass):
        return False
    calls = (node.func for node in ast.walk(statement) if isinstance(node, ast.Call))
    return all(_root(callee) in _SETTING_UP for callee in calls)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _begins_with_docstring(syntax: Syntax) -> bool:
    return ast.get_docstring(syntax.tree, clean=False) is not None


def add_import(syntax: Syntax, line: str) -> list[Edit] | None:
    """An import statement below those of the head; None where no line of its own is free there."""
    above = head(syntax)
    if above:
        return insert_after(syntax, above[-1], line)
    if not syntax.tree.body:
        return None
    return insert_before(syntax, syntax.tree.body[0], line)
