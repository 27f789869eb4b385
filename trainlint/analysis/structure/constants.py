"""Weights that all begin equal, and factors of compound scaling."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.facts import Event
from trainlint.analysis.structure.scene import Found, Scene
from trainlint.knowledge.layers import layer_kind
from trainlint.knowledge.roles import words_of

_INIT = {
    "torch.nn.init.zeros_": 0.0,
    "torch.nn.init.zero_": 0.0,
    "torch.nn.init.constant_": None,
    "torch.nn.init.constant": None,
}
_METHODS = {"zero_": 0.0, "fill_": None}
_OVER_ALL = frozenset({"modules", "named_modules", "children"})
_FACTORS = ("alpha", "beta", "gamma")
_HIDDEN = frozenset({"convolutional", "fully connected"})
_FILLING = frozenset({"pretrained", "copy", "load"})
"""Words in the name of a method that gives a network weights afterwards: `copy_params_from_vgg16`."""


def weights(scene: Scene) -> Iterator[Found]:
    """The weights of all linear or convolutional layers of a network, set to one number."""
    if _are_filled_later(scene):
        return
    for number, event in enumerate(scene.facts.events):
        if event.kind != "call":
            continue
        value, target = _constant(scene, event.term)
        if value is None or target < 0:
            continue
        module = _module(scene, target)
        if module < 0:
            continue
        kind = _tested(scene, event, module)
        if kind and _is_every(scene, event, module):
            found = Found("zero-initialized-weights", event.term, "loop", event=number)
            found.facts = {"layer": kind, "value": value}
            yield found


def _are_filled_later(scene: Scene) -> bool:
    """Whether the class has a method that replaces the weights it begins with."""
    outline = scene.index.by_path(scene.path) if scene.owner else None
    methods = (
        unit.qualname.removeprefix(f"{scene.owner}.")
        for unit in (outline.units if outline is not None else ())
        if unit.qualname.startswith(f"{scene.owner}.")
    )
    return any(not _FILLING.isdisjoint(words_of(method)) for method in methods)


def _constant(scene: Scene, call: int) -> tuple[float | None, int]:
    """The number that a call sets a tensor to, and the tensor's term."""
    term = scene.terms[call]
    name = scene.callee(call)
    if name in _INIT and len(term.args) > 1:
        value = _INIT[name]
        return (scene.number(scene.argument(call, "val", 1)) if value is None else value), term.args[1]
    callee = scene.terms[term.args[0]]
    if callee.op == "attr" and callee.name in _METHODS:
        value = _METHODS[callee.name]
        if value is None:
            value = scene.number(term.args[1]) if len(term.args) == 2 else None
        return value, callee.args[0]
    return None, -1


def _module(scene: Scene, target: int) -> int:
    """The module whose `weight` a tensor is, -1 for another."""
    term = scene.terms[target]
    if term.op == "attr" and term.name == "data":
        term = scene.terms[term.args[0]]
    return term.args[0] if term.op == "attr" and term.name == "weight" else -1


def _tested(scene: Scene, event: Event, module: int) -> str:
    """The hidden layer that the module is known to be by `isinstance` where this runs, and nothing else is
    asked; "" else."""
    kinds = []
    for condition in event.conditions:
        term = scene.terms[condition.term]
        name = scene.name(term.args[0]) if term.op == "call" else ""
        tests = name == "builtins.isinstance" and len(term.args) == 3 and term.args[1] == module
        if not tests:
            return ""
        if condition.holds:
            kinds.append(term.args[2])
    if len(kinds) != 1:
        return ""
    classes = scene.terms[kinds[0]]
    names = [scene.name(each) for each in (classes.args if classes.op in ("tuple", "list") else kinds)]
    hidden = [each for each in names if layer_kind(each) in _HIDDEN]
    return hidden[0].rpartition(".")[2] if hidden else ""


def _is_every(scene: Scene, event: Event, module: int) -> bool:
    """Whether the module is each of a network's in turn: in a loop over them, or handed in by `apply`."""
    term = scene.terms[module]
    while term.op in ("unpack", "elem"):
        term = scene.terms[term.args[0]]
    if term.op == "call":
        callee = scene.terms[term.args[0]]
        return callee.op == "attr" and callee.name in _OVER_ALL and event.loop >= 0
    return term.op == "param" and _is_applied(scene)


def _is_applied(scene: Scene) -> bool:
    """Whether this function is given to a network's `apply` in its own file."""
    outline = scene.index.by_path(scene.path)
    return any(
        any(call.endswith(".apply") for call in unit.calls)
        and (scene.method in unit.references or scene.method in unit.handed)
        for unit in (outline.units if outline is not None else ())
    )


def scaling(scene: Scene) -> Iterator[Found]:
    """Factors of depth, width and resolution with a common exponent: α·β²·γ² is to be about 2."""
    powers: dict[int, dict[str, tuple[int, float]]] = {}
    for index, term in enumerate(scene.terms):
        if term.op != "bin" or term.name != "**":
            continue
        base, exponent = term.args
        defaulted = scene.facts.defaults.get(scene.terms[base].name, -1)
        value = scene.number(defaulted if scene.terms[base].op == "param" else base)
        name = scene.text(index).partition("**")[0].strip().lower()
        if value is not None and name in _FACTORS and scene.terms[exponent].op != "const":
            powers.setdefault(exponent, {})[name] = (index, value)
    for found in powers.values():
        if len(found) == 3:
            alpha, beta, gamma = (found[name][1] for name in ("alpha", "beta", "gamma"))
            product = alpha * beta**2 * gamma**2
            fault = Found("compound-scaling-mismatch", found["alpha"][0], "product")
            fault.facts = {"product": float(f"{product:.3g}"), "alpha": alpha, "beta": beta, "gamma": gamma}
            fault.trace = [(found[name][0], f"{name} is {found[name][1]:g}") for name in ("beta", "gamma")]
            yield fault
