"""What becomes of the candidates' results and operands, seen from the end of a unit.

Evidence for or against them.
"""

from __future__ import annotations

from collections.abc import Iterable

from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.abstract import AbstractValues
from trainlint.analysis.numerics.ingredients import ingredients
from trainlint.analysis.numerics.lattice import Kind
from trainlint.analysis.numerics.losses import minimised
from trainlint.analysis.numerics.readings import only_read
from trainlint.analysis.numerics.sites import RawCandidate

_CLEANERS = frozenset({"nan_to_num", "isnan", "isinf", "isfinite", "nan_to_num_", "where"})
_REACH = 6

Users = dict[int, list[int]]


def settle(values: AbstractValues, found: list[RawCandidate]) -> list[RawCandidate]:
    """The candidates that remain when uses are known: one per operand, the other sites related to it."""
    if not found:
        return []
    users = users_of(values)
    roots = {candidate.base for candidate in found if candidate.kind == "sqrt"}
    kept: dict[tuple[str, int], RawCandidate] = {}
    for candidate in sorted(found, key=lambda each: each.term):
        if _is_spurious(values, users, candidate) or _reported_at_root(candidate, roots):
            continue
        first = kept.setdefault((candidate.kind, candidate.operand_term), candidate)
        if first is not candidate:
            first.related.append(candidate.term)
    for candidate in with_losses(values, kept.values()):
        if candidate.kind == "sqrt":
            candidate.guard = candidate.guard or _guard_after(values, users, candidate.term)
    return list(kept.values())


def settle_handed(values: AbstractValues, found: Iterable[RawCandidate]) -> list[RawCandidate]:
    """The candidates of what is handed to other functions, with what the unit tells of their operands."""
    candidates = with_losses(values, found)
    users = users_of(values) if any("tensor" in each.open for each in candidates) else {}
    for candidate in candidates:
        if "tensor" in candidate.open and is_used_as_tensor(values, users, candidate):
            candidate.open.remove("tensor")
    return candidates


def with_losses(values: AbstractValues, found: Iterable[RawCandidate]) -> list[RawCandidate]:
    """The candidates, those that a loss of the unit is made from without the question for their role."""
    candidates = list(found)
    trained = minimised(values) if candidates else frozenset()
    for candidate in candidates:
        if candidate.term in trained and "role" in candidate.open:
            candidate.open.remove("role")
    return candidates


def users_of(values: AbstractValues) -> Users:
    """The terms that have each term among their arguments."""
    users: Users = {}
    for index, term in enumerate(values.terms):
        for argument in term.args:
            users.setdefault(argument, []).append(index)
    return users


def _reported_at_root(candidate: RawCandidate, roots: set[int]) -> bool:
    """A norm written by hand is reported once, at its root: here, or in the function that gave it."""
    if candidate.kind != "division" or candidate.operand not in (origins.HAND_NORM, origins.HAND_STD):
        return False
    return candidate.base < 0 or candidate.base in roots


def _is_spurious(values: AbstractValues, users: Users, candidate: RawCandidate) -> bool:
    if "tensor" in candidate.open and is_used_as_tensor(values, users, candidate):
        candidate.open.remove("tensor")
    if not _crashes(values, candidate) and only_read(values.terms, users, candidate.term):
        return True
    return candidate.operand in origins.COUNTS and is_cleaned(values, users, candidate.term)


def _crashes(values: AbstractValues, candidate: RawCandidate) -> bool:
    """Whether both sides are Python numbers: then even a logged quotient stops the run."""
    plain = (Kind.NUMBER, Kind.INTEGER)
    sides = (candidate.operand_term, candidate.numerator)
    return all(side >= 0 and values.value(side).kind in plain for side in sides)


def is_used_as_tensor(values: AbstractValues, users: Users, candidate: RawCandidate) -> bool:
    """Whether something the operand is made from is handed to a framework function.

    Or has a method only tensors have.
    """
    cone = ingredients(values.terms, candidate.operand_term)
    cone.add(candidate.term)
    for index in sorted(cone):
        if values.value(index).kind is Kind.TENSOR:
            return True
        if values.terms[index].op not in ("param", "attr", "item", "unpack", "elem", "loop"):
            continue
        for user in users.get(index, ()):
            term = values.terms[user]
            if term.op in ("call", "bin") and values.value(user).kind is Kind.TENSOR:
                return True
            if term.op == "attr" and any(values.value(u).kind is Kind.TENSOR for u in users.get(user, ())):
                return True
    return False


def _name(values: AbstractValues, index: int) -> str:
    """The last name of what a term calls, "" where it is no call."""
    term = values.terms[index]
    if term.op != "call":
        return ""
    return values.terms[term.args[0]].name.rpartition(".")[2]


def is_cleaned(values: AbstractValues, users: Users, index: int) -> bool:
    """Whether NaN and inf are taken out of the result afterwards."""
    frontier = [index]
    for _ in range(_REACH):
        following: list[int] = []
        for step in frontier:
            for user in users.get(step, ()):
                if _name(values, user) in _CLEANERS or values.terms[user].name in ("nan_to_num", "isnan"):
                    return True
                if values.terms[user].op in ("attr", "item", "bin", "setitem") or _is_view(values, user):
                    following.append(user)
        frontier = following[:16]
    return False


def _is_view(values: AbstractValues, index: int) -> bool:
    return _name(values, index) in ("view", "reshape", "squeeze", "unsqueeze", "expand", "float", "to")


def _guard_after(values: AbstractValues, users: Users, index: int) -> str:
    """ "after" where eps is added to, or a clamp is put on, a root's result."""
    frontier = [index]
    for _ in range(2):
        following: list[int] = []
        for step in frontier:
            for user in users.get(step, ()):
                term = values.terms[user]
                if term.op == "bin" and term.name == "+":
                    other = term.args[1] if term.args[0] == step else term.args[0]
                    if values.value(other).is_positive and values.value(other).kind in (
                        Kind.NUMBER,
                        Kind.INTEGER,
                    ):
                        return "after"
                if _name(values, user) in ("clamp", "clamp_min", "nan_to_num", "maximum"):
                    return "after"
                if term.op in ("attr", "item"):
                    following.append(user)
        frontier = following[:8]
    return ""
