"""Batch norms: a momentum in another framework's sense, a bias that they cancel."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.facts import UnitFacts
from trainlint.analysis.structure.scene import Found, Scene, called
from trainlint.knowledge.layers import layer_kind
from trainlint.knowledge.structure import structure_facts

_LINEAR = frozenset({"convolutional", "fully connected"})


def momenta(scene: Scene) -> Iterator[Found]:
    """The batch norms of a unit whose momentum is known."""
    known = structure_facts().batch_norms
    for event, call, name in scene.calls():
        fact = known.get(name)
        if fact is None:
            continue
        weighs = fact.kept
        value = scene.number(scene.argument(call, "momentum", fact.position))
        if value is None and fact.kept == "new" and len(scene.positional(call)) == fact.position:
            # The last one by position is the eps.
            value, weighs = scene.number(scene.positional(call)[-1]), "eps"
        if value is None or not 0 < value < 1:
            continue
        found = Found("batchnorm-momentum-convention", call, weighs, event=event)
        found.facts = {
            "layer": name.rpartition(".")[2],
            "momentum": value,
            "kept": weighs,
            "instead": _short(1 - value),
            "framework": {"torch": "PyTorch", "paddle": "Paddle", "keras": "Keras", "flax": "Flax"}[
                name.partition(".")[0]
            ],
        }
        yield found


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def cancelled_biases(scene: Scene) -> Iterator[Found]:
    """`self.bn(self.conv(x))` where the layer has a bias that the norm takes out again."""
    for number, event in enumerate(scene.facts.events):
        if event.kind != "call":
            continue
        term = scene.terms[event.term]
        inner = scene.terms[term.args[1]] if len(term.args) == 2 else None
        norm = scene.attribute(term.args[0])
        layer = scene.attribute(inner.args[0]) if inner is not None and inner.op == "call" else ""
        made_norm = scene.made_in_init(norm) if norm and layer else None
        made_layer = scene.made_in_init(layer) if made_norm is not None else None
        if made_norm is None or made_layer is None:
            continue
        if is_plain_norm(*made_norm, scene) and has_bias(*made_layer, scene):
            yield _fault(scene, number, made_layer, scene.terms[term.args[0]].name, layer)


def _fault(scene: Scene, event: int, made: tuple[UnitFacts, int], norm: str, layer: str) -> Found:
    found = Found("bias-before-batchnorm", scene.facts.events[event].term, "forward", event=event)
    found.facts = {"layer": called(*made, scene.knowledge).rpartition(".")[2], "norm": norm}
    place = scene.place_of(made[0].path, made[0].qualname, made[1])
    if made[0].path == scene.path and place is not None:
        found.elsewhere = [(place, f"`{layer}` has a bias by default")]
    return found


def is_plain_norm(facts: UnitFacts, call: int, scene: Scene) -> bool:
    """Whether a call makes a batch norm that shifts by itself: with affine parameters."""
    name = called(facts, call, scene.knowledge)
    term = facts.terms[call]
    if name not in structure_facts().batch_norms or "**" in term.keys or "*" in term.keys:
        return False
    return not {"affine", "center", "use_bias", "bias_attr"}.intersection(term.keys)


def has_bias(facts: UnitFacts, call: int, scene: Scene) -> bool:
    """Whether a call makes a linear or convolutional layer with its bias: left at the default, or True."""
    name = called(facts, call, scene.knowledge)
    term = facts.terms[call]
    if layer_kind(name) not in _LINEAR or name.rpartition(".")[2][:1].islower():
        return False
    if not {"*", "**", "activation", "act"}.isdisjoint(term.keys):
        return False
    if name.startswith("torch.nn."):
        positional = sum(not key for key in term.keys)
        if positional > (2 if name.endswith("Linear") else 7):
            return False
    given = [
        facts.terms[each]
        for key, each in zip(term.keys, term.args[1:], strict=True)
        if key in ("bias", "use_bias", "bias_attr")
    ]
    return all(each.op == "const" and each.value is True for each in given)
