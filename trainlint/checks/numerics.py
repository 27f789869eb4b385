"""Numeric sites that may become NaN or infinite: candidates of the analysis.

Judged by the role of their code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainlint.analysis.facts import Candidate
from trainlint.checks.hits import hit_of
from trainlint.checks.operand_words import OPERAND_WORDS
from trainlint.checks.roles import (
    NEUTRAL,
    SILENT,
    TRAINING,
    holds_tensors,
    is_differentiable_library,
    role_of_candidate,
    trains_itself,
)
from trainlint.checks.view import UnitView
from trainlint.recipe.model import Hit

_WORDS = {
    **OPERAND_WORDS,
    "exponential": "an exponential: exactly 0 far below 0",
    "clamped-at-zero": "clamped to 0, not above it",
}
"""Under a root and in a denominator only the zero matters."""

_MODULES = frozenset({"torch", "th", "F", "paddle", "tf", "jnp", "np", "ops", "K"})


def unguarded_sqrt(unit: UnitView) -> Iterator[Hit]:
    """Roots of differentiable values that can be 0, where code takes part in training or may."""
    yield from (hit for hit in _hits(unit, "sqrt") if hit.facts["guard"].value != "after")


def guard_after_sqrt(unit: UnitView) -> Iterator[Hit]:
    """Roots of values that can be 0 with an eps or a clamp after the root, where a derivative flows."""
    yield from (hit for hit in _hits(unit, "sqrt") if hit.facts["guard"].value == "after")


def unguarded_division(unit: UnitView) -> Iterator[Hit]:
    """Quotients whose denominator can be 0, where code takes part in training or may."""
    yield from _hits(unit, "division")


def _hits(unit: UnitView, kind: str) -> Iterator[Hit]:
    for candidate in unit.facts.candidates:
        role = role_of_candidate(unit, candidate) if candidate.kind == kind else SILENT
        if role == SILENT:
            continue
        if "tensor" in candidate.open and not (role == TRAINING and holds_tensors(unit)):
            continue
        if role == NEUTRAL and not _concerns_a_library(unit, candidate):
            continue
        yield _hit(unit, candidate, role, trains_itself(unit))


def _concerns_a_library(unit: UnitView, candidate: Candidate) -> bool:
    """Whether a candidate outside of training code is worth advice: a root.

    Or a zero the code itself expects.
    """
    if candidate.kind == "division" and candidate.operand != "disparity":
        return False
    return is_differentiable_library(unit)


def _hit(unit: UnitView, candidate: Candidate, role: str, trains: bool) -> Hit:
    operand, fixed = _operand_and_fix(candidate)
    facts: dict[str, str | int] = {
        "operand": candidate.operand,
        "grade": candidate.grade,
        "role": role,
        "gradient": "yes" if trains and candidate.gradient == "no" else candidate.gradient,
        "guard": candidate.guard or "none",
        "text": candidate.text,
        "what": operand,
        "fixed": fixed,
        "sites": 1 + len(candidate.related),
    }
    return hit_of(unit, candidate, facts, _WORDS)


def _operand_and_fix(candidate: Candidate) -> tuple[str, str]:
    """The operand as it is written at the site, and the site with the operand guarded."""
    fallback = candidate.operand_text or candidate.text
    try:
        statement = ast.parse(candidate.text).body[0]
    except (SyntaxError, IndexError, ValueError, RecursionError):
        return fallback, _guarded(candidate, fallback)
    node = _operand_node(statement, candidate.kind)
    if node is None:
        return fallback, _guarded(candidate, fallback)
    written = ast.get_source_segment(candidate.text, node) or fallback
    simple = isinstance(node, (ast.Name, ast.Call, ast.Attribute, ast.Subscript))
    return written, _guarded(candidate, written, atom=simple)


def _operand_node(statement: ast.stmt, kind: str) -> ast.expr | None:
    if isinstance(statement, ast.AugAssign):
        return statement.value
    node = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(node, ast.BinOp):
        return node.right if kind == "division" and isinstance(node.op, ast.Div) else node.left
    if not isinstance(node, ast.Call):
        return None
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
        receiver: list[ast.expr] = [node.func.value]
        arguments = receiver + arguments
    if kind == "division" and len(arguments) > 1:
        return arguments[1]
    return arguments[0] if arguments else None


def _is_module(node: ast.expr) -> bool:
    """Whether a call's receiver is a module's name, so that the operand is the first argument."""
    return isinstance(node, ast.Name) and node.id in _MODULES


def _guarded(candidate: Candidate, written: str, *, atom: bool = True) -> str:
    operand = written if atom else f"({written})"
    if candidate.kind == "sqrt":
        if candidate.operand in ("one-minus-square", "clamped-at-zero"):
            return f"{operand}.clamp(min=1e-8)"
        return f"{written} + 1e-8"
    if candidate.operand.endswith("count") or candidate.operand == "degree":
        number = candidate.operand == "filtered-count" or candidate.operand_text.endswith(".item()")
        return f"max({operand}, 1)" if number else f"{operand}.clamp(min=1)"
    if candidate.operand in ("max-min", "norm", "distance", "disparity"):
        return f"{operand}.clamp(min=1e-6)"
    return f"({operand} + 1e-6)"
