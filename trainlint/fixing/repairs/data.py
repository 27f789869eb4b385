"""Samplers that are told the epoch."""

from __future__ import annotations

import ast

from trainlint.findings import Edit
from trainlint.fixing.making.ground import Ground
from trainlint.fixing.making.statements import insert_first
from trainlint.fixing.making.syntax import Syntax

_LOOP = "the loop over epochs"


def tell_epoch(ground: Ground) -> list[Edit] | None:
    """`sampler.set_epoch(epoch)` as the first statement of the loop over epochs.

    None unless the loop counts, and the sampler has one name that means it where the loop stands.
    """
    syntax, call = ground.syntax, ground.call()
    around = next((each.span for each in ground.finding.related if each.message == _LOOP), None)
    if syntax is None or call is None or around is None or around.path != ground.path:
        return None
    loop = syntax.statement(around)
    if not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name) or not _counts(loop.iter):
        return None
    name = _name_at(syntax, call, loop)
    if name is None:
        return None
    told = f"{name}.set_epoch({loop.target.id})"
    if _may_be_none(syntax, call, name):
        told = f"if {name} is not None:\n{_step(syntax, loop)}{told}"
    return insert_first(syntax, loop.body, told)


def _counts(iterable: ast.expr) -> bool:
    """Whether a loop runs over numbers: `range(…)`, `trange(…)`, `tqdm(range(…), …)`."""
    if not isinstance(iterable, ast.Call):
        return False
    name = getattr(iterable.func, "attr", None) or getattr(iterable.func, "id", "")
    if name in ("range", "trange"):
        return True
    return name == "tqdm" and bool(iterable.args) and _counts(iterable.args[0])


def _name_at(syntax: Syntax, call: ast.Call, loop: ast.For) -> str | None:
    """The local name a sampler is given once, before the loop, in the loop's own function."""
    statement = syntax.statement_of(call)
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    if not isinstance(target, ast.Name) or not _is_value(statement.value, call):
        return None
    scope = _scope(syntax, statement)
    if scope is not _scope(syntax, loop) or syntax.start(statement) > syntax.start(loop):
        return None
    if not _always_bound(syntax, statement, loop, target.id, scope):
        return None
    return target.id


def _is_value(value: ast.expr, call: ast.Call) -> bool:
    if isinstance(value, ast.IfExp):
        branches = (value.body, value.orelse)
        return call in branches and any(_is_none(each) for each in branches)
    return value is call


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _scope(syntax: Syntax, node: ast.AST) -> ast.AST | None:
    scopes = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
    return next((each for each in syntax.around(node) if isinstance(each, scopes)), None)


def _bindings(scope: ast.AST | None, name: str) -> list[ast.Name]:
    names = (each for each in ast.walk(scope) if isinstance(each, ast.Name)) if scope is not None else ()
    return [each for each in names if each.id == name and isinstance(each.ctx, ast.Store)]


def _always_bound(
    syntax: Syntax, statement: ast.Assign, loop: ast.For, name: str, scope: ast.AST | None
) -> bool:
    """Whether the loop finds the sampler under its name, or None: whatever else binds the name gives None."""
    bound = (syntax.statement_of(each) for each in _bindings(scope, name))
    others = [each for each in bound if each is not statement]
    if not all(isinstance(each, ast.Assign) and _is_none(each.value) for each in others):
        return False
    block = syntax.parents.get(statement)
    if block is scope or block in list(syntax.around(loop)):
        return all(each is None or syntax.start(each) < syntax.start(statement) for each in others)
    if not isinstance(block, ast.If) or syntax.parents.get(block) is not scope:
        return False
    other_branch = block.orelse if statement in block.body else block.body
    before = any(each is not None and syntax.parents.get(each) is scope for each in others)
    return len(others) == 1 and (others[0] in other_branch or before)


def _may_be_none(syntax: Syntax, call: ast.Call, name: str) -> bool:
    statement = syntax.statement_of(call)
    if not isinstance(statement, ast.Assign) or isinstance(statement.value, ast.IfExp):
        return True
    scope = _scope(syntax, statement)
    return isinstance(syntax.parents.get(statement), ast.If) or len(_bindings(scope, name)) > 1


def _step(syntax: Syntax, loop: ast.For) -> str:
    """By how much the loop's body is indented."""
    inner = syntax.indentation(syntax.start(loop.body[0])) or ""
    outer = syntax.indentation(syntax.start(loop)) or ""
    return inner.removeprefix(outer) or "    "
