"""Chains of layers: what stands between two of them, and what stands twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import pairwise

from trainlint.analysis.structure.norms import has_bias, is_plain_norm
from trainlint.analysis.structure.scene import Found, Scene
from trainlint.knowledge.structure import activation_kind, structure_facts

_ZEROS = frozenset({"zeros", "Zeros", "zero"})
_MOST_LAYERS = 400
_PACKAGES = ("torch.nn.", "paddle.nn.", "keras.layers.", "keras.activations.", "torch.", "tensorflow.nn.")


@dataclasses.dataclass(slots=True)
class Layer:
    """A layer of a chain: the call that makes it, its name without package, what it applies last (of
    `activation_kind`, "" for nothing or what is not known), and whether it has weights."""

    call: int
    event: int
    name: str
    activation: str
    weighted: bool
    own: bool
    """Whether it is nothing but the activation."""


def detect(scene: Scene) -> Iterator[Found]:
    """The faults of every chain that a unit writes down."""
    for layers in _chains(scene):
        yield from _repeated(layers)
        yield from _hidden_softmax(layers)
        yield from _saturating(layers)
        yield from _biased(scene, layers)
        yield from _zeros(scene, layers)


def _chains(scene: Scene) -> Iterator[list[Layer | None]]:
    """The chains, each a list of its layers; None stands for what is not known."""
    known = structure_facts().sequentials
    for event, call, name in scene.calls():
        if name not in known:
            continue
        parts = scene.positional(call)
        if len(parts) == 1 and scene.terms[parts[0]].op == "list":
            parts = list(scene.terms[parts[0]].args)
        placed = [*_with_events(scene, parts, event), *_added(scene, call)]
        if 1 < len(placed) <= _MOST_LAYERS:
            yield [_layer(scene, *each) for each in placed]


def _with_events(scene: Scene, parts: list[int], event: int) -> list[tuple[int, int]]:
    """Each part with the call that makes it: equal layers share a term, and come one after the other."""
    placed = []
    for part in reversed(parts):
        made = scene.event_before(part, event)
        placed.append((part, made))
        event = made if made >= 0 else event
    return placed[::-1]


def _added(scene: Scene, call: int) -> list[tuple[int, int]]:
    """What is added to a chain afterwards, in order: `model.add(layer)`; nothing where a branch or a loop
    decides."""
    added = []
    for number, event in enumerate(scene.facts.events):
        if event.kind != "call":
            continue
        term = scene.terms[event.term]
        callee = scene.terms[term.args[0]]
        if callee.op != "attr" or callee.name not in ("add", "pop") or _root(scene, callee.args[0]) != call:
            continue
        if callee.name == "pop" or event.loop >= 0 or event.conditions or len(term.args) != 2:
            return []
        added.append((term.args[1], scene.event_before(term.args[1], number)))
    return added


def _root(scene: Scene, index: int) -> int:
    for _ in range(_MOST_LAYERS):
        term = scene.terms[index]
        if term.op != "update":
            break
        index = term.args[0]
    return index


def _layer(scene: Scene, index: int, event: int) -> Layer | None:
    name = scene.callee(index)
    if not name or "::" in name:
        return None
    simple = name.rpartition(".")[2]
    if not name.startswith(_PACKAGES):
        return None
    own = activation_kind(name)
    if own and simple[:1].isupper():
        return Layer(index, event, simple, own, weighted=False, own=True)
    given = scene.argument(index, "activation", 0 if simple == "Activation" else -1)
    activation = _named(scene, given) if given >= 0 else ""
    weighted = simple in structure_facts().weighted
    return Layer(index, event, simple, activation, weighted, own=simple == "Activation")


def _named(scene: Scene, index: int) -> str:
    value = scene.terms[index].value
    if isinstance(value, str):
        return activation_kind(value.lower())
    return activation_kind(scene.name(index)) if scene.name(index) else ""


def _repeated(layers: list[Layer | None]) -> Iterator[Found]:
    for first, second in pairwise(layers):
        if first is None or second is None or not second.own or not first.activation:
            continue
        if first.activation == second.activation:
            found = Found("repeated-activation", second.call, first.activation, event=second.event)
            found.facts = {"activation": first.activation, "effect": _effect(first.activation)}
            found.trace = [(first.call, f"{first.activation} is applied here already")]
            yield found


def _effect(activation: str) -> str:
    """Whether the second application changes nothing, or squeezes what the first gave."""
    return "nothing" if activation in ("relu", "relu6", "log_softmax") else "squeezed"


def _hidden_softmax(layers: list[Layer | None]) -> Iterator[Found]:
    for position, layer in enumerate(layers):
        if layer is None or layer.activation != "softmax":
            continue
        later = next((each for each in layers[position + 1 :] if each is not None and each.weighted), None)
        if later is not None:
            found = Found("softmax-in-hidden-layer", layer.call, "softmax", event=layer.event)
            found.facts = {"layer": layer.name, "later": later.name}
            found.trace = [(later.call, "a layer with weights follows")]
            yield found


def _saturating(layers: list[Layer | None]) -> Iterator[Found]:
    """Sigmoids between layers with weights, told at the first one."""
    if any(layer is not None and layer.name.startswith(("BatchNorm", "LayerNorm")) for layer in layers):
        return
    last = max((n for n, layer in enumerate(layers) if layer is not None and layer.weighted), default=-1)
    hidden = [
        layer
        for position, layer in enumerate(layers)
        if layer is not None
        and layer.activation == "sigmoid"
        and position < last
        and _has_weights(layers, position)
    ]
    if len(hidden) > 1:
        found = Found("saturating-hidden-layers", hidden[0].call, "sigmoid", event=hidden[0].event)
        found.facts = {"activation": "sigmoid", "layers": len(hidden)}
        found.trace = [(each.call, "and here") for each in hidden[1:]]
        yield found


def _has_weights(layers: list[Layer | None], position: int) -> bool:
    """Whether the activation at a position is that of a layer with weights: its own, or of the one before."""
    layer = layers[position]
    if layer is not None and layer.weighted:
        return layer.name not in ("LSTM", "GRU", "SimpleRNN")
    before = layers[position - 1] if position else None
    return before is not None and before.weighted


def _biased(scene: Scene, layers: list[Layer | None]) -> Iterator[Found]:
    for first, second in pairwise(layers):
        if first is None or second is None or first.activation:
            continue
        if has_bias(scene.facts, first.call, scene) and is_plain_norm(scene.facts, second.call, scene):
            found = Found("bias-before-batchnorm", first.call, "chain", event=first.event)
            found.facts = {"layer": first.name, "norm": second.name}
            found.trace = [(second.call, "its shift takes the bias out again")]
            yield found


def _zeros(scene: Scene, layers: list[Layer | None]) -> Iterator[Found]:
    """Layers of Keras whose weights begin at zero, with another layer with weights behind."""
    for position, layer in enumerate(layers):
        given = (
            scene.argument(layer.call, "kernel_initializer") if layer is not None and layer.weighted else -1
        )
        if layer is None or given < 0:
            continue
        value = scene.terms[given].value
        zero = value in _ZEROS or scene.callee(given).rpartition(".")[2] in _ZEROS
        if zero and any(each is not None and each.weighted for each in layers[position + 1 :]):
            found = Found("zero-initialized-weights", layer.call, "argument", event=layer.event)
            found.facts = {"layer": layer.name, "value": 0}
            yield found


def nested(scene: Scene) -> Iterator[Found]:
    """An activation of the same activation, and a softmax whose result a layer of the class takes in."""
    for event, call, name in scene.calls():
        kind = activation_kind(name)
        if not kind:
            continue
        given = scene.positional(call)[0] if scene.positional(call) else -1
        inner = scene.callee(given) if given >= 0 else ""
        if inner and activation_kind(inner) == kind and not inner.rpartition(".")[2][:1].isupper():
            found = Found("repeated-activation", call, kind, event=event)
            found.facts = {"activation": kind, "effect": _effect(kind)}
            found.trace = [(given, f"{kind} is applied here already")]
            yield found
