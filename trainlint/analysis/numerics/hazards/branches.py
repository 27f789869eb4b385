"""`where(c, f(x), other)` whose condition excludes what `f` cannot take: the gradient is not hidden."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.numerics.hazards.inputs import comes_from_a_tensor
from trainlint.analysis.numerics.hazards.scene import Called, Scene
from trainlint.analysis.numerics.ingredients import ingredients
from trainlint.analysis.numerics.lattice import Gradient, Kind, Value
from trainlint.analysis.numerics.sites import RawCandidate, Shape, shape_of_site

_LOGARITHMS = frozenset({"log", "log2", "log10", "log_"})
_ARCS = frozenset({"acos", "asin", "arccos", "arcsin", "atanh", "acosh"})
_FINITE = {"tensorflow": frozenset({"sqrt"}), "keras": frozenset({"sqrt"})}
"""Roots in the branch not taken have a zero gradient there; everything else has none in any framework."""


def detect(scene: Scene) -> Iterator[RawCandidate]:
    """Functions in a branch of `where` that its condition keeps from what they are not defined for."""
    reported: set[int] = set()
    failing: dict[int, tuple[Shape, Value] | None] = {}
    for called, _ in scene.sites_of("where", "select"):
        for holds, branch in ((True, "input"), (False, "other")):
            condition, side = called.bound.get("condition", -1), called.bound.get(branch, -1)
            if condition < 0 or side < 0:
                continue
            for site in sorted(ingredients(scene.terms, side) & scene.nodes.keys()):
                if site not in failing:
                    failing[site] = _failing(scene, site)
                found = failing[site]
                if found is None or site in reported:
                    continue
                candidate = _inside(scene, called, condition, holds, site, *found)
                if candidate is not None:
                    reported.add(site)
                    yield candidate


def _failing(scene: Scene, site: int) -> tuple[Shape, Value] | None:
    """What a site computes, and its operand, if that may be what it is not defined for."""
    shape = _shape(scene, site)
    value = scene.value(shape.operand) if shape is not None else None
    if shape is None or value is None or _can_fail(shape, value) is not True:
        return None
    never = (Kind.ARRAY, Kind.NUMBER, Kind.INTEGER, Kind.OTHER, Kind.SEQUENCE)
    return None if value.kind in never else (shape, value)


def _inside(
    scene: Scene, called: Called, condition: int, holds: bool, site: int, shape: Shape, value: Value
) -> RawCandidate | None:
    if shape.kind in _FINITE.get(called.entry.framework, ()):
        return None
    if _can_fail(shape, scene.values.under(condition, holds, shape.operand)) is not False:
        return None
    if any(_can_fail(shape, _known_here(scene, node, shape.operand)) is False for node in scene.nodes[site]):
        return None
    gradient = value.grad
    if shape.numerator >= 0 and scene.value(shape.numerator).grad is Gradient.YES:
        gradient = Gradient.YES
    if gradient is Gradient.NO:
        return None
    known = gradient is Gradient.YES and value.grad is not Gradient.UNKNOWN
    grade = "certain" if known or comes_from_a_tensor(scene, shape.operand) else "likely"
    return RawCandidate(
        site, "where-keeps-nan", shape.kind, shape.operand, grade, gradient.value, numerator=shape.numerator,
        trace=[(condition, "condition"), (called.index, "where")], open=["role"],
        facts={"framework": called.entry.framework},
    )  # fmt: skip


def _known_here(scene: Scene, node: object, operand: int) -> Value:
    return scene.values.refined(operand, scene.paths.knowing(node).bounds)  # type: ignore[arg-type]


def _shape(scene: Scene, site: int) -> Shape | None:
    """What a term computes that is not defined everywhere."""
    called = scene.calls.get(site)
    if called is not None and called.bound.get("input", -1) >= 0:
        if called.name in _LOGARITHMS:
            return Shape("log", called.bound["input"])
        if called.name in _ARCS:
            return Shape("arc", called.bound["input"])
    return _fractional_power(scene, site) or shape_of_site(scene.values, site)


def _fractional_power(scene: Scene, site: int) -> Shape | None:
    """A power between 0 and 1 that is no square root: its derivative is infinite at 0, too."""
    term, called = scene.terms[site], scene.calls.get(site)
    base, exponent = -1, -1
    if term.op == "bin" and term.name == "**":
        base, exponent = term.args
    elif called is not None and called.entry.transfer == "power":
        base, exponent = called.bound.get("input", -1), called.bound.get("exponent", -1)
    power = scene.number(exponent)
    if base < 0 or power is None or not 0.0 < power < 1.0 or power == 0.5:
        return None
    return Shape("power", base)


def _can_fail(shape: Shape, value: Value) -> bool | None:
    """Whether the operand may be where the function or its derivative is not finite."""
    if shape.kind == "division":
        return value.can_be_zero
    if shape.kind in ("sqrt", "log", "power"):
        return value.can_be_zero or value.low < 0.0
    if shape.kind == "arc":
        return value.low < -1.0 or value.high > 1.0
    return None
