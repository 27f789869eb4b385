"""Softmaxes over a dimension that is guessed, or that is the batch."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.structure.scene import Found, Scene, called
from trainlint.knowledge.layers import layer_kind
from trainlint.knowledge.structure import is_norm, structure_facts

_FLAT = frozenset({"torch.flatten", "torch.nn.Flatten", "paddle.flatten", "paddle.nn.Flatten"})
_KEEPING = frozenset(
    "relu leaky_relu elu gelu selu tanh sigmoid dropout float double half contiguous clone Dropout ReLU "
    "Identity LeakyReLU Tanh Sigmoid GELU ELU SELU SiLU silu".split()
)
_MOST_STEPS = 24


def detect(scene: Scene) -> Iterator[Found]:
    """The softmaxes of a unit that name no dimension, or the batch."""
    known = structure_facts()
    for event, call, name in scene.calls():
        if name not in known.softmax_dim and name not in known.implicit_softmax:
            continue
        position = known.softmax_dim.get(name, known.implicit_softmax.get(name, 1))
        given = scene.argument(call, "dim", position)
        given = scene.argument(call, "axis") if given < 0 else given
        if scene.is_starred(call):
            continue
        if given < 0 and name in known.implicit_softmax:
            yield Found(
                "implicit-softmax-dim",
                call,
                "layer" if position == 0 else "function",
                facts={"function": name.rpartition(".")[2], "parameter": "dim"},
                event=event,
            )
        elif given >= 0 and scene.number(given) == 0:
            yield from _over_batch(scene, call, name, position)


def _over_batch(scene: Scene, call: int, name: str, position: int) -> Iterator[Found]:
    batched = _batched_in_chain(scene, call) if position == 0 else _batched_in_forward(scene, call)
    if batched < 0:
        return
    found = Found("softmax-over-batch", call, "layer" if position == 0 else "function")
    found.trace = [(batched, "the first dimension is the batch from here on")]
    keyword = "axis" if scene.argument(call, "axis") >= 0 else "dim"
    found.facts = {"function": name.rpartition(".")[2], "parameter": keyword}
    yield found


def _batched_in_forward(scene: Scene, call: int) -> int:
    """The operation that makes a value (batch, features) whose softmax the unit returns; -1 for none."""
    returns = [back.term for back in scene.facts.returns if back.nested < 0]
    if scene.method not in ("forward", "__call__", "call") or returns != [call]:
        return -1
    index = scene.positional(call)[0] if scene.positional(call) else -1
    wide = False
    for _ in range(_MOST_STEPS):
        if index < 0:
            return -1
        term = scene.terms[index]
        if term.op == "attr" or term.op != "call":
            return -1
        callee = scene.terms[term.args[0]]
        name = scene.name(term.args[0])
        if _is_flat(scene, index):
            return index if wide else -1
        attribute = scene.attribute(term.args[0])
        if attribute:
            made = scene.made_in_init(attribute)
            layer = called(made[0], made[1], scene.knowledge) if made is not None else ""
            if not _keeps_rows(layer):
                return index if wide and layer in _FLAT else -1
            if layer_kind(layer) == "fully connected" and not wide:
                if not _has_outputs(made):
                    return -1
                wide = True
        elif name.rpartition(".")[2] not in _KEEPING and callee.name not in _KEEPING:
            return -1
        elif callee.op == "attr":
            index = callee.args[0]
            continue
        index = term.args[1] if len(term.args) > 1 else -1
    return -1


def _has_outputs(made: object) -> bool:
    """Whether a fully connected layer has more than one output; yes where that is not a number."""
    if not isinstance(made, tuple):
        return False
    facts, call = made
    term = facts.terms[call]
    outputs = facts.terms[term.args[2]] if len(term.args) > 2 and term.keys[1] == "" else None
    return outputs is None or outputs.value != 1


def _keeps_rows(layer: str) -> bool:
    """Whether a layer gives a row for each row."""
    return layer_kind(layer) == "fully connected" or layer.rpartition(".")[2] in _KEEPING or is_norm(layer)


def _is_flat(scene: Scene, index: int) -> bool:
    """Whether a call makes rows of features of a batch: `x.view(n, -1)`, `x.flatten(1)`."""
    term = scene.terms[index]
    callee = scene.terms[term.args[0]]
    name = scene.name(term.args[0])
    arguments = [scene.terms[each] for each in term.args[1:]]
    if name in ("torch.flatten", "paddle.flatten"):
        return len(arguments) > 1 and arguments[1].value == 1
    if callee.op != "attr":
        return False
    if callee.name == "flatten":
        return bool(arguments) and arguments[0].value == 1
    if callee.name not in ("view", "reshape"):
        return False
    if len(arguments) == 1 and arguments[0].op == "tuple":
        arguments = [scene.terms[each] for each in arguments[0].args]
    return (
        len(arguments) == 2
        and arguments[0].value != 1
        and arguments[0].op in ("call", "item", "unpack", "attr")
    )


def _batched_in_chain(scene: Scene, call: int) -> int:
    """The layer of an `nn.Sequential` that makes rows of features, where the softmax is its last; -1 for
    none."""
    known = structure_facts()
    for _, other, name in scene.calls():
        if name not in known.sequentials:
            continue
        parts = scene.positional(other)
        if not parts or parts[-1] != call:
            continue
        names = [scene.callee(each) for each in parts[:-1]]
        flat = [each for each, layer in zip(parts, names, strict=False) if layer in _FLAT]
        ends = bool(names) and layer_kind(names[-1]) == "fully connected"
        if flat and ends and all(_keeps_rows(layer) for layer in names[parts.index(flat[-1]) + 1 :]):
            return flat[-1]
    return -1
