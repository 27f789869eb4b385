"""Standard deviations of a single value, and variances as the difference of two large numbers."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.numerics.hazards.scene import Called, Scene
from trainlint.analysis.numerics.lattice import Gradient, Kind
from trainlint.analysis.numerics.sites import RawCandidate

_ARRAYS = frozenset({Kind.ARRAY, Kind.NUMBER, Kind.INTEGER, Kind.OTHER, Kind.SEQUENCE})
_UNBIASED = frozenset({"torch", "paddle"})
_ROOTS = frozenset({"sqrt", "rsqrt", "sqrt_", "rsqrt_", "log"})
_GUARDS = frozenset({"clamp", "clamp_min", "clamp_", "clip", "relu", "maximum", "max", "abs", "where"})


def detect(scene: Scene) -> Iterator[RawCandidate]:
    """Unbiased deviations over the batch dimension, and differences of mean squares and squared means."""
    yield from _of_one_sample(scene)
    yield from _by_subtraction(scene)


def _of_one_sample(scene: Scene) -> Iterator[RawCandidate]:
    reported: set[int] = set()
    for called, _ in scene.sites_of("std", "var", "std_mean", "var_mean"):
        if (
            called.entry.framework not in _UNBIASED
            or called.index in reported
            or not _is_unbiased(scene, called)
        ):
            continue
        operand = called.bound.get("input", -1)
        if (
            operand < 0
            or scene.value(operand).kind in _ARRAYS
            or scene.value(operand).grad is not Gradient.YES
        ):
            continue
        dim = called.bound.get("dim", -1)
        if dim < 0 or scene.number(dim) != 0.0 or scene.terms[dim].op != "const":
            continue
        reported.add(called.index)
        yield RawCandidate(
            called.index, "one-sample-std", called.name, operand, "possible", scene.value(operand).grad.value,
            open=["role"] if scene.value(operand).kind is Kind.TENSOR else ["role", "tensor"],
        )  # fmt: skip


def _is_unbiased(scene: Scene, called: Called) -> bool:
    for name in ("unbiased", "correction"):
        given = called.bound.get(name, -1)
        if given >= 0:
            return scene.terms[given].value in (True, 1) and scene.terms[given].op == "const"
    return True


def _by_subtraction(scene: Scene) -> Iterator[RawCandidate]:
    """`mean(x²) − mean(x)²`, in any spelling."""
    for index, (minuend, subtrahend) in _differences(scene):
        base = _mean_of_square(scene, minuend)
        mean = _squared(scene, subtrahend)
        if base < 0 or mean < 0:
            continue
        averaged = _averaged(scene, mean)
        if averaged < 0 or not scene.same(scene.below_views(averaged), scene.below_views(base)):
            continue
        if scene.value(index).kind in _ARRAYS or scene.value(base).kind in _ARRAYS:
            continue
        use = _use(scene, index)
        yield RawCandidate(
            index, "variance-by-subtraction", use, base, "certain" if use == "root" else "likely",
            scene.value(index).grad.value, base=base, open=["role"],
        )  # fmt: skip


def _differences(scene: Scene) -> Iterator[tuple[int, tuple[int, int]]]:
    for index, term in enumerate(scene.terms):
        if term.op == "bin" and term.name == "-":
            yield index, (term.args[0], term.args[1])
        elif term.op == "call":
            called = scene.calls.get(index)
            if called is not None and called.entry.transfer == "subtract" and "other" in called.bound:
                yield index, (called.bound["input"], called.bound["other"])


def _mean_of_square(scene: Scene, index: int) -> int:
    """x where a term is the mean of x², else -1."""
    inner = _averaged(scene, index)
    return _squared(scene, inner) if inner >= 0 else -1


def _averaged(scene: Scene, index: int) -> int:
    """What a term is the mean of: `x.mean(…)`, or `x.sum(…) / n`; else -1."""
    index = scene.below_views(index)
    called, term = scene.calls.get(index), scene.terms[index]
    if called is not None and called.entry.transfer == "mean":
        return called.bound.get("input", -1)
    if term.op == "bin" and term.name == "/":
        total = scene.calls.get(scene.below_views(term.args[0]))
        if total is not None and total.entry.transfer == "sum":
            return total.bound.get("input", -1)
    return -1


def _squared(scene: Scene, index: int) -> int:
    """x where a term is x², else -1."""
    index = scene.below_views(index)
    term, called = scene.terms[index], scene.calls.get(index)
    if term.op == "bin" and term.name == "*" and scene.same(*term.args):
        return term.args[0]
    if term.op == "bin" and term.name == "**" and scene.number(term.args[1]) == 2.0:
        return term.args[0]
    if called is None:
        return -1
    inner = called.bound.get("input", -1)
    if called.entry.transfer == "square":
        return inner
    if called.entry.transfer == "power" and scene.number(called.bound.get("exponent", -1)) == 2.0:
        return inner
    if (
        called.entry.transfer == "multiply"
        and inner >= 0
        and scene.same(inner, called.bound.get("other", inner))
    ):
        return inner
    return -1


def _use(scene: Scene, index: int) -> str:
    """ "root" where a root or logarithm takes a difference as it is, "guarded" behind a clamp, or "open"."""
    frontier = [index]
    for _ in range(3):
        following: list[int] = []
        for step in frontier:
            for user in scene.users.get(step, ()):
                called, term = scene.calls.get(user), scene.terms[user]
                if called is not None and called.name in _GUARDS:
                    return "guarded"
                if called is not None and called.name in _ROOTS:
                    return "root"
                if term.op == "bin" and term.name == "**" and scene.number(term.args[1]) in (0.5, -0.5):
                    return "root"
                if term.op == "attr" and term.name in _GUARDS | _ROOTS:
                    return "guarded" if term.name in _GUARDS else "root"
                if term.op in ("attr", "bin") and (term.op == "attr" or term.name in ("+", "*")):
                    following.append(user)
        frontier = following[:8]
    return "open"
