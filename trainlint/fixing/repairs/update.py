"""The order of what happens around an optimizer's step."""

from __future__ import annotations

import ast

from trainlint.findings import Edit
from trainlint.fixing.making.ground import Ground, dotted_name
from trainlint.fixing.making.statements import insert_before, swap

_UNSCALED = "unscaled only here"
_UPDATE = "the update is made here"
_STEP = "the optimizer's step"


def unscale_first(ground: Ground) -> list[Edit] | None:
    """`scaler.unscale_(optimizer)` above the clipping.

    None unless each round clips once and then steps: a second unscaling before the step raises.
    """
    syntax, clip = ground.syntax, ground.call()
    at = next((each.span for each in ground.finding.related if each.message == _UNSCALED), None)
    if syntax is None or clip is None or at is None or at.path != ground.path:
        return None
    step = syntax.expression(at, ast.Call)
    clipped, stepped = syntax.parents.get(clip), syntax.statement_of(step) if step is not None else None
    if not isinstance(clipped, ast.Expr) or step is None or stepped is None:
        return None
    optimizer = dotted_name(step.args[0]) if len(step.args) == 1 and not step.keywords else ""
    scaler = dotted_name(step.func.value) if isinstance(step.func, ast.Attribute) else ""
    block = syntax.parents.get(stepped)
    if not optimizer or not scaler or block is None:
        return None
    if block not in (syntax.parents.get(clipped), _around_if(syntax.parents, clipped)):
        return None
    if sum(_clips(node) for node in ast.walk(block)) != 1:
        return None
    return insert_before(syntax, clipped, f"{scaler}.unscale_({optimizer})")


def step_first(ground: Ground) -> list[Edit] | None:
    """The optimizer's step and the scheduler's below it in the other order."""
    return _swapped(ground, _STEP, of_scaler=True)


def clip_first(ground: Ground) -> list[Edit] | None:
    """The clipping above the update: none of a scaler's, before which the gradients still carry its scale."""
    return _swapped(ground, _UPDATE, of_scaler=False)


def _swapped(ground: Ground, evidence: str, *, of_scaler: bool) -> list[Edit] | None:
    """The finding's statement and its evidence in the other order; None unless they follow each other."""
    syntax, call = ground.syntax, ground.call()
    at = next((each.span for each in ground.finding.related if each.message == evidence), None)
    if syntax is None or call is None or at is None or at.path != ground.path:
        return None
    other = syntax.expression(at, ast.Call)
    if other is None or (other.args and not of_scaler):
        return None
    pair = [syntax.statement_of(call), syntax.statement_of(other)]
    first, second = sorted((each for each in pair if each is not None), key=syntax.start)
    return swap(syntax, first, second)


def _around_if(parents: dict[ast.AST, ast.AST], statement: ast.stmt) -> ast.AST | None:
    """What is around the `if` that a statement stands in."""
    block = parents.get(statement)
    return parents.get(block) if isinstance(block, ast.If) else None


def _clips(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and dotted_name(node.func).rpartition(".")[2].startswith("clip_grad")
