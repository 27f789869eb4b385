"""What a value ends with on its way out of a network: the activation that was applied last."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Term
from trainlint.findings import Span
from trainlint.knowledge.activations import activation
from trainlint.recipe.code.model.flax_modules import applied_module, without_state
from trainlint.recipe.code.model.keras_layers import keras_layer, layer_function
from trainlint.recipe.code.observe import Observations

_DEPTH = 24
_MAX_ENDINGS = 16
_MAX_STEPS = 400
_FORWARD = ("forward", "call", "__call__")
_LOGARITHMS = frozenset({"torch.log", "paddle.log", "jax.numpy.log", "tensorflow.log", "tensorflow.math.log"})
_LOGARITHM_OF = {"softmax": "log-softmax", "sigmoid": "log-sigmoid"}
_GRAPH_LAYERS = ("tensorflow.layers.", "tensorflow.compat.v1.layers.", "tensorflow.contrib.layers.")
_INPUTS = frozenset({"input", "inputs", "x", "logits"})


@dataclasses.dataclass(frozen=True, slots=True)
class Ending:
    """What a value ends with: a kind of `knowledge.activations`, "" where that is not known.

    `frame` and `term` are the call: of the function, or the one that makes the layer (`layer`).
    """

    kind: str
    frame: Frame | None = None
    term: int = -1
    layer: bool = False

    @property
    def span(self) -> Span | None:
        """Where the activation is written."""
        return self.frame.span(self.term) if self.frame is not None else None


_UNKNOWN = (Ending(""),)


class Endings:
    """Follows values back to the activation that they come out of."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self.evaluator = seen.evaluator
        self._steps = 0

    def of(self, frame: Frame, index: int, parts: tuple[int, ...] = (), depth: int = 0) -> tuple[Ending, ...]:
        """Every ending that a term may have; `parts` are positions in tuples that are still to be taken."""
        self._steps = self._steps + 1 if depth else 0
        if depth > _DEPTH or self._steps > _MAX_STEPS:
            return _UNKNOWN
        term = frame.term(index)
        if term.op == "if":
            return self._all(self.of(frame, each, parts, depth + 1) for each in term.args[1:])
        if term.op == "unpack" and isinstance(term.value, int):
            return self.of(frame, term.args[0], (term.value, *parts), depth + 1)
        if term.op in ("tuple", "list"):
            known = parts and -len(term.args) <= parts[0] < len(term.args)
            starred = any(frame.term(each).op == "star" for each in term.args)
            return (
                self.of(frame, term.args[parts[0]], parts[1:], depth + 1)
                if known and not starred
                else _UNKNOWN
            )
        if term.op == "item":
            key = frame.term(term.args[1])
            position = key.value if key.op == "const" else None
            if isinstance(position, int) and not isinstance(position, bool):
                return self.of(frame, term.args[0], (position, *parts), depth + 1)
            return _UNKNOWN
        if term.op == "call":
            return self._of_call(frame, index, term, parts, depth)
        if term.op in ("param", "global", "attr"):
            return self.of_value(self.evaluator.value(frame, index), (frame, index), parts, depth + 1)
        return _UNKNOWN

    def of_value(
        self, value: Resolved, seen_at: tuple[Frame, int], parts: tuple[int, ...], depth: int
    ) -> tuple[Ending, ...]:
        """The endings of what a term evaluates to, followed to where it is computed."""
        return self._all(self._of_leaf(leaf, seen_at, parts, depth) for leaf in value.alternatives())

    def _of_leaf(
        self, leaf: Resolved, seen_at: tuple[Frame, int], parts: tuple[int, ...], depth: int
    ) -> tuple[Ending, ...]:
        if leaf.kind == "sequence" and parts and -len(leaf.items) <= parts[0] < len(leaf.items):
            return self.of_value(leaf.items[parts[0]], seen_at, parts[1:], depth + 1)
        if leaf.kind != "object" or leaf.frame is None or leaf.frame.term(leaf.term).op != "call":
            return _UNKNOWN
        if (leaf.frame, leaf.term) == seen_at:
            return _UNKNOWN
        return self.of(leaf.frame, leaf.term, parts, depth + 1)

    def _of_call(
        self, frame: Frame, index: int, term: Term, parts: tuple[int, ...], depth: int
    ) -> tuple[Ending, ...]:
        record = frame.term(term.args[0])
        applied = applied_module(self.seen, frame, record)
        if applied is not None:
            return self._of_instance(applied, without_state(term, parts), depth + 1)
        callee = self.evaluator.value(frame, term.args[0])
        found = []
        for leaf in callee.alternatives():
            if leaf.kind == "external":
                found.append(self._of_function(leaf.name, frame, index, self._first(term), depth))
            elif (leaf.kind in ("object", "instance") and record.op != "attr") or self._is_layer(leaf):
                found.append(self._of_layer(leaf, (frame, term), parts, depth))
            elif leaf.kind == "function":
                value = self.evaluator.value(frame, index)
                found.append(self.of_value(value, (frame, index), parts, depth + 1))
            elif record.op == "attr" and leaf.kind == "unknown":
                found.append(self._of_function(record.name, frame, index, record.args[0], depth))
            else:
                found.append(_UNKNOWN)
        return self._all(found)

    def _is_layer(self, leaf: Resolved) -> bool:
        """Whether an attribute that is called holds a layer or model, and is no method of one."""
        return leaf.kind == "instance" or (
            leaf.kind == "object" and leaf.name.rpartition(".")[2][:1].isupper()
        )

    @staticmethod
    def _first(term: Term) -> int | None:
        """The term of a function's first argument."""
        for key, argument in zip(term.keys, term.args[1:], strict=True):
            if key in _INPUTS or not key:
                return argument
        return None

    def _of_function(
        self, name: str, frame: Frame, index: int, argument: int | None, depth: int
    ) -> tuple[Ending, ...]:
        """The ending of a call of a library's function or of a tensor's method, on an argument."""
        kind = activation(name)
        if name.startswith(_GRAPH_LAYERS):
            kind = layer_function(self.evaluator, frame, index, name)
        if argument is not None and (kind == "same" or name in _LOGARITHMS or name == "log"):
            inner = self.of(frame, argument, (), depth + 1)
            if kind == "same":
                return inner
            return tuple(
                Ending(_LOGARITHM_OF.get(each.kind, ""), each.frame, each.term, each.layer) for each in inner
            )
        return (Ending(kind, frame, index),) if kind and kind != "same" else _UNKNOWN

    def _of_layer(
        self, layer: Resolved, call: tuple[Frame, Term], parts: tuple[int, ...], depth: int
    ) -> tuple[Ending, ...]:
        """The ending of what a layer or model gives, that is called in `call`."""
        if depth > _DEPTH:
            return _UNKNOWN
        if layer.kind == "instance":
            return self._of_instance(layer, parts, depth)
        if layer.kind != "object" or layer.frame is None:
            return _UNKNOWN
        keras = keras_layer(self.evaluator, layer)
        kind = activation(layer.name) if keras is None else keras.kind
        if kind == "same":
            argument = self._first(call[1])
            return _UNKNOWN if argument is None else self.of(call[0], argument, (), depth + 1)
        if kind:
            return (Ending(kind, layer.frame, layer.term, layer=True),)
        if keras is not None:
            return _UNKNOWN
        entry = self.evaluator.entry(layer.name)
        if entry is not None and entry.kind == "model-wrapper":
            inner = self.evaluator.binder.arguments(layer).get(entry.fields.get("model", ""))
            leaves = inner.alternatives() if inner is not None else ()
            return self._all(self._of_layer(leaf, call, parts, depth + 1) for leaf in leaves)
        if entry is not None and entry.kind == "container" and layer.name.endswith(".Sequential"):
            return self._of_chain(self.layers(layer), call, depth)
        return _UNKNOWN

    def layers(self, chain: Resolved) -> list[Resolved]:
        """The layers of an `nn.Sequential` in order; none where they are not all known."""
        assert chain.frame is not None
        found: list[Resolved] = []
        term = chain.frame.term(chain.term)
        for key, argument in zip(term.keys, term.args[1:], strict=True):
            value = self.evaluator.value(chain.frame, argument)
            if key in ("*", "layers") or value.kind == "sequence":
                # Of `*layers` that are not known the last may still be: what follows decides.
                found += value.items if value.kind == "sequence" else (value,)
            else:
                found.append(value)
        return found

    def _of_chain(
        self, layers: Sequence[Resolved], call: tuple[Frame, Term], depth: int
    ) -> tuple[Ending, ...]:
        for layer in reversed(layers):
            if layer.kind == "object" and activation(layer.name) == "same":
                continue
            return self._all(self._of_layer(leaf, call, (), depth + 1) for leaf in layer.alternatives())
        return _UNKNOWN

    def of_model(self, model: Resolved) -> tuple[Ending, ...]:
        """The endings of what the forward pass of a model that is an instance of a project's class gives."""
        self._steps = 0
        return self._of_instance(model, (), 1)

    def _of_instance(self, model: Resolved, parts: tuple[int, ...], depth: int) -> tuple[Ending, ...]:
        """The ending of what the forward pass of a project's class returns."""
        path, _, qualname = model.name.partition("::")
        for name in _FORWARD:
            kind, where, method = self.evaluator.scope.resolve(path, qualname, name)
            if kind != "function":
                continue
            frame = self.evaluator.calls.method_frame(model, where, method)
            returns = [] if frame is None else [back for back in frame.facts.returns if back.nested < 0]
            if frame is None or any(back.yields for back in returns):
                return _UNKNOWN
            return self._all(self.of(frame, back.term, parts, depth + 1) for back in returns)
        return _UNKNOWN

    @staticmethod
    def _all(found: Iterable[tuple[Ending, ...]]) -> tuple[Ending, ...]:
        """All endings of several ways, each once; unknown where there are none or too many."""
        every = tuple(dict.fromkeys(each for endings in found for each in endings))
        return every if every and len(every) <= _MAX_ENDINGS else _UNKNOWN
