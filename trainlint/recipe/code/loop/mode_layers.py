"""Whether a model has layers that behave otherwise in training than in evaluation: dropout, batch norm."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.findings import Span
from trainlint.knowledge.layers import acts_by_mode, model_kind, named_acts_by_mode
from trainlint.recipe.code.loop.objects import Objects
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.reach import Place

_MAX_UNITS = 200
_MODEL_KINDS = frozenset({"model-factory"})


@dataclasses.dataclass(frozen=True, slots=True)
class ModeLayer:
    """A layer that the mode matters to. `certain`: the model is known to hold it."""

    name: str
    span: Span | None
    certain: bool = True


class ModeLayers:
    """Looks for such layers in the models of a program."""

    def __init__(self, seen: Observations, objects: Objects) -> None:
        self.seen = seen
        self.objects = objects
        self._known: dict[object, ModeLayer | None] = {}

    def of(self, model: Resolved) -> ModeLayer | None:
        """The first such layer of a model; None where it has none, or where that is not known. Of a model
        that is picked from several each must have one."""
        key = tuple(self.objects.keys(model))
        if key not in self._known:
            self._known[key] = None
            found = [next(self._layers(leaf), None) for leaf in model.alternatives()]
            if found and all(found):
                self._known[key] = next((layer for layer in found if layer and not layer.certain), found[0])
        return self._known[key]

    def _layers(self, leaf: Resolved) -> Iterator[ModeLayer]:
        value = self.objects.unwrapped(leaf)
        if value.kind == "instance":
            path, _, qualname = value.name.partition("::")
            yield from self._of_class((path, qualname))
        elif value.kind == "object":
            yield from self._of_object(value)

    def _of_object(self, value: Resolved, depth: int = 0) -> Iterator[ModeLayer]:
        """The layers of what a library makes: a published model, or a container with layers in it."""
        span = value.frame.span(value.term) if value.frame is not None else None
        if acts_by_mode(value.name):
            yield ModeLayer(value.name.rpartition(".")[2], span)
            return
        entry = self.seen.evaluator.entry(value.name)
        if entry is not None and entry.kind in _MODEL_KINDS:
            given = self.seen.evaluator.binder.arguments(value).get(entry.fields.get("name", ""))
            text = str(given.default().value) if given is not None else value.name
            layer = named_acts_by_mode(text) if model_kind(text) else ""
            if layer:
                yield ModeLayer(layer, span)
        if entry is not None and entry.kind == "container" and value.frame is not None and depth < 4:
            for argument in value.frame.term(value.term).args[1:]:
                yield from self._of_parts(self.seen.evaluator.value(value.frame, argument), depth + 1)

    def _of_parts(self, value: Resolved, depth: int) -> Iterator[ModeLayer]:
        for leaf in value.alternatives():
            if leaf.kind in ("sequence", "mapping"):
                for each in (*leaf.items, *leaf.entries.values()):
                    yield from self._of_parts(each, depth)
            elif leaf.kind == "object":
                yield from self._of_object(leaf, depth)
            elif leaf.kind == "instance":
                path, _, qualname = leaf.name.partition("::")
                yield from self._of_class((path, qualname))

    def _of_class(self, place: Place) -> Iterator[ModeLayer]:
        """The layers that a class makes, itself or through project classes and functions that it calls."""
        waiting, visited = deque([place]), set[Place]()
        program = self.seen.program
        while waiting and len(visited) < _MAX_UNITS:
            where = waiting.popleft()
            unit = program.index.unit(*where)
            if unit is None or where in visited or self._is_defined_again(where):
                continue
            visited.add(where)
            if unit.kind == "class":
                waiting += program.methods(*where)
                continue
            for name in unit.calls:
                target = program.index.resolve(*where, name)
                if target.kind in ("class", "function"):
                    waiting.append((target.path, target.qualname))
                elif target.kind == "external":
                    canonical = self.seen.evaluator.knowledge.canonical(target.absolute)
                    if acts_by_mode(canonical):
                        yield from self._written(canonical, where)

    def _is_defined_again(self, where: Place) -> bool:
        """Whether a file defines that name more than once: in a notebook either may be meant."""
        name = where[1].partition("#")[0]
        return self.seen.program.index.unit(where[0], f"{name}#2") is not None

    def _written(self, canonical: str, where: Place) -> Iterator[ModeLayer]:
        """The calls of a layer in a unit, those left out by an option or with a rate of zero apart."""
        frame = self.seen.evaluator.root(*where)
        if frame is None:
            return
        for event in self.seen.program.events(frame.facts):
            if event.kind != "call":
                continue
            callee = frame.term(frame.term(event.term).args[0])
            named = callee.op == "global" and "::" not in callee.name
            if not named or self.seen.evaluator.knowledge.canonical(callee.name) != canonical:
                continue
            if self.seen.happens(frame, event.conditions) is not False and not self._is_off(
                frame, event.term
            ):
                yield ModeLayer(canonical.rpartition(".")[2], frame.span(event.term), not event.conditions)

    def _is_off(self, frame: Frame, call: int) -> bool:
        """Whether a dropout is made with the rate 0, or a function of one is told to do nothing."""
        term = frame.term(call)
        for key, argument in zip(term.keys, term.args[1:], strict=True):
            if key in ("", "p", "rate"):
                value = self.seen.evaluator.value(frame, argument).default()
                if value.is_number and value.value == 0:
                    return True
        return False
