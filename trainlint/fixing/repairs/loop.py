"""Loops that train and evaluate: where gradients are kept that nothing uses."""

from __future__ import annotations

import ast

from trainlint.findings import Edit
from trainlint.fixing.making.ground import Ground
from trainlint.fixing.making.library_names import marked, with_names
from trainlint.fixing.making.statements import insert_before, wrap
from trainlint.fixing.making.syntax import Syntax

_SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)


def without_gradients(ground: Ground) -> list[Edit] | None:
    """`@torch.no_grad()` above a function that only evaluates, else `with torch.no_grad():` around the loop
    or the call."""
    for at in ("loop.function", "loop.block"):
        span = ground.place(at)
        syntax = ground.material.syntax(span.path) if span is not None else None
        manager = marked(ground.material, ground.text("loop.value"))
        if span is None or syntax is None or manager is None:
            continue
        statement = syntax.statement(span) or _around_call(ground, syntax)
        if statement is None:
            continue
        named = with_names(ground.material, syntax, manager, syntax.start(statement))
        placed = _placed(syntax, statement, named[0]) if named is not None else None
        if named is not None and placed is not None:
            return [*named[1], *placed]
    return None


def _around_call(ground: Ground, syntax: Syntax) -> ast.stmt | None:
    call = ground.call("loop.block")
    return syntax.statement_of(call) if call is not None else None


def _placed(syntax: Syntax, statement: ast.stmt, manager: str) -> list[Edit] | None:
    if isinstance(statement, ast.FunctionDef):
        # A decorated generator would hand its mode on to what draws from it.
        yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(statement))
        return None if yields else insert_before(syntax, statement, f"@{manager}")
    if isinstance(statement, (ast.For, ast.While, *_SIMPLE)):
        return wrap(syntax, statement, f"with {manager}:")
    return None
