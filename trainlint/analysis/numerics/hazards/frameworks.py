"""Norms and deviations whose gradient at zero is NaN, in the frameworks that do not define it as zero."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.hazards.scene import Called, Scene
from trainlint.analysis.numerics.lattice import Gradient, Kind
from trainlint.analysis.numerics.paths import Node
from trainlint.analysis.numerics.readings import only_read
from trainlint.analysis.numerics.sites import RawCandidate

NORM_IS_NAN = frozenset({"jax", "tensorflow", "keras"})
STD_IS_NAN = frozenset({"jax", "tensorflow", "keras", "paddle"})

HYPOTENUSE_IS_NAN = frozenset({"torch"})

_NORMS = ("norm", "vector_norm", "reduce_euclidean_norm", "matrix_norm")
_HYPOTENUSES = ("hypot",)
_DEVIATIONS = ("std", "reduce_std")
_NEVER = frozenset({Kind.ARRAY, Kind.NUMBER, Kind.INTEGER, Kind.OTHER, Kind.SEQUENCE, Kind.MASK})


def detect(scene: Scene) -> Iterator[RawCandidate]:
    """Norms and deviations of differentiable values that can all be zero, or all be equal."""
    reported: set[int] = set()
    for names, frameworks, kind in (
        (_NORMS, NORM_IS_NAN, "norm-gradient-at-zero"),
        (_HYPOTENUSES, HYPOTENUSE_IS_NAN, "norm-gradient-at-zero"),
        (_DEVIATIONS, STD_IS_NAN, "std-gradient-at-zero"),
    ):
        for called, node in scene.sites_of(*names):
            if called.entry.framework not in frameworks or called.index in reported:
                continue
            if not _is_differentiated(scene, called, node):
                continue
            reported.add(called.index)
            operand = called.bound["input"]
            yield RawCandidate(
                called.index, kind, called.name, operand,
                "certain" if _is_known(scene, operand) else "likely",
                scene.value(operand).grad.value, open=["role"],
                facts={"framework": called.entry.framework},
            )  # fmt: skip


def _is_known(scene: Scene, operand: int) -> bool:
    """Whether a derivative flows through an operand that inputs can make 0; a whole weight never is."""
    value = scene.value(operand)
    is_weight = scene.terms[operand].op == "call" and value.roots == {operand}
    return value.grad is Gradient.YES and not is_weight


def _is_differentiated(scene: Scene, called: Called, node: Node) -> bool:
    operand = called.bound.get("input", -1)
    if operand < 0 or not _other_can_be_zero(scene, called, node):
        return False
    value = scene.values.refined(operand, scene.on_path(node).bounds)
    if value.kind in _NEVER or value.grad is Gradient.NO or value.origin == origins.IDENTITY:
        return False
    if only_read(scene.terms, scene.users, called.index):
        return False
    return value.can_be_zero or called.name in _DEVIATIONS


def _other_can_be_zero(scene: Scene, called: Called, node: Node) -> bool:
    """Whether the other side of a hypotenuse can be 0 as well; true where a function has no other side."""
    other = called.bound.get("other", -1) if called.name in _HYPOTENUSES else -1
    return other < 0 or scene.values.refined(other, scene.on_path(node).bounds).can_be_zero
