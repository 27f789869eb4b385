"""Whether the generator gets its seed only after the model's weights have been drawn from it."""

from __future__ import annotations

from trainlint.knowledge.layers import layer_kind
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.leaves import unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.reach import Place
from trainlint.recipe.code.run_order import Moment, RunOrder
from trainlint.recipe.code.seeds.seeding import Seeding
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Link, State, Value

_DRAW_WHEN_BUILT = frozenset({"torch", "paddle"})
"""Frameworks whose layers draw their weights when they are constructed, not at the first batch."""

_NO_NETWORK = frozenset({"loss", "criterion", "metric", "metrics", "dataset", "transform", "ema"})
_MAX_CLASSES = 64
_MAX_CALLS = 3


def late_seed(seen: Observations, training: Training, seeding: Seeding) -> Value | None:
    """`repro.late`: the model that is built before the first seed; None where the seed comes first or there
    is none.

    Unknown where a seed is set in code that the program is not seen to come to, or where something unread
    may seed before.
    """
    own = [call for call, generators in seeding.seeds if seeding.backend in generators]
    if not own or seeding.backend not in _DRAW_WHEN_BUILT:
        return None
    first, built = _in_order(RunOrder(seen, training, {call.place for call in own}), own, Building(seen))
    if first is None:
        return unknown_value("when the seed is set is not known", own[0].span)
    if built is None:
        return None
    reason = seeding.open_world()
    if reason:
        return unknown_value(reason, first.span)
    model = built[0]
    link = () if model.span is None else (Link(model.span, "the model is built here"),)
    return Value(built[1], State.DERIVED, span=first.span, chain=link)


def _in_order(
    order: RunOrder, own: list[Call], building: Building
) -> tuple[Moment | None, tuple[Moment, str] | None]:
    """The first seed the program comes to, and the model it built before; a seed it does not come to may be
    earlier."""
    first: Moment | None = None
    built: tuple[Moment, str] | None = None
    missing = list(own)
    for moment in order.moments():
        if moment.call is None:
            continue
        if any(moment.is_call(call) for call in own):
            first = first or moment
            missing = [call for call in missing if not moment.is_call(call)]
        elif first is None and built is None and not moment.off and moment.frame.facts.path == order.entry:
            name = building.model(moment.call)
            built = (moment, name) if name else None
    if missing and built is not None:
        return None, None
    return first, built


class Building:
    """Which calls build a network with weights of its own."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen

    def model(self, call: Call) -> str:
        """The name of the network a call builds, as written; "" where it builds none."""
        if not call.method and call.name and "::" not in call.name:
            factory = call.entry is not None and call.entry.kind == "model-factory"
            return call.name.rpartition(".")[2] if factory or _is_layer(call.name) else ""
        callee = call.frame.term(call.term).args[0]
        for leaf in self.seen.evaluator.value(call.frame, callee).alternatives():
            path, _, qualname = leaf.name.partition("::")
            if leaf.kind == "class" and self._has_weights((path, qualname)):
                return _simple(qualname)
            if leaf.kind == "function" and leaf.frame is None:
                return self._built_in((path, qualname), 0)
        return ""

    def _built_in(self, place: Place, depth: int) -> str:
        """The network that a function builds, itself or through functions it calls."""
        index = self.seen.program.index
        unit = index.unit(*place)
        if unit is None or unit.kind != "function" or depth > _MAX_CALLS:
            return ""
        for name in unit.calls:
            target = index.resolve(*place, name)
            found = ""
            if target.kind == "external" and _is_layer(self._canonical(target.absolute)):
                found = target.absolute.rpartition(".")[2]
            elif target.kind == "class" and self._has_weights((target.path, target.qualname)):
                found = _simple(target.qualname)
            elif target.kind == "function":
                found = self._built_in((target.path, target.qualname), depth + 1)
            if found:
                return found
        return ""

    def _has_weights(self, place: Place) -> bool:
        if not _NO_NETWORK.isdisjoint(words_of(_simple(place[1]))) or not self._is_module(place):
            return False
        return self._holds_layer(place, set())

    def _is_module(self, place: Place) -> bool:
        bases = self.seen.program.foreign_bases(*place)
        entries = (self.seen.evaluator.entry(base) for base in bases)
        return any(entry is not None and entry.kind == "module-base" for entry in entries)

    def _holds_layer(self, place: Place, visited: set[Place]) -> bool:
        """Whether a method of a class makes a layer with weights, itself or through other classes."""
        if place in visited or len(visited) >= _MAX_CLASSES:
            return False
        visited.add(place)
        index = self.seen.program.index
        for where, owner in self.seen.program.methods(*place):
            unit = index.unit(where, owner)
            for name in unit.calls if unit is not None else ():
                target = index.resolve(where, owner, name)
                if target.kind == "external":
                    if _is_layer(self._canonical(target.absolute)):
                        return True
                elif target.kind == "class" and self._holds_layer((target.path, target.qualname), visited):
                    return True
        return False

    def _canonical(self, name: str) -> str:
        return self.seen.evaluator.knowledge.canonical(name)


def _simple(qualname: str) -> str:
    return qualname.rpartition(".")[2].partition("#")[0]


def _is_layer(name: str) -> bool:
    """Whether a canonical name is a class whose objects hold weights: no function of the same purpose."""
    return name.rpartition(".")[2][:1].isupper() and bool(layer_kind(name))
