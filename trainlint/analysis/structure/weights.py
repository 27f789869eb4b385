"""Whether what a call makes holds weights: a layer, a parameter, a container or a module of the project."""

from __future__ import annotations

from trainlint.analysis.facts import UnitFacts
from trainlint.analysis.structure.scene import Scene
from trainlint.knowledge.layers import layer_kind
from trainlint.knowledge.structure import is_norm, structure_facts

PARAMETER = "parameter"
MODULE = "module"
_MOST_UNITS = 60


def made_by(scene: Scene, call: int) -> str:
    """module or parameter for a call that makes something with weights; "" where it does not, or that is not
    known."""
    return _made_by(scene, scene.facts, call, 0)


def _made_by(scene: Scene, facts: UnitFacts, call: int, depth: int) -> str:
    term = facts.terms[call]
    callee = facts.terms[term.args[0]] if term.op == "call" else None
    if callee is None or callee.op != "global" or depth > 4:
        return ""
    if "::" in callee.name:
        path, _, qualname = callee.name.partition("::")
        return MODULE if is_network(scene, path, qualname) else ""
    name = scene.knowledge.canonical(callee.name)
    known = structure_facts()
    if name in known.parameters:
        return PARAMETER
    if is_layer(name):
        return MODULE
    if name in known.sequentials and any(
        _made_by(scene, facts, each, depth + 1) == MODULE for each in term.args[1:]
    ):
        return MODULE
    return ""


def is_layer(name: str) -> bool:
    """Whether a canonical name is a layer with weights of PyTorch or Paddle."""
    simple = name.rpartition(".")[2]
    package = name.partition(".")[0] in ("torch", "paddle")
    return package and simple[:1].isupper() and (bool(layer_kind(name)) or is_norm(name))


def is_network(scene: Scene, path: str, qualname: str) -> bool:
    """Whether a class of the project is a module that makes layers with weights, itself or through its
    parts."""
    waiting, seen = [(path, qualname)], set[tuple[str, str]]()
    if scene.framework_of(path, qualname) not in ("torch", "paddle"):
        return False
    while waiting and len(seen) < _MOST_UNITS:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        for target in scene.index.lineage(*place):
            unit = scene.index.unit(target.path, f"{target.qualname}.__init__") if target.path else None
            for call in unit.calls if unit is not None else ():
                meant = scene.index.resolve(target.path, f"{target.qualname}.__init__", call)
                if meant.kind == "external":
                    name = scene.knowledge.canonical(meant.absolute)
                    if is_layer(name) or name in structure_facts().parameters:
                        return True
                elif meant.kind == "class":
                    waiting.append((meant.path, meant.qualname))
    return False
