"""Which network an optimizer trains, and whether it is a deep one: what its layers compute."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from trainlint.analysis.evaluation.values import Resolved
from trainlint.analysis.facts import Event, Unit
from trainlint.findings import Span
from trainlint.knowledge.layers import layer_kind, model_kind
from trainlint.knowledge.structure import structure_facts
from trainlint.recipe.code.leaves import absent, derived, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.reach import Place
from trainlint.recipe.model import State, Value

_RECURRENT, _ATTENTION, _CONVOLUTIONAL, _EMBEDDING, _DENSE = (
    "recurrent", "attention", "convolutional", "embedding", "fully connected",
)  # fmt: skip
_PASSED_ON = frozenset(
    {"builtins.filter", "builtins.list", "builtins.iter", "builtins.tuple", "itertools.chain"}
)
PARAMETERS = frozenset({"parameters", "trainable_variables", "trainable_weights"})
"""Methods and attributes that give all parameters of a model."""

_DEEP = 3
"""Fully connected layers from which a network counts as deep."""
_HUB = "transformers."
_MAX_STEPS = 24
_MAX_UNITS = 400


@dataclasses.dataclass
class Layers:
    """The layers found so far: where each kind stands first, and how many are fully connected.

    `whole` is False where a part of the network was not read. `norms` are the batch norms that are made for
    certain, with their places.
    """

    first: dict[str, Span | None] = dataclasses.field(default_factory=dict)
    norms: dict[str, Span | None] = dataclasses.field(default_factory=dict)
    dense: int = 0
    whole: bool = True

    def add(self, kind: str, span: Span | None, count: int = 1) -> None:
        """One more layer, or several."""
        self.first.setdefault(kind, span)
        self.dense += count if kind == _DENSE else 0

    def verdict(self, at: Span | None) -> Value:
        """`optimizer.network` of a network with these layers."""
        for kind in (_RECURRENT, _ATTENTION, _CONVOLUTIONAL):
            if kind in self.first:
                return derived(kind, self.first[kind])
        if not self.whole:
            return unknown_value("a part of the network was not read", at)
        if self.dense >= _DEEP and _EMBEDDING not in self.first:
            return derived(_DENSE, self.first[_DENSE])
        return absent(at)


class Networks:
    """The networks behind the optimizers of a program."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen

    def network(self, call: Call) -> Value:
        """`optimizer.network` of one optimizer: off for a shallow network, unknown where it was not found."""
        verdicts = [self.of(models, call.span) for models in self._alternatives(call)]
        if not verdicts:
            return unknown_value("what the optimizer trains was not found", call.span)
        uncertain = (verdict for verdict in verdicts if not verdict.known)
        first = next(uncertain, verdicts[0])
        if first.state is State.OFF and len(verdicts) > 1:
            return unknown_value("it may be one of several networks", call.span)
        return first

    def trained(self, call: Call) -> Iterator[Resolved]:
        """The models whose parameters an optimizer is given; what cannot be followed comes as it is."""
        params = self.seen.argument(call, "params")
        if params is not None:
            yield from self._holders(params)

    def of(self, models: Iterable[Resolved | Place], at: Span | None = None) -> Value:
        """`optimizer.network` for models that are trained together, or for the units that build them."""
        return self._layers(models).verdict(at)

    def norms(self, call: Call) -> dict[str, Span | None]:
        """The batch norms of the network that an optimizer trains, by name; none where it may be one of
        several networks."""
        models = self._alternatives(call)
        return self._layers(models[0]).norms if len(models) == 1 else {}

    def _layers(self, models: Iterable[Resolved | Place]) -> Layers:
        layers = Layers()
        units = []
        for model in models:
            if isinstance(model, tuple):
                units.append(model)
            else:
                self._of_model(model, layers)
        self._of_units(units, layers)
        return layers

    def _alternatives(self, call: Call) -> list[list[Resolved | Place]]:
        """What the optimizer may hold, each time the models or the unit that builds one."""
        params = self.seen.argument(call, "params")
        chosen = parameters_of(self.seen, call) if params is not None and params.kind == "unknown" else None
        if chosen is not None and chosen.kind == "choice":
            return [list(self._holders(leaf)) for leaf in chosen.default().alternatives()]
        models = list(self._models(call))
        return [models] if models else []

    def _models(self, call: Call) -> Iterator[Resolved | Place]:
        """What the optimizer holds: models, or the unit that builds one."""
        params = self.seen.argument(call, "params")
        if params is not None:
            yield from self._holders(params)
            return
        compiled = [each for each in self.seen.methods("compile") if self._takes(each, call)]
        for each in compiled:
            receiver = self.seen.evaluator.receiver(each.frame.facts, each.event)
            for leaf in receiver.default().alternatives():
                if leaf.kind == "object" and leaf.site is not None:
                    yield (leaf.site.path, leaf.site.qualname)
                else:
                    yield leaf
        if not compiled and (call.entry is None or "params" not in call.entry.fields or self._is_graph(call)):
            yield from self.seen.program.reach.places

    def _is_graph(self, call: Call) -> bool:
        """Whether the optimizer is given no parameters because it updates all of a graph."""
        return call.entry is not None and call.entry.framework == "fluid"

    def _takes(self, compile_call: Call, call: Call) -> bool:
        if compile_call.term == call.term and compile_call.place == call.place:
            return True
        arguments = compile_call.frame.term(compile_call.term).args[1:]
        values = (self.seen.evaluator.value(compile_call.frame, each) for each in arguments)
        return any(leaf.site == call.site for value in values for leaf in value.alternatives() if leaf.site)

    def _holders(self, params: Resolved) -> Iterator[Resolved]:
        """The models whose parameters are passed; what cannot be followed comes as it is."""
        waiting = list(params.default().alternatives())
        for _ in range(_MAX_STEPS):
            if not waiting:
                return
            value = waiting.pop(0)
            inner = self._inside(value)
            if inner is None:
                yield value
            else:
                waiting += [leaf for each in inner for leaf in each.default().alternatives()]

    def _inside(self, value: Resolved) -> list[Resolved] | None:
        if value.kind == "sequence":
            return list(value.items)
        if value.kind == "mapping" and "params" in value.entries:
            return [value.entries["params"]]
        if value.kind == "part" and value.items:
            return [value.items[-1]] if value.name == "comprehension" else [value.items[0]]
        if value.kind != "object":
            return None
        if value.items:
            return [value.items[0]]
        entry = self.seen.evaluator.entry(value.name)
        arguments = self.seen.evaluator.binder.arguments(value)
        if entry is not None and entry.kind == "model-wrapper":
            wrapped = arguments.get(entry.fields.get("model", ""))
            return None if wrapped is None else [wrapped]
        if value.name in _PASSED_ON and value.frame is not None:
            terms = value.frame.term(value.term).args[1:]
            return [self.seen.evaluator.value(value.frame, term) for term in terms[-1:]]
        return None

    def _of_model(self, model: Resolved, layers: Layers) -> None:
        if model.kind in ("instance", "class"):
            path, _, qualname = model.name.partition("::")
            self._of_units([(path, qualname)], layers)
        elif model.kind == "object":
            self._of_object(model, layers)
        else:
            layers.whole = False

    def _of_object(self, model: Resolved, layers: Layers) -> None:
        entry = self.seen.evaluator.entry(model.name)
        span = model.frame.span(model.term) if model.frame is not None else None
        kind = layer_kind(model.name)
        owner, _, method = model.name.rpartition(".")
        if model.name in structure_facts().batch_norms:
            layers.norms.setdefault(model.name, span)
        if kind:
            layers.add(kind, span)
        elif method == "from_pretrained" and owner.startswith(_HUB):
            layers.add(model_kind(owner) or _ATTENTION, span)
        elif entry is not None and entry.kind == "model-factory":
            name = entry.fields.get("name")
            given = self.seen.evaluator.binder.arguments(model).get(name) if name else None
            text = str(given.default().value) if given is not None else model.name
            layers.add(model_kind(text) or _CONVOLUTIONAL, span)
        elif entry is not None and entry.kind == "container" and model.frame is not None:
            for argument in model.frame.term(model.term).args[1:]:
                self._of_value(self.seen.evaluator.value(model.frame, argument), layers)
        elif entry is None or entry.kind != "layer":
            layers.whole = False

    def _of_value(self, value: Resolved, layers: Layers) -> None:
        """A part of a container: a layer, or several in a list."""
        for leaf in value.default().alternatives():
            if leaf.kind in ("sequence", "mapping"):
                for each in (*leaf.items, *leaf.entries.values()):
                    self._of_value(each, layers)
            elif leaf.kind in ("object", "instance"):
                self._of_model(leaf, layers)
            elif leaf.kind != "const":
                layers.whole = False

    def _of_units(self, places: Iterable[Place], layers: Layers) -> None:
        """The layers that functions and classes make, themselves and through project code that they call."""
        waiting = deque(places)
        visited: set[Place] = set()
        while waiting:
            place = waiting.popleft()
            unit = self.seen.program.index.unit(*place)
            if unit is None or place in visited:
                continue
            if len(visited) >= _MAX_UNITS:
                layers.whole = False
                return
            visited.add(place)
            if unit.kind == "class":
                waiting += self._methods(place, layers)
            else:
                waiting += self._called(place, unit, layers)

    def _methods(self, place: Place, layers: Layers) -> Sequence[Place]:
        """The methods of a class; a published model that it is derived from counts as its layer."""
        for base in self.seen.program.foreign_bases(*place):
            entry = self.seen.evaluator.entry(base)
            if entry is not None and entry.kind == "model-factory":
                layers.add(model_kind(base) or _CONVOLUTIONAL, None)
        return self.seen.program.methods(*place)

    def _called(self, place: Place, unit: Unit, layers: Layers) -> Iterator[Place]:
        """The project's functions and classes that a unit calls; what else it calls counts if it is a
        layer."""
        for name in unit.calls:
            target = self.seen.program.index.resolve(*place, name)
            if target.kind in ("class", "function"):
                yield (target.path, target.qualname)
            elif target.kind == "external":
                self._of_name(target.absolute, place, layers)

    def _of_name(self, absolute: str, place: Place, layers: Layers) -> None:
        name = self.seen.evaluator.knowledge.canonical(absolute)
        kind = layer_kind(name)
        if name in structure_facts().batch_norms and name not in layers.norms:
            made = [event for event in self._made(name, place) if not event.conditions]
            frame = self.seen.evaluator.root(*place)
            if made and frame is not None:
                layers.norms[name] = frame.span(made[0].term)
        if not kind:
            entry = self.seen.evaluator.entry(name)
            if entry is not None and entry.kind == "model-factory":
                layers.add(model_kind(name) or _CONVOLUTIONAL, None)
            return
        if kind not in layers.first or kind == _DENSE:
            span, count = self._written(name, place)
            layers.add(kind, span, count)

    def _written(self, name: str, place: Place) -> tuple[Span | None, int]:
        """Where a unit first calls a function of that name, and how often; one in a loop counts as two."""
        frame = self.seen.evaluator.root(*place)
        made = self._made(name, place)
        if not made or frame is None:
            return None, 1
        return frame.span(made[0].term), sum(2 if event.loop >= 0 else 1 for event in made)

    def _made(self, name: str, place: Place) -> list[Event]:
        """The calls of a library's class of that name in a unit."""
        frame = self.seen.evaluator.root(*place)
        knowledge = self.seen.evaluator.knowledge
        return [
            event
            for event in (frame.facts.events if frame is not None else ())
            if frame is not None
            and event.kind == "call"
            and (callee := frame.term(frame.term(event.term).args[0])).op == "global"
            and knowledge.canonical(callee.name) == name
        ]


def parameters_of(seen: Observations, optimizer: Call) -> Resolved | None:
    """The object in `object.parameters()`, as an optimizer's argument is written, whatever it may be."""
    parameter = optimizer.entry.fields.get("params", "") if optimizer.entry is not None else ""
    place = seen.evaluator.binder.arguments(seen.object(optimizer)).terms.get(parameter)
    if place is None:
        return None
    frame, term = place
    record = frame.term(term)
    callee = frame.term(record.args[0]) if record.op == "call" and len(record.args) == 1 else None
    if callee is None or callee.op != "attr" or callee.name not in PARAMETERS:
        return None
    return seen.evaluator.value(frame, callee.args[0])
