"""Whether a value comes from a parameter declared to be a tensor: who calls may differentiate it."""

from __future__ import annotations

from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.hazards.scene import Scene
from trainlint.analysis.numerics.lattice import Gradient, Kind
from trainlint.analysis.numerics.naming import annotated
from trainlint.analysis.numerics.sites import RawCandidate

_CERTAIN = frozenset({origins.SQUARES, origins.SQUARE, origins.HAND_NORM})
_WRITTEN_OUT = frozenset({"add", "square", "power", "multiply"})
_CONE = 120
_DEEPEST = 8
_WITHOUT_DERIVATIVE = frozenset(
    "compare test both either complement any_of all_of boolean integer nonzero count degree size rank detach "
    "item array ones zeros eye fixed filled literal".split()
)
_COMPARING = frozenset("bucketize searchsorted argmin argmax argsort histc".split())
"""What takes the order of values alone: no derivative flows back through it."""


def comes_from_a_tensor(scene: Scene, operand: int) -> bool:
    """Whether a term is computed from a parameter annotated as a tensor, by functions with derivatives."""
    seen, stack = {operand}, [operand]
    while stack and len(seen) < _CONE:
        index = stack.pop()
        term, called = scene.terms[index], scene.calls.get(index)
        following: list[int] = []
        if term.op == "param":
            described = scene.values.parameters.get(index)
            if described is not None and annotated(described.annotation) is Kind.TENSOR:
                return scene.value(index).grad is not Gradient.NO
        elif called is not None:
            if called.entry.transfer not in _WITHOUT_DERIVATIVE:
                following = [called.bound[name] for name in ("input", "other") if name in called.bound]
        elif term.op in ("bin", "un"):
            following = list(term.args)
        elif term.op in ("item", "unpack"):
            following = [term.args[0]]
        for each in following:
            if each not in seen:
                seen.add(each)
                stack.append(each)
    return False


def certain_roots(scene: Scene, found: list[RawCandidate]) -> None:
    """Roots of the squares of a few coordinates are certain where these come from declared tensors.

    `x ** 2 + y ** 2` is 0 at an ordinary point, the origin; a whole axis of features hardly ever is. Whether
    a caller differentiates them remains open.
    """
    for candidate in found:
        unsure = candidate.kind == "sqrt" and candidate.grade == "likely" and candidate.gradient == "unknown"
        if not unsure or candidate.operand not in _CERTAIN or _only_compared(scene, candidate.term):
            continue
        of_coordinates = _is_sum_of_coordinates(scene, candidate.operand_term)
        if of_coordinates and comes_from_a_tensor(scene, candidate.operand_term):
            candidate.grade = "certain"


def _is_sum_of_coordinates(scene: Scene, index: int) -> bool:
    """Whether a term is a sum written out, or one square, and not a reduction; multiples and views aside."""
    for _ in range(_DEEPEST):
        index = scene.below_views(index)
        term, called = scene.terms[index], scene.calls.get(index)
        if called is not None:
            return called.entry.transfer in _WRITTEN_OUT
        scaled = term.name in ("*", "/") and scene.value(term.args[-1]).const is not None
        if term.op != "item" and not (term.op == "bin" and scaled):
            return term.op == "bin" and term.name in ("+", "*", "**")
        index = term.args[0]
    return False


def _only_compared(scene: Scene, index: int) -> bool:
    """Whether a value only goes where no derivative comes back from."""
    users = [scene.terms[user] for user in scene.users.get(index, ())]
    calls = [scene.terms[user.args[0]].name.rpartition(".")[2] for user in users if user.op == "call"]
    return bool(users) and len(calls) == len(users) and _COMPARING.issuperset(calls)
