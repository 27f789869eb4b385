"""A cross entropy by hand whose argument is no probability: log(x) and log(1 - x) of a layer's output."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.hazards.scene import Called, Scene
from trainlint.analysis.numerics.lattice import Gradient, Kind
from trainlint.analysis.numerics.logarithms import UNGUARDED_LOG
from trainlint.analysis.numerics.paths import Node
from trainlint.analysis.numerics.sites import RawCandidate

_LOGARITHMS = ("log", "log2", "log10")
_SUMS = frozenset({"add", "bias_add"})
_LEARNED = frozenset({"learned", "weight"})
_DEEPEST = 12


def detect(scene: Scene) -> Iterator[RawCandidate]:
    """Logarithms of a layer's free output whose complement stands under a logarithm too."""
    sites = list(scene.sites_of(*_LOGARITHMS))
    complements = {
        scene.values.canonical(x) for called, _ in sites if (x := _complement_of(scene, called)) >= 0
    }
    reported: set[int] = set()
    for called, node in sites if complements else ():
        operand = called.bound.get("input", -1)
        if operand < 0 or called.index in reported or scene.values.canonical(operand) not in complements:
            continue
        if _leaves_the_unit_interval(scene, operand, node) and _is_free(scene, operand):
            reported.add(called.index)
            yield _candidate(scene, called, operand)


def _complement_of(scene: Scene, called: Called) -> int:
    """The x of `log(1 - x)`, -1 for another logarithm."""
    operand = called.bound.get("input", -1)
    term = scene.terms[operand] if operand >= 0 else None
    if term is None or term.op != "bin" or term.name != "-" or scene.number(term.args[0]) != 1.0:
        return -1
    return term.args[1]


def _leaves_the_unit_interval(scene: Scene, operand: int, node: Node) -> bool:
    value = scene.values.refined(operand, scene.on_path(node).bounds)
    if value.kind in (Kind.ARRAY, Kind.NUMBER, Kind.INTEGER) or value.grad is not Gradient.YES:
        return False
    return value.low < 0.0 and value.high > 1.0


def _is_free(scene: Scene, index: int) -> bool:
    """Whether a value is the output of a layer: its weights may take it anywhere."""
    for _ in range(_DEEPEST):
        index = scene.below_views(index)
        if scene.value(index).origin == origins.NETWORK_OUTPUT:
            return True
        called, term = scene.calls.get(index), scene.terms[index]
        operands = tuple(called.bound.get(name, -1) for name in ("input", "other")) if called else term.args
        if min(operands, default=-1) < 0:
            return False
        if (called is not None and called.entry.transfer == "matmul") or (term.op, term.name) == ("bin", "@"):
            return any(_is_learned(scene, each) for each in operands)
        if (called is None or called.name not in _SUMS) and (term.op, term.name) != ("bin", "+"):
            return False
        index = operands[0]
    return False


def _is_learned(scene: Scene, index: int) -> bool:
    """Whether a term is a variable that the optimizer may take anywhere."""
    called = scene.calls.get(scene.below_views(index))
    return called is not None and called.entry.transfer in _LEARNED


def _candidate(scene: Scene, called: Called, operand: int) -> RawCandidate:
    return RawCandidate(
        called.index, UNGUARDED_LOG, origins.NETWORK_OUTPUT, operand,
        "certain", scene.value(operand).grad.value,
        open=["role"], trace=[(operand, "free-output")],
    )  # fmt: skip
